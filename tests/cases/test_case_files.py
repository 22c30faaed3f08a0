import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myoseg.anatomy import Sequence
from myoseg.cases.case_files import CaseFiles, case_files, safe_name
from myoseg.cases.labels import CARE, CONSECUTIVE, MYOPS


@given(st.text())
def test_a_safe_name_is_one_part_of_a_path(name):
    safe = safe_name(name)
    assert safe
    assert len(Path("out", safe).parts) == 2
    assert safe not in {".", ".."}
    assert not set(safe) & set('\\/:*?"<>|\0')


@pytest.mark.parametrize(
    ("paths", "name"),
    [
        ({"bssfp": "d/p1_C0.nii.gz", "lge": "e/p1_DE.nii.gz"}, "p1"),
        ({"lge": "Case_P001.nii.gz"}, "Case_P001"),
        ({"bssfp": "a.nii", "t2": "b.NII.GZ"}, "a"),
        ({"bssfp": "a.nii", "name": "../x"}, "_x"),
        ({}, "case"),
    ],
)
def test_a_case_is_called_by_what_its_files_names_begin_with(paths, name):
    assert case_files(**paths).name == name


def test_files_are_listed_in_the_order_of_sequences_with_labels_last():
    files = case_files(t2="t.nii", bssfp="b.nii", labels="l.nii")
    assert files.paths == (Path("b.nii"), Path("t.nii"), Path("l.nii"))
    assert case_files(lge="x.nii").paths == (Path("x.nii"),)


def test_labels_are_of_the_two_own_codings_unless_said():
    assert case_files(lge="x.nii").codings == (MYOPS, CONSECUTIVE)
    assert case_files(lge="x.nii", coding=CARE).codings == (CARE.given([Sequence.LGE]),)


def test_case_files_travel_to_other_processes():
    files = CaseFiles("p1", {Sequence.LGE: Path("x.nii")})
    assert pickle.loads(pickle.dumps(files)).images == files.images
    assert files.patient == "p1"
