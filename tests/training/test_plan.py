import pytest

from myoseg.anatomy import EACH_TISSUE, MYOCARDIUM, Sequence, Tissue
from myoseg.errors import InputError
from myoseg.training.plan import fingerprint_of, plan_training
from myoseg.training.recipe import load_recipe

BSSFP, LGE, T2 = Sequence.BSSFP, Sequence.LGE, Sequence.T2
SETTINGS = ("preprocessing.size_px=64", "augmentation.n_warps=2")


@pytest.fixture
def recipe():
    return load_recipe("physiological", SETTINGS)


def origins(samples):
    return {each.origin.case for each in samples.slices}


def test_whole_patients_validate_on_plain_slices(disc_case, recipe):
    cases = [disc_case(number, tuple(Sequence)) for number in range(6)]
    patients = ["a", "a", "b", "b", "c", "c"]
    plan = plan_training(cases, recipe, patients=patients)
    for data in plan.blocks:
        owners = [
            {patients[int(name.removeprefix("case"))] for name in origins(samples)}
            for samples in (data.training, data.validation)
        ]
        assert sorted(map(len, owners)) == [1, 2]
        assert not owners[0] & owners[1]
        assert len(data.training_indices) == 4 * 2 * 4
        assert len(data.validation_indices) == 2 * 2


def test_all_blocks_hold_out_the_same_patients(disc_case, recipe):
    plan = plan_training([disc_case(number, tuple(Sequence)) for number in range(5)], recipe)
    assert len({frozenset(origins(data.validation)) for data in plan.blocks}) == 1


def test_under_the_papers_split_samples_are_drawn_after_augmentation(disc_case):
    recipe = load_recipe("paper", ["preprocessing.size_px=64"])
    plan = plan_training([disc_case(number, tuple(Sequence)) for number in range(3)], recipe)
    data = plan.blocks[0]
    assert len(data.training_indices) + len(data.validation_indices) == 3 * 2 * 40
    assert len(data.validation_indices) == 48
    assert not set(data.training_indices) & set(data.validation_indices)
    assert data.training is data.validation


def test_each_block_trains_on_the_cases_that_have_its_sequences(disc_case, recipe):
    with_all = [disc_case(number, tuple(Sequence)) for number in range(4)]
    without_t2 = [disc_case(number, (BSSFP, LGE)) for number in range(4, 8)]
    plan = plan_training([*with_all, *without_t2], recipe)
    n_cases = {
        data.block.name: len(origins(data.training) | origins(data.validation))
        for data in plan.blocks
    }
    assert n_cases["lvms"] == n_cases["lv_blood_pool"] == 8
    assert n_cases["lvmems"] == 4
    assert not plan.skipped


def test_a_block_whose_sequence_no_case_has_is_skipped_with_the_reason(disc_case, recipe):
    plan = plan_training([disc_case(number, (BSSFP, LGE)) for number in range(4)], recipe)
    assert [data.block.name for data in plan.blocks] == [
        "lv_blood_pool",
        "rv_blood_pool",
        "lv_epicardium",
        "lvms",
    ]
    assert plan.skipped == {"lvmems": "no labelled case has t2"}


def test_a_block_whose_target_the_labels_do_not_decide_is_skipped(disc_case, recipe):
    groups = (*(frozenset({t}) for t in (Tissue.LV_BLOOD_POOL, Tissue.RV_BLOOD_POOL)), MYOCARDIUM)
    plan = plan_training(
        [disc_case(number, tuple(Sequence), groups) for number in range(4)], recipe
    )
    assert set(plan.skipped) == {"lvmems", "lvms"}
    assert plan.skipped["lvms"] == "no case with lge has labels that decide scar"


def test_a_block_with_all_its_cases_on_one_side_is_skipped(disc_case, recipe):
    cases = [disc_case(0, (BSSFP, T2)), *(disc_case(number) for number in range(1, 6))]
    plan = plan_training(cases, recipe)
    assert "all on one side" in plan.skipped["lvmems"]
    assert {data.block.name for data in plan.blocks} >= {"lv_blood_pool", "lv_epicardium"}


def test_cases_without_labels_are_left_out(disc_case, recipe, caplog):
    cases = [disc_case(number, groups=None if number > 3 else EACH_TISSUE) for number in range(6)]
    assert plan_training(cases, recipe).n_cases == 4
    assert "2 of 6 cases" in caplog.text


def test_without_any_label_nothing_can_be_trained(disc_case, recipe):
    with pytest.raises(InputError, match=r"none of the 2 cases has labels"):
        plan_training([disc_case(1, groups=None), disc_case(2, groups=None)], recipe)
    with pytest.raises(InputError, match=r"none of the 0 cases"):
        plan_training([], recipe)


def test_where_no_block_has_its_inputs_each_is_named_with_its_reason(disc_case):
    recipe = load_recipe("quick", ["table=unet"])
    with pytest.raises(InputError, match=r"no block of the table 'unet'.*scar: no labelled case"):
        plan_training([disc_case(1), disc_case(2)], recipe)


def test_patients_must_be_given_for_each_case(disc_case, recipe):
    with pytest.raises(InputError, match="1 patients for 2 cases"):
        plan_training([disc_case(1), disc_case(2)], recipe, patients=["a"])


def test_folds_hold_out_each_patient_once(disc_case):
    recipe = load_recipe("quick", [*SETTINGS, "split.n_folds=3"])
    cases = [disc_case(number) for number in range(6)]
    held_out = [
        name
        for fold in range(3)
        for name in origins(plan_training(cases, recipe, fold).blocks[0].validation)
    ]
    assert sorted(held_out) == [f"case{number}" for number in range(6)]


def test_the_fingerprint_knows_data_and_patients_but_no_name_or_order(disc_case, recipe):
    cases = [disc_case(number) for number in range(3)]
    renamed = [type(c)(f"other{c.name}", c.images, c.geometry, c.labels) for c in cases]
    whole = fingerprint_of(cases, ["a", "b", "c"])
    assert fingerprint_of(renamed, ["x", "y", "z"]) == whole
    assert fingerprint_of(cases, ["a", "a", "c"]) != whole
    assert fingerprint_of(cases[:2], ["a", "b"]) != whole
    assert fingerprint_of([*cases[:2], disc_case(9)], ["a", "b", "c"]) != whole
    shuffled = plan_training(cases[::-1], recipe).data_fingerprint
    assert shuffled == plan_training(cases, recipe).data_fingerprint
