import struct
import zlib
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from myoseg.cases.dicom import opening
from myoseg.cases.dicom.components import component_of
from myoseg.cases.dicom.elements import item, items, number, numbers, text, whole, words
from myoseg.cases.dicom.headers import headers_of, identity_of
from myoseg.errors import InputError

ENHANCED = "1.2.840.10008.5.1.4.1.1.4.1"


def group(**attributes):
    ds = Dataset()
    for name, value in attributes.items():
        setattr(ds, name, value)
    return Items([ds])


@pytest.fixture
def enhanced(instance):
    """An enhanced instance of two slices and two phases, whose timing and axes are shared."""
    ds = instance(SOPClassUID=ENHANCED)
    for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"):
        delattr(ds, name)
    ds.PulseSequenceName, ds.EchoPulseSequence = "tfi", "GRADIENT"
    ds.SteadyStatePulseSequence = "FREE_PRECESSION"
    shared = Dataset()
    shared.PlaneOrientationSequence = group(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])
    shared.PixelMeasuresSequence = group(PixelSpacing=[1.5, 1.25], SliceThickness=8)
    shared.MRTimingAndRelatedParametersSequence = group(
        RepetitionTime=3.1, FlipAngle=60, RFEchoTrainLength=1
    )
    shared.MREchoSequence = group(EffectiveEchoTime=1.4)
    ds.SharedFunctionalGroupsSequence = Items([shared])
    frames = []
    for z in (0, 10):
        for phase in (1, 2):
            own = Dataset()
            own.PlanePositionSequence = group(ImagePositionPatient=[0, 0, z])
            own.FrameContentSequence = group(TemporalPositionIndex=phase)
            own.CardiacSynchronizationSequence = group(
                NominalCardiacTriggerDelayTime=30.0 * (phase - 1)
            )
            own.MRImageFrameTypeSequence = group(
                FrameType=["ORIGINAL", "PRIMARY", "NONE", "NONE"],
                ComplexImageComponent="MAGNITUDE",
            )
            frames.append(own)
    ds.PerFrameFunctionalGroupsSequence = Items(frames)
    ds.NumberOfFrames = 4
    return ds


def test_a_classic_instance_by_hand(tmp_path, save_instance, protocols):
    path = save_instance(
        tmp_path / "x",
        (1, 2, 3),
        TriggerTime="12.5",
        AcquisitionTime="101530.5",
        **protocols["lge"],
    )
    headers = headers_of(path)
    (frame,) = headers.frames
    assert (frame.number, frame.shape) == (None, (5, 6))
    assert frame.place.position_mm == (1.0, 2.0, 3.0)
    assert frame.place.spacing_mm == (1.5, 1.25)
    assert (frame.trigger_ms, frame.inversion_ms, frame.echo_ms) == (12.5, 280.0, 3.3)
    assert frame.taken_s == 10 * 3600 + 15 * 60 + 30.5
    assert frame.protocol.scanning_sequence == ("GR", "IR")
    assert frame.protocol.sequence_name == "*tfl2d1_25"
    assert frame.protocol.series_number == 7


def test_an_enhanced_instance_has_a_frame_for_each_slice_and_phase(tmp_path, enhanced):
    enhanced.save_as(tmp_path / "x", enforce_file_format=True)
    frames = headers_of(tmp_path / "x").frames
    assert [frame.number for frame in frames] == [1, 2, 3, 4]
    assert [frame.place.position_mm[2] for frame in frames] == [0, 0, 10, 10]
    assert [frame.trigger_ms for frame in frames] == [0, 30, 0, 30]
    assert [frame.phase for frame in frames] == [1, 2, 1, 2]
    protocol = frames[0].protocol
    assert protocol.scanning_sequence == ("GR",)
    assert protocol.sequence_variant == ("SS",)
    assert (protocol.repetition_time_ms, protocol.flip_angle_deg) == (3.1, 60)
    assert frames[3].echo_ms == 1.4
    assert frames[3].protocol is protocol


@pytest.mark.parametrize("stated", [0, 3, 10**9])
def test_an_enhanced_instance_that_miscounts_its_frames_is_refused(tmp_path, enhanced, stated):
    enhanced.NumberOfFrames = stated
    enhanced.save_as(tmp_path / "x", enforce_file_format=True)
    with pytest.raises(InputError, match=f"states {stated} frames and describes 4"):
        headers_of(tmp_path / "x")


@pytest.mark.parametrize(
    "wrong",
    [
        {"ImagePositionPatient": None},
        {"ImagePositionPatient": ["1e9", "0", "0"]},
        {"ImageOrientationPatient": ["1", "0", "0", "1", "0", "0"]},
        {"ImageOrientationPatient": ["2", "0", "0", "0", "1", "0"]},
        {"PixelSpacing": ["0", "1"]},
        {"PixelSpacing": None},
    ],
)
def test_an_image_that_does_not_say_soundly_where_it_lies_has_no_place(
    tmp_path, save_instance, wrong
):
    (frame,) = headers_of(save_instance(tmp_path / "x", **wrong)).frames
    assert frame.place is None


