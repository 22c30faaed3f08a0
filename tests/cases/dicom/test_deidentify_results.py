"""Segmentations and reports lose who they are of, and keep what they say and refer to."""

import copy
import io
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import PLANTABLE, PLANTED, TEXTS, as_bytes, planted_value, searched
from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import BasicTextSRStorage, MRImageStorage

from myoseg.anatomy import Tissue
from myoseg.cases.case import Geometry, LabelMap, Segmentation
from myoseg.cases.dicom.deidentify import deidentified
from myoseg.cases.dicom.deidentify_folder import UNSURE, deidentify_folder
from myoseg.cases.dicom.plain_objects import NO_IMAGE
from myoseg.cases.dicom.pseudonyms import PseudonymKey
from myoseg.cases.dicom.report_content import cleaned_content, n_content_items
from myoseg.cases.dicom.segmentation_object import segmentation_object, write_dicom_object
from myoseg.errors import InputError
from myoseg.quantification.measures import measure
from myoseg.reporting.measured_concepts import FINDINGS, IN_SEGMENTS
from myoseg.reporting.structured_report import structured_report

KEY = PseudonymKey(b"sixteen bytes are enough")
CLASSES = ("SOPClassUID", "ReferencedSOPClassUID")


def headers():
    """Three images 10 mm apart of a patient with a recognisable identity."""
    found = []
    for index in range(3):
        header = Dataset()
        header.StudyInstanceUID, header.SeriesInstanceUID = "1.2.276.0.1", "1.2.276.0.2"
        header.FrameOfReferenceUID = "1.2.276.0.3"
        header.SOPInstanceUID = f"1.2.276.0.4.{index}"
        header.SOPClassUID, header.Modality = MRImageStorage, "MR"
        header.PatientName, header.PatientID = "Doe^Jane", "4711"
        header.IssuerOfPatientID, header.PatientBirthDate = "Hospital", "19500102"
        header.StudyID, header.StudyDate, header.StudyTime = "77", "20200304", "101112"
        header.AccessionNumber, header.InstanceNumber, header.SeriesNumber = "8", index + 1, 3
        header.Rows = header.Columns = 12
        header.PixelSpacing, header.SliceThickness = ["1", "1"], "8"
        header.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
        header.ImagePositionPatient = ["0", "0", str(10 * index)]
        found.append(header)
    return found


def images():
    """The same with pixels, as files hold them."""
    for header in headers():
        header.BitsAllocated = header.BitsStored = 16
        header.HighBit, header.PixelRepresentation, header.SamplesPerPixel = 15, 0, 1
        header.PhotometricInterpretation = "MONOCHROME2"
        header.PixelData = bytes(288)
        header.file_meta = pydicom.dataset.FileMetaDataset()
        header.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        yield header


@pytest.fixture(scope="module")
def results():
    """A SEG and an SR of a wall with scar, as their bytes."""
    codes = np.zeros((3, 12, 12), dtype=np.int16)
    codes[:, 2:10, 2:10] = Tissue.NORMAL_MYOCARDIUM
    codes[:, 2:4, 2:10] = Tissue.SCAR
    labels = LabelMap(codes)
    geometry = Geometry(codes.shape, np.diag([-1.0, -1.0, 10.0, 1.0]))
    written = segmentation_object(Segmentation("x", labels, geometry), headers())
    notes = ["Look at this case: Doe."]
    report = structured_report(measure(labels, geometry), labels, written, notes=notes)
    return as_bytes(written), as_bytes(report)


def read(content):
    return pydicom.dcmread(io.BytesIO(content))


def survives(value, vr, made, dates="removed"):
    """Whether a planted value is in what is written of an object; what is refused holds nothing."""
    try:
        written = as_bytes(deidentified(read(as_bytes(made)), KEY, dates))
    except InputError:
        return False
    return searched(value, vr) in written


def items_of(item, path=()):
    """All data sets within one, itself first, each with the tags that lead to it."""
    yield path, item
    for element in item:
        if element.VR == "SQ":
            for child in element.value:
                yield from items_of(child, (*path, element.tag))


def different_items(item):
    """One data set of each kind: of another sequence, or a content item of another type."""
    kinds = {}
    for path, each in items_of(item):
        kinds.setdefault((path[-1:], each.get("ValueType"), len(each)), each)
    return list(kinds.values())


@pytest.mark.parametrize("which", [0, 1])
def test_no_identity_planted_in_any_element_that_is_there_survives(results, which):
    n_planted = 0
    for number, each in enumerate(different_items(read(results[which]))):
        for tag in [element.tag for element in each if element.VR in TEXTS]:
            if each[tag].keyword in CLASSES:
                continue
            whole = read(results[which])
            item, vr = different_items(whole)[number], each[tag].VR
            item[tag].value = planted_value(vr)
            n_planted += 1
            assert not survives(planted_value(vr), vr, whole), each[tag].keyword
    assert n_planted > 40


