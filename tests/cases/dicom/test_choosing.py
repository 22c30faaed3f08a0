import pickle

import pytest

from myoseg.anatomy import Sequence
from myoseg.cases.dicom.candidates import candidates_of
from myoseg.cases.dicom.choosing import choose_series
from myoseg.cases.dicom.scan import scan_folder
from myoseg.cases.dicom.study import find_studies, find_study
from myoseg.errors import InputError


def numbers(study):
    return {str(s): choice.candidate.numbers for s, choice in study.choices.items()}


@pytest.fixture
def three(tmp_path, save_series, protocols):
    """A folder with a cine (series 5), an LGE (8) and a T2 (6)."""
    save_series(tmp_path / "in", 5, n_phases=9, **protocols["cine"])
    save_series(tmp_path / "in", 8, **protocols["lge"])
    save_series(tmp_path / "in", 6, **protocols["t2"])
    return tmp_path / "in"


def test_three_series_are_found_with_reasons(three):
    study = find_study(three)
    assert numbers(study) == {"bssfp": (5,), "lge": (8,), "t2": (6,)}
    assert all(choice.reasons for choice in study.choices.values())
    assert study.warnings == ()


def test_no_candidate_is_no_choice():
    study = choose_series("1.2", ())
    assert dict(study.choices) == {}
    assert study.warnings == ()


def test_the_last_complete_repeat_is_used(three, save_series, protocols):
    save_series(three, 9, n_slices=3, AcquisitionTime="120000", **protocols["lge"])
    save_series(three, 10, n_slices=2, AcquisitionTime="120500", **protocols["lge"])
    study = find_study(three)
    assert numbers(study)["lge"] == (9,)
    assert {c.candidate.numbers: c.candidate.repeated_by for c in study.judged} == {
        (5,): None,
        (6,): None,
        (8,): 9,
        (9,): None,
        (10,): 9,
    }


def test_of_a_magnitude_and_a_phase_sensitive_image_the_magnitude_is_used(
    three, save_series, protocols
):
    psir = protocols["lge"] | {"SeriesDescription": "de_tfl_psir_sax_PSIR"}
    save_series(three, 9, **psir)
    study = find_study(three)
    assert numbers(study)["lge"] == (8,)
    assert study.warnings == ()


def test_a_phase_sensitive_image_alone_is_used(tmp_path, save_series, protocols):
    psir = protocols["lge"] | {"SeriesDescription": "de_tfl_psir_sax_PSIR"}
    save_series(tmp_path, 9, **psir)
    assert numbers(find_study(tmp_path)) == {"lge": (9,)}


def test_both_components_in_one_series_are_told_apart(tmp_path, save_series, protocols):
    both = {**protocols["lge"], "SeriesDescription": "LGE SA", "SeriesInstanceUID": "1.2.3.5.1"}
    save_series(tmp_path / "a", 8, **both, ImageType=["ORIGINAL", "PRIMARY", "M_IR", "M", "IR"])
    save_series(tmp_path / "b", 8, **both, ImageType=["ORIGINAL", "PRIMARY", "R_IR", "R", "IR"])
    study = find_study(tmp_path)
    assert len(study.judged) == 2
    assert study.choices[Sequence.LGE].candidate.protocol.component == "magnitude"
    assert len(study.choices[Sequence.LGE].candidate.stack.slices) == 3


def test_equal_series_are_told_and_the_one_with_more_slices_is_used(
    tmp_path, save_series, protocols
):
    save_series(tmp_path, 3, n_slices=5, **protocols["lge"])
    save_series(tmp_path, 4, n_slices=4, **(protocols["lge"] | {"SeriesDescription": "lge sax"}))
    study = find_study(tmp_path)
    assert numbers(study) == {"lge": (3,)}
    (warning,) = study.warnings
    assert "4 lge sax" in warning
    assert "--lge" in warning


@pytest.mark.parametrize("called", ["6", "t2_tirm_db_sax", "T2_TIRM", "1.2.3.5.6"])
def test_a_named_series_is_used_whatever_the_rules_say(three, called):
    study = find_study(three, {Sequence.LGE: called})
    assert numbers(study) == {"bssfp": (5,), "lge": (6,)}
    assert study.choices[Sequence.LGE].named


@pytest.mark.parametrize(
    ("called", "words"),
    [("77", "no series is called"), ("", "no series is called"), ("sax", "names several series")],
)
def test_a_name_of_no_series_or_of_several_is_refused_with_those_there_are(three, called, words):
    with pytest.raises(InputError, match=words) as caught:
        find_study(three, {Sequence.LGE: called})
    assert "8 de_tfl_psir_sax_MAG" in str(caught.value)


