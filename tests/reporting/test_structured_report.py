import highdicom
import numpy as np
import pydicom
import pytest
from pydicom import Dataset
from pydicom.uid import MRImageStorage, generate_uid

from myoseg.anatomy import REGIONS, Tissue
from myoseg.cases.case import Geometry, LabelMap, Segmentation
from myoseg.cases.dicom.authorship import Authorship
from myoseg.cases.dicom.segmentation_object import segmentation_object, write_dicom_object
from myoseg.cases.quality import Flag, Quality
from myoseg.errors import InputError
from myoseg.quantification.burden import Burden
from myoseg.quantification.measures import measure
from myoseg.quantification.segments import SegmentMeasures
from myoseg.reporting.dicom_results import save_dicom_results
from myoseg.reporting.measured_concepts import FINDINGS, IN_SEGMENTS
from myoseg.reporting.structured_report import structured_report

MADE = Authorship("AUTOMATIC", "model default", "1.2.3")
AFFINE = np.diag([-1.0, -1.0, 10.0, 1.0])


def headers(shape):
    """Classic headers on the grid of `AFFINE`."""
    study, series, frame_of_reference = generate_uid(), generate_uid(), generate_uid()
    found = []
    for index in range(shape[0]):
        header = Dataset()
        header.StudyInstanceUID, header.SeriesInstanceUID = study, series
        header.FrameOfReferenceUID, header.SOPInstanceUID = frame_of_reference, generate_uid()
        header.SOPClassUID, header.Modality = MRImageStorage, "MR"
        header.PatientName, header.PatientID = "Muster^Maxi", "4711"
        header.StudyID, header.StudyDate, header.StudyTime = "1", "20260101", "101010"
        header.InstanceNumber, header.SeriesNumber = index + 1, 3
        header.Rows, header.Columns = shape[1:]
        header.PixelSpacing, header.SliceThickness = ["1", "1"], "8"
        header.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
        header.ImagePositionPatient = ["0", "0", str(10 * index)]
        found.append(header)
    return found


def reported(labels, tmp_path, **options):
    """Labels on the grid of `AFFINE`, as a report that was written and read again."""
    geometry = Geometry(labels.codes.shape, AFFINE)
    written = segmentation_object(
        Segmentation("x", labels, geometry), headers(labels.codes.shape), authorship=MADE
    )
    measures = measure(labels, geometry)
    report = structured_report(measures, labels, written, authorship=MADE, **options)
    write_dicom_object(tmp_path / "seg.dcm", written)
    write_dicom_object(tmp_path / "sr.dcm", report)
    return highdicom.sr.srread(tmp_path / "sr.dcm"), written, measures


def found_in(group):
    """Concept and unit to value, of a measurement group."""
    return {(each.name.meaning, each.unit.value): each.value for each in group.get_measurements()}


def groups_of(report):
    """All measurement groups by tracking identifier."""
    content = report.content
    groups = [
        *content.get_volumetric_roi_measurement_groups(),
        *content.get_image_measurement_groups(),
    ]
    return {group.tracking_identifier: group for group in groups}


def test_a_scar_of_twenty_pixels_is_reported_in_ml_g_and_percent(tmp_path):
    """Wall of 80 pixels in each of 2 slices, 20 of them scar: 1 x 1 x 10 mm voxels of 0.01 ml."""
    codes = np.zeros((2, 10, 10), dtype=np.int16)
    codes[:, :8, :] = Tissue.NORMAL_MYOCARDIUM
    codes[:, :2, :] = Tissue.SCAR
    report, written, _ = reported(LabelMap(codes), tmp_path)
    scar = groups_of(report)["Scar"]
    assert found_in(scar) == {
        ("Volume", "ml"): pytest.approx(0.4),
        ("Mass", "g"): pytest.approx(0.42),
        ("Percent of left ventricular myocardium", "%"): pytest.approx(25.0),
    }
    assert scar.finding_type.value == "12402003"
    assert [site.value.value for site in scar.finding_sites] == ["49848007"]
    segment = scar.referenced_segment
    item = segment[0].ReferencedSOPSequence[0]
    assert item.ReferencedSOPInstanceUID == written.SOPInstanceUID
    assert item.ReferencedSegmentNumber == 5
    assert scar.tracking_uid == written.SegmentSequence[4].TrackingUID


def test_the_myocardium_as_a_whole_stands_alone(tmp_path, ring_labels):
    report, _, measures = reported(ring_labels(), tmp_path)
    wall = report.content.get_image_measurement_groups(tracking_uid=None)
    named = {group.tracking_identifier: group for group in wall}
    assert found_in(named["LV myocardium"])["Mass", "g"] == pytest.approx(
        measures.burden.lv_mass_g, rel=1e-5
    )


def test_each_segment_of_the_aha_is_a_group_at_its_site(tmp_path, ring_labels):
    report, _, measures = reported(ring_labels(), tmp_path)
    assert measures.segments is not None
    groups = groups_of(report)
    present = [each for each in measures.segments.measures if each.n_slices]
    assert present
    for each in present:
        group = groups[f"Segment {each.segment}, scar"]
        assert group.finding_sites[0].value.meaning == f"left ventricle {each.name} segment"
        percent = found_in(group)["Percent of the segment's myocardium", "%"]
        assert percent == pytest.approx(each.scar_percent, rel=1e-5)
    absent = [each for each in measures.segments.measures if not each.n_slices]
    assert not {f"Segment {each.segment}, scar" for each in absent} & set(groups)


