import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from myoseg.cli import app


@pytest.fixture
def run(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *arguments: CliRunner().invoke(app, ["agree", *map(str, arguments)])


@pytest.fixture
def readers(write_ring, tmp_path):
    for case, first, second in (("a", 90, 60), ("b", 0, 0), ("c", 180, 200)):
        write_ring(f"one/{case}_seg.nii.gz", first)
        write_ring(f"two/{case}_gd.nii.gz", second)
    return tmp_path / "one", tmp_path / "two"


def test_two_readers_are_compared_under_their_names(run, readers, tmp_path):
    out = tmp_path / "out"
    done = run(*readers, "-o", out, "--names", "reader 1", "reader 2", "-q")
    assert done.exit_code == 0, done.output
    assert f"Results are in {out}" in done.output
    record = json.loads((out / "agreement.json").read_text(encoding="utf-8"))
    assert record["names"] == {"first": "reader 1", "second": "reader 2"}
    assert (out / "bland_altman_scar_mass_g.png").is_file()
    manifest = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert (manifest["command"], manifest["seed"]) == ("agree", 0)


def test_a_case_that_fails_is_3_and_the_others_are_done(run, readers, write_ring, tmp_path):
    write_ring("two/b_gd.nii.gz", shape=(40, 48))
    done = run(*readers, "-o", tmp_path / "out", "-q")
    assert done.exit_code == 3
    assert "1 of 3 cases failed" in done.output
    record = json.loads((tmp_path / "out" / "agreement.json").read_text(encoding="utf-8"))
    assert (record["n_cases"], record["failures"][0]["case"]) == (2, "b")


@pytest.mark.parametrize(
    "arguments", [["one"], ["one", "two"], ["one", "two", "-o", "out", "--names", "a"]]
)
def test_wrong_usage_is_2(run, arguments):
    assert run(*arguments).exit_code == 2


def test_folders_without_a_common_case_are_1_and_say_so(readers, write_ring, tmp_path):
    other = write_ring("three/z_seg.nii.gz").parent
    command = [sys.executable, "-m", "myoseg", "agree", readers[0], other, "-o", tmp_path / "out"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "no case of" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_agreement_loads_no_torch():
    code = (
        "import sys, myoseg.reporting.agreement_report\n"
        "assert not {'torch', 'monai', 'matplotlib'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
