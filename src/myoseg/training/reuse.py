"""A network that another run has trained in just the same way, taken over instead of trained again.

Two methods of the paper's Table 1 share four of their networks: same block, same settings, same
data, hence the same weights.
"""

import json
import logging
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from myoseg.networks.checkpoint import NetworkCard
from myoseg.training.recipe import Recipe
from myoseg.training.run_folder import MODEL, Member, finished_card

log = logging.getLogger(__name__)

_MAY_DIFFER = ("name", "table", "networks")
"""Settings of a recipe that do not decide how one network is trained; its own section does."""


def take_over(
    member: Member,
    recipe: Recipe,
    folder: Path,
    runs: Sequence[Path],
    data_fingerprint: str,
    fold: int | None,
) -> bool:
    """Copies the network from the first run that has it, whole or not at all; whether one has.

    Raises:
        OSError: the copy cannot be written.
    """
    for run in runs:
        source = run / member.folder
        card = finished_card(source)
        if card is None or not _is_same(card, member, recipe, data_fingerprint):
            continue
        if _fold_of(run) != fold:
            continue
        aside = folder.with_name(f".{uuid4().hex[:8]}-{folder.name}")
        shutil.copytree(source, aside)
        shutil.rmtree(folder, ignore_errors=True)
        aside.replace(folder)
        log.info("%s: taken over from %s", member.folder, run)
        return True
    return False


def _is_same(card: NetworkCard, member: Member, recipe: Recipe, data_fingerprint: str) -> bool:
    architecture = str(member.architecture)
    theirs, ours = card.recipe, recipe.to_record()
    return (
        card.block == member.data.block
        and card.data_fingerprint == data_fingerprint
        and _deciding(theirs) == _deciding(ours)
        and theirs["networks"][architecture] == ours["networks"][architecture]
    )


def _deciding(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in _MAY_DIFFER}


def _fold_of(run: Path) -> Any:
    return json.loads((run / MODEL).read_text(encoding="utf-8"))["fold"]
