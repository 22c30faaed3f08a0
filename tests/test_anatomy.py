from myoseg.anatomy import (
    CONSECUTIVE_CODES,
    EACH_TISSUE,
    MYOCARDIUM,
    PAINT_ORDER,
    REGIONS,
    Sequence,
    Tissue,
    representative,
)


def test_tissues_have_the_codes_of_myops_2020():
    assert {tissue.name: int(tissue) for tissue in Tissue} == {
        "NORMAL_MYOCARDIUM": 200,
        "LV_BLOOD_POOL": 500,
        "RV_BLOOD_POOL": 600,
        "EDEMA": 1220,
        "SCAR": 2221,
    }


def test_the_three_sequences_are_in_the_papers_order():
    assert [str(sequence) for sequence in Sequence] == ["bssfp", "lge", "t2"]


def test_scar_is_painted_over_edema_over_normal_over_the_pools():
    assert [tissue.name for tissue in reversed(PAINT_ORDER)] == [
        "SCAR",
        "EDEMA",
        "NORMAL_MYOCARDIUM",
        "LV_BLOOD_POOL",
        "RV_BLOOD_POOL",
    ]


def test_the_myocardium_is_normal_edematous_and_scarred():
    assert {tissue.name for tissue in MYOCARDIUM} == {"NORMAL_MYOCARDIUM", "EDEMA", "SCAR"}
    assert REGIONS["myocardium"] == MYOCARDIUM
    assert REGIONS["epicardium"] - MYOCARDIUM == {Tissue.LV_BLOOD_POOL}
    assert REGIONS["edema+scar"] == {Tissue.EDEMA, Tissue.SCAR}


def test_every_tissue_is_a_region_of_its_own():
    assert set(EACH_TISSUE) <= set(REGIONS.values())
    assert frozenset().union(*EACH_TISSUE) == set(Tissue)


def test_consecutive_codes_have_no_gap():
    assert sorted(CONSECUTIVE_CODES.values()) == [1, 2, 3, 4, 5]
    assert set(CONSECUTIVE_CODES) == set(Tissue)


def test_a_group_is_represented_by_its_mildest_tissue():
    assert representative(MYOCARDIUM) is Tissue.NORMAL_MYOCARDIUM
    assert representative(frozenset({Tissue.SCAR, Tissue.EDEMA})) is Tissue.EDEMA
    assert all(representative(frozenset({tissue})) is tissue for tissue in Tissue)
