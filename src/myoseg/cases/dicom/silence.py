"""Keeps the DICOM libraries from saying what stands in a header, which may be a patient's name."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from pydicom import Dataset
from pydicom.valuerep import DA, TM

_LIBRARIES: Final = ("pydicom", "highdicom", "pynetdicom", "dicomweb_client", "urllib3", "retrying")
_CHECKED: Final = (("PatientBirthDate", DA), ("StudyDate", DA), ("StudyTime", TM))


@contextmanager
def libraries_silent() -> Iterator[None]:
    """Within it, what the libraries of DICOM warn of or log, which quotes values, is dropped."""
    loggers = [logging.getLogger(name) for name in _LIBRARIES]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL + 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def faulty_attributes(header: Dataset) -> tuple[str, ...]:
    """Which dates and times of patient and study DICOM does not allow, by name; no value is told.

    >>> header = Dataset()
    >>> with libraries_silent():
    ...     header.StudyDate = "yesterday"
    ...     faulty_attributes(header)
    ('StudyDate',)
    """
    return tuple(name for name, kind in _CHECKED if not _is_allowed(header.get(name), kind))


def _is_allowed(value: object, kind: type[DA] | type[TM]) -> bool:
    try:
        kind(value or "")
    except (ValueError, TypeError, OverflowError):
        return False
    return True