def test_numbers_are_read_however_they_are_stored():
    ds = Dataset()
    ds.add_new(0x00280010, "US", 256)
    ds.add_new(0x00280011, "LO", "192")
    ds.add_new(0x00180081, "FD", 1.25)
    ds.add_new(0x00180082, "DS", ["1.5", "2.5"])
    ds.add_new(0x00180080, "LO", "nan")
    ds.add_new(0x00181060, "LO", "soon")
    assert (whole(ds, 0x00280010), whole(ds, 0x00280011)) == (256, 192)
    assert number(ds, 0x00180081) == 1.25
    assert numbers(ds, 0x00180082) == (1.5, 2.5)
    assert numbers(ds, 0x00180080) == numbers(ds, 0x00181060) == ()
    assert whole(ds, 0x00180081) is None
    assert words(ds, 0x00080008) == ()
    assert items(ds, 0x00280010) == []
    assert len(item(ds, 0x00280010)) == 0


def test_texts_hold_nothing_that_does_not_print():
    ds = Dataset()
    ds.add_new(0x0008103E, "LO", "late\x1b[31m\nenhancement" + "x" * 500)
    assert text(ds, 0x0008103E).startswith("late[31menhancement")
    assert len(text(ds, 0x0008103E)) <= 128


def test_damaged_files_are_refused_by_name(tmp_path, save_instance):
    path = save_instance(tmp_path / "broken.dcm")
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match=r"broken\.dcm"):
        headers_of(path)


def test_a_deflated_file_is_read_within_bounds(tmp_path, instance, monkeypatch):
    path = tmp_path / "bomb"
    dataset = instance(ImageComments="x" * 4000)
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    dataset.save_as(path, enforce_file_format=True)
    assert headers_of(path).frames[0].shape == (5, 6)
    monkeypatch.setattr(opening, "LARGEST_INFLATED_HEADER_BYTES", 2000)
    with pytest.raises(InputError, match="grows beyond"):
        headers_of(path)


def test_pixels_are_not_inflated_where_only_the_header_is_read(tmp_path, instance, monkeypatch):
    path = tmp_path / "large"
    dataset = instance(ImageComments="x")
    dataset.PixelData = bytes(1 << 20)
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    dataset.save_as(path, enforce_file_format=True)
    monkeypatch.setattr(opening, "LARGEST_INFLATED_HEADER_BYTES", 1 << 17)
    assert opening.read_before_pixels(path).ImageComments == "x"
    assert headers_of(path).frames[0].shape == (5, 6)
    monkeypatch.setattr(opening, "LARGEST_INFLATED_BYTES", 1 << 17)
    with pytest.raises(InputError, match="grows beyond"):
        opening.read_whole(path)


def test_a_zip_bomb_is_refused_before_it_is_inflated(tmp_path, monkeypatch):
    # 64 MiB of zeros behind a meta group longer than what is looked at first.
    syntax = b"1.2.840.10008.1.2.1.99"
    padding = struct.pack("<HH2sHI", 2, 0x102, b"OB", 0, 5000) + bytes(5000)
    meta = struct.pack("<HH2sH", 2, 0x10, b"UI", len(syntax)) + syntax + padding
    length = struct.pack("<HH2sHI", 2, 0, b"UL", 4, len(meta))
    squeezed = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = squeezed.compress(bytes(1 << 26)) + squeezed.flush()
    path = tmp_path / "bomb"
    path.write_bytes(bytes(128) + b"DICM" + length + meta + body)
    monkeypatch.setattr(opening, "LARGEST_INFLATED_HEADER_BYTES", 1 << 20)
    with pytest.raises(InputError, match="grows beyond 1 MiB"):
        headers_of(path)


def test_a_deflated_file_of_another_program_is_read(tmp_path):
    headers = headers_of(Path(get_testdata_file("image_dfl.dcm")))
    assert headers.sop_class_uid == "1.2.840.10008.5.1.4.1.1.7"


def test_what_could_tell_the_patient_is_known(tmp_path, save_instance):
    known = identity_of(save_instance(tmp_path / "x", PatientBirthDate="19500101"))
    assert {"Meier^Anna", "P0815", "19500101"} <= set(known)


@pytest.mark.parametrize(
    ("image_type", "description", "component"),
    [
        (("ORIGINAL", "PRIMARY", "M", "ND"), "lge", "magnitude"),
        (("ORIGINAL", "PRIMARY", "M", "ND"), "de_psir_sax_PSIR", "phase-sensitive"),
        (("ORIGINAL", "PRIMARY", "M", "ND"), "de_psir_sax_MAG", "magnitude"),
        (("ORIGINAL", "PRIMARY", "P", "ND"), "fl2d_venc", "phase"),
        (("ORIGINAL", "PRIMARY", "M_FFE", "M", "FFE"), "sBTFE", "magnitude"),
        (("ORIGINAL", "PRIMARY", "R_IR", "R", "IR"), "LGE SA", "phase-sensitive"),
        (("ORIGINAL", "PRIMARY", "PHASE MAP", "P", "FFE"), "QFLOW", "phase"),
        (("ORIGINAL", "PRIMARY", "R"), "cine", "real"),
        (("ORIGINAL", "PRIMARY", "I"), "psir", "imaginary"),
        (("DERIVED", "PRIMARY", "PSIR"), "", "phase-sensitive"),
        ((), "", "magnitude"),
        (("ORIGINAL", "PRIMARY", "MAGNITUDE"), "", "magnitude"),
    ],
)
def test_the_component_is_told(image_type, description, component):
    assert component_of(image_type, description) == component
