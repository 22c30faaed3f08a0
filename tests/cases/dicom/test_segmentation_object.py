from copy import deepcopy

import highdicom
import numpy as np
import pydicom
import pytest
from pydicom.uid import MRImageStorage, generate_uid

from myoseg.anatomy import EACH_TISSUE, REGIONS, Tissue
from myoseg.cases.case import Geometry, LabelMap, Segmentation
from myoseg.cases.dicom.authorship import Authorship
from myoseg.cases.dicom.segmentation_object import (
    segment_numbers,
    segmentation_object,
    write_dicom_object,
)
from myoseg.errors import GeometryError, InputError, OutputError

N_ORIENTATIONS = 12
IDENTITY = ("PatientName", "PatientID", "PatientBirthDate", "StudyInstanceUID", "AccessionNumber")


@pytest.fixture(params=[False, True], ids=["classic", "enhanced"])
def stack(request, orientations):
    return orientations.random_stack(np.random.default_rng(7), enhanced=request.param)


def sent_round(written, tmp_path):
    path = tmp_path / "object.dcm"
    write_dicom_object(path, written)
    return pydicom.dcmread(path)


@pytest.mark.parametrize("seed", range(N_ORIENTATIONS))
def test_every_reader_finds_each_voxel_where_the_label_map_has_it(orientations, tmp_path, seed):
    stack = orientations.random_stack(np.random.default_rng(seed), enhanced=bool(seed % 2))
    found = orientations.round_trip(stack, tmp_path)
    assert len(found) >= 3
    assert max(found.values()) < 1e-3


def test_a_mirrored_reading_would_not_go_unnoticed(orientations):
    points = {1: np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [5.0, 0.0, 0.0]])}
    mirrored = {1: np.array([5.0, 0.0, 0.0]) - points[1]}
    assert orientations.farthest_mm(points, points) == 0.0
    assert orientations.farthest_mm(mirrored, points) > 0.5


def test_pixels_of_each_source_image_are_the_labels_on_it(orientations, tmp_path):
    stack = orientations.random_stack(np.random.default_rng(3))
    path = tmp_path / "seg.dcm"
    write_dicom_object(path, segmentation_object(stack.segmentation, stack.sources))
    uids = [header.SOPInstanceUID for header in stack.sources]
    frames = highdicom.seg.segread(path).get_pixels_by_source_instance(uids, combine_segments=True)
    found = {}
    for header, frame in zip(stack.sources, frames, strict=True):
        along = np.array(header.ImageOrientationPatient, dtype=float)
        row_mm, col_mm = map(float, header.PixelSpacing)
        for number in np.unique(frame[frame > 0]):
            rows, cols = np.nonzero(frame == number)
            at = np.array(header.ImagePositionPatient, dtype=float)
            at = at + np.outer(cols * col_mm, along[:3]) + np.outer(rows * row_mm, along[3:])
            found.setdefault(int(number), []).append(at)
    joined = {number: np.concatenate(parts) for number, parts in found.items()}
    assert orientations.farthest_mm(joined, stack.points) < 1e-3


def test_each_frame_refers_to_the_image_or_the_frame_in_its_place(stack, tmp_path):
    written = sent_round(segmentation_object(stack.segmentation, stack.sources), tmp_path)
    by_uid = {header.SOPInstanceUID: header for header in stack.sources}
    for groups in written.PerFrameFunctionalGroupsSequence:
        (reference,) = groups.DerivationImageSequence[0].SourceImageSequence
        header = by_uid[reference.ReferencedSOPInstanceUID]
        assert reference.ReferencedSOPClassUID == header.SOPClassUID
        if "PerFrameFunctionalGroupsSequence" in header:
            frame = header.PerFrameFunctionalGroupsSequence[reference.ReferencedFrameNumber - 1]
            place = frame.PlanePositionSequence[0].ImagePositionPatient
        else:
            assert "ReferencedFrameNumber" not in reference
            place = header.ImagePositionPatient
        assert list(groups.PlanePositionSequence[0].ImagePositionPatient) == list(place)
    (series,) = written.ReferencedSeriesSequence
    assert series.SeriesInstanceUID == stack.sources[0].SeriesInstanceUID
    listed = {each.ReferencedSOPInstanceUID for each in series.ReferencedInstanceSequence}
    assert listed == set(by_uid)


def test_patient_and_study_are_those_of_the_images(stack, tmp_path):
    written = sent_round(segmentation_object(stack.segmentation, stack.sources), tmp_path)
    for name in IDENTITY:
        assert getattr(written, name) == getattr(stack.sources[0], name)
    assert written.SeriesInstanceUID != stack.sources[0].SeriesInstanceUID


