"""On a real Ray cluster of several node processes on this machine."""

import os
import signal
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from myoseg.cases.finding import find_any_cases
from myoseg.cases.layouts import find_cases
from myoseg.cohort import PredictOptions, predict_cohort
from myoseg.cohort_ray import _model_for_workers, _with_full_paths, predict_on_ray
from myoseg.errors import ConfigurationError, ModelError
from myoseg.prediction.model import ModelSource

pytest.importorskip("ray")

SLOW = """
    import os
    import time
    from dataclasses import dataclass
    from pathlib import Path

    import numpy as np

    from myoseg.block_tables import PHYSIOLOGICAL
    from myoseg.prediction.ensemble_model import EnsembleModel
    from myoseg.prediction.model import ModelSource
    from myoseg.slices.normalisation import Preprocessing


    class Slow(EnsembleModel):
        def block_probabilities(self, case, table):
            (self.folder / f"{case.name}.{os.getpid()}.{time.monotonic_ns()}").touch()
            time.sleep(float((self.folder / "seconds").read_text()))
            return super().block_probabilities(case, table)


    def bright(images):
        return np.clip(images[:, 0], 0, 1)


    class SlowSource(ModelSource):
        def load(self):
            predictors = {block.name: (bright,) for block in PHYSIOLOGICAL.blocks}
            return Slow(PHYSIOLOGICAL, Preprocessing(32), predictors, Path(self.model))
"""


@pytest.fixture(scope="module")
def modules(tmp_path_factory):
    folder = tmp_path_factory.mktemp("modules")
    (folder / "slow_source.py").write_text(textwrap.dedent(SLOW))
    return folder


