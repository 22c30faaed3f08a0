"""An address enters; an archive leaves that can be asked, in whichever protocol."""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeVar, runtime_checkable

from pydicom import Dataset

from myoseg.errors import ConfigurationError
from myoseg.serving.pacs.address import PacsAddress
from myoseg.serving.pacs.connection import ConnectionOptions, require_safe
from myoseg.serving.pacs.extra import require_extra
from myoseg.serving.pacs.intake import Intake, Limits
from myoseg.serving.pacs.outgoing import FileOutcome, Outgoing
from myoseg.serving.pacs.records import Query
from myoseg.serving.pacs.retries import with_retries
from myoseg.serving.pacs.wanted import ReceiveAt, Wanted

Result = TypeVar("Result")


@runtime_checkable
class Archive(Protocol):
    """What both protocols can do; each of them says how."""

    def echo(self) -> None:
        """Asks whether the archive is there."""

    def studies(self, query: Query, most: int) -> list[Dataset]:
        """Up to `most` studies that it lists."""

    def series(self, study_uid: str, most: int) -> list[Dataset]:
        """Up to `most` series of a study."""

    def instances(self, study_uid: str, series_uid: str, most: int) -> list[Dataset]:
        """Up to `most` instances of a series."""

    def retrieve(self, wanted: Wanted, intake: Intake) -> None:
        """Brings instances of a series to an intake."""

    def store(self, files: Sequence[Outgoing]) -> Iterable[FileOutcome]:
        """Sends files; yields what became of each."""


def open_archive(
    address: PacsAddress,
    how: ConnectionOptions,
    limits: Limits | None = None,
    receive: ReceiveAt | None = None,
) -> Archive:
    """An archive to be asked; nothing is sent yet.

    Raises:
        ConfigurationError: the packages are missing, or the options do not fit the address.
    """
    require_extra()
    require_safe(address, how)
    if address.protocol == "dicomweb":
        if receive is not None:
            raise ConfigurationError(
                "--receive-port is for classic DICOM; leave it out with DICOMweb."
            )
        from myoseg.serving.pacs.web import WebArchive

        return WebArchive(address, how, (limits or Limits()).instance_bytes)
    from myoseg.serving.pacs.classic import ClassicArchive

    return ClassicArchive(address, how, receive)


def tried(
    operation: Callable[[], Result],
    how: ConnectionOptions,
    progress: Callable[[], int] = lambda: 0,
) -> Result:
    """As `with_retries`, as often as `how` says."""
    return with_retries(
        operation, n_tries=how.n_tries, first_wait_s=how.first_wait_s, progress=progress
    )
