import os
import shutil

import pytest
from pydicom.data import get_testdata_file

from myoseg.cases.dicom.scan import holds_dicom, scan_folder
from myoseg.errors import InputError


def n_frames(scan):
    return sum(len(series.frames) for study in scan.studies for series in study.series)


def test_files_of_any_name_at_any_depth_are_found(tmp_path, save_instance):
    for name in ("IM0001", "a/b/c/1.dcm", "a/1.2.840.113", "x.ima"):
        save_instance(tmp_path / name)
    scan = scan_folder(tmp_path)
    assert (scan.n_files, scan.n_dicom, n_frames(scan)) == (4, 4, 4)


def test_what_is_no_dicom_is_passed_over(tmp_path, save_instance):
    save_instance(tmp_path / "image")
    (tmp_path / "notes.txt").write_text("DICM is not at byte 128")
    (tmp_path / "empty").touch()
    (tmp_path / "random.bin").write_bytes(bytes(range(256)) * 4)
    (tmp_path / "DICOMDIR").write_bytes(b"\0" * 128 + b"DICM")
    (tmp_path / ".hidden").write_bytes(b"\0" * 128 + b"DICM")
    scan = scan_folder(tmp_path)
    assert (scan.n_files, scan.n_dicom, n_frames(scan)) == (4, 1, 1)
    assert scan.unreadable == ()


def test_a_folder_of_nothing_holds_no_study(tmp_path):
    scan = scan_folder(tmp_path)
    assert (scan.n_files, scan.studies) == (0, ())
    assert not holds_dicom(tmp_path)


def test_a_dicomdir_stands_for_its_folder(tmp_path, save_instance):
    save_instance(tmp_path / "IMAGES" / "IM1")
    (tmp_path / "DICOMDIR").touch()
    assert n_frames(scan_folder(tmp_path / "DICOMDIR")) == 1


def test_links_that_lead_back_end_and_pipes_are_not_opened(tmp_path, save_instance):
    save_instance(tmp_path / "a" / "image")
    (tmp_path / "a" / "back").symlink_to(tmp_path)
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe")
    scan = scan_folder(tmp_path)
    assert (scan.n_files, n_frames(scan)) == (1, 1)


def test_studies_and_series_are_told_apart_and_in_order(tmp_path, save_series):
    save_series(tmp_path, 9)
    save_series(tmp_path, 4)
    save_series(tmp_path / "other", 1, StudyInstanceUID="1.2.3.9")
    scan = scan_folder(tmp_path)
    assert [[s.protocol.series_number for s in each.series] for each in scan.studies] == [
        [4, 9],
        [1],
    ]


def test_an_unreadable_file_is_told_and_stops_nothing(tmp_path, save_instance):
    save_instance(tmp_path / "good")
    save_instance(tmp_path / "huge", Rows=60000, Columns=60000, PixelData=b"")
    save_instance(tmp_path / "nameless", SeriesInstanceUID="")
    scan = scan_folder(tmp_path)
    assert n_frames(scan) == 1
    assert len(scan.unreadable) == 2
    assert "claims 60000 x 60000 pixels" in scan.unreadable[0]
    assert "names no study, series or instance" in scan.unreadable[1]


def test_objects_that_are_no_mr_images_are_counted(tmp_path, save_instance):
    save_instance(tmp_path / "capture", SOPClassUID="1.2.840.10008.5.1.4.1.1.7")
    shutil.copy(get_testdata_file("reportsi.dcm"), tmp_path / "report")
    scan = scan_folder(tmp_path)
    assert scan.studies == ()
    assert sum(count for _, count in scan.others) == 2


def test_files_without_preamble_are_read(tmp_path, instance):
    dataset = instance()
    del dataset.file_meta
    dataset.save_as(tmp_path / "old", implicit_vr=True, little_endian=True)
    assert n_frames(scan_folder(tmp_path)) == 1


def test_progress_is_shown_over_all_files(tmp_path, save_series):
    save_series(tmp_path, 1, n_slices=4)
    seen = []

    def show(paths, total):
        seen.append(total)
        return paths

    scan_folder(tmp_path, show)
    assert seen == [4]


@pytest.mark.parametrize(("name", "words"), [("none", "does not exist"), ("file", "is a file")])
def test_what_is_no_folder_is_refused(tmp_path, name, words):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=words):
        scan_folder(tmp_path / name)


def test_frames_of_one_protocol_hold_it_once(tmp_path, save_series):
    save_series(tmp_path, 1, n_slices=5)
    (study,) = scan_folder(tmp_path).studies
    frames = study.series[0].frames
    assert all(each.protocol is frames[0].protocol for each in frames)
