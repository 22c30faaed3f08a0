"""Whatever stands in a folder, it is scanned, judged and read, or refused in words."""

import io
import json
import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.data import get_testdata_file
from pydicom.dataelem import DataElement

from myoseg.cases.dicom.inspection import inspect_folder
from myoseg.cases.dicom.scan import scan_folder
from myoseg.cases.dicom.series import read_dicom_series
from myoseg.errors import InputError

FILES = (
    "MR_small.dcm",
    "MR_small_RLE.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "MR_small_implicit.dcm",
    "MR_small_bigendian.dcm",
    "image_dfl.dcm",
    "badVR.dcm",
)
CHANGES = st.lists(
    st.tuples(st.sampled_from(["flip", "set", "cut", "insert", "end"]), st.integers(0, 4000)),
    min_size=1,
    max_size=6,
)
TAGS = (0x00080008, 0x00080016, 0x00180081, 0x00181060, 0x00200013, 0x00200032, 0x00200037,
        0x00280008, 0x00280010, 0x00280011, 0x00280030, 0x00280100, 0x00281053)  # fmt: skip
VALUES = st.sampled_from(
    [("DS", "nan"), ("DS", "1e309"), ("IS", "-1"), ("US", 0), ("US", 65535), ("FD", 1e300),
     ("LO", "../../etc/passwd"), ("OB", b"\xff\xff"), ("SQ", []), ("UI", "1.2.840"), ("CS", "")]
)  # fmt: skip


def read_all(folder: Path) -> int:
    """Everything a user could do with a folder; how many stacks were read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scan_folder(folder)
        try:
            found = inspect_folder(folder)
        except InputError:
            return 0
        assert found.to_text()
        json.dumps(found.to_record(), allow_nan=False)
        n_read = 0
        for study in found.studies.values():
            for judged in study.judged:
                try:
                    series = read_dicom_series(judged.candidate.stack)
                except InputError:
                    continue
                assert np.isfinite(series.image.geometry.affine).all()
                n_read += 1
    return n_read


@pytest.mark.parametrize("name", ["MR_small.dcm", "MR_small_RLE.dcm", "MR_small_jp2klossless.dcm"])
def test_files_that_are_sound_are_read(tmp_path, name):
    (tmp_path / "x").write_bytes(Path(get_testdata_file(name)).read_bytes())
    assert read_all(tmp_path) == 1


@given(name=st.sampled_from(FILES), changes=CHANGES, byte=st.integers(0, 255))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_files_with_altered_bytes_are_read_or_refused(tmp_path, name, changes, byte):
    content = bytearray(Path(get_testdata_file(name)).read_bytes())
    for kind, place in changes:
        at = place % len(content)
        if kind == "flip":
            content[at] ^= 1 << (byte % 8)
        elif kind == "set":
            content[at : at + 4] = b"\xff\xff\xff\xff"
        elif kind == "cut":
            del content[at : at + byte]
        elif kind == "insert":
            content[at:at] = bytes([byte])
        else:
            del content[max(at, 150) :]
    (tmp_path / "x").write_bytes(bytes(content))
    read_all(tmp_path)


@given(changes=st.lists(st.tuples(st.sampled_from(TAGS), VALUES), min_size=1, max_size=4))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_files_with_elements_of_wrong_kinds_are_read_or_refused(tmp_path, changes):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(get_testdata_file("MR_small.dcm"))
        for tag, (representation, value) in changes:
            dataset[tag] = DataElement(tag, representation, value, already_converted=True)
        written = io.BytesIO()
        try:
            dataset.save_as(written)
        except Exception:
            # pydicom would not write this.
            return
    (tmp_path / "x").write_bytes(written.getvalue())
    read_all(tmp_path)


def test_identifiers_that_are_paths_name_no_file_and_no_case(tmp_path, save_series, protocols):
    tricks = {
        "StudyInstanceUID": "../../../outside",
        "SeriesInstanceUID": "../../etc",
        "SeriesDescription": "../../lge_sax",
    }
    save_series(tmp_path / "in", 1, **(protocols["lge"] | tricks))
    found = inspect_folder(tmp_path / "in")
    assert list(found.studies) == ["in"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]


def test_sequences_nested_beyond_reason_stop_nothing(tmp_path, save_instance):
    save_instance(tmp_path / "good")
    start = (tmp_path / "good").read_bytes()[:132]
    nested = b"\x00\x52\x30\x92SQ\x00\x00\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    syntax = b"\x02\x00\x10\x00UI\x14\x001.2.840.10008.1.2.1\x00"
    length = b"\x02\x00\x00\x00UL\x04\x00" + len(syntax).to_bytes(4, "little")
    (tmp_path / "deep").write_bytes(start + length + syntax + nested * 5000)
    scan = scan_folder(tmp_path)
    assert len(scan.studies) == 1
    assert len(scan.unreadable) == 1
