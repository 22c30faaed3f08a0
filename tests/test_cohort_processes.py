import subprocess
import sys
import textwrap
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import nibabel as nib
import numpy as np
import pytest

from myoseg.cases.layouts import find_cases
from myoseg.cohort import CaseOutcome, PredictOptions, predict_cohort
from myoseg.cohort_processes import LOST, predict_in_processes
from myoseg.errors import ConfigurationError, ModelError, OutputError
from myoseg.prediction.model import ModelSource

DEADLY = """
    import os
    from dataclasses import dataclass
    from pathlib import Path

    import numpy as np

    from myoseg.block_tables import PHYSIOLOGICAL
    from myoseg.prediction.ensemble_model import EnsembleModel
    from myoseg.prediction.model import ModelSource
    from myoseg.slices.normalisation import Preprocessing


    class Deadly(EnsembleModel):
        def block_probabilities(self, case, table):
            if case.name in self.folder.read_text().split():
                os._exit(1)
            return super().block_probabilities(case, table)


    def bright(images):
        return np.clip(images[:, 0], 0, 1)


    class DeadlySource(ModelSource):
        def load(self):
            predictors = {block.name: (bright,) for block in PHYSIOLOGICAL.blocks}
            return Deadly(PHYSIOLOGICAL, Preprocessing(32), predictors, Path(self.model))
"""


@pytest.fixture
def source_killed_by(tmp_path, monkeypatch):
    """A function that makes a source whose model kills its process at some cases."""
    (tmp_path / "deadly.py").write_text(textwrap.dedent(DEADLY))
    monkeypatch.syspath_prepend(tmp_path)
    import deadly

    def make(*names):
        (tmp_path / "deadly.txt").write_text(" ".join(names))
        return deadly.DeadlySource(tmp_path / "deadly.txt")

    return make


@pytest.fixture
def files(phantom_data):
    return find_cases(phantom_data)


def by_name(outcomes):
    return sorted(outcomes, key=lambda outcome: outcome.name)


def test_several_processes_give_what_one_gives(files, source_killed_by, tmp_path):
    source, asked = source_killed_by(), PredictOptions(probabilities=True)
    one = list(predict_cohort(files, source.load(), tmp_path / "one", asked))
    several = list(predict_in_processes(files, source, tmp_path / "several", asked, 2))
    assert by_name(several) == by_name(one) == by_name(CaseOutcome(each.name) for each in files)
    paths = [path for path in (tmp_path / "one").rglob("*") if path.is_file()]
    assert len(paths) > 3 * len(files)
    for path in paths:
        twin = tmp_path / "several" / path.relative_to(tmp_path / "one")
        if path.name.endswith(".nii.gz"):
            found, expected = (np.asarray(nib.load(each).dataobj) for each in (twin, path))
            np.testing.assert_array_equal(found, expected)
        elif path.suffix == ".json":
            assert twin.read_bytes() == path.read_bytes()


def test_a_case_that_kills_its_process_is_reported_and_the_others_are_done(
    files, source_killed_by, tmp_path
):
    fatal = files[1].name
    outcomes = list(
        predict_in_processes(files, source_killed_by(fatal), tmp_path / "out", PredictOptions(), 2)
    )
    assert sorted(outcome.name for outcome in outcomes) == sorted(each.name for each in files)
    assert {outcome.name: outcome.error for outcome in outcomes if outcome.error} == {fatal: LOST}
    done = {path.name.removesuffix("_seg.nii.gz") for path in (tmp_path / "out").glob("*_seg*")}
    assert done == {each.name for each in files} - {fatal}


def test_a_process_that_dies_between_two_cases_loses_none(
    files, source_killed_by, tmp_path, monkeypatch
):
    """The pool is found broken when a case is handed out, not when one is waited for."""
    submit, n_calls = ProcessPoolExecutor.submit, 0

    def broken_at_the_second(pool, *arguments):
        nonlocal n_calls
        n_calls += 1
        if n_calls == 2:
            raise BrokenProcessPool("a process died")
        return submit(pool, *arguments)

    monkeypatch.setattr(ProcessPoolExecutor, "submit", broken_at_the_second)
    outcomes = list(
        predict_in_processes(files, source_killed_by(), tmp_path / "out", PredictOptions(), 2)
    )
    assert by_name(outcomes) == by_name(CaseOutcome(each.name) for each in files)


def test_processes_end_when_their_parent_is_killed(
    files, source_killed_by, tmp_path, group_is_alive
):
    program = """
import sys, time
from pathlib import Path
from myoseg.cases.layouts import find_cases
from myoseg.cohort import PredictOptions
from myoseg.cohort_processes import predict_in_processes
import deadly

if __name__ == "__main__":
    files = find_cases(Path(sys.argv[1]))
    outcomes = predict_in_processes(
        files, deadly.DeadlySource(Path(sys.argv[2])), Path(sys.argv[3]), PredictOptions(), 2
    )
    next(outcomes)
    print("one is done", flush=True)
    time.sleep(60)
"""
    source = source_killed_by()
    (tmp_path / "program.py").write_text(program)
    parent = subprocess.Popen(
        [
            *(sys.executable, str(tmp_path / "program.py"), str(files[0].paths[0].parent)),
            *(str(source.model), str(tmp_path / "out")),
        ],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert parent.stdout.readline().strip() == b"one is done"
    finally:
        parent.kill()
        parent.communicate()
    until = time.monotonic() + 30
    while group_is_alive(parent.pid):
        assert time.monotonic() < until, "its children go on"
        time.sleep(0.2)


def test_a_model_that_cannot_be_loaded_is_told_once(files, tmp_path):
    with pytest.raises(ModelError, match="nowhere"):
        list(
            predict_in_processes(
                files, ModelSource(tmp_path / "nowhere"), tmp_path / "out", PredictOptions(), 2
            )
        )


def test_a_folder_that_cannot_be_written_ends_it(files, source_killed_by, tmp_path):
    (tmp_path / "out").write_text("a file is in the way")
    with pytest.raises(OutputError):
        list(predict_in_processes(files, source_killed_by(), tmp_path / "out", PredictOptions(), 2))


def test_no_process_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="0 processes"):
        list(predict_in_processes([], ModelSource("default"), tmp_path, PredictOptions(), 0))
