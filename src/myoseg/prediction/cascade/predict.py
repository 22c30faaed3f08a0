"""A case in, the probabilities of every block of the cascade on the case's own grid out."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from jaxtyping import Float32

from myoseg.anatomy import Tissue
from myoseg.block_tables import CASCADE
from myoseg.blocks import Block, BlockTable
from myoseg.cases.case import Case, Geometry, Volume
from myoseg.errors import ConfigurationError
from myoseg.networks.stage import Stage
from myoseg.prediction.cascade.anatomy import AnatomyRules, decide_anatomy
from myoseg.prediction.cascade.disease import EPICARDIUM, DiseaseRules, decide_disease
from myoseg.prediction.cascade.locate import HeartSize, find_heart, frame_around
from myoseg.prediction.cascade.votes import ALL_VIEWS, FOUR_VIEWS, ONE_VIEW, Views, Votes, vote
from myoseg.prediction.engines.engine import Engine
from myoseg.prediction.probabilities import BlockProbabilities
from myoseg.slices.framing import Frame, presented

CLEARLY_FOUND: Final = 0.7
"""A heart in this part of the slices needs no second look."""

ENOUGH: Final = 4
"""Slices that do for a second look."""


@dataclass(frozen=True)
class Procedure:
    """How a case is looked at; the defaults are those of the default model.

    Attributes:
        second_looks: if few slices of the whole show a heart, frames in which it is looked for
            besides: by how much nearer, and how much higher than wide.
        search_step: in every how many slices that is done, if those are `ENOUGH` and show one.
        n_confirmed: in how many of them four views are asked: those that show most on one, and all
            others if those show no heart.
        n_reframings: how often the heart is framed anew by what was found in the last frame.
        views: on which each network votes in its last frame; while the heart is looked for, one
            will do.
        scales: of the last frames, among which those views are dealt out: by how much larger they
            show the heart than the stage says. If the views cannot be dealt out evenly, all are
            asked at the stage's own scale.
        anatomy: how blood pools and epicardium are decided.
        disease: how scar and edema are decided.
        n_disease_looks: how often disease is looked for, once at least; from the second time on,
            guided by the anatomy as the scar that was found has changed it.
    """

    second_looks: tuple[tuple[float, float], ...] = tuple(
        (nearer, higher) for nearer in (1.0, 1.5) for higher in (1.0, 0.6, 1.6)
    )
    search_step: int = 2
    n_confirmed: int = 2
    n_reframings: int = 2
    views: Views = ALL_VIEWS
    scales: tuple[float, ...] = (0.86, 1.16)
    anatomy: AnatomyRules = field(default_factory=AnatomyRules)
    disease: DiseaseRules = field(default_factory=DiseaseRules)
    n_disease_looks: int = 2

    def __post_init__(self) -> None:
        """Refuses a procedure that never looks for disease, or that shows the heart at no scale.

        Raises:
            ConfigurationError: `n_disease_looks` or `search_step` is below 1, or `scales` are
                none or not positive.
        """
        if self.n_disease_looks < 1:
            raise ConfigurationError(
                f"disease must be looked for at least once, not {self.n_disease_looks} times."
            )
        if self.search_step < 1:
            raise ConfigurationError(
                f"the heart is looked for in every slice (1) or in fewer, not {self.search_step}."
            )
        if not self.scales or not all(0 < scale < math.inf for scale in self.scales):
            raise ConfigurationError(
                f"scales must be positive numbers, at least one, not {self.scales}."
            )


@dataclass(frozen=True, eq=False)
class StageModel:
    """A stage and its trained network."""

    stage: Stage
    engine: Engine


def predict_blocks(
    case: Case,
    table: BlockTable,
    stages: tuple[StageModel, ...],
    given: Mapping[str, Volume] | None = None,
    procedure: Procedure | None = None,
) -> BlockProbabilities:
    """Runs the stages in turn; each is guided by the blocks before it.

    Args:
        case: with at least one sequence.
        table: the blocks that can be read from the case's sequences.
        stages: in the order of the table.
        given: masks of blocks that need not be found, such as contours drawn by hand.
        procedure: how the heart is looked for, and on how many views is voted.
    """
    how, known = procedure or Procedure(), dict(given or {})
    found = BlockProbabilities(known, {}, frozenset(known))
    for _ in range(how.n_disease_looks):
        for model in stages:
            found = _with_stage(found, case, model, table, how)
        decided = decide_disease(found, case, table, how.disease)
        anatomy = _without_guided(decided, table)
        if all(decided.mean[name] is found.mean[name] for name in anatomy.mean):
            break
        found = anatomy
    return decided


def _with_stage(
    found: BlockProbabilities, case: Case, model: StageModel, table: BlockTable, how: Procedure
) -> BlockProbabilities:
    """With what one stage finds of the blocks that are not there yet."""
    blocks = [b for b in model.stage.blocks if b in table.blocks and b.name not in found.mean]
    if not blocks:
        return found
    return _merged(found, _predict_stage(case, model, blocks, found, table, how))


def _without_guided(found: BlockProbabilities, table: BlockTable) -> BlockProbabilities:
    """Without what was found of the blocks that others guide."""
    gone = {b.name for b in table.blocks if b.guides} - found.given
    mean, spread = (
        {name: each for name, each in values.items() if name not in gone}
        for values in (found.mean, found.spread)
    )
    return BlockProbabilities(mean, spread, found.given)


def _predict_stage(
    case: Case,
    model: StageModel,
    blocks: list[Block],
    found: BlockProbabilities,
    table: BlockTable,
    how: Procedure,
) -> BlockProbabilities:
    heart = heart_in(found.mean, case) if model.stage.guides else _search(case, model, how)
    if heart is None:
        nothing = np.zeros(case.geometry.shape, dtype=np.float32)
        return BlockProbabilities(
            {b.name: nothing for b in blocks}, {b.name: nothing for b in blocks}
        )
    shape, asked = case.geometry.shape[1:], _ask_in_frames(case, model, heart, found.mean, how)
    mean, spread = {}, {}
    for block in blocks:
        place = model.stage.blocks.index(block)
        votes = Votes.together(
            [
                Votes(*(frame.paste(each[:, place], shape) for each in (of.mean, of.spread)))
                for frame, of in asked
            ]
        )
        mean[block.name], spread[block.name] = votes.mean, votes.spread
    return decide_anatomy(BlockProbabilities(mean, spread), case, table, how.anatomy)


def _ask_in_frames(
    case: Case, model: StageModel, heart: HeartSize, guides: Mapping[str, Volume], how: Procedure
) -> list[tuple[Frame, Votes]]:
    """The views dealt out among the frames."""
    stage = model.stage
    scales = how.scales if len(how.views) % len(how.scales) == 0 else (1.0,)
    frames = [
        frame_around(
            heart, stage.size_px, scale * stage.heart_share, both_ventricles=not stage.guides
        )
        for scale in scales
    ]
    return [
        (frame, _ask(case, model, frame, guides, how.views[index :: len(frames)]))
        for index, frame in enumerate(frames)
    ]


def _search(case: Case, model: StageModel, how: Procedure) -> HeartSize | None:
    """The heart in the whole slice, if need be in other views of some slices, then more closely."""
    spacing_mm = case.geometry.spacing_mm[1:]
    whole = Frame.of_all(case.geometry.shape[1:], spacing_mm, model.stage.size_px)
    heart = _heart_seen_in(whole, case, model, ONE_VIEW)
    if heart is None or heart.n_slices < CLEARLY_FOUND * case.n_slices:
        frames = [whole.magnified(nearer).stretched(higher) for nearer, higher in how.second_looks]
        few, known = _every(how.search_step, case), {whole: heart}
        seen = _seen_best(few, model, frames, how.n_confirmed, known if few is case else {})
        if seen is None and few is not case:
            seen = _seen_best(case, model, frames, how.n_confirmed, known)
        heart = max(heart, seen, key=_evidence)
    for _ in range(how.n_reframings if heart else 0):
        assert heart is not None
        frame = frame_around(
            heart, model.stage.size_px, model.stage.heart_share, both_ventricles=True
        )
        heart = _heart_seen_in(frame, case, model, ONE_VIEW) or heart
    return heart


def _seen_best(
    case: Case,
    model: StageModel,
    frames: list[Frame],
    n_confirmed: int,
    known: Mapping[Frame, HeartSize | None],
) -> HeartSize | None:
    """The heart by the most evidence that four views in a frame give.

    What one view gives in some of the frames may be known.
    """
    seen = [
        known[each] if each in known else _heart_seen_in(each, case, model, ONE_VIEW)
        for each in frames
    ]
    evidence = [_evidence(each) for each in seen]
    ranked = [frames[index] for index in np.argsort(evidence, kind="stable")[::-1]]
    n_seen = min(n_confirmed, sum(each > 0 for each in evidence))
    for asked in (ranked[:n_seen], ranked[n_seen:]):
        looks = [_heart_seen_in(frame, case, model, FOUR_VIEWS) for frame in asked]
        if any(looks):
            return max(looks, key=_evidence)
    return None


def _every(step: int, case: Case) -> Case:
    """Every so many slices of the case, the first among them; all if those were too few."""
    if len(range(0, case.n_slices, step)) < ENOUGH:
        return case
    images = {sequence: each[::step] for sequence, each in case.images.items()}
    affine = case.geometry.affine * [1, 1, step, 1]
    shape = next(iter(images.values())).shape
    return replace(case, images=images, geometry=Geometry(shape, affine), labels=None)


def _evidence(heart: HeartSize | None) -> float:
    return 0.0 if heart is None else heart.evidence


def _heart_seen_in(frame: Frame, case: Case, model: StageModel, views: Views) -> HeartSize | None:
    votes = _ask(case, model, frame, {}, views)
    shape = case.geometry.shape[1:]
    means = {
        block.name: frame.paste(votes.mean[:, place], shape)
        for place, block in enumerate(model.stage.blocks)
    }
    return heart_in(means, case, model.stage.blocks)


def heart_in(
    probabilities: Mapping[str, Volume], case: Case, blocks: tuple[Block, ...] | None = None
) -> HeartSize | None:
    """The heart that these blocks show, known by their targets."""
    names = _names_by_target(blocks)
    epicardium = probabilities[names["epicardium"]]
    rv = probabilities.get(names["rv"], np.zeros_like(epicardium))
    return find_heart(epicardium, rv, case.geometry.spacing_mm[1:])


def _names_by_target(blocks: tuple[Block, ...] | None) -> dict[str, str]:
    wanted = {
        "epicardium": EPICARDIUM,
        "rv": frozenset({Tissue.RV_BLOOD_POOL}),
    }
    return {
        name: next(b.name for b in (blocks or CASCADE.blocks) if b.target == target)
        for name, target in wanted.items()
    }


def _ask(
    case: Case, model: StageModel, frame: Frame, guides: Mapping[str, Volume], views: Views
) -> Votes:
    inputs = stage_input(case, model.stage, frame, guides)
    return vote(model.engine, inputs, views)


def stage_input(
    case: Case, stage: Stage, frame: Frame, guides: Mapping[str, Volume]
) -> Float32[np.ndarray, "slice input size size"]:
    """The stage's channels in the frame: sequences, zeros where one is not read, and guides."""
    read = stage.reads(case.sequences)
    blank = np.zeros((case.n_slices, stage.size_px, stage.size_px), dtype=np.float32)
    images = [
        presented(frame.cut_measured(case.images[sequence])) if sequence in read else blank
        for sequence in stage.sequences
    ]
    masks = [
        np.nan_to_num(frame.cut(np.asarray(guides[name], dtype=np.float32)))
        if name in guides
        else blank
        for name in stage.guides
    ]
    return np.stack([*images, *masks], axis=1)


def _merged(first: BlockProbabilities, second: BlockProbabilities) -> BlockProbabilities:
    return BlockProbabilities(
        {**first.mean, **second.mean}, {**first.spread, **second.spread}, first.given
    )
