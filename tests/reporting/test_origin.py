"""What made a segmentation, from what a run left."""

import pytest

from myoseg.files import write_json
from myoseg.manifest import run_manifest
from myoseg.reporting.origin import UNKNOWN, Origin, origin_of_model, origin_of_run

SHA = "0123456789abcdef" * 4


def manifest(command, **arguments):
    return run_manifest(
        command, device="cpu", seed=None, hashes={"model": SHA}, arguments=arguments
    )


def test_a_prediction_names_its_model_version_and_weights(tmp_path):
    record = manifest("predict", model="default")
    write_json(tmp_path / "run.json", record)
    found = origin_of_run(tmp_path)
    assert found == Origin("model default", record["versions"]["myoseg"], SHA)
    assert found.words.endswith("weights 0123456789ab")
    assert found == origin_of_model("default", SHA)


def test_a_threshold_names_its_method(tmp_path):
    write_json(tmp_path / "run.json", manifest("threshold", method="5sd"))
    assert origin_of_run(tmp_path).method == "threshold 5sd"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"command": 1, "arguments": []}', "\x00"])
def test_a_record_that_says_nothing_leaves_it_unknown(tmp_path, text):
    (tmp_path / "run.json").write_text(text)
    assert origin_of_run(tmp_path) == UNKNOWN
    assert UNKNOWN.words == "made elsewhere; the method is not known"


def test_without_a_record_it_is_unknown(tmp_path):
    assert origin_of_run(tmp_path / "nowhere") == UNKNOWN


def test_a_model_in_memory_has_no_weights_to_name():
    assert "weights" not in origin_of_model("", None).words