@settings(max_examples=80)
@given(
    which=st.sampled_from([0, 1]),
    number=st.integers(0, 10**6),
    tag=st.sampled_from(PLANTABLE),
    dates=st.sampled_from(["removed", "shifted"]),
)
def test_no_identity_planted_as_a_further_element_survives(results, which, number, tag, dates):
    whole, vr = read(results[which]), dictionary_VR(tag)
    items = different_items(whole)
    item = items[number % len(items)]
    if tag in item:
        return
    item.add_new(tag, vr, planted_value(vr))
    assert not survives(planted_value(vr), vr, whole, dates)


def concept(value="112039", scheme="DCM", meaning="Zyxwvut Qponmlk"):
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code


def content_item(kind, named, **values):
    item = Dataset()
    item.RelationshipType, item.ValueType = "CONTAINS", kind
    item.ConceptNameCodeSequence = Items([named])
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


def number_item(named, value="67", unit=None):
    measured = Dataset()
    measured.NumericValue = value
    measured.MeasurementUnitsCodeSequence = Items([unit or concept("mm", "UCUM")])
    return content_item("NUM", named, MeasuredValueSequence=Items([measured]))


def test_a_deep_report_is_cleaned_item_by_item_and_not_once_for_each_level():
    """Thirty containers in each other around a measure, which stays: no clean goes through all."""
    item = number_item(concept("81827009", "SCT"))
    for _ in range(30):
        item = content_item("CONTAINER", concept("121071"), ContentSequence=Items([item]))
    cleaned_items = []

    def clean(each):
        cleaned_items.append(each)
        return copy.deepcopy(each)

    (found,) = cleaned_content([item], clean, str)
    assert n_content_items(found) == 30
    assert len(cleaned_items) > 30
    assert not any("ContentSequence" in each for each in cleaned_items)
    assert n_content_items(item) == 30, "what was given stays as it is"


HOSTILE_ITEMS = {
    "a comment": content_item("TEXT", concept("121106"), TextValue=PLANTED["text"]),
    "a tracking identifier": content_item("TEXT", concept(), TextValue=PLANTED["text"]),
    "a subject's name": content_item("PNAME", concept("121029"), PersonName=PLANTED["PN"]),
    "a reader's name": content_item("PNAME", concept("121008"), PersonName=PLANTED["PN"]),
    "a birth date": content_item("DATE", concept("121031"), Date=PLANTED["DA"]),
    "a date and time": content_item("DATETIME", concept("111526"), DateTime=PLANTED["DT"]),
    "a time": content_item("TIME", concept("111527"), Time=PLANTED["TM"]),
    "an identifier": content_item("UIDREF", concept("121012"), UID=PLANTED["UI"]),
    "a private concept": content_item("CONTAINER", concept("Zyxwvut", "99HOSPITAL")),
    "a private code": content_item(
        "CODE", concept("121071"), ConceptCodeSequence=Items([concept("Zyxwvut", "99H")])
    ),
    "an unknown type": content_item("ZYXWVUT", concept(), TextValue=PLANTED["text"]),
    "a waveform": content_item("WAVEFORM", concept(), ReferencedSOPSequence=Items([concept()])),
}


@pytest.mark.parametrize("name", HOSTILE_ITEMS)
@pytest.mark.parametrize("is_nested", [False, True])
def test_no_identity_planted_as_a_content_item_survives(results, name, is_nested):
    whole = read(results[1])
    item = copy.deepcopy(HOSTILE_ITEMS[name])
    group = next(each for each in whole.ContentSequence if "ContentSequence" in each)
    (group if is_nested else whole).ContentSequence.append(item)
    written = as_bytes(deidentified(read(as_bytes(whole)), KEY))
    for value in PLANTED.values():
        assert value.encode() not in written
    assert b"yxwvut" not in written
    assert b"19570413" not in written


@pytest.mark.parametrize(
    ("value", "scheme"),
    [("121033", "DCM"), ("121207", "DCM"), ("27113001", "SCT"), ("30525-0", "LN")],
    ids=["age", "height", "weight", "age in LOINC"],
)
def test_ages_and_other_numbers_that_are_no_measure_go(results, value, scheme):
    whole = read(results[1])
    before = n_content_items(deidentified(whole, KEY))
    whole.ContentSequence.append(number_item(concept(value, scheme)))
    assert n_content_items(deidentified(whole, KEY)) == before
    whole.ContentSequence[-1] = number_item(concept("118565006", "SCT"))
    assert n_content_items(deidentified(whole, KEY)) == before + 1


