"""What archives answer, well-meant and hostile."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset

from myoseg.cases.dicom.silence import libraries_silent
from myoseg.errors import InputError
from myoseg.serving.pacs.records import (
    Query,
    dates,
    instance_record,
    is_uid,
    require_uid,
    series_record,
    study_record,
)

DAYS = st.dates().map(lambda day: day.strftime("%Y%m%d").zfill(8))


def answer(**values):
    dataset = Dataset()
    for name, value in values.items():
        setattr(dataset, name, value)
    return dataset


def test_a_study_as_it_is_listed():
    found = study_record(
        answer(
            StudyInstanceUID="1.2.3",
            StudyDate="20260131",
            ModalitiesInStudy=["MR", "SR"],
            PatientName="Meier^Anna",
            PatientID="P0815",
            NumberOfStudyRelatedSeries="4",
        )
    )
    assert (found.study_uid, found.date, found.modalities) == ("1.2.3", "20260131", ("MR", "SR"))
    assert (found.n_series, found.n_instances) == (4, None)
    assert (found.identity.patient_name, found.identity.patient_id) == ("Meier^Anna", "P0815")
    assert "Meier" not in repr(found)
    assert "P0815" not in repr(found)


def test_a_query_does_not_show_whom_it_is_about():
    query = Query(patient_id="P0815", accession_number="A17")
    assert "0815" not in repr(query)
    assert "A17" not in repr(query)
    assert query.attributes() == {"PatientID": "P0815", "AccessionNumber": "A17"}


def test_descriptions_of_series_keep_words_of_cardiac_mr_alone():
    found = series_record(answer(SeriesInstanceUID="1.2", SeriesDescription="lge sax Meier"))
    assert found.description == "lge sax"
    named = series_record(answer(SeriesInstanceUID="1.2", SeriesDescription="Meier"))
    assert named.description == ""


@pytest.mark.parametrize(
    "uid",
    ["", "../../etc/passwd", "1.2/../3", "1..2", ".1", "1.", "a.b", "1" * 65, "١.٢"],
)
def test_what_is_no_identifier_is_left_out(uid):
    assert not is_uid(uid)
    with pytest.raises(InputError, match="identifier"):
        require_uid(uid, "study")
    tags = ("0020000D", "0020000E", "00080018", "00080016")
    with libraries_silent():
        hostile = Dataset.from_json({tag: {"vr": "UI", "Value": [uid]} for tag in tags})
    assert study_record(hostile) is None
    assert series_record(hostile) is None
    assert instance_record(hostile) is None


def test_a_hostile_name_prints_no_control_characters():
    found = study_record(
        answer(StudyInstanceUID="1.2", PatientName="A\x1b[2J^B", StudyDescription="C\x07D")
    )
    assert found.identity.patient_name == "A[2J^B"
    assert found.identity.description == "CD"


@given(DAYS, DAYS)
def test_days_and_ranges_keep_their_digits(first, last):
    assert dates(first) == first
    assert dates(f"{first[:4]}-{first[4:6]}-{first[6:]}") == first
    assert dates(f"{first}-{last}") == f"{first}-{last}"
    with_dashes = f"{last[:4]}-{last[4:6]}-{last[6:]}"
    assert dates(f"{first}..{with_dashes}") == f"{first}-{last}"
    assert dates(f"{first}-") == f"{first}-"
    assert dates(f"-{last}") == f"-{last}"


@pytest.mark.parametrize(
    "typed",
    ["", "-", "..", "yesterday", "2026", "20261301", "20260132", "2026013120260201", "2026-1-1"],
)
def test_what_is_no_date_is_refused(typed):
    with pytest.raises(InputError, match="no date"):
        dates(typed)
