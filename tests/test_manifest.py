import json
import subprocess
import sys

from myoseg.manifest import environment_record, run_manifest, software_versions


def test_a_manifest_holds_what_a_run_was():
    manifest = run_manifest(
        "train", device="cpu", seed=3, hashes={"data": "ab"}, arguments={"fold": None}
    )
    assert json.loads(json.dumps(manifest)) == manifest
    assert (manifest["command"], manifest["device"], manifest["seed"]) == ("train", "cpu", 3)
    assert manifest["hashes"] == {"data": "ab"}
    assert manifest["arguments"] == {"fold": None}


def test_versions_are_those_installed_and_leave_out_the_rest(monkeypatch):
    assert {"python", "myoseg", "torch"} <= set(software_versions())
    monkeypatch.setattr("myoseg.manifest.PACKAGES", ("no-such-package",))
    assert set(software_versions()) == {"python"}


def test_asking_for_versions_does_not_load_torch():
    code = (
        "import sys; from myoseg.manifest import software_versions; software_versions(); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_environment_is_json():
    record = environment_record()
    assert json.loads(json.dumps(record)) == record
    assert record["cpu_threads"] >= 1
