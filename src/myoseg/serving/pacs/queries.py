"""A query enters; the studies or series that an archive lists leave."""

from typing import Final

from myoseg.cases.dicom.silence import libraries_silent
from myoseg.serving.pacs.address import PacsAddress
from myoseg.serving.pacs.archive import Archive, open_archive, tried
from myoseg.serving.pacs.connection import ConnectionOptions
from myoseg.serving.pacs.records import (
    Query,
    SeriesRecord,
    StudyRecord,
    require_uid,
    series_record,
    study_record,
)

MOST_SERIES: Final = 2000
"""Of a study that is listed or fetched."""


def echo(address: PacsAddress, how: ConnectionOptions) -> None:
    """Asks whether an archive is there and answers us.

    Raises:
        TransferError: it cannot be reached, or refuses.
        ConfigurationError: the packages are missing, or certificates or credentials do not fit.
    """
    archive = open_archive(address, how)
    with libraries_silent():
        tried(archive.echo, how)


def find_studies(
    address: PacsAddress, query: Query, how: ConnectionOptions, *, most: int = 100
) -> tuple[StudyRecord, ...]:
    """Up to `most` studies that an archive lists for a query, newest first.

    Raises:
        TransferError: as `echo`.
        ConfigurationError: as `echo`.
    """
    archive = open_archive(address, how)
    with libraries_silent():
        answers = tried(lambda: archive.studies(query, most), how)
        found = [record for record in map(study_record, answers) if record is not None]
    return tuple(sorted(found, key=lambda record: record.date, reverse=True))


def find_series(
    address: PacsAddress, study_uid: str, how: ConnectionOptions, *, most: int = MOST_SERIES
) -> tuple[SeriesRecord, ...]:
    """The series of a study, by number.

    Raises:
        TransferError: as `echo`.
        ConfigurationError: as `echo`.
        InputError: the identifier is none.
    """
    require_uid(study_uid, "study")
    archive = open_archive(address, how)
    with libraries_silent():
        return series_of(archive, study_uid, how, most)


def series_of(
    archive: Archive, study_uid: str, how: ConnectionOptions, most: int
) -> tuple[SeriesRecord, ...]:
    """The series of a study by number, as `find_series`."""
    answers = tried(lambda: archive.series(study_uid, most), how)
    found = [record for record in map(series_record, answers) if record is not None]
    return tuple(sorted(found, key=lambda record: (record.number or 0, record.series_uid)))
