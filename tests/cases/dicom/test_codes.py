import pytest
from pydicom.sr.codedict import codes as dictionary

from myoseg.anatomy import EACH_TISSUE, REGIONS, Tissue
from myoseg.cases.dicom.codes import AHA_SEGMENTS, PROPERTIES, in_segment_order, property_codes
from myoseg.quantification.aha import NAMES


@pytest.mark.parametrize(
    ("tissue", "value"),
    [
        (Tissue.LV_BLOOD_POOL, "87878005"),
        (Tissue.RV_BLOOD_POOL, "53085002"),
        (Tissue.NORMAL_MYOCARDIUM, "49848007"),
        (Tissue.EDEMA, "79654002"),
        (Tissue.SCAR, "12402003"),
    ],
)
def test_each_tissue_has_its_code_in_snomed_ct(tissue, value):
    assert property_codes(frozenset({tissue})).type.value == value


def test_no_two_tissues_have_the_same_codes():
    assert len({property_codes(group) for group in EACH_TISSUE}) == len(EACH_TISSUE)


def test_codes_mean_what_the_dicom_dictionary_says_they_mean():
    every = [
        code
        for codes in PROPERTIES.values()
        for code in (codes.category, codes.type, codes.modifier, codes.region)
        if code is not None
    ]
    names = [name for name in dir(dictionary.SCT) if name[0].isupper()]
    found = (getattr(dictionary.SCT, name) for name in names)
    known = {(code.value, code.meaning.lower()) for code in found}
    for code in (*every, *AHA_SEGMENTS):
        assert code.scheme_designator == "SCT"
        assert (code.value, code.meaning.lower()) in known


def test_the_sixteen_segments_are_coded_in_the_order_of_their_names():
    assert [code.meaning for code in AHA_SEGMENTS] == [
        f"left ventricle {name} segment" for name in NAMES
    ]
    assert len({code.value for code in AHA_SEGMENTS}) == 16


def test_myocardium_whose_state_was_not_told_is_not_called_normal():
    assert property_codes(REGIONS["myocardium"]).modifier is None
    assert property_codes(REGIONS["normal_myocardium"]).modifier is not None
    assert property_codes(REGIONS["edema+scar"]).type.meaning == "Lesion"


def test_segments_are_numbered_as_consecutive_codes_are():
    assert in_segment_order(EACH_TISSUE) == (
        frozenset({Tissue.LV_BLOOD_POOL}),
        frozenset({Tissue.RV_BLOOD_POOL}),
        frozenset({Tissue.NORMAL_MYOCARDIUM}),
        frozenset({Tissue.EDEMA}),
        frozenset({Tissue.SCAR}),
    )
    assert in_segment_order(()) == ()
