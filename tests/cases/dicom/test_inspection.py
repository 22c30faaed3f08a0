import json

import pytest

from myoseg.anatomy import Sequence
from myoseg.cases.dicom.inspection import inspect_folder


@pytest.fixture
def study(tmp_path, save_series, save_instance, protocols):
    """A folder of a cine, two LGE series of which one is a repeat, a localiser and a bad file."""
    folder = tmp_path / "in"
    save_series(folder, 5, n_phases=9, **protocols["cine"])
    save_series(folder, 8, AcquisitionTime="100000", **protocols["lge"])
    save_series(folder, 9, AcquisitionTime="110000", **protocols["lge"])
    save_series(folder, 1, SeriesDescription="localizer")
    save_instance(folder / "bad", Rows=0)
    save_instance(folder / "capture", SOPClassUID="1.2.840.10008.5.1.4.1.1.7")
    return folder


def test_the_text_says_what_is_there_what_is_used_and_why(study):
    text = inspect_folder(study).to_text()
    assert "38 files, 38 of them DICOM, 1 of these no MR images" in text
    assert "series 5 cine_trufi_sax: 3 slices, 9 phases" in text
    assert "used as bssfp" in text
    assert "its sequence is named 'tfi2': balanced SSFP (+3)" in text
    assert "not used: it was taken again as series 9" in text
    assert "not used: its description says 'localizer'" in text
    assert "no series for t2" in text
    assert "cannot be read: " in text


def test_text_and_record_name_no_patient_no_date_and_no_identifier(study):
    found = inspect_folder(study)
    for words in (found.to_text(), json.dumps(found.to_record())):
        for secret in ("Meier", "Anna", "P0815", "1.2.3.4", "1.2.3.5"):
            assert secret not in words


def test_the_record_says_the_same(study):
    record = json.loads(json.dumps(inspect_folder(study).to_record()))
    assert (record["n_files"], record["n_dicom"], record["n_other_objects"]) == (38, 38, 1)
    series = {tuple(each["numbers"]): each for each in record["studies"]["in"]["series"]}
    assert series[(5,)]["used_as"] == "bssfp"
    assert series[(5,)]["n_phases"] == 9
    assert series[(8,)]["used_as"] is None
    assert series[(9,)]["used_as"] == "lge"
    assert record["studies"]["in"]["missing"] == ["t2"]


def test_a_named_series_is_said_to_be_named(study):
    text = inspect_folder(study, {Sequence.T2: "8"}).to_text()
    assert "used as t2" in text
    assert "named as '8'" in text