@pytest.mark.parametrize(("number", "stays"), [("1500", True), ("19570413", False)])
def test_of_a_template_only_a_number_that_can_be_one_stays(results, number, stays):
    whole = read(results[1])
    group = next(each for each in whole.ContentSequence if each.ValueType == "CONTAINER")
    template = Dataset()
    template.MappingResource, template.TemplateIdentifier = "DCMR", number
    group.ContentTemplateSequence = Items([template])
    assert (number.encode() in as_bytes(deidentified(whole, KEY))) == stays


def test_measures_codes_and_references_stay_and_comments_go(results, tmp_path):
    whole, cleaned = read(results[1]), deidentified(read(results[1]), KEY)
    (tmp_path / "sr.dcm").write_bytes(as_bytes(cleaned))
    before = highdicom.sr.EnhancedSR.from_dataset(whole).content
    after = highdicom.sr.srread(tmp_path / "sr.dcm").content

    def told(content):
        groups = [
            *content.get_volumetric_roi_measurement_groups(),
            *content.get_image_measurement_groups(),
        ]
        return [
            (group.tracking_identifier, each.name.value, each.unit.value, each.value)
            for group in groups
            for each in group.get_measurements()
        ]

    assert told(after) == told(before)
    assert told(after)
    (segment, *_) = after.get_volumetric_roi_measurement_groups()
    reference = segment.referenced_segment[0].ReferencedSOPSequence[0]
    assert reference.ReferencedSOPInstanceUID == KEY.uid(read(results[0]).SOPInstanceUID)
    said = [each.TextValue for each in cleaned.ContentSequence if each.ValueType == "TEXT"]
    assert "Research use only." in said
    assert not [each for each in said if "Doe" in each]
    (observer,) = after.get_observer_contexts()
    assert observer.observer_identifying_attributes.name == "myoseg"


def test_texts_that_are_known_to_name_nobody_stay_where_they_are_given(results):
    known = frozenset({"Look at this case: Doe."})
    cleaned = deidentified(read(results[1]), KEY, texts=known)
    assert "Look at this case: Doe." in [each.get("TextValue") for each in cleaned.ContentSequence]


def test_a_segmentation_keeps_its_segments_pixels_and_place(results, tmp_path):
    before, cleaned = read(results[0]), deidentified(read(results[0]), KEY)
    (tmp_path / "seg.dcm").write_bytes(as_bytes(cleaned))
    after = highdicom.seg.segread(tmp_path / "seg.dcm")
    assert after.PixelData == before.PixelData
    labels = [each.SegmentLabel for each in before.SegmentSequence]
    assert [each.SegmentLabel for each in after.SegmentSequence] == labels
    normal = after.SegmentSequence[2].SegmentedPropertyTypeCodeSequence[0]
    assert normal.SegmentedPropertyTypeModifierCodeSequence[0].CodeValue == "17621005"
    volume = after.get_volume(combine_segments=True)
    whole = highdicom.seg.Segmentation.from_dataset(before).get_volume(combine_segments=True)
    assert np.array_equal(volume.array, whole.array)
    assert np.array_equal(volume.affine, whole.affine)


def test_results_refer_to_the_images_that_the_same_key_makes(results):
    made = [deidentified(image, KEY, "shifted") for image in images()]
    uids = {str(image.SOPInstanceUID) for image in made}
    seg, sr = (deidentified(read(each), KEY, "shifted") for each in results)
    assert {str(each.ReferencedSOPInstanceUID) for each in seg.SourceImageSequence} == uids
    frames = seg.PerFrameFunctionalGroupsSequence
    derived = [f.DerivationImageSequence[0].SourceImageSequence[0] for f in frames]
    assert {str(each.ReferencedSOPInstanceUID) for each in derived} <= uids
    (evidence,) = sr.CurrentRequestedProcedureEvidenceSequence
    listed = [s.ReferencedSOPSequence for s in evidence.ReferencedSeriesSequence]
    found = {str(each.ReferencedSOPInstanceUID) for group in listed for each in group}
    assert found == uids | {str(seg.SOPInstanceUID)}
    for name in ("PatientID", "PatientName", "StudyInstanceUID", "StudyDate"):
        assert seg[name].value == sr[name].value == made[0][name].value
    assert seg.FrameOfReferenceUID == made[0].FrameOfReferenceUID


def test_the_day_on_which_a_result_was_made_does_not_tell_by_how_much_dates_are_moved(results):
    for each in results:
        cleaned = deidentified(read(each), KEY, "shifted")
        assert cleaned.StudyDate not in ("", "20200304", "19000101")
        assert cleaned.ContentDate == "19000101"


def test_it_says_that_a_report_was_gone_through(results):
    codes = [
        [
            code.CodeValue
            for code in deidentified(read(each), KEY).DeidentificationMethodCodeSequence
        ]
        for each in results
    ]
    assert codes == [["113100", "113105"], ["113100", "113104", "113105"]]