def test_it_says_what_it_is_who_made_it_and_that_it_is_for_research(stack, tmp_path):
    made = Authorship("SEMIAUTOMATIC", "model default", "1.2.3")
    written = segmentation_object(stack.segmentation, stack.sources, authorship=made)
    written = sent_round(written, tmp_path)
    assert written.SegmentationType == "BINARY"
    assert "Research use only" in written.ContentDescription
    assert "Research use only" in written.SeriesDescription
    titles = [segment.SegmentLabel for segment in written.SegmentSequence]
    assert titles == ["LV blood pool", "RV blood pool", "Normal myocardium", "Edema", "Scar"]
    scar = written.SegmentSequence[4]
    assert scar.SegmentAlgorithmType == "SEMIAUTOMATIC"
    assert scar.SegmentAlgorithmName == "myoseg model default"
    (algorithm,) = scar.SegmentationAlgorithmIdentificationSequence
    assert algorithm.AlgorithmVersion == "1.2.3"
    assert algorithm.AlgorithmFamilyCodeSequence[0].CodeValue == "123110"
    assert scar.AnatomicRegionSequence[0].CodeValue == "49848007"
    # #ff4fd8 in CIELab is about L 66, a 78, b -37, stored as 16-bit shares of their ranges.
    lab = np.array(scar.RecommendedDisplayCIELabValue) / 0xFFFF * [100, 255, 255] - [0, 128, 128]
    np.testing.assert_allclose(lab, [66, 78, -37], atol=3)


def test_what_was_drawn_by_hand_names_no_algorithm(stack):
    made = Authorship("MANUAL")
    written = segmentation_object(stack.segmentation, stack.sources, authorship=made)
    assert all(segment.SegmentAlgorithmType == "MANUAL" for segment in written.SegmentSequence)
    assert all("SegmentAlgorithmName" not in segment for segment in written.SegmentSequence)


def test_the_same_labels_on_the_same_images_have_the_same_identifiers(stack):
    one = segmentation_object(stack.segmentation, stack.sources)
    again = segmentation_object(stack.segmentation, stack.sources[::-1])
    assert again.SOPInstanceUID == one.SOPInstanceUID
    assert again.PixelData == one.PixelData
    codes = stack.segmentation.labels.codes.copy()
    codes[0, 0, 1] = 0 if codes[0, 0, 1] else 2221
    changed = Segmentation("x", LabelMap(codes), stack.segmentation.geometry)
    assert segmentation_object(changed, stack.sources).SOPInstanceUID != one.SOPInstanceUID


def test_neither_headers_nor_labels_are_altered(stack):
    sources, codes = deepcopy(stack.sources), stack.segmentation.labels.codes.copy()
    segmentation_object(stack.segmentation, stack.sources)
    assert stack.sources == sources
    np.testing.assert_array_equal(stack.segmentation.labels.codes, codes)


def test_a_tissue_that_is_nowhere_is_a_segment_without_frames(stack, tmp_path):
    codes = stack.segmentation.labels.codes.copy()
    codes[codes == Tissue.EDEMA] = Tissue.NORMAL_MYOCARDIUM
    without = Segmentation("x", LabelMap(codes), stack.segmentation.geometry)
    written = sent_round(segmentation_object(without, stack.sources), tmp_path)
    numbers = {
        groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        for groups in written.PerFrameFunctionalGroupsSequence
    }
    assert numbers == {1, 2, 3, 5}
    assert len(written.SegmentSequence) == 5


def test_an_empty_label_map_gives_frames_without_a_pixel(stack, tmp_path):
    empty = LabelMap(np.zeros_like(stack.segmentation.labels.codes))
    written = segmentation_object(
        Segmentation("x", empty, stack.segmentation.geometry), stack.sources
    )
    assert not any(sent_round(written, tmp_path).PixelData)


def test_tissues_that_were_not_told_apart_are_one_segment_and_others_none(stack):
    codes = np.where(stack.segmentation.labels.codes == 200, 200, 0).astype(np.int16)
    labels = LabelMap(codes, (REGIONS["myocardium"],))
    written = segmentation_object(
        Segmentation("x", labels, stack.segmentation.geometry), stack.sources
    )
    (segment,) = written.SegmentSequence
    assert segment.SegmentLabel == "Myocardium"
    assert segment_numbers(labels) == {REGIONS["myocardium"]: 1}


def test_nothing_assessed_is_refused(stack):
    nothing = LabelMap(np.zeros_like(stack.segmentation.labels.codes), ())
    with pytest.raises(InputError, match="no tissue was assessed"):
        segmentation_object(Segmentation("x", nothing, stack.segmentation.geometry), stack.sources)


def test_a_stack_of_many_series_refers_to_each_of_them(orientations, tmp_path):
    stack = orientations.random_stack(np.random.default_rng(11))
    for header in stack.sources:
        header.SeriesInstanceUID = generate_uid()
    written = sent_round(segmentation_object(stack.segmentation, stack.sources), tmp_path)
    listed = {each.SeriesInstanceUID for each in written.ReferencedSeriesSequence}
    assert listed == {header.SeriesInstanceUID for header in stack.sources}
    gap = orientations.farthest_mm(orientations.by_hand(tmp_path / "object.dcm"), stack.points)
    assert gap < 1e-3


