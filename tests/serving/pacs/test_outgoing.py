"""Which files may be sent, and what statuses say."""

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import DeflatedExplicitVRLittleEndian

from myoseg.errors import InputError
from myoseg.serving.pacs.outgoing import CLASSES, dicom_files, outgoing
from myoseg.serving.pacs.statuses import is_taken, may_pass, words_of


def files_of(folder):
    return sorted(folder.rglob("*.dcm"))


def test_of_folders_the_dicom_files_that_show_are_sent(study, tmp_path):
    image = files_of(study)[0].read_bytes()
    for name in ("a/b/image", "a/.hidden", ".aside/image", "c.dcm"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(image)
    (tmp_path / "run.json").write_text("{}")
    assert list(dicom_files([tmp_path])) == [tmp_path / "a/b/image", tmp_path / "c.dcm"]
    assert list(dicom_files([])) == []


def test_files_that_are_named_are_judged_later(tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("none")
    assert list(dicom_files([text])) == [text]
    with pytest.raises(InputError, match="there is no"):
        list(dicom_files([tmp_path / "none"]))


def test_what_an_archive_must_know_is_read(study):
    found, others = outgoing([*files_of(study), files_of(study)[0]])
    assert others == []
    assert len(found) == len(files_of(study))
    for each in found:
        image = pydicom.dcmread(each.path)
        assert each.class_uid == image.SOPClassUID
        assert each.instance_uid == image.SOPInstanceUID
        assert each.transfer_syntax_uid == image.file_meta.TransferSyntaxUID


def test_what_cannot_be_sent_is_told_without_a_value_of_it(study, tmp_path):
    image = pydicom.dcmread(files_of(study)[0])
    image.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    image.save_as(tmp_path / "deflated.dcm")
    image = pydicom.dcmread(files_of(study)[0])
    del image.SOPInstanceUID
    image.save_as(tmp_path / "nameless.dcm")
    (tmp_path / "cut.dcm").write_bytes(files_of(study)[0].read_bytes()[:140])
    (tmp_path / "empty.dcm").write_bytes(b"")
    found, others = outgoing([*files_of(tmp_path), tmp_path / "none.dcm"])
    assert found == []
    said = {each.path.stem: each.status for each in others}
    assert said["deflated"] == "not sent: it is deflated; write it uncompressed"
    assert said["nameless"].startswith("not sent: it does not say which instance it is")
    assert said["empty"] == "not sent: it is no DICOM file"
    assert said["none"] == "not sent: it cannot be read"
    assert said["cut"].startswith("not sent: ")
    assert not any("Simulated" in status for status in said.values())


def test_mr_images_segmentations_and_reports_are_known():
    names = {pydicom.uid.UID(uid).name for uid in CLASSES}
    assert {"MR Image Storage", "Segmentation Storage", "Enhanced SR Storage"} <= names
    assert all("Storage" in name for name in names)


@given(st.integers(0, 0xFFFF))
def test_each_status_has_words_and_is_one_thing(status):
    assert words_of(status).endswith(f"({status:04X})")
    assert not (is_taken(status) and may_pass(status))


def test_success_warnings_and_duplicates_are_taken():
    assert all(map(is_taken, (0x0000, 0x0111, 0xB000, 0xB006, 0xB007)))
    assert not any(map(is_taken, (0x0110, 0x0122, 0x0124, 0xA700, 0xA900, 0xC000, 0xFE00, 0xFF00)))