def test_who_verified_a_report_is_nobody(results):
    whole, observer = read(results[1]), Dataset()
    whole.VerificationFlag = "VERIFIED"
    observer.VerifyingObserverName, observer.VerifyingOrganization = "Zyxwvut^Q", "Zyxwvut"
    observer.VerificationDateTime = PLANTED["DT"]
    whole.VerifyingObserverSequence = Items([observer])
    cleaned = deidentified(whole, KEY)
    assert cleaned.VerifyingObserverSequence[0].VerifyingObserverName == "REMOVED"
    assert b"yxwvut" not in as_bytes(cleaned)


def test_results_with_nothing_that_is_known_are_refused(results):
    seg, sr, empty = read(results[0]), read(results[1]), read(results[1])
    seg.SegmentSequence[1].SegmentedPropertyTypeCodeSequence = Items([concept("X", "99H")])
    with pytest.raises(InputError, match="public code what it is"):
        deidentified(seg, KEY)
    sr.ConceptNameCodeSequence = Items([concept("X", "99H")])
    with pytest.raises(InputError, match="title is no public code"):
        deidentified(sr, KEY)
    empty.ContentSequence = Items([HOSTILE_ITEMS["a birth date"]])
    with pytest.raises(InputError, match="nothing of the report's content"):
        deidentified(empty, KEY)
    none = read(results[0])
    none.SegmentSequence = Items([])
    with pytest.raises(InputError, match="no segment"):
        deidentified(none, KEY)


def test_segments_named_otherwise_are_numbered(results):
    whole = read(results[0])
    whole.SegmentSequence[1].SegmentLabel = "Zyxwvut"
    whole.ContentLabel = "ZYXWVUT"
    cleaned = deidentified(whole, KEY)
    assert cleaned.SegmentSequence[1].SegmentLabel == "Segment 2"
    assert cleaned.ContentLabel == "SEGMENTATION"


def test_every_name_that_reports_give_their_measures_stays():
    from myoseg.cases.dicom.kept_text import is_own_text

    names = [each.name for each in FINDINGS]
    names += [f"Segment {n}, {each.name}" for each in IN_SEGMENTS for n in (1, 16)]
    assert [name for name in names if not is_own_text(name)] == []
    assert not is_own_text("Segment 3, Doe")


@pytest.fixture
def folder(results, tmp_path):
    """Images and results of one study."""
    place = tmp_path / "in"
    place.mkdir()
    for number, image in enumerate(images()):
        write_dicom_object(place / f"{number}.dcm", image)
    for name, content in zip(("seg", "sr"), results, strict=True):
        (place / f"{name}.dcm").write_bytes(content)
    return place


def test_a_folder_of_images_and_results_is_written_together(folder, tmp_path):
    found = deidentify_folder(folder, tmp_path / "out", KEY)
    assert (found.n_written, found.n_results, found.n_patients) == (5, 2, 1)
    assert dict(found.left_out) == {}
    assert found.n_items_removed > 0
    assert "images written: 3, of patients: 1" in found.to_text()
    assert "segmentations and reports written: 2" in found.to_text()
    written = [pydicom.dcmread(each) for each in Path(tmp_path / "out").rglob("*.dcm")]
    assert {each.Modality for each in written} == {"MR", "SEG", "SR"}
    assert len({each.StudyInstanceUID for each in written}) == 1


def test_other_reports_and_unsure_results_are_left_out_and_counted(folder, tmp_path):
    text = pydicom.dcmread(folder / "sr.dcm")
    text.SOPClassUID = text.file_meta.MediaStorageSOPClassUID = BasicTextSRStorage
    text.save_as(folder / "text.dcm")
    unsure = pydicom.dcmread(folder / "sr.dcm")
    unsure.ConceptNameCodeSequence = Items([concept("X", "99H")])
    unsure.save_as(folder / "unsure.dcm")
    odd = pydicom.dcmread(folder / "sr.dcm")
    odd.ContentSequence[0].ConceptNameCodeSequence = Items([])
    odd.SOPInstanceUID = odd.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    odd.save_as(folder / "odd.dcm")
    found = deidentify_folder(folder, tmp_path / "out", KEY)
    assert dict(found.left_out) == {NO_IMAGE: 1, UNSURE: 1}
    assert found.n_written == 6


@pytest.mark.parametrize("dates", ["removed", "shifted"])
@pytest.mark.parametrize("name", ["seg", "sr"])
def test_dciodvfy_finds_no_error(folder, tmp_path, dciodvfy, dates, name):
    whole = pydicom.dcmread(folder / f"{name}.dcm")
    write_dicom_object(tmp_path / "x.dcm", deidentified(whole, KEY, dates))
    assert dciodvfy(tmp_path / "x.dcm")[0] == []