@pytest.fixture(scope="module")
def cluster(modules):
    """The address of a cluster of two nodes, each its own processes, of one CPU each."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray
    from ray.cluster_utils import Cluster

    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(modules), before]))
    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    nodes.add_node(num_cpus=1)
    nodes.wait_for_nodes()
    yield nodes.address
    ray.shutdown()
    nodes.shutdown()
    os.environ.pop("PYTHONPATH")
    if before is not None:
        os.environ["PYTHONPATH"] = before


@pytest.fixture
def source(modules, tmp_path, monkeypatch):
    """A function that makes a source whose model takes so long for a case, and notes who did it."""
    monkeypatch.syspath_prepend(modules)
    import slow_source

    def make(seconds=0.0):
        (tmp_path / "seconds").write_text(str(seconds))
        return slow_source.SlowSource(tmp_path)

    return make


@pytest.fixture
def files(phantom_data):
    return find_cases(phantom_data)


@pytest.fixture(scope="module")
def dicom_study(tmp_path_factory):
    """The folder of a small simulated study in DICOM."""
    from myoseg.cases.dicom.write_study import WritingChoices, write_dicom_studies
    from myoseg.cases.phantom import PhantomConfig

    tiny = PhantomConfig(
        matrix=(32, 32), spacing_mm=(5.0, 5.0), n_slices=(2, 2), supersampling=1, n_sub_slices=1
    )
    out = tmp_path_factory.mktemp("dicom") / "studies"
    write_dicom_studies(out, n_studies=1, seed=0, config=tiny, choices=WritingChoices())
    return next(out.iterdir()) / "dicom"


def relative_to_here(files):
    """The same case, of files that are named from the working directory."""

    def named(path):
        return Path(os.path.relpath(path))

    def from_here(choice):
        stack = choice.candidate.stack
        slices = tuple(tuple(replace(f, path=named(f.path)) for f in each) for each in stack.slices)
        candidate = replace(choice.candidate, stack=replace(stack, slices=slices))
        return replace(choice, candidate=candidate)

    choices = {s: from_here(choice) for s, choice in files.dicom.choices.items()}
    images = {s: named(path) for s, path in files.images.items()}
    return replace(files, images=images, dicom=replace(files.dicom, choices=choices))


def test_every_path_that_is_handed_out_is_whole(dicom_study, phantom_data, monkeypatch):
    monkeypatch.chdir(dicom_study.parent)
    (study,) = find_any_cases(Path(dicom_study.name), must_be_dicom=True)
    nifti = find_cases(Path(os.path.relpath(phantom_data)))[0]
    handed = [_with_full_paths(each) for each in (relative_to_here(study), nifti)]
    frames = [
        frame.path
        for choice in handed[0].dicom.choices.values()
        for frame in choice.candidate.stack.frames
    ]
    assert frames
    assert all(path.is_absolute() and path.is_file() for path in frames)
    assert all(path.is_absolute() for each in handed for path in each.paths)
    assert _model_for_workers("default") == "default"
    assert _model_for_workers(Path(dicom_study.name)) == dicom_study.resolve()


def notes_in(folder):
    """Case and process of each attempt, the latest last."""
    notes = [p for p in folder.iterdir() if p.name.count(".") == 2 and not p.is_dir()]
    notes.sort(key=lambda path: path.stat().st_mtime_ns)
    return [(path.name.rsplit(".", 2)[0], int(path.name.rsplit(".", 2)[1])) for path in notes]


def masks_in(folder):
    return {path.name: np.asarray(nib.load(path).dataobj) for path in folder.glob("*_seg.nii.gz")}


def require_same_masks(one, other):
    expected, found = masks_in(one), masks_in(other)
    assert found.keys() == expected.keys()
    for name, mask in expected.items():
        np.testing.assert_array_equal(found[name], mask)


def test_a_cluster_gives_what_one_process_gives(cluster, files, source, tmp_path):
    list(predict_cohort(files, source().load(), tmp_path / "one"))
    for path in tmp_path.glob("*.*.*"):
        path.unlink()
    asked = PredictOptions()
    outcomes = list(predict_on_ray(files, source(0.3), tmp_path / "ray", asked, cluster))
    assert {each.name for each in outcomes} == {each.name for each in files}
    assert not any(each.error for each in outcomes)
    require_same_masks(tmp_path / "one", tmp_path / "ray")
    assert len({process for _, process in notes_in(tmp_path)}) == 2, "both nodes worked"


def test_the_cases_of_a_worker_that_is_killed_are_done_again(cluster, files, source, tmp_path):
    list(predict_cohort(files, source().load(), tmp_path / "one"))
    for path in tmp_path.glob("*.*.*"):
        path.unlink()
    outcomes = predict_on_ray(files, source(1.0), tmp_path / "ray", PredictOptions(), cluster)
    done = [next(outcomes)]
    until = time.monotonic() + 60
    while len(notes_in(tmp_path)) < 3 and time.monotonic() < until:
        time.sleep(0.05)
    _, victim = notes_in(tmp_path)[-1]
    os.kill(victim, signal.SIGKILL)
    done += list(outcomes)
    assert sorted(each.name for each in done) == sorted(each.name for each in files)
    assert not any(each.error for each in done)
    attempts = [case for case, _ in notes_in(tmp_path)]
    assert len(attempts) > len(files), "some case was begun twice"
    require_same_masks(tmp_path / "one", tmp_path / "ray")


def test_a_model_that_cannot_be_loaded_is_told(cluster, files, tmp_path):
    nowhere = ModelSource(tmp_path / "nowhere")
    with pytest.raises(ModelError, match="nowhere"):
        list(predict_on_ray(files, nowhere, tmp_path / "out", PredictOptions(), cluster))


def test_a_worker_that_fits_on_no_node_is_refused(cluster, files, tmp_path):
    """The two nodes have two CPUs in all, but none has two."""
    wide = ModelSource("default", n_threads=2)
    with pytest.raises(ConfigurationError, match="no node with 2 CPUs"):
        list(predict_on_ray(files, wide, tmp_path / "out", PredictOptions(), cluster))


def test_a_study_in_dicom_of_a_folder_that_was_typed_from_here_is_found_by_workers_elsewhere(
    cluster, source, dicom_study, tmp_path, monkeypatch
):
    monkeypatch.chdir(dicom_study.parent)
    here = find_any_cases(Path(dicom_study.name), must_be_dicom=True)
    list(predict_cohort(here, source().load(), tmp_path / "one"))
    typed = [relative_to_here(each) for each in here]
    outcomes = list(predict_on_ray(typed, source(), Path("ray"), PredictOptions(), cluster))
    assert [each.error for each in outcomes] == [None]
    require_same_masks(tmp_path / "one", dicom_study.parent / "ray")
