import copy
import io
from datetime import date, timedelta

import numpy as np
import pydicom
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from planted import PLANTABLE, PLANTED, TEXTS, as_bytes, planted_value, searched
from pydicom.datadict import DicomDictionary, dictionary_VR, keyword_for_tag, tag_for_keyword
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.tag import Tag
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

from myoseg.cases.dicom.confidentiality import Action, action_on
from myoseg.cases.dicom.dates import shifted_date
from myoseg.cases.dicom.deidentify import deidentified, pseudonym_of
from myoseg.cases.dicom.kept_text import WORDS, is_own_text, kept_text, known_meaning
from myoseg.cases.dicom.pseudonyms import Identity, PseudonymKey
from myoseg.errors import ConfigurationError

KEY = PseudonymKey(b"sixteen bytes are enough")
OTHER_KEY = PseudonymKey(b"another key of sixteen bytes")

SEQUENCES = sorted(
    tag for tag, (vr, *_) in DicomDictionary.items() if vr == "SQ" and tag >> 16 > 0x0007
)


def image(**attributes):
    """A 2 x 2 MR image of a patient with a recognisable identity."""
    made = Dataset()
    made.SOPClassUID, made.SOPInstanceUID = MRImageStorage, "1.2.276.0.7230010.3.1.4.1"
    made.StudyInstanceUID, made.SeriesInstanceUID = "1.2.276.0.1", "1.2.276.0.2"
    made.PatientID, made.PatientName = "4711", "Doe^Jane"
    made.PatientBirthDate, made.StudyDate, made.StudyTime = "19500102", "20200304", "101112"
    made.Manufacturer, made.Modality = "SIEMENS", "MR"
    made.ScanningSequence, made.RepetitionTime = ["GR", "IR"], 700
    made.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    made.ImagePositionPatient = [1.5, 2, 3]
    made.Rows = made.Columns = 2
    made.BitsAllocated = made.BitsStored = 16
    made.HighBit, made.PixelRepresentation, made.SamplesPerPixel = 15, 0, 1
    made.PhotometricInterpretation = "MONOCHROME2"
    made.PixelData = np.arange(4, dtype="<u2").tobytes()
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    made.file_meta = FileMetaDataset()
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta.SourceApplicationEntityTitle = "ZYXWVUT"
    return made


def as_read(made):
    return pydicom.dcmread(io.BytesIO(as_bytes(made)))


@settings(max_examples=300)
@given(
    tag=st.sampled_from(PLANTABLE),
    path=st.lists(st.sampled_from(SEQUENCES), max_size=3),
    dates=st.sampled_from(["removed", "shifted"]),
)
def test_nothing_planted_in_any_text_date_or_identifier_survives(tag, path, dates):
    vr = dictionary_VR(tag)
    value = planted_value(vr)
    item = Dataset() if path else image()
    item.add_new(tag, vr, value)
    for sequence in reversed(path[1:]):
        outer = Dataset()
        outer.add_new(sequence, "SQ", Items([item]))
        item = outer
    whole = item
    if path:
        whole = image()
        whole.add_new(path[0], "SQ", Items([item]))
    whole.remove_private_tags()
    assert value.encode() in as_bytes(whole)
    if keyword_for_tag(tag) in ("StudyTime",) and dates == "shifted":
        return
    written = as_bytes(deidentified(as_read(whole), KEY, dates))
    assert searched(value, vr) not in written


@given(
    vr=st.sampled_from((*TEXTS, "UN", "OB")),
    group=st.sampled_from([0x0009, 0x0029, 0x2001, 0x7FE1]),
    nested=st.booleans(),
)
def test_private_elements_and_their_creators_do_not_survive(vr, group, nested):
    value = planted_value(vr)
    item = Dataset()
    block = item.private_block(group, "ZYXWVUT CREATOR", create=True)
    block.add_new(0x01, vr, value.encode() if vr in ("UN", "OB") else value)
    whole = image()
    if nested:
        whole.RequestAttributesSequence = Items([item])
        whole.SharedFunctionalGroupsSequence = Items([item])
    else:
        whole.update(item)
    written = as_bytes(deidentified(as_read(whole), KEY))
    assert value.encode() not in written
    assert b"ZYXWVUT" not in written


@given(st.text(st.characters(codec="utf-8", categories=["L"]), min_size=8, max_size=20))
def test_a_name_in_any_alphabet_does_not_survive(name):
    """Unless it is a word of the heart, which texts may hold."""
    assume(name.lower() not in WORDS and not is_own_text(name))
    whole = image(PatientName=f"{name}^{name}", SeriesDescription=name, ImageComments=name)
    whole.SpecificCharacterSet = "ISO_IR 192"
    assert name.encode() in as_bytes(whole)
    assert name.encode() not in as_bytes(deidentified(as_read(whole), KEY))


