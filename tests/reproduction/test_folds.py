from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myoseg.anatomy import Sequence
from myoseg.cases.layouts import CaseFiles
from myoseg.errors import InputError
from myoseg.reproduction.folds import folds_of


def files(name, *, role=None, labelled=True, patient=""):
    return CaseFiles(
        name,
        {Sequence.LGE: _path(name)},
        labels=_path(f"{name}_gd") if labelled else None,
        patient=patient,
        role=role,
    )


def _path(name):
    return Path(f"{name}.nii.gz")


def names(cases):
    return {case.name for case in cases}


def test_a_labelled_test_set_is_the_test_set():
    cases = [
        files("a", role="train"),
        files("b"),
        files("c", role="train", labelled=False),
        files("d", role="test"),
        files("e", role="test", labelled=False),
    ]
    (fold,) = folds_of(cases, 5, 0)
    assert fold.name == "test"
    assert names(fold.training) == {"a", "b"}
    assert names(fold.test) == {"d"}


def test_test_cases_alone_are_cross_validated():
    folds = folds_of([files(name, role="test") for name in "abcd"], 2, 0)
    assert [fold.name for fold in folds] == ["fold-0", "fold-1"]


@given(
    patients=st.lists(st.sampled_from("pqrstuv"), min_size=3, max_size=20),
    n_folds=st.integers(2, 5),
    seed=st.integers(0, 2**32 - 1),
)
def test_every_case_is_tested_once_and_no_patient_is_on_both_sides(patients, n_folds, seed):
    cases = [files(f"case{k}", patient=patient) for k, patient in enumerate(patients)]
    if len(set(patients)) < n_folds:
        with pytest.raises(InputError, match="too few"):
            folds_of(cases, n_folds, seed)
        return
    folds = folds_of(cases, n_folds, seed)
    assert len(folds) == n_folds
    assert sorted(case.name for fold in folds for case in fold.test) == sorted(names(cases))
    for fold in folds:
        assert fold.training
        assert fold.test
        assert not {c.patient for c in fold.training} & {c.patient for c in fold.test}
        assert names(fold.training) | names(fold.test) == names(cases)


def test_no_labels_are_too_few():
    with pytest.raises(InputError, match="0 labelled patients are too few for 2 folds"):
        folds_of([files("a", labelled=False)], 2, 0)
    with pytest.raises(InputError, match="0 labelled patients"):
        folds_of([], 2, 0)
