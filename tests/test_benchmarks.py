"""What `scripts/bench` runs in either form, and how competitors take turns."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BENCHMARKS = ROOT / "benchmarks"
NO_SHORT_FORM = {"bench_ray", "kill_and_resume", "node_under_fault"}
STUB = """#!/bin/sh
echo "$@" >> "$ASKED"
case "$1" in *"$BROKEN"*) exit 1 ;; esac
"""


@pytest.fixture
def run_bench(tmp_path):
    """Runs the script with a Python that only notes what it is asked for."""
    for name in ("python", "Orthanc"):
        (tmp_path / name).write_text(STUB)
        (tmp_path / name).chmod(0o755)

    def run(*arguments, broken="nothing"):
        asked = tmp_path / "asked"
        asked.write_text("")
        environment = {
            **os.environ,
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "ASKED": str(asked),
            "BROKEN": broken,
        }
        done = subprocess.run(
            [ROOT / "scripts" / "bench", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done, dict(line.partition(" ")[::2] for line in asked.read_text().splitlines())

    return run


def parts():
    return {path.stem for path in BENCHMARKS.glob("bench_*.py")}


def test_the_short_form_leaves_out_what_has_none_and_says_so(run_bench):
    done, asked = run_bench()
    assert done.returncode == 0
    assert {Path(name).stem for name in asked} == parts() - NO_SHORT_FORM
    assert set(asked.values()) == {""}
    last = done.stdout.splitlines()[-1]
    assert last.startswith("Only with --full:")
    assert all(name in last for name in NO_SHORT_FORM)


def test_the_full_form_runs_all(run_bench):
    done, asked = run_bench("--full")
    assert done.returncode == 0
    assert {Path(name).stem for name in asked} == parts() | NO_SHORT_FORM
    assert all(asked[f"benchmarks/{name}.py"] == "--full" for name in parts())
    assert "Only with --full" not in done.stdout


def test_the_time_of_each_part_stands_at_the_end(run_bench):
    done, asked = run_bench()
    table = done.stdout.partition("# Seconds of each part\n")[2].splitlines()[:-1]
    assert [line.split()[0] for line in table] == [*(Path(name).stem for name in asked), "all"]
    assert all(line.split()[1].isdigit() and line.split()[2] == "s" for line in table)


def test_a_part_that_fails_is_named_and_the_others_are_run(run_bench):
    done, asked = run_bench(broken="bench_engines")
    assert done.returncode == 1
    assert {Path(name).stem for name in asked} == parts() - NO_SHORT_FORM
    table = done.stdout.partition("# Seconds of each part\n")[2].splitlines()
    assert [line.split()[0] for line in table if line.endswith("failed")] == ["bench_engines"]


def test_anything_but_full_is_refused(run_bench):
    done, asked = run_bench("--fast")
    assert (done.returncode, asked) == (2, {})
    assert done.stderr == "usage: scripts/bench [--full]\n"


@pytest.mark.parametrize("name", sorted(parts()))
def test_every_benchmark_has_both_forms(name):
    assert 'add_argument("--full"' in (BENCHMARKS / f"{name}.py").read_text(encoding="utf-8")


@pytest.fixture
def turns(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import interleaved

    yield interleaved.time_in_turn
    sys.modules.pop("interleaved")


def test_competitors_take_turns_after_a_call_that_is_not_counted(turns):
    called = []
    both = {"a": lambda: called.append("a"), "b": lambda: called.append("b")}
    seconds = turns(both, 2, {"b": 2})
    assert "".join(called) == "ab" + "abb" + "abb"
    assert {name: len(values) for name, values in seconds.items()} == {"a": 2, "b": 2}


def test_slow_competitors_drop_out_after_their_rounds(turns):
    called = []
    both = {"a": lambda: called.append("a"), "b": lambda: called.append("b")}
    seconds = turns(both, 3, {}, most_rounds={"b": 1}, warmed_up=False)
    assert "".join(called) == "ab" + "a" + "a"
    assert {name: len(values) for name, values in seconds.items()} == {"a": 3, "b": 1}
