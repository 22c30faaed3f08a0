"""What is known of a study that was sent to a node, without a word that tells whose it is."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

MB: Final = 10**6
GB: Final = 10**9


class State(StrEnum):
    """Where a study is.

    RECEIVING: images come in. READY: they are all there. PROCESSING: it is segmented. RESULTS: they
    are made and not yet returned everywhere. RETURNED: done. FAILED: no more happens by itself.
    """

    RECEIVING = "receiving"
    READY = "ready"
    PROCESSING = "processing"
    RESULTS = "results ready"
    RETURNED = "returned"
    FAILED = "failed"


WAITING = (State.RECEIVING, State.READY, State.PROCESSING, State.RESULTS)
"""States in which something is still to happen."""


@dataclass(frozen=True)
class QueuedStudy:
    """A study as the queue knows it.

    Attributes:
        number: given to it by the node; studies count from 1 in the order in which they came.
        state: where it is.
        version: of its images, from 1; images that came after it was processed make a new one.
        n_images: that are kept.
        received_at: when its first image came, in seconds since 1970.
        changed_at: when its state changed last.
        attempts: how often it was begun and the process died or hung, or was done.
        interruptions: how often it was begun and the node was stopped or killed.
        sendings: how often returning its results was begun and failed.
        reason: why it failed or waits; "" where there is nothing to say.
    """

    number: int
    state: State
    version: int
    n_images: int
    received_at: float
    changed_at: float
    attempts: int
    interruptions: int
    sendings: int
    reason: str

    def to_record(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self) | {"state": str(self.state)}


@dataclass(frozen=True)
class Job:
    """A version of a study that is to be segmented.

    Attributes:
        number: of the study.
        version: of its images.
        images: the folder with them.
        work: a folder of the job's own, not there yet, for what it writes.
    """

    number: int
    version: int
    images: Path
    work: Path


@dataclass(frozen=True)
class Delivery:
    """Results that are to go to a destination.

    Attributes:
        number: of the study.
        version: of its images.
        files: the results.
        destination: as it was given to the queue.
    """

    number: int
    version: int
    files: tuple[Path, ...]
    destination: str


@dataclass(frozen=True)
class Patience:
    """How long and how often a node tries; times in seconds.

    Attributes:
        settle_s: without a new image until a study counts as complete.
        broken_s: the same where its sender broke off or was refused an image, until it has failed.
        most_attempts: at segmenting a study.
        most_interruptions: of segmenting it, by the node's own end.
        most_sendings: of its results.
        first_wait_s: until results are sent again; it doubles each time.
        longest_wait_s: at most.
    """

    settle_s: float = 20.0
    broken_s: float = 600.0
    most_attempts: int = 3
    most_interruptions: int = 20
    most_sendings: int = 60
    first_wait_s: float = 5.0
    longest_wait_s: float = 900.0


@dataclass(frozen=True)
class Limits:
    """What a node takes at most.

    Attributes:
        instance_bytes: of one image.
        study_bytes: of one study's images.
        n_waiting: studies that are not done.
        free_bytes: that must stay free on the disk.
    """

    instance_bytes: int = 500 * MB
    study_bytes: int = 4 * GB
    n_waiting: int = 1000
    free_bytes: int = GB
