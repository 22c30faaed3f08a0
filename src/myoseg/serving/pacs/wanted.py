"""What is to be fetched, as archives of either protocol are asked for it."""

from dataclasses import dataclass

from myoseg.serving.pacs.records import InstanceRecord


@dataclass(frozen=True)
class Wanted:
    """Instances of one series.

    Attributes:
        study_uid: of the study.
        series_uid: of the series.
        instances: those that are still missing.
        is_whole: whether that is the whole series.
    """

    study_uid: str
    series_uid: str
    instances: tuple[InstanceRecord, ...]
    is_whole: bool


@dataclass(frozen=True)
class ReceiveAt:
    """Where an archive is to send what is fetched, by C-MOVE.

    Attributes:
        port: to listen at.
        host: whose connections are taken: 127.0.0.1 those of this machine, 0.0.0.0 all.
    """

    port: int
    host: str = "127.0.0.1"
