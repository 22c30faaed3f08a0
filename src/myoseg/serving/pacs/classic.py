"""An archive that speaks classic DICOM: queries and files enter, records and objects leave."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from pydicom import Dataset
from pynetdicom import build_context, build_role, evt
from pynetdicom.association import Association
from pynetdicom.events import Event
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StudyRootQueryRetrieveInformationModelFind as Find,
)
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StudyRootQueryRetrieveInformationModelGet as Get,
)
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StudyRootQueryRetrieveInformationModelMove as Move,
)
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from myoseg.errors import MyosegError, TransferError
from myoseg.serving.pacs.address import PacsAddress
from myoseg.serving.pacs.connection import ConnectionOptions, server_context
from myoseg.serving.pacs.contexts import for_getting, for_receiving, for_sending, known_classes
from myoseg.serving.pacs.guard import Guard
from myoseg.serving.pacs.intake import Intake, Refusal
from myoseg.serving.pacs.line import Line, NothingOfferedError
from myoseg.serving.pacs.outgoing import FileOutcome, Outgoing
from myoseg.serving.pacs.records import InstanceRecord, Query
from myoseg.serving.pacs.statuses import PENDING, SOME_FAILED, SUCCESS, is_taken, may_pass, words_of
from myoseg.serving.pacs.wanted import ReceiveAt, Wanted

MOST_ASKED_AT_ONCE: Final = 64
"""Instances that are named in one request; identifiers take up to 64 letters each."""

UNWANTED: Final = "the archive does not take this kind of object in this encoding"

_STUDY_KEYS: Final = (
    "StudyInstanceUID",
    "StudyDate",
    "StudyDescription",
    "ModalitiesInStudy",
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "AccessionNumber",
    "NumberOfStudyRelatedSeries",
    "NumberOfStudyRelatedInstances",
)
_SERIES_KEYS: Final = (
    "SeriesInstanceUID",
    "SeriesNumber",
    "SeriesDescription",
    "Modality",
    "NumberOfSeriesRelatedInstances",
)
_NOT_TAKEN: Final = 0xA900
_NO_ROOM: Final = 0xA700


@dataclass(frozen=True)
class ClassicArchive:
    """An archive at a classic DICOM address.

    Attributes:
        address: of it.
        how: to speak to it.
        receive: where it is to send what is fetched, by C-MOVE; over the same connection, by C-GET,
            where None.
    """

    address: PacsAddress
    how: ConnectionOptions
    receive: ReceiveAt | None = None

    @property
    def _line(self) -> Line:
        return Line(self.address, self.how)

    def echo(self) -> None:
        """Asks whether it is there (C-ECHO).

        Raises:
            TransferError: it is not.
        """
        with self._line.associated([build_context(Verification)]) as association:
            status = self._line.code_of(association.send_c_echo())
            if status != SUCCESS:
                raise self._failed("C-ECHO", status)

    def studies(self, query: Query, most: int) -> list[Dataset]:
        """Up to `most` studies that it lists (C-FIND).

        Raises:
            TransferError: it cannot be reached, or refuses.
        """
        return self._find("STUDY", _STUDY_KEYS, query.attributes(), most)

    def series(self, study_uid: str, most: int) -> list[Dataset]:
        """Up to `most` series of a study, likewise."""
        return self._find("SERIES", _SERIES_KEYS, {"StudyInstanceUID": study_uid}, most)

    def instances(self, study_uid: str, series_uid: str, most: int) -> list[Dataset]:
        """Up to `most` instances of a series, likewise."""
        above = {"StudyInstanceUID": study_uid, "SeriesInstanceUID": series_uid}
        return self._find("IMAGE", ("SOPInstanceUID", "SOPClassUID"), above, most)

    def retrieve(self, wanted: Wanted, intake: Intake) -> None:
        """Has instances of a series sent to an intake, by C-GET or C-MOVE.

        Which came, the intake knows.

        Raises:
            TransferError: it cannot be reached, refuses, or the connection broke.
            OutputError: what came cannot be written.
        """
        fetch = self._get if self.receive is None else self._move
        for identifier in _identifiers(wanted):
            fetch(identifier, wanted.instances, intake)
            if intake.fault is not None:
                raise intake.fault

    def store(self, files: Sequence[Outgoing]) -> Iterator[FileOutcome]:
        """Sends files over one connection (C-STORE); yields what became of each.

        Raises:
            TransferError: it cannot be reached, or the connection broke.
        """
        try:
            with self._line.associated(for_sending(files)) as association:
                for number, file in enumerate(files):
                    yield self._store(association, file, 1 + number % 65_535)
        except NothingOfferedError:
            yield from (FileOutcome(file.path, accepted=False, status=UNWANTED) for file in files)

    def _store(self, association: Association, file: Outgoing, number: int) -> FileOutcome:
        try:
            status = self._line.code_of(association.send_c_store(str(file.path), msg_id=number))
        except ValueError:
            # pynetdicom's, where no agreed context fits or the file cannot be encoded anew.
            return FileOutcome(file.path, accepted=False, status=UNWANTED)
        except MyosegError:
            raise
        except Exception:
            if not association.is_established:
                raise self._line.broken() from None
            # pydicom raises nearly anything on damaged files.
            return FileOutcome(file.path, accepted=False, status="not sent: it cannot be read")
        if may_pass(status):
            raise self._failed("C-STORE", status)
        said = "stored" if status == SUCCESS else words_of(status)
        return FileOutcome(file.path, accepted=is_taken(status), status=said)

    def _find(
        self, level: str, keys: Sequence[str], asked: dict[str, str], most: int
    ) -> list[Dataset]:
        identifier = Dataset()
        identifier.QueryRetrieveLevel = level
        if not all(value.isascii() for value in asked.values()):
            identifier.SpecificCharacterSet = "ISO_IR 192"
        for name, value in (dict.fromkeys(keys, "") | asked).items():
            setattr(identifier, name, value or None)
        found: list[Dataset] = []
        with self._line.associated([build_context(Find)]) as association:
            for status, answer in association.send_c_find(identifier, Find):
                code = self._line.code_of(status)
                if code not in PENDING and code != SUCCESS:
                    raise self._failed("the query (C-FIND)", code)
                if answer is not None:
                    found.append(answer)
                if len(found) >= most:
                    association.abort()
                    break
        return found

    def _get(
        self, identifier: Dataset, instances: Sequence[InstanceRecord], intake: Intake
    ) -> None:
        classes = known_classes(each.class_uid for each in instances)
        storage = for_getting(classes, n_taken=1)
        roles = [
            build_role(uid, scp_role=True)
            for uid in dict.fromkeys(str(each.abstract_syntax) for each in storage)
        ]
        with self._line.associated(
            [build_context(Get), *storage],
            handlers=[(evt.EVT_C_STORE, _keeper(intake))],
            roles=roles,
            message_bytes=intake.limits.instance_bytes,
        ) as association:
            self._follow(association.send_c_get(identifier, Get), "C-GET", intake)

    def _move(
        self, identifier: Dataset, instances: Sequence[InstanceRecord], intake: Intake
    ) -> None:
        classes = known_classes(each.class_uid for each in instances)
        with (
            self._receiving(classes, intake),
            self._line.associated([build_context(Move)]) as association,
        ):
            answers = association.send_c_move(identifier, self.how.ae_title, Move)
            self._follow(answers, "C-MOVE", intake)

    @contextmanager
    def _receiving(self, classes: Sequence[str], intake: Intake) -> Iterator[None]:
        """Takes connections of the archive, as long as a C-MOVE lasts."""
        assert self.receive is not None
        guard = Guard(intake.limits.instance_bytes, self.how.answer_s)
        ae = self._line.entity()
        ae.require_called_aet = True
        ae.supported_contexts = for_receiving(classes)
        try:
            ae.start_server(
                (self.receive.host, self.receive.port),
                block=False,
                ssl_context=server_context(self.how) if self.address.is_encrypted else None,
                evt_handlers=[*guard.handlers(), (evt.EVT_C_STORE, _keeper(intake))],
            )
        except OSError as error:
            raise TransferError(
                f"cannot receive at {self.receive.host}:{self.receive.port}: "
                f"{error.strerror or error}; give another --receive-port or --receive-host."
            ) from error
        try:
            yield
        finally:
            ae.shutdown()

    def _follow(self, answers: Iterator[tuple[Dataset, Any]], what: str, intake: Intake) -> None:
        """Reads the archive's answers to the end."""
        for status, _ in answers:
            if intake.fault is not None:
                raise intake.fault
            code = self._line.code_of(status)
            if code not in PENDING and code not in (SUCCESS, SOME_FAILED):
                raise self._failed(what, code)

    def _failed(self, what: str, code: int) -> TransferError:
        if what == "C-MOVE" and self.receive is not None and not may_pass(code):
            return TransferError(
                f"{self.address} answered to C-MOVE: {words_of(code)}; our AE title "
                f"{self.how.ae_title} must be entered there with this machine's name and port "
                f"{self.receive.port}. Without --receive-port it is not needed."
            )
        return TransferError(
            f"{self.address} answered to {what}: {words_of(code)}; ask whoever runs it, or try "
            "again later.",
            is_transient=may_pass(code),
        )


