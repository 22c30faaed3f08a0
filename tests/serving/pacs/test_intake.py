"""What an intake keeps, and what it does not."""

from contextlib import suppress
from io import BytesIO

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from myoseg.errors import OutputError, TransferError
from myoseg.serving.pacs.intake import Intake, Limits, Refusal

MR = "1.2.840.10008.5.1.4.1.1.4"


def encoded(uid="1.2.3", study="1.2", n_bytes=64):
    image = Dataset()
    image.SOPClassUID, image.SOPInstanceUID, image.StudyInstanceUID = MR, uid, study
    image.PatientName = "Meier^Anna"
    image.PixelData = bytes(n_bytes)
    image["PixelData"].VR = "OW"
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    with BytesIO() as stream:
        image.save_as(stream, enforce_file_format=True)
        return stream.getvalue()


def intake_of(folder, wanted=("1.2.3",), **limits):
    intake = Intake(folder, "1.2", Limits(**limits))
    intake.want(wanted)
    return intake


def test_what_was_asked_for_is_written_bit_for_bit(tmp_path):
    intake = intake_of(tmp_path / "in")
    intake.keep("1.2.3", encoded())
    (path,) = (tmp_path / "in").iterdir()
    assert path.read_bytes() == encoded()
    assert (intake.n_kept, intake.n_bytes) == (1, len(encoded()))
    assert intake.is_there("1.2.3")
    assert intake.want(["1.2.3"]) == []


def test_what_comes_twice_is_kept_once(tmp_path):
    intake = intake_of(tmp_path)
    intake.keep("1.2.3", encoded())
    intake.keep("1.2.3", encoded(n_bytes=80))
    assert intake.n_kept == 1
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [encoded()]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (encoded(study="1.9"), "another study"),
        (encoded(uid="1.2.4"), "another instance"),
        (encoded(n_bytes=5000), "more than"),
        (b"<html>", "no readable DICOM|another instance"),
        (b"", "no readable DICOM|another instance"),
    ],
)
def test_what_is_something_else_is_refused_and_leaves_nothing(tmp_path, content, said):
    intake = intake_of(tmp_path, instance_bytes=4000)
    with pytest.raises(Refusal, match=said) as refused:
        intake.keep("1.2.3", content)
    assert "Meier" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []
    assert len(intake.refused) == 1
    assert intake.want(["1.2.3"]) == []


def test_what_was_not_asked_for_is_refused(tmp_path):
    intake = intake_of(tmp_path)
    with pytest.raises(Refusal, match="not asked for"):
        intake.keep("1.2.4", encoded(uid="1.2.4"))
    assert list(tmp_path.iterdir()) == []
    assert intake.refused == ()


def test_more_than_is_allowed_ends_the_whole(tmp_path):
    intake = intake_of(tmp_path, ("1.2.3", "1.2.4"), total_bytes=len(encoded()) + 1)
    intake.keep("1.2.3", encoded())
    for _ in range(2):
        with pytest.raises(TransferError, match="--max-mib"):
            intake.keep("1.2.4", encoded(uid="1.2.4"))
    assert isinstance(intake.fault, TransferError)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_cannot_be_written_to_ends_the_whole(tmp_path):
    (tmp_path / "in").write_text("a file")
    intake = intake_of(tmp_path / "in")
    with pytest.raises(OutputError):
        intake.keep("1.2.3", encoded())
    assert isinstance(intake.fault, OutputError)


@given(st.one_of(st.text(max_size=40), st.sampled_from(["../../x", "/etc/passwd", "a\0b", ".."])))
def test_identifiers_never_become_paths(tmp_path_factory, uid):
    folder = tmp_path_factory.mktemp("in")
    intake = intake_of(folder / "deep" / "down", (uid,))
    with suppress(Refusal):
        intake.keep(uid, encoded())
    assert not intake.is_there(uid) or uid == "1.2.3"
    written = [path for path in folder.rglob("*") if path.is_file()]
    assert all(path.parent == folder / "deep" / "down" for path in written)
    assert list(folder.parent.glob("x")) == []


def test_a_file_that_was_cut_off_counts_as_missing(tmp_path):
    intake = intake_of(tmp_path)
    intake.keep("1.2.3", encoded())
    (path,) = tmp_path.iterdir()
    path.write_bytes(encoded()[:200])
    assert not intake_of(tmp_path).is_there("1.2.3")
    path.write_bytes(encoded(study="1.7"))
    assert not intake_of(tmp_path).is_there("1.2.3")
    path.write_bytes(encoded())
    assert intake_of(tmp_path).is_there("1.2.3")
    assert pydicom.dcmread(path).PatientName == "Meier^Anna"
