"""`myoseg predict` over many cases: what is loaded, written and left where runs fail or go on."""

import json

import pytest

from myoseg import cohort, cohort_processes
from myoseg.cohort import CaseOutcome
from myoseg.prediction.model import ModelSource


@pytest.fixture
def start(cli, shipped_default, phantom_data, tmp_path):
    """Runs `myoseg predict` over the cohort into one folder."""

    def run(*arguments):
        where = ("-q", "-d", "cpu", "-i", phantom_data, "--layout", "myops", "-o", tmp_path / "out")
        return cli("predict", *where, *arguments)

    return run


def pages(out):
    return sorted(path.name.removesuffix("_report.html") for path in out.glob("*_report.html"))


def test_a_run_that_goes_on_with_reports_writes_those_of_cases_done_before(start, tmp_path):
    out = tmp_path / "out"
    assert start("--shard", "1/2").code == 0
    before = {path: path.read_bytes() for path in out.glob("*_seg.nii.gz")}
    assert len(before) == 3
    assert pages(out) == []
    done = start("--resume", "--report")
    assert done.code == 0, done.err
    names = sorted(path.name.removesuffix("_seg.nii.gz") for path in out.glob("*_seg.nii.gz"))
    assert len(names) == 6
    assert pages(out) == names
    assert all(path.read_bytes() == content for path, content in before.items())
    assert "quality" in json.loads((out / f"{names[0]}_stats.json").read_text())
    times = {path: path.stat().st_mtime_ns for path in out.glob("*_report.html")}
    assert start("--resume", "--report").code == 0
    assert {path: path.stat().st_mtime_ns for path in out.glob("*_report.html")} == times


def test_a_run_that_the_user_stops_keeps_what_is_done_and_says_how_to_go_on(start, tmp_path):
    whole = cohort.predict_cohort

    def stopped_after_two(files, model, out, options):
        yield from whole(files[:2], model, out, options)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cohort, "predict_cohort", stopped_after_two)
        stopped = start()
    assert stopped.code == 130
    assert "with --resume goes on" in stopped.err
    kept = {path: path.read_bytes() for path in (tmp_path / "out").glob("*_seg.nii.gz")}
    assert len(kept) == 2
    assert start("--resume").code == 0
    assert all(path.read_bytes() == content for path, content in kept.items())


def test_with_several_processes_the_first_loads_no_network(start, tmp_path, monkeypatch):
    def load(self):
        raise AssertionError("the parent loads a model")

    def processes(files, source, out, options, n_processes):
        assert n_processes == 2
        return iter([CaseOutcome(each.name) for each in files])

    monkeypatch.setattr(ModelSource, "load", load)
    monkeypatch.setattr(cohort_processes, "predict_in_processes", processes)
    assert start("--jobs", "2").code == 0
    assert (tmp_path / "out" / "run.json").is_file()


def test_altered_weights_and_unknown_blocks_are_refused_before_processes_start(
    start, shipped_default, tmp_path
):
    refused = start("--jobs", "2", "--block", "none")
    assert (refused.code, "has no block none" in refused.err) == (1, True)
    weights = shipped_default / "pathology.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    refused = start("--jobs", "2")
    assert (refused.code, "is not the file that model.json describes" in refused.err) == (1, True)
    assert not (tmp_path / "out").exists()


def test_a_cluster_that_does_not_answer_leaves_nothing(start, tmp_path):
    refused = start("--ray", "127.0.0.1:1")
    assert refused.code == 1
    assert "Ray" in refused.err
    assert not (tmp_path / "out").exists()
