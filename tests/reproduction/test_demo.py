import pytest

from myoseg.cases.layouts import find_cases
from myoseg.cases.phantom import PhantomConfig
from myoseg.reproduction import demo
from myoseg.reproduction.demo import run_demo


@pytest.fixture
def asked(monkeypatch):
    """What the experiment is asked for, in place of hours of work."""
    calls = []

    def reproduce(data, recipe, out, **options):
        calls.append((data, recipe.name, out, options))
        return out

    tiny = PhantomConfig(matrix=(16, 16), spacing_mm=(10.0, 10.0), n_slices=(1, 1))
    monkeypatch.setattr(demo, "reproduce", reproduce)
    monkeypatch.setattr(demo, "SMALL", tiny)
    return calls


def test_the_demo_simulates_cases_and_runs_the_experiment_on_them(asked, tmp_path):
    assert run_demo(tmp_path, seed=3, device="cpu", progress=False) == tmp_path / "results"
    data = tmp_path / "data_seed_3"
    options = {"device": "cpu", "progress": False}
    assert asked == [(data, "demo", tmp_path / "results", options)]
    roles = [files.role for files in find_cases(data)]
    assert (roles.count("train"), roles.count("test")) == (12, 6)
    assert all(files.labels for files in find_cases(data))


def test_the_cases_are_simulated_once(asked, tmp_path):
    run_demo(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "data_seed_0").rglob("*")}
    run_demo(tmp_path)
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "data_seed_0").rglob("*")} == before


def test_a_simulation_that_was_stopped_leaves_no_half_data_set(asked, tmp_path, monkeypatch):
    write = demo.write_phantoms

    def stopped(out, **options):
        write(out, **options | {"n_training": 1, "n_test": 0})
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(demo, "write_phantoms", stopped)
        with pytest.raises(KeyboardInterrupt):
            run_demo(tmp_path)
    assert list(tmp_path.iterdir()) == []
    run_demo(tmp_path)
    assert len(find_cases(tmp_path / "data_seed_0")) == 18
