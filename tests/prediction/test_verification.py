import json

import pytest
import safetensors.torch

from myoseg.errors import ModelError
from myoseg.files import sha256_of, write_json
from myoseg.prediction.verification import answers_to_zeros, verify_model


def test_each_network_of_a_cascade_answers(shipped_default):
    answers = dict(answers_to_zeros(verify_model("default")))
    assert {name: answer.shape for name, answer in answers.items()} == {
        "anatomy": (1, 3, 32, 32),
        "pathology": (1, 2, 32, 32),
    }


def test_each_voter_of_a_run_answers(trained_run):
    names = [name for name, _ in answers_to_zeros(verify_model(trained_run))]
    assert names[0] == "lv_blood_pool/unet"
    assert len(names) == 5


def test_weights_that_are_no_numbers_are_refused(shipped_default):
    """Whole by their hash, but of a training that went astray."""
    weights = shipped_default / "anatomy.safetensors"
    tensors = safetensors.torch.load_file(weights)
    safetensors.torch.save_file({name: t * float("nan") for name, t in tensors.items()}, weights)
    record = json.loads((shipped_default / "model.json").read_text())
    record["stages"][0]["weights_sha256"] = sha256_of(weights)
    write_json(shipped_default / "model.json", record)
    with pytest.raises(ModelError, match=r"network anatomy gives values that are no probabilities"):
        verify_model("default")