def test_cosines_that_differ_in_the_last_digit_are_one_orientation(orientations, tmp_path):
    stack = orientations.random_stack(np.random.default_rng(12))
    cosines = [float(cosine) for cosine in stack.sources[0].ImageOrientationPatient]
    stack.sources[0].ImageOrientationPatient = [f"{cosine:.6f}" for cosine in cosines]
    sent_round(segmentation_object(stack.segmentation, stack.sources), tmp_path)
    gap = orientations.farthest_mm(orientations.by_hand(tmp_path / "object.dcm"), stack.points)
    assert gap < 1e-3


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_headers_without_what_anonymisers_remove_still_do(orientations, tmp_path):
    stack = orientations.random_stack(np.random.default_rng(13))
    for header in stack.sources:
        for name in (*IDENTITY[:3], "AccessionNumber", "StudyID", "StudyDate", "StudyTime"):
            delattr(header, name)
        header.PatientSex = "?"
        del header.SliceThickness
    written = sent_round(segmentation_object(stack.segmentation, stack.sources), tmp_path)
    assert written.PatientName == ""
    assert written.PatientSex == ""


@pytest.mark.parametrize(
    ("name", "value", "error", "said"),
    [
        ("StudyInstanceUID", "1.2.3", InputError, "several studies"),
        ("FrameOfReferenceUID", "1.2.3", GeometryError, "several frames of reference"),
    ],
)
def test_images_that_do_not_belong_together_are_refused(orientations, name, value, error, said):
    stack = orientations.random_stack(np.random.default_rng(14))
    setattr(stack.sources[1], name, value)
    with pytest.raises(error, match=said):
        segmentation_object(stack.segmentation, stack.sources)


def test_labels_of_another_series_are_refused(orientations):
    stack, other = (orientations.random_stack(np.random.default_rng(seed)) for seed in (15, 16))
    with pytest.raises(GeometryError, match="does not lie on the images' grid"):
        segmentation_object(stack.segmentation, other.sources)


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
@pytest.mark.parametrize("name", ["StudyDate", "PatientBirthDate"])
def test_a_header_that_cannot_be_carried_over_is_told_without_its_values(orientations, name):
    stack = orientations.random_stack(np.random.default_rng(17))
    for header in stack.sources:
        setattr(header, name, "1950-01-0l")
    with pytest.raises(InputError, match=f"cannot be carried over.*: {name} of") as refusal:
        segmentation_object(stack.segmentation, stack.sources)
    assert "1950" not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_no_name_of_a_patient_is_logged(orientations, tmp_path, caplog, recwarn):
    stack = orientations.random_stack(np.random.default_rng(18))
    secret = "Muster=Maxi=Geheim=Zuviel^a^b^c^d^e^f"
    for header in stack.sources:
        header.PatientName, header.PatientID = secret, "geheim" * 20
    caplog.clear()
    recwarn.clear()
    write_dicom_object(tmp_path / "seg.dcm", segmentation_object(stack.segmentation, stack.sources))
    assert not caplog.records
    assert not recwarn.list


def test_a_series_without_a_frame_of_reference_is_given_one(orientations, tmp_path):
    stack = orientations.random_stack(np.random.default_rng(19))
    for header in stack.sources:
        del header.FrameOfReferenceUID
    written = sent_round(segmentation_object(stack.segmentation, stack.sources), tmp_path)
    assert written.FrameOfReferenceUID.startswith("2.25.")


def test_a_file_that_cannot_be_written_leaves_nothing(stack, tmp_path):
    (tmp_path / "folder").write_text("a file in the way")
    written = segmentation_object(stack.segmentation, stack.sources)
    with pytest.raises(OutputError):
        write_dicom_object(tmp_path / "folder" / "seg.dcm", written)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_the_validator_has_no_error_and_no_warning(stack, tmp_path, dciodvfy):
    write_dicom_object(tmp_path / "seg.dcm", segmentation_object(stack.segmentation, stack.sources))
    assert dciodvfy(tmp_path / "seg.dcm") == ([], [])


def test_the_example_by_hand_lands_on_its_bits(orientations, tmp_path):
    """Two slices of 2 x 4 pixels: one byte a frame, the first pixel in the lowest bit."""
    sources = orientations.classic_sources(
        np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 10.0]]),
        (np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])),
        (3.0, 2.0),
        (2, 4),
    )
    assert sources[0].SOPClassUID == MRImageStorage
    codes = np.zeros((2, 2, 4), dtype=np.int16)
    codes[0, 0, 1] = codes[1, 1, 3] = Tissue.SCAR
    codes[1, 0, 0] = Tissue.LV_BLOOD_POOL
    geometry = Geometry((2, 2, 4), np.diag([-2.0, -3.0, 10.0, 1.0]))
    segmentation = Segmentation("x", LabelMap(codes, EACH_TISSUE), geometry)
    written = sent_round(segmentation_object(segmentation, sources), tmp_path)
    frames = {
        (
            groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber,
            float(groups.PlanePositionSequence[0].ImagePositionPatient[2]),
        ): written.PixelData[index]
        for index, groups in enumerate(written.PerFrameFunctionalGroupsSequence)
    }
    assert frames == {(1, 10.0): 0b00000001, (5, 0.0): 0b00000010, (5, 10.0): 0b10000000}
