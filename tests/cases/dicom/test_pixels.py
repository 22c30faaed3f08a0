from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from myoseg.cases.dicom import decoding
from myoseg.cases.dicom.headers import headers_of
from myoseg.cases.dicom.pixels import coded_size, read_frames
from myoseg.errors import InputError

STORED = np.arange(30, dtype=np.uint16).reshape(5, 6)


def read(path):
    (image,) = read_frames(headers_of(path).frames)
    return image


def test_stored_values_without_rescaling_are_as_stored(tmp_path, save_instance):
    image = read(save_instance(tmp_path / "x"))
    assert image.dtype == np.float32
    assert np.array_equal(image, STORED)


def test_no_frame_is_no_image():
    assert read_frames([]) == []


def test_values_are_rescaled(tmp_path, save_instance):
    path = save_instance(tmp_path / "x", RescaleSlope="0.5", RescaleIntercept="-10")
    assert np.allclose(read(path), STORED * 0.5 - 10)


def test_signed_values_keep_their_sign(tmp_path, save_instance):
    signed = STORED.astype(np.int16) - 15
    path = save_instance(tmp_path / "x", pixels=signed)
    assert np.array_equal(read(path), signed)


@pytest.mark.parametrize(("dtype", "top"), [(np.uint16, 4095), (np.int16, -1)])
def test_where_the_lowest_is_white_values_are_turned_round(tmp_path, save_instance, dtype, top):
    path = save_instance(
        tmp_path / "x",
        pixels=STORED.astype(dtype),
        PhotometricInterpretation="MONOCHROME1",
        BitsStored=12,
        HighBit=11,
        RescaleSlope="2",
        RescaleIntercept="1",
    )
    assert np.array_equal(read(path), (top - STORED.astype(float)) * 2 + 1)


@pytest.mark.parametrize(
    "name",
    [
        "MR_small_RLE.dcm",
        "MR_small_jp2klossless.dcm",
        "MR_small_jpeg_ls_lossless.dcm",
        "MR_small_implicit.dcm",
        "MR_small_bigendian.dcm",
    ],
)
def test_every_transfer_syntax_gives_the_same_values(name):
    image = read(Path(get_testdata_file(name)))
    assert np.array_equal(image, pydicom.dcmread(get_testdata_file("MR_small.dcm")).pixel_array)


def test_a_frame_has_its_own_rescaling(tmp_path, instance):
    ds = instance(SOPClassUID="1.2.840.10008.5.1.4.1.1.4.1", NumberOfFrames=2)
    ds.PixelData = np.stack([STORED, STORED + 1]).tobytes()
    own = []
    for slope in (2.0, 3.0):
        transformation, groups = Dataset(), Dataset()
        transformation.RescaleSlope, transformation.RescaleIntercept = slope, 1.0
        groups.PixelValueTransformationSequence = Items([transformation])
        own.append(groups)
    ds.PerFrameFunctionalGroupsSequence = Items(own)
    ds.save_as(tmp_path / "x", enforce_file_format=True)
    first, second = read_frames(headers_of(tmp_path / "x").frames)
    assert np.array_equal(first, STORED * 2 + 1)
    assert np.array_equal(second, (STORED + 1) * 3 + 1)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"PixelData": STORED.tobytes()[:40]}, "cannot be read"),
        ({"PhotometricInterpretation": "RGB", "SamplesPerPixel": 3}, "no grey image"),
        ({"BitsAllocated": 12}, "unknown size"),
        ({"RescaleSlope": "0"}, "rescale slope is 0"),
        ({"ModalityLUTSequence": Items([Dataset()])}, "Modality LUT"),
    ],
)
def test_images_that_would_be_read_wrongly_are_refused_by_name(
    tmp_path, save_instance, wrong, words
):
    path = save_instance(tmp_path / "broken.dcm", **wrong)
    with pytest.raises(InputError, match=words) as caught:
        read(path)
    assert "broken.dcm" in str(caught.value)


def test_missing_pixels_are_refused(tmp_path, instance):
    ds = instance()
    del ds.PixelData
    ds.save_as(tmp_path / "x", enforce_file_format=True)
    with pytest.raises(InputError, match="has no pixels"):
        read(tmp_path / "x")


def test_a_file_that_has_changed_since_the_scan_is_refused(tmp_path, save_instance):
    frames = headers_of(save_instance(tmp_path / "x")).frames
    save_instance(tmp_path / "x")
    with pytest.raises(InputError, match="has changed since"):
        read_frames(frames)


def test_a_file_that_is_gone_is_refused(tmp_path, save_instance):
    frames = headers_of(save_instance(tmp_path / "x")).frames
    (tmp_path / "x").unlink()
    with pytest.raises(InputError, match="no readable DICOM"):
        read_frames(frames)


@pytest.mark.parametrize(
    "name", ["MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm", "JPEG-lossy.dcm"]
)
def test_coded_images_say_their_size(name):
    ds = pydicom.dcmread(Path(get_testdata_file(name)))
    code = pydicom.encaps.get_frame(ds.PixelData, 0, number_of_frames=1)
    assert coded_size(code) == (ds.Rows, ds.Columns)


@pytest.mark.parametrize("code", [b"", b"\xff\xd8", b"\xff\xd8\xff\xe0\x00\x02", b"RLE"])
def test_other_codes_say_none(code):
    assert coded_size(code) is None


@pytest.mark.parametrize("name", ["MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm"])
def test_a_coded_image_larger_than_its_header_says_is_not_decoded(tmp_path, name):
    ds = pydicom.dcmread(Path(get_testdata_file(name)))
    ds.Rows = 32
    ds.save_as(tmp_path / "x")
    with pytest.raises(InputError, match="64 x 64 when decoded"):
        read(tmp_path / "x")


@pytest.mark.parametrize("end", ["/bin/false", "/bin/cat"])
def test_a_decoder_that_ends_its_process_ends_no_other(monkeypatch, tmp_path, end):
    # One prints nothing, the other what it was given, which is no answer.
    ended = tmp_path / "python"
    ended.write_text(f"#!/bin/sh\n{end} >/dev/null\nexit 6\n")
    ended.chmod(0o755)
    monkeypatch.setattr(decoding.sys, "executable", str(ended))
    with pytest.raises(InputError, match=r"MR_small_jp2klossless\.dcm.*decoder gave up"):
        read(Path(get_testdata_file("MR_small_jp2klossless.dcm")))


def test_a_decoder_that_takes_too_long_is_stopped(monkeypatch, tmp_path):
    slow = tmp_path / "python"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setattr(decoding.sys, "executable", str(slow))
    monkeypatch.setattr(decoding, "LONGEST_START_S", 0.2)
    monkeypatch.setattr(decoding, "LONGEST_FRAME_S", 0.0)
    with pytest.raises(InputError, match="took too long"):
        read(Path(get_testdata_file("MR_small_jp2klossless.dcm")))


def test_frames_before_a_damaged_one_are_no_reason_to_blame_them(tmp_path):
    sound = Path(get_testdata_file("MR_small_jp2klossless.dcm"))
    first, second = decoding.decode_apart([(sound, 0), (sound, 0)])
    assert np.array_equal(first, second)
    with pytest.raises(InputError, match=r"gone\.dcm"):
        decoding.decode_apart([(sound, 0), (tmp_path / "gone.dcm", 0)])
