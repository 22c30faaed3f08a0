"""What an archive answers to a query enters; studies, series and instances leave."""

import re
from dataclasses import dataclass, field
from typing import Final

from pydicom import Dataset

from myoseg.cases.dicom.elements import text, whole, words
from myoseg.cases.dicom.kept_text import kept_text
from myoseg.errors import InputError

_UID: Final = re.compile(r"[0-9]+(\.[0-9]+)*")
_LONGEST_UID: Final = 64
_WITH_DASHES: Final = re.compile(r"(?<!\d)(\d{4})-(\d{2})-(\d{2})(?!\d)")
_DATES: Final = re.compile(r"(\d{8})?(-)?(\d{8})?", re.ASCII)

_STUDY_UID: Final = 0x0020000D
_SERIES_UID: Final = 0x0020000E
_INSTANCE_UID: Final = 0x00080018
_CLASS_UID: Final = 0x00080016


@dataclass(frozen=True)
class Query:
    """Which studies are asked for; what is empty does not matter.

    Attributes:
        patient_id: PatientID; `*` and `?` stand for any letters and any letter.
        accession_number: AccessionNumber, likewise.
        study_uid: StudyInstanceUID.
        date: StudyDate, a day YYYYMMDD or a range YYYYMMDD-YYYYMMDD, open at one end or not.
        modality: one that the study has a series of, such as MR.
    """

    patient_id: str = field(default="", repr=False)
    accession_number: str = field(default="", repr=False)
    study_uid: str = ""
    date: str = ""
    modality: str = ""

    def attributes(self) -> dict[str, str]:
        """What is asked for, by DICOM's names."""
        asked = {
            "PatientID": self.patient_id,
            "AccessionNumber": self.accession_number,
            "StudyInstanceUID": self.study_uid,
            "StudyDate": self.date,
            "ModalitiesInStudy": self.modality,
        }
        return {name: value for name, value in asked.items() if value}


@dataclass(frozen=True)
class Identity:
    """Whose a study is; does not show when printed."""

    patient_name: str = field(repr=False)
    patient_id: str = field(repr=False)
    birth_date: str = field(repr=False)
    accession_number: str = field(repr=False)
    description: str = field(repr=False)


@dataclass(frozen=True)
class StudyRecord:
    """A study as an archive lists it; numbers are None where it does not tell them."""

    study_uid: str
    date: str
    modalities: tuple[str, ...]
    n_series: int | None
    n_instances: int | None
    identity: Identity


@dataclass(frozen=True)
class SeriesRecord:
    """A series likewise; of its description only words of cardiac MR are kept."""

    series_uid: str
    modality: str
    number: int | None
    description: str
    n_instances: int | None


@dataclass(frozen=True)
class InstanceRecord:
    """An instance likewise; the class is empty where the archive does not tell it."""

    instance_uid: str
    class_uid: str


def is_uid(value: str) -> bool:
    """Whether a text can be an identifier of DICOM: numbers and dots, at most 64 characters.

    >>> is_uid("1.2.840.10008"), is_uid("../../etc/passwd"), is_uid("")
    (True, False, False)
    """
    return len(value) <= _LONGEST_UID and _UID.fullmatch(value) is not None


def require_uid(value: str, what: str) -> None:
    """Refuses what cannot be an identifier.

    Raises:
        InputError: it cannot.
    """
    if not is_uid(value):
        raise InputError(
            f"the identifier of the {what} is none; give numbers and dots as `myoseg pacs find` "
            "prints them."
        )


def dates(typed: str) -> str:
    """A day or a range of days as DICOM writes it.

    >>> dates("2026-01-31"), dates("20260101-20260131"), dates("2026-01-01-"), dates("..20260131")
    ('20260131', '20260101-20260131', '20260101-', '-20260131')

    Raises:
        InputError: it is neither.
    """
    plain = _WITH_DASHES.sub(r"\1\2\3", typed.strip()).replace("..", "-")
    match = _DATES.fullmatch(plain)
    if match is None or not (match[1] or match[3]) or bool(match[1] and match[3]) > bool(match[2]):
        raise _no_date(typed)
    for day in filter(None, (match[1], match[3])):
        if not ("01" <= day[4:6] <= "12" and "01" <= day[6:] <= "31"):
            raise _no_date(typed)
    return plain


def _no_date(typed: str) -> InputError:
    return InputError(f"{typed!r} is no date; give 2026-01-31, or a range 20260101-20260131.")


def study_record(answer: Dataset) -> StudyRecord | None:
    """A study of an answer; None where its identifier is none."""
    uid = text(answer, _STUDY_UID)
    if not is_uid(uid):
        return None
    return StudyRecord(
        uid,
        _digits(text(answer, 0x00080020)),
        _modalities(answer, 0x00080061),
        whole(answer, 0x00201206),
        whole(answer, 0x00201208),
        Identity(
            _printable(answer.get("PatientName")),
            text(answer, 0x00100020),
            _digits(text(answer, 0x00100030)),
            text(answer, 0x00080050),
            text(answer, 0x00081030),
        ),
    )


def series_record(answer: Dataset) -> SeriesRecord | None:
    """A series of an answer; None where its identifier is none."""
    uid = text(answer, _SERIES_UID)
    if not is_uid(uid):
        return None
    modality = _modalities(answer, 0x00080060)
    description = kept_text("SeriesDescription", text(answer, 0x0008103E))
    return SeriesRecord(
        uid,
        modality[0] if modality else "",
        whole(answer, 0x00200011),
        "" if description == "REMOVED" else description,
        whole(answer, 0x00201209),
    )


def instance_record(answer: Dataset) -> InstanceRecord | None:
    """An instance of an answer; None where its identifier is none."""
    uid, class_uid = text(answer, _INSTANCE_UID), text(answer, _CLASS_UID)
    if not is_uid(uid):
        return None
    return InstanceRecord(uid, class_uid if is_uid(class_uid) else "")


def _modalities(answer: Dataset, tag: int) -> tuple[str, ...]:
    return tuple(word for word in words(answer, tag) if word.isalnum() and len(word) <= 16)


def _digits(value: str) -> str:
    return value if value.isdecimal() and len(value) == 8 else ""


def _printable(value: object) -> str:
    letters = "" if value is None else str(value)[:128]
    return "".join(letter for letter in letters if letter.isprintable())