def test_a_program_observed_and_no_person(tmp_path, ring_labels):
    report, _, _ = reported(ring_labels(), tmp_path)
    (observer,) = report.content.get_observer_contexts()
    assert observer.observer_type.meaning == "Device"
    assert observer.observer_identifying_attributes.name == "myoseg"
    assert report.SoftwareVersions == "1.2.3"
    assert report.VerificationFlag == "UNVERIFIED"
    assert "VerifyingObserverSequence" not in report


def test_patient_and_study_are_those_of_the_images_and_evidence_is_complete(tmp_path, ring_labels):
    report, written, _ = reported(ring_labels(), tmp_path)
    assert report.PatientID == "4711"
    assert report.StudyInstanceUID == written.StudyInstanceUID
    evidence = {uid for _, _, uid, _ in report.get_evidence()}
    images = {each.ReferencedSOPInstanceUID for each in written.SourceImageSequence}
    assert evidence == images | {written.SOPInstanceUID}


def test_what_a_reader_must_know_is_said(tmp_path):
    codes = np.zeros((1, 6, 6), dtype=np.int16)
    codes[0, 1, 1] = Tissue.LV_BLOOD_POOL
    report, _, measures = reported(LabelMap(codes), tmp_path, notes=["Look at slice 3."])
    said = [item.TextValue for item in report.ContentSequence if item.ValueType == "TEXT"]
    assert "Research use only." in said
    assert {*measures.flags, "Look at slice 3."} <= set(said)
    assert "Research use only" in report.SeriesDescription


def test_what_was_not_assessed_is_not_reported(tmp_path):
    codes = np.full((1, 6, 6), Tissue.NORMAL_MYOCARDIUM, dtype=np.int16)
    report, _, _ = reported(LabelMap(codes, (REGIONS["myocardium"],)), tmp_path)
    assert set(groups_of(report)) == {"LV myocardium"}


def test_an_empty_label_map_is_reported_as_zero_without_percentages(tmp_path):
    report, _, _ = reported(LabelMap(np.zeros((2, 6, 6), dtype=np.int16)), tmp_path)
    assert found_in(groups_of(report)["Scar"]) == {("Volume", "ml"): 0.0, ("Mass", "g"): 0.0}


def test_nothing_measured_is_refused(tmp_path):
    codes = np.zeros((1, 6, 6), dtype=np.int16)
    group = frozenset({Tissue.LV_BLOOD_POOL, Tissue.RV_BLOOD_POOL})
    with pytest.raises(InputError, match="nothing was measured"):
        reported(LabelMap(codes, (group,)), tmp_path)


def test_the_same_values_have_the_same_identifiers(tmp_path, ring_labels):
    labels = ring_labels()
    geometry = Geometry(labels.codes.shape, AFFINE)
    written = segmentation_object(
        Segmentation("x", labels, geometry), headers(labels.codes.shape), authorship=MADE
    )
    measures = measure(labels, geometry)
    one, other = (structured_report(measures, labels, written) for _ in range(2))
    assert one.SOPInstanceUID == other.SOPInstanceUID != written.SOPInstanceUID


def test_every_field_that_is_reported_exists():
    whole = {field for finding in FINDINGS for field in finding.concepts}
    assert whole <= set(Burden.__dataclass_fields__)
    in_segments = {field for finding in IN_SEGMENTS for field in finding.concepts}
    assert in_segments <= set(SegmentMeasures.__dataclass_fields__)


def test_the_validator_has_no_error_and_warns_of_own_codes_alone(tmp_path, ring_labels, dciodvfy):
    reported(ring_labels(), tmp_path)
    errors, warnings = dciodvfy(tmp_path / "sr.dcm")
    assert errors == []
    assert len(warnings) == 1
    assert "Unrecognized defined term <99MYOSEG>" in warnings[0]


def test_results_are_written_side_by_side_or_not_at_all(tmp_path, ring_labels):
    from myoseg.cases.dicom.originals import Originals
    from myoseg.cases.dicom.source_planes import planes_of

    labels = ring_labels()
    geometry = Geometry(labels.codes.shape, AFFINE)
    doubtful = Quality(0.5, {}, {}, (Flag("votes", "the votes differ"),))
    found = Segmentation("ring", labels, geometry, quality=doubtful)
    originals = Originals(planes_of(headers(labels.codes.shape)))
    measures = measure(labels, geometry)
    paths = save_dicom_results(found, measures, originals, tmp_path / "out", authorship=MADE)
    assert [path.name for path in paths] == ["ring_seg.dcm", "ring_sr.dcm"]
    report = pydicom.dcmread(paths[1])
    assert report.Modality == "SR"
    said = [item.TextValue for item in report.ContentSequence if item.ValueType == "TEXT"]
    assert "Look at this case: the votes differ." in said
    nothing = LabelMap(
        np.zeros_like(labels.codes), (REGIONS["edema+scar"] | {Tissue.LV_BLOOD_POOL},)
    )
    unmeasured = Segmentation("none", nothing, geometry)
    with pytest.raises(InputError):
        save_dicom_results(
            unmeasured, measure(nothing, geometry), originals, tmp_path / "none", authorship=MADE
        )
    assert not (tmp_path / "none").exists()
