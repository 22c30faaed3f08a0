import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myoseg.errors import ConfigurationError, InputError
from myoseg.training.split import split_folds, split_patients, split_samples

SEEDS = st.integers(0, 2**32 - 1)
COHORTS = st.lists(st.sampled_from([f"p{n}" for n in range(12)]), min_size=2, max_size=40).filter(
    lambda patients: len(set(patients)) > 1
)


def test_the_papers_4080_samples_give_3264_and_816():
    split = split_samples(102 * 20 * 2, seed=0, share=0.2)
    assert len(split.training) == 3264
    assert len(split.validation) == 816


@given(n=st.integers(2, 300), seed=SEEDS, share=st.floats(0.01, 0.99))
def test_a_split_by_sample_holds_every_sample_once(n, seed, share):
    split = split_samples(n, seed, share)
    assert sorted(split.training + split.validation) == list(range(n))
    assert split.training
    assert split.validation


@given(patients=COHORTS, seed=SEEDS, share=st.floats(0.01, 0.99))
def test_no_patient_stands_on_both_sides_and_neither_is_empty(patients, seed, share):
    split = split_patients(patients, seed, share)
    assert sorted(split.training + split.validation) == list(range(len(patients)))
    sides = [{patients[index] for index in side} for side in (split.training, split.validation)]
    assert all(sides)
    assert not sides[0] & sides[1]


@given(patients=COHORTS, seed=SEEDS)
def test_the_folds_hold_every_case_once(patients, seed):
    n_folds = len(set(patients))
    held_out = [split_folds(patients, seed, n_folds, fold).validation for fold in range(n_folds)]
    assert sorted(sum(held_out, ())) == list(range(len(patients)))


@given(patients=COHORTS, seed=SEEDS, shuffle=SEEDS)
def test_the_order_of_the_cases_decides_nothing(patients, seed, shuffle):
    order = np.random.default_rng(shuffle).permutation(len(patients))
    shuffled = [patients[index] for index in order]
    held_out = {patients[index] for index in split_patients(patients, seed).validation}
    assert {shuffled[index] for index in split_patients(shuffled, seed).validation} == held_out


def test_25_patients_validate_on_5_and_other_seeds_on_others():
    patients = [str(number) for number in range(101, 126)]
    splits = [split_patients(patients, seed) for seed in range(5)]
    assert [len(split.validation) for split in splits] == [5] * 5
    assert len({split.validation for split in splits}) > 1
    assert split_patients(patients, 3) == splits[3]


def test_25_patients_make_five_folds_of_5():
    patients = [str(number) for number in range(101, 126)]
    assert [len(split_folds(patients, 0, 5, fold).validation) for fold in range(5)] == [5] * 5


@given(seed=SEEDS)
def test_each_kind_of_case_is_spread_over_the_folds(seed):
    patients = [f"p{number}" for number in range(20)]
    kinds = ["with T2" if number % 4 == 0 else "without T2" for number in range(20)]
    for fold in range(5):
        split = split_folds(patients, seed, 5, fold, kinds)
        assert sum(kinds[index] == "with T2" for index in split.validation) == 1
    split = split_patients(patients, seed, 0.2, kinds)
    assert sum(kinds[index] == "with T2" for index in split.validation) == 1


def test_one_patient_cannot_be_split():
    with pytest.raises(InputError, match=r"at least two patients, got 1.*split.by to sample"):
        split_patients(["a", "a"], seed=0)


def test_an_empty_cohort_cannot_be_split():
    with pytest.raises(InputError, match="got 0"):
        split_patients([], seed=0)
    with pytest.raises(InputError, match="got 0"):
        split_samples(0, seed=0)


def test_a_fold_that_is_not_there_is_named_with_the_range():
    with pytest.raises(ConfigurationError, match=r"no fold 5.*give 0 to 4"):
        split_folds(["a", "b", "c", "d", "e"], seed=0, n_folds=5, fold=5)


def test_more_folds_than_patients_are_refused():
    with pytest.raises(InputError, match=r"5 folds need.*got 2.*2 folds or fewer"):
        split_folds(["a", "b"], seed=0, n_folds=5, fold=0)
