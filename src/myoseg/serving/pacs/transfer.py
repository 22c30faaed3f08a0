"""Files enter; what an archive that they are sent to made of them leaves."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from myoseg.cases.dicom.silence import libraries_silent
from myoseg.errors import TransferError
from myoseg.serving.pacs.address import PacsAddress
from myoseg.serving.pacs.archive import open_archive, tried
from myoseg.serving.pacs.connection import ConnectionOptions
from myoseg.serving.pacs.outgoing import FileOutcome, outgoing

__all__ = ["ConnectionOptions", "FileOutcome", "SendOutcome", "send"]


@dataclass(frozen=True)
class SendOutcome:
    """What became of files that were sent, in no particular order."""

    files: tuple[FileOutcome, ...]

    @property
    def n_accepted(self) -> int:
        """How many the archive holds now."""
        return sum(file.accepted for file in self.files)

    @property
    def refused(self) -> tuple[FileOutcome, ...]:
        """Those that it does not hold."""
        return tuple(file for file in self.files if not file.accepted)


def send(address: PacsAddress, files: Sequence[Path], how: ConnectionOptions) -> SendOutcome:
    """Stores files in an archive: MR images, segmentations and structured reports in DICOM.

    Files of another kind are not sent, and told. An instance that the archive holds already counts
    as accepted, so that sending twice does no harm.

    Raises:
        TransferError: the archive cannot be reached, or refuses us altogether.
        ConfigurationError: as `echo`.
    """
    archive = open_archive(address, how)
    waiting, others = outgoing(files)
    done: list[FileOutcome] = []

    def store_the_rest() -> None:
        while len(done) < len(waiting):
            for outcome in archive.store(waiting[len(done) :]):
                done.append(outcome)  # noqa: PERF402

    with libraries_silent():
        try:
            tried(store_the_rest, how, lambda: len(done))
        except TransferError as error:
            raise TransferError(
                f"{error} {len(done)} of {len(waiting)} files were sent before."
            ) from error
    return SendOutcome((*done, *others))