def test_tags_that_are_not_in_the_dictionary_and_wrong_types_do_not_survive():
    whole = image()
    whole.add_new(0x00101999, "LO", PLANTED["text"])
    whole.add_new("RepetitionTime", "LO", PLANTED["text"])
    whole.add_new("SmallestImagePixelValue", "OB", PLANTED["text"].encode() + b"\0")
    cleaned = deidentified(as_read(whole), KEY)
    assert PLANTED["text"].encode() not in as_bytes(cleaned)
    assert "RepetitionTime" not in cleaned


def test_decimals_and_codes_that_are_none_do_not_survive():
    whole = image()
    with pydicom.config.disable_value_validation():
        whole.BodyPartExamined = "Zyxwvut"
        whole.add_new("ScanOptions", "CS", "zyxwvut")
        written = as_bytes(whole)
        assert b"yxwvut" in written
        assert b"yxwvut" not in as_bytes(deidentified(pydicom.dcmread(io.BytesIO(written)), KEY))


def test_the_file_meta_names_no_station():
    assert b"ZYXWVUT" in as_bytes(image())
    assert b"ZYXWVUT" not in as_bytes(deidentified(image(), KEY))


NEEDED = (
    *("SOPClassUID", "Modality", "Manufacturer", "SequenceName", "ScanningSequence"),
    *("RepetitionTime", "Rows", "ImageOrientationPatient", "ImagePositionPatient", "PixelData"),
)


@pytest.mark.parametrize("keyword", NEEDED)
def test_what_an_image_is_read_by_stays(keyword):
    original = image(SequenceName="*tfl2d1_25")
    assert deidentified(original, KEY)[keyword].value == original[keyword].value


def test_a_description_keeps_its_words_of_cardiac_mr():
    cleaned = deidentified(image(SeriesDescription="de_tfl_psir_sax_MAG J. Doe"), KEY)
    assert cleaned.SeriesDescription == "de tfl psir sax mag"


def test_it_says_that_and_how_it_was_done():
    cleaned = deidentified(image(), KEY)
    assert cleaned.PatientIdentityRemoved == "YES"
    assert "PS3.15" in cleaned.DeidentificationMethod
    assert cleaned.LongitudinalTemporalInformationModified == "REMOVED"
    codes = [each.CodeValue for each in cleaned.DeidentificationMethodCodeSequence]
    assert codes == ["113100", "113105"]
    shifted = deidentified(image(), KEY, "shifted")
    assert shifted.LongitudinalTemporalInformationModified == "MODIFIED"
    assert shifted.DeidentificationMethodCodeSequence[-1].CodeValue == "113107"


def test_what_was_given_stays_as_it_was():
    given_ = image(SeriesDescription="cine Doe")
    before = copy.deepcopy(given_)
    deidentified(given_, KEY)
    assert given_ == before


def test_the_same_patient_has_the_same_pseudonym_and_another_another():
    one, again = image(), image(PatientName="Doe^J.", StudyInstanceUID="1.2.3")
    other = image(PatientID="4712")
    names = [str(deidentified(each, KEY).PatientID) for each in (one, again, other)]
    assert names[0] == names[1] != names[2]
    assert deidentified(one, OTHER_KEY).PatientID != names[0]
    assert pseudonym_of(image(IssuerOfPatientID="X"), KEY) != names[0]


def test_without_a_patient_id_studies_are_kept_apart():
    one, two = image(PatientID=""), image(PatientID="", StudyInstanceUID="1.2.9")
    assert pseudonym_of(one, KEY) == pseudonym_of(image(PatientID=""), KEY)
    assert pseudonym_of(one, KEY) != pseudonym_of(two, KEY)


def test_identifiers_are_replaced_alike_so_that_references_hold():
    reference = Dataset()
    reference.ReferencedSOPClassUID = MRImageStorage
    reference.ReferencedSOPInstanceUID = "1.2.276.0.7230010.3.1.4.1"
    cleaned = deidentified(image(SourceImageSequence=Items([reference])), KEY)
    (kept,) = cleaned.SourceImageSequence
    assert kept.ReferencedSOPInstanceUID == cleaned.SOPInstanceUID
    assert kept.ReferencedSOPClassUID == MRImageStorage
    assert cleaned.file_meta.MediaStorageSOPInstanceUID == cleaned.SOPInstanceUID


@given(st.lists(st.integers(0, 10**9), min_size=2, max_size=8).map(lambda n: f"1.2.{n[0]}"))
def test_replaced_identifiers_are_valid_and_follow_from_the_key(uid):
    replaced = KEY.uid(uid)
    assert replaced.is_valid
    assert replaced.startswith("2.25.")
    assert replaced == KEY.uid(uid) != OTHER_KEY.uid(uid)


def test_only_identifiers_that_dicom_defines_stay():
    assert KEY.uid(MRImageStorage) == MRImageStorage
    assert KEY.uid("1.2.840.10008.4711").startswith("2.25.")
    assert KEY.uid("") == ""


