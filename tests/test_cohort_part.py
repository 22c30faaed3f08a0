import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myoseg.case_results import labels_path
from myoseg.cases.case_files import CaseFiles
from myoseg.cohort_part import Share, not_done, require_same_run
from myoseg.errors import ConfigurationError, OutputError

MANIFEST = {"hashes": {"model": "a1"}, "arguments": {"consecutive": False, "layout": None}}


def cases(n):
    return [CaseFiles(f"case_{number}", {}) for number in range(n)]


@given(n_cases=st.integers(0, 40), n_shares=st.integers(1, 12))
def test_shares_hold_every_case_once_and_differ_by_one_at_most(n_cases, n_shares):
    shares = [Share(number, n_shares).of(cases(n_cases)) for number in range(1, n_shares + 1)]
    names = [each.name for share in shares for each in share]
    assert sorted(names) == sorted(each.name for each in cases(n_cases))
    sizes = [len(share) for share in shares]
    assert max(sizes) - min(sizes) <= 1


def test_a_share_is_written_as_in_words():
    assert Share.parse("2/8") == Share(2, 8)


@pytest.mark.parametrize("text", ["", "2", "2/", "/8", "a/8", "-1/8", "2/0", "1.5/3", "2/8/9"])
def test_what_is_no_share_is_refused(text):
    with pytest.raises(ConfigurationError, match="is no share of a cohort; give I/N"):
        Share.parse(text)


@pytest.mark.parametrize("text", ["0/8", "9/8"])
def test_a_share_that_does_not_exist_is_refused(text):
    with pytest.raises(ConfigurationError, match="give 1/8 to 8/8"):
        Share.parse(text)


def test_a_case_is_done_once_its_label_map_is_there(tmp_path):
    labels_path(tmp_path, "case_1").touch()
    (tmp_path / "case_2_stats.json").touch()
    assert [each.name for each in not_done(cases(3), tmp_path)] == ["case_0", "case_2"]


def test_the_same_run_goes_on(tmp_path):
    require_same_run(tmp_path / "not_there", MANIFEST)
    (tmp_path / "run.json").write_text(json.dumps(MANIFEST))
    require_same_run(tmp_path, MANIFEST)


def test_results_of_another_model_or_other_options_are_not_mixed(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps(MANIFEST))
    for key, changes, named in (
        ("hashes", {"model": "b2"}, "other model;"),
        ("arguments", {"consecutive": True, "layout": "acdc"}, "other consecutive, layout;"),
    ):
        with pytest.raises(ConfigurationError, match=named):
            require_same_run(tmp_path, {**MANIFEST, key: {**MANIFEST[key], **changes}})


def test_results_of_unknown_origin_are_not_gone_on_with(tmp_path):
    labels_path(tmp_path, "a").touch()
    with pytest.raises(OutputError, match=r"no run\.json that says how they were made"):
        require_same_run(tmp_path, MANIFEST)
    (tmp_path / "run.json").write_text('{"hashes": 1}')
    with pytest.raises(OutputError, match=r"run\.json cannot be read"):
        require_same_run(tmp_path, MANIFEST)
