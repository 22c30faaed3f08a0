import json
from dataclasses import replace

import pytest

from myoseg.errors import ModelError
from myoseg.reporting.model_card import (
    BlockRow,
    CardNotes,
    EvaluationRow,
    ModelCard,
    StageRow,
    card_markdown,
)

CARD = ModelCard(
    name="default",
    notes=CardNotes(
        version="1.0.0",
        date="2026-11-25",
        summary="Simulated cases only.",
        architecture="Two U-Nets.",
        training_cases="No patient's image.",
        training_command="myoseg train --preset default -o RUN",
        hardware="2 CPU cores",
        cpu_hours=3.5,
        known_failures=("Bright blood at the scar's edge.",),
        sources=("Billot et al., Med Image Anal 2023.",),
    ),
    blocks=(BlockRow("lvms", ("scar",), ("lge",), optional=("t2",)),),
    stages=(
        StageRow(
            "pathology", ("lvms",), ("lv_epicardium",), 96, (16, 32), 600, 16, "p.st", "ab", 1.2
        ),
    ),
    seed=7,
    versions={"torch": "2.13.0"},
    evaluation=(
        EvaluationRow(
            "simulated", 40, "scar", "Dice", 0.8125, (0.75, 0.875), "myoseg evaluate a b"
        ),
        EvaluationRow("simulated", 40, "edema", "Dice", 0.5, command="myoseg evaluate a b"),
    ),
)


def test_a_card_survives_json():
    record = json.loads(json.dumps(CARD.to_record(), allow_nan=False))
    assert ModelCard.from_record(record) == CARD


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": 3}, r"card\.json cannot be read: name"),
        ({"evaluation": [{"n": 1}]}, r"evaluation\.0\.data_set: Field required"),
        ({"colour": "red"}, r"colour: .*correct it"),
        ({"notes": {"cpu_hours": "long"}}, r"notes\.cpu_hours"),
    ],
)
def test_a_card_that_cannot_be_read_names_the_field(change, words):
    with pytest.raises(ModelError, match=words):
        ModelCard.from_record(CARD.to_record() | change, "card.json")


def test_the_page_says_all_that_is_known():
    page = card_markdown(CARD)
    for words in (
        "# Model card: default 1.0.0",
        "2026-11-25. Apache-2.0.",
        "Research only",
        "- diagnosis or decisions on treatment",
        "| lvms | scar | lge |  | t2 |",
        "| pathology | lvms | lv_epicardium | 96 x 96 | 16, 32 |",
        "| command | `myoseg train --preset default -o RUN` |",
        "| seed | 7 |",
        "| steps x batch, pathology | 600 x 16 |",
        "| CPU hours | 3.5 |",
        "| versions | torch 2.13.0 |",
        "| simulated | 40 | scar | Dice | 0.812 | 0.750 to 0.875 |",
        "| simulated | 40 | edema | Dice | 0.500 |  |",
        "- Bright blood at the scar's edge.",
        "| p.st | 1.20 | `ab` |",
        "- Billot et al.",
    ):
        assert words in page
    assert page.count("myoseg evaluate a b") == 1


def test_a_section_of_which_nothing_is_known_says_so():
    page = card_markdown(replace(CARD, evaluation=(), notes=CardNotes()))
    assert "## Evaluation\n\nNot written down." in page
    assert "## Known failures\n\nNot written down." in page
    assert "default unversioned" in page
    assert "Undated. Apache-2.0." in page