@pytest.mark.parametrize("together", [1, 2])
def test_series_of_single_slices_are_joined(tmp_path, save_series, protocols, together):
    for k in range(0, 6, together):
        cine = protocols["cine"] | {"SeriesDescription": f"cine_sax_{k}"}
        save_series(tmp_path, 10 + k, together, 9, first_mm=10.0 * k, **cine)
    study = find_study(tmp_path)
    choice = study.choices[Sequence.BSSFP]
    assert choice.candidate.numbers == tuple(range(10, 16, together))
    assert len(choice.candidate.stack.slices) == 6
    assert choice.candidate.stack.notes == ()
    assert choice.candidate.label.startswith("10 to ")


def test_a_slice_that_was_taken_again_replaces_the_first(tmp_path, save_series, protocols):
    for number, k in ((1, 0), (2, 1), (3, 2), (4, 1)):
        cine = protocols["cine"] | {"AcquisitionTime": f"10{number:02d}00"}
        save_series(tmp_path, number, 1, 9, first_mm=10.0 * k, **cine)
    stack = find_study(tmp_path).choices[Sequence.BSSFP].candidate.stack
    assert [frames[0].protocol.series_number for frames in stack.slices] == [1, 4, 3]


def test_a_stack_that_lies_unevenly_is_passed_over_for_one_that_does_not(
    tmp_path, save_series, protocols
):
    for k, mm in enumerate((0, 10, 33, 70, 110, 190)):
        place = {"SeriesInstanceUID": "1.2.3.5.1", "InstanceNumber": k}
        save_series(tmp_path / str(k), 1, 1, first_mm=mm, **(protocols["lge"] | place))
    save_series(tmp_path, 2, 3, **(protocols["lge"] | {"SeriesDescription": "lge sax"}))
    assert numbers(find_study(tmp_path)) == {"lge": (2,)}


def test_studies_are_called_by_their_folders_or_by_number(tmp_path, save_series, protocols):
    for name, uid in (("case_a", "1.2.1"), ("Meier_Anna", "1.2.2"), ("20240131", "1.2.3")):
        save_series(tmp_path / name / "s", 5, StudyInstanceUID=uid, **protocols["lge"])
    assert list(find_studies(tmp_path)) == ["case_a", "study_002", "study_003"]
    with pytest.raises(InputError, match="holds 3 studies"):
        find_study(tmp_path)


def test_a_single_study_is_called_by_the_folder_given(tmp_path, save_series):
    save_series(tmp_path / "case7", 5)
    save_series(tmp_path / "p0815", 5)
    assert list(find_studies(tmp_path / "case7")) == ["case7"]
    assert list(find_studies(tmp_path / "p0815")) == ["study_001"]


def test_studies_mixed_in_one_folder_are_numbered_in_the_order_of_their_identifiers(
    tmp_path, save_instance
):
    save_instance(tmp_path / "1", StudyInstanceUID="1.2.9", SeriesNumber=3)
    save_instance(tmp_path / "2", StudyInstanceUID="1.2.8", SeriesNumber=4)
    found = find_studies(tmp_path)
    assert {name: study.uid for name, study in found.items()} == {
        "study_001": "1.2.8",
        "study_002": "1.2.9",
    }


def test_a_name_that_one_study_does_not_know_is_told_there(tmp_path, save_series, protocols):
    save_series(tmp_path / "a", 5, StudyInstanceUID="1.2.1", **protocols["lge"])
    save_series(tmp_path / "b", 6, StudyInstanceUID="1.2.2", **protocols["lge"])
    studies = find_studies(tmp_path, {Sequence.LGE: "6"})
    assert studies["b"].choices[Sequence.LGE].named
    assert any("not as was asked" in warning for warning in studies["a"].warnings)
    with pytest.raises(InputError, match="no series"):
        find_studies(tmp_path, {Sequence.LGE: "99"})


def test_a_folder_without_an_image_is_refused_with_what_was_looked_at(tmp_path, save_instance):
    (tmp_path / "notes.txt").touch()
    save_instance(tmp_path / "broken", Rows=0)
    with pytest.raises(InputError, match=r"2 files were looked at.*1 claim.*cannot be read"):
        find_study(tmp_path)


def test_choices_travel_to_other_processes(three):
    study = pickle.loads(pickle.dumps(find_study(three)))
    assert numbers(study) == {"bssfp": (5,), "lge": (8,), "t2": (6,)}


def test_words_about_a_study_tell_no_patient_and_no_identifier(three):
    (study,) = scan_folder(three).studies
    chosen = choose_series(study.uid, candidates_of(study.series))
    assert "1.2.3.4" not in repr(chosen)
