"""What a node may say of a study that failed."""

import pydicom
import pytest
from node_fakes import image

from myoseg.cases.dicom import opening
from myoseg.errors import InputError
from myoseg.serving.node.processing import told_of


@pytest.fixture
def told(tmp_path):
    """told(message, **values) is what is said of an error about an image with these values."""

    def tell(message, **values):
        image(**values).save_as(tmp_path / "a.dcm", enforce_file_format=True)
        return told_of(InputError(message), tmp_path)

    return tell


@pytest.mark.parametrize(
    "values",
    [
        {"StudyDescription": "Herz  von   Anna"},
        {"OtherPatientNames": ["Anna Meier", "Herz von Anna"]},
        {"ImageComments": "Herz\nvon Anna"},
    ],
)
def test_no_text_of_a_header_is_told_however_it_is_written(told, values):
    assert told("series Herz von Anna is no stack", **values) == "series ... is no stack"


def test_of_several_values_each_is_kept_back(told):
    found = told("A-123 and B-456", OtherPatientIDs=["A-123", "B-456"], AccessionNumber="C")
    assert found == "... and ..."


def test_the_folder_and_unexpected_errors_are_not_told(told, tmp_path):
    assert told(f"{tmp_path} is empty") == "the study is empty"
    assert told_of(ValueError("Meier^Anna"), tmp_path) == "failed unexpectedly (ValueError)"


def test_a_header_is_read_within_bounds(tmp_path, monkeypatch):
    bomb = image(ImageComments="x" * 100_000, PatientName="Meier")
    bomb.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    bomb.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    read = []
    monkeypatch.setattr(pydicom, "dcmread", lambda *args, **options: read.append(args))
    monkeypatch.setattr(opening, "LARGEST_INFLATED_HEADER_BYTES", 1 << 10)
    assert told_of(InputError("it grows"), tmp_path) == "it grows"
    assert read == []
