"""A study's identifier enters; its instances leave, as files in a folder."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from myoseg.cases.dicom.silence import libraries_silent
from myoseg.errors import InputError, TransferError
from myoseg.serving.pacs.address import PacsAddress
from myoseg.serving.pacs.archive import Archive, open_archive, tried
from myoseg.serving.pacs.connection import ConnectionOptions
from myoseg.serving.pacs.intake import Intake, Limits
from myoseg.serving.pacs.queries import MOST_SERIES, series_of
from myoseg.serving.pacs.records import (
    InstanceRecord,
    SeriesRecord,
    instance_record,
    require_uid,
)
from myoseg.serving.pacs.wanted import ReceiveAt, Wanted

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FetchRequest:
    """What is to be fetched.

    Attributes:
        study_uid: of the study.
        series_uid: of one of its series; all where empty.
        modality: of the series that are fetched; any where empty.
        limits: how much may come.
        receive: where the archive is to send it to, by C-MOVE, in classic DICOM alone; over our own
            connection where None.
    """

    study_uid: str
    series_uid: str = ""
    modality: str = "MR"
    limits: Limits = field(default_factory=Limits)
    receive: ReceiveAt | None = None


@dataclass(frozen=True)
class FetchOutcome:
    """What came.

    Attributes:
        n_fetched: instances that were written.
        n_present: instances that the folder held already.
        n_bytes: of those that were written.
        n_missing: instances that the archive lists and did not give.
        refused: why instances were not taken, once for each.
        n_other_series: series of the study that were not asked for.
    """

    n_fetched: int
    n_present: int
    n_bytes: int
    n_missing: int
    refused: tuple[str, ...]
    n_other_series: int


def fetch(
    address: PacsAddress,
    request: FetchRequest,
    folder: Path,
    how: ConnectionOptions,
    on_file: Callable[[int], None] = lambda n_bytes: None,
    on_list: Callable[[int], None] = lambda n_instances: None,
) -> FetchOutcome:
    """Fetches a study into a folder; instances that it holds already are not fetched again.

    Files are named by a digest of the instance's identifier and appear whole or not at all, so that
    the same call after an interruption goes on where it was.

    Args:
        address: of the archive.
        request: what is fetched.
        folder: to write to.
        how: to speak to the archive.
        on_file: called with the bytes of each file that was written.
        on_list: called with the number of instances, once it is known.

    Raises:
        InputError: the archive holds no such study, or no such series of that modality, or an
            identifier is none.
        TransferError: it cannot be reached, refuses, or there is more than the limits allow.
        OutputError: the folder cannot be written to.
        ConfigurationError: as `echo`.
    """
    require_uid(request.study_uid, "study")
    if request.series_uid:
        require_uid(request.series_uid, "series")
    archive = open_archive(address, how, request.limits, request.receive)
    with libraries_silent():
        series, n_others = _chosen_series(archive, address, request, how)
        listed = _listed(archive, request, series, how)
        on_list(sum(map(len, listed.values())))
        intake = Intake(folder, request.study_uid, request.limits, on_file)
        n_present = 0
        for series_uid, instances in listed.items():
            n_present += _fetch_series(archive, request, series_uid, instances, intake, how)
    n_listed = sum(map(len, listed.values()))
    n_missing = max(n_listed - n_present - intake.n_kept - len(intake.refused), 0)
    return FetchOutcome(
        intake.n_kept, n_present, intake.n_bytes, n_missing, intake.refused, n_others
    )


def _chosen_series(
    archive: Archive, address: PacsAddress, request: FetchRequest, how: ConnectionOptions
) -> tuple[list[SeriesRecord], int]:
    """The series to fetch, and how many others there are."""
    found = series_of(archive, request.study_uid, how, MOST_SERIES)
    if not found:
        raise InputError(f"{address} lists no such study; `myoseg pacs find` shows what it has.")
    chosen = [
        each
        for each in found
        if request.series_uid in ("", each.series_uid) and request.modality in ("", each.modality)
    ]
    if not chosen:
        there = ", ".join(sorted({each.modality or "unknown" for each in found}))
        raise InputError(
            f"the study has {len(found)} series ({there}), and none of them is asked for; give "
            "another --modality, or another series."
        )
    return chosen, len(found) - len(chosen)


def _listed(
    archive: Archive,
    request: FetchRequest,
    series: Iterable[SeriesRecord],
    how: ConnectionOptions,
) -> dict[str, tuple[InstanceRecord, ...]]:
    """The instances of each series."""
    listed: dict[str, tuple[InstanceRecord, ...]] = {}
    n_left = request.limits.n_instances
    for each in series:
        ask = partial(archive.instances, request.study_uid, each.series_uid, n_left + 1)
        found = filter(None, map(instance_record, tried(ask, how)))
        listed[each.series_uid] = tuple({each.instance_uid: each for each in found}.values())
        n_left -= len(listed[each.series_uid])
        if n_left < 0:
            raise TransferError(
                f"the study has more than {request.limits.n_instances} instances; fetch single "
                "series, or allow more with --max-instances."
            )
    return listed


def _fetch_series(
    archive: Archive,
    request: FetchRequest,
    series_uid: str,
    instances: tuple[InstanceRecord, ...],
    intake: Intake,
    how: ConnectionOptions,
) -> int:
    """Fetches what is missing of a series; gives how many instances were there already."""
    absent = [each for each in instances if not intake.is_there(each.instance_uid)]

    def get_the_rest() -> None:
        left = set(intake.want(each.instance_uid for each in absent))
        rest = tuple(each for each in absent if each.instance_uid in left)
        if rest:
            is_whole = len(rest) == len(instances)
            archive.retrieve(Wanted(request.study_uid, series_uid, rest, is_whole), intake)
            n_left = len(intake.want(left))
            if n_left:
                raise _IncompleteError(f"{n_left} instances of a series did not come.")

    try:
        tried(get_the_rest, how, lambda: intake.n_kept)
    except _IncompleteError as error:
        log.warning("%s", error)
    return len(instances) - len(absent)


class _IncompleteError(TransferError):
    """An archive said that it was done, and gave less than it lists."""

    def __init__(self, message: str) -> None:
        super().__init__(message, is_transient=True)