@given(st.dates(date(1930, 1, 1), date(2100, 1, 1)), st.integers(0, 5000))
def test_moved_dates_keep_their_distances(day, later):
    pseudonym = KEY.patient("4711")
    moved, moved_later = (
        KEY.shifted(each, pseudonym) for each in (day, day + timedelta(days=later))
    )
    assert moved_later - moved == timedelta(days=later)
    assert 1 <= (day - moved).days <= 3650


def test_dates_of_a_person_are_not_moved_but_removed():
    cleaned = deidentified(image(), KEY, "shifted")
    assert not cleaned.PatientBirthDate
    assert cleaned.StudyDate not in ("", "20200304", "19000101")
    assert not deidentified(image(), KEY, "removed").StudyDate


def test_times_stay_with_moved_dates_and_what_is_no_date_does_not():
    identity = Identity(KEY, "P1", "shifted")
    assert shifted_date("20200304101112.5", identity)[8:] == "101112.5"
    assert shifted_date("20200304", identity) < "20200304"
    assert shifted_date("4.3.2020", identity) == "19000101"
    assert shifted_date("20200304 Smith", identity) == shifted_date("20200304", identity)
    assert shifted_date("00010101", identity) == "19000101"


def test_codes_keep_their_published_meaning_and_other_codes_go():
    heart, local = Dataset(), Dataset()
    heart.CodeValue, heart.CodingSchemeDesignator = "80891009", "SCT"
    heart.CodeMeaning = PLANTED["text"]
    local.CodeValue, local.CodingSchemeDesignator, local.CodeMeaning = "4711", "99X", "Doe"
    anatomy = Dataset()
    anatomy.AnatomicRegionSequence = Items([heart, local])
    cleaned = deidentified(image(SharedFunctionalGroupsSequence=Items([anatomy])), KEY)
    (kept,) = cleaned.SharedFunctionalGroupsSequence[0].AnatomicRegionSequence
    assert kept.CodeMeaning == known_meaning("80891009", "SCT")
    assert known_meaning("4711", "99X") is None


@pytest.mark.parametrize(
    ("keyword", "action"),
    [
        ("PatientName", Action.EMPTY),
        ("PatientID", Action.DUMMY),
        ("PatientBirthDate", Action.EMPTY),
        ("PatientAge", Action.REMOVE),
        ("StudyInstanceUID", Action.REPLACE_UID),
        ("SOPInstanceUID", Action.REPLACE_UID),
        ("FrameOfReferenceUID", Action.REPLACE_UID),
        ("StudyDate", Action.EMPTY),
        ("SeriesDescription", Action.REMOVE),
        ("SourceImageSequence", Action.CLEAN_REFERENCES),
        ("PixelData", None),
        ("SOPClassUID", None),
    ],
)
def test_the_profile_is_that_of_the_standard(keyword, action):
    """Rows of PS3.15, table E.1-1, basic profile."""
    assert action_on(Tag(tag_for_keyword(keyword))) is action


def test_overlays_and_curves_are_removed_in_every_repetition():
    for group in (0x6000, 0x6002, 0x60FE):
        assert action_on(Tag(group, 0x3000)) is Action.REMOVE
    for group in (0x5000, 0x501E):
        assert action_on(Tag(group, 0x0103)) is Action.REMOVE
    whole = image()
    whole.add_new(0x60020022, "LO", PLANTED["text"])
    whole.add_new(0x60023000, "OW", PLANTED["text"].encode() + b"\0")
    assert PLANTED["text"].encode() not in as_bytes(deidentified(whole, KEY))


def test_words_of_descriptions_stay_and_all_else_goes():
    assert kept_text("SeriesDescription", "SA_LGE PSIR (Dr. Miller) 3") == "sa lge psir"
    assert kept_text("SeriesDescription", "Miller") == "REMOVED"
    assert kept_text("Manufacturer", "GE MEDICAL SYSTEMS") == "GE MEDICAL SYSTEMS"
    assert kept_text("Manufacturer", "GE of Dr. Miller") == "REMOVED"
    assert kept_text("SequenceName", "*tfi2d1_12345678") == "REMOVED"


def test_a_short_key_is_refused_and_an_unreadable_one_says_how_to_make_one(tmp_path):
    with pytest.raises(ConfigurationError, match="8 bytes; give a file of at least 16"):
        PseudonymKey(b"tooshort")
    with pytest.raises(ConfigurationError, match="head -c 32"):
        PseudonymKey.read(tmp_path / "none")
    (tmp_path / "key").write_bytes(KEY.secret + b"\n")
    assert PseudonymKey.read(tmp_path / "key") == KEY
    assert "sixteen" not in repr(KEY)
    assert PseudonymKey.random() != PseudonymKey.random()
