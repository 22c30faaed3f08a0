"""A network that another run has trained in just the same way, taken over instead of trained again.

Two methods of the paper's Table 1 share four of their networks: same block, same settings, same
data, hence the same weights.
"""

import json
import logging
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from myoseg.blocks import Block
from myoseg.files import folder_written_whole
from myoseg.networks.checkpoint import NetworkCard, read_card, update_card
from myoseg.training.recipe import Recipe
from myoseg.training.run_folder import MODEL, Member, finished_card

log = logging.getLogger(__name__)

_MAY_DIFFER = ("name", "table", "networks")
"""Settings of a recipe that do not decide how one network is trained; its own section does."""


def trained_alike(
    member: Member,
    recipe: Recipe,
    runs: Sequence[Path],
    data_fingerprint: str,
    fold: int | None,
) -> Path | None:
    """The folder of the same network in the first of the runs that has finished it."""
    for run in runs:
        card = finished_card(run / member.folder)
        if card is None or not _is_same(card, member, recipe, data_fingerprint):
            continue
        if _holds_out(run, fold):
            return run / member.folder
    return None


def take_over(source: Path, folder: Path, block: Block) -> None:
    """Copies a finished network to where it serves `block`, whole or not at all.

    Raises:
        OutputError: the copy cannot be written.
    """
    with folder_written_whole(folder) as aside:
        shutil.copytree(source, aside, dirs_exist_ok=True)
        update_card(aside, replace(read_card(aside), block=block))
    log.info("%s/%s is taken over from %s", block.name, folder.name, source)


def _is_same(card: NetworkCard, member: Member, recipe: Recipe, data_fingerprint: str) -> bool:
    architecture = str(member.architecture)
    theirs, ours = card.recipe, recipe.to_record()
    return (
        _learnt(card.block) == _learnt(member.data.block)
        and card.data_fingerprint == data_fingerprint
        and _deciding(theirs) == _deciding(ours)
        and theirs["networks"][architecture] == ours["networks"][architecture]
    )


def _learnt(block: Block) -> tuple[object, ...]:
    """What of a block one of its networks learns; who votes beside it is no part of that."""
    return block.name, block.inputs, block.target


def _deciding(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in _MAY_DIFFER}


def _holds_out(run: Path, fold: int | None) -> bool:
    """Whether the run held out this fold; no run without a readable description did."""
    try:
        record = json.loads((run / MODEL).read_text(encoding="utf-8"))
        return bool(record["fold"] == fold)
    except (OSError, ValueError, KeyError, TypeError):
        return False