def _keeper(intake: Intake) -> Callable[[Event], int]:
    """What answers an archive that stores an instance."""

    def keep(event: Event) -> int:
        request: Any = event.request
        try:
            intake.keep(str(request.AffectedSOPInstanceUID), event.encoded_dataset())
        except Refusal:
            return _NOT_TAKEN
        except MyosegError:
            # The intake remembers it; the whole is ended.
            event.assoc.abort()
            return _NO_ROOM
        return SUCCESS

    return keep


def _identifiers(wanted: Wanted) -> Iterator[Dataset]:
    """Requests for a series as a whole, or for some of its instances."""
    uids = [each.instance_uid for each in wanted.instances]
    if wanted.is_whole:
        yield _identifier(wanted, "SERIES", [])
        return
    for start in range(0, len(uids), MOST_ASKED_AT_ONCE):
        yield _identifier(wanted, "IMAGE", uids[start : start + MOST_ASKED_AT_ONCE])


def _identifier(wanted: Wanted, level: str, instance_uids: list[str]) -> Dataset:
    asked = Dataset()
    asked.QueryRetrieveLevel = level
    asked.StudyInstanceUID, asked.SeriesInstanceUID = wanted.study_uid, wanted.series_uid
    if instance_uids:
        asked.SOPInstanceUID = instance_uids
    return asked
