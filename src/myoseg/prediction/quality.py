"""A case's labels and the probabilities they were cut from in, how far to rely on them out."""

from typing import Final

import numpy as np

from myoseg.cases.case import Geometry, LabelMap, Volume
from myoseg.cases.legend import title_of_block
from myoseg.cases.quality import Flag, Quality
from myoseg.prediction.ensemble import cut
from myoseg.prediction.findings import NO_HEART, findings
from myoseg.prediction.probabilities import BlockProbabilities

VOTES_DISAGREE: Final = 0.2
"""Mean spread of a block's votes above which the case is flagged; at 0.5, half of the votes claim
what the other half denies."""

FLAG_FACTOR: Final = 0.8
"""What is left of the confidence with each finding about the heart's shape."""


def assess(labels: LabelMap, geometry: Geometry, found: BlockProbabilities) -> Quality:
    """Judges a segmentation by itself, as far as its blocks were there.

    The confidence is the mean over the blocks of how sure each is, times `FLAG_FACTOR` for each
    finding about the heart's shape, and 0 where no heart was found. A block is as sure as its
    expected Dice or, where its mask is empty, as 1 minus its largest probability, times 1 minus
    twice the disagreement of its votes. It orders cases; it is no estimate of their Dice.

    Args:
        labels: what was decoded.
        geometry: of the labels.
        found: mean and spread of the votes on each block, on the same grid; blocks that were given
            have no part in it.
    """
    means = {name: mean for name, mean in found.mean.items() if name not in found.given}
    expected = {name: expected_dice(mean) for name, mean in means.items()}
    dissent = {
        name: disagreement(mean, found.spread[name]) if name in found.spread else None
        for name, mean in means.items()
    }
    sure = [_sureness(mean, expected[name], dissent[name]) for name, mean in means.items()]
    of_shape = findings(labels, geometry)
    return Quality(
        confidence=_confidence(sure, of_shape),
        expected_dice=expected,
        disagreement=dissent,
        flags=(*of_shape, *_dissent_flags(dissent)),
    )


def expected_dice(probability: Volume) -> float | None:
    """The Dice that the probabilities p expect of their mask m: 2 sum(p m) / (sum(p) + sum(m)).

    This is the soft Dice of prediction and probabilities, taken for the truth's expectation; as
    such it is as well calibrated as they are: at raised odds it is too high. None where
    no probability exceeds 0.5.

    >>> expected_dice(np.array([[[0.75, 0.25]]], dtype=np.float32))
    0.75
    """
    values = _clean(probability)
    mask = cut(values)
    if not mask.any():
        return None
    claimed = float(values[mask].sum(dtype=np.float64))
    return 2 * claimed / (float(values.sum(dtype=np.float64)) + float(mask.sum()))


def disagreement(mean: Volume, spread: Volume) -> float | None:
    """Mean spread over the union of what the votes claim.

    The union is taken as the pixels whose mean exceeds 0.5, or would with the spread added (the
    default model's mean is at raised odds and its spread is not). None where there is none.
    """
    spread = np.clip(_clean(spread), 0, 0.5)
    union = cut(_clean(mean) + spread)
    return float(spread[union].mean(dtype=np.float64)) if union.any() else None


def _clean(values: Volume) -> Volume:
    """From 0 to 1; what is no number counts as 0."""
    return np.asarray(np.fmin(np.fmax(values, 0), 1), dtype=np.float32)


def _sureness(mean: Volume, expected: float | None, dissent: float | None) -> float:
    sure = 1 - float(_clean(mean).max(initial=0)) if expected is None else expected
    return sure * (1 - 2 * (dissent or 0))


def _confidence(sure: list[float], of_shape: tuple[Flag, ...]) -> float:
    if not sure or any(flag.name == NO_HEART for flag in of_shape):
        return 0.0
    return float(np.clip(np.mean(sure) * FLAG_FACTOR ** len(of_shape), 0, 1))


def _dissent_flags(dissent: dict[str, float | None]) -> tuple[Flag, ...]:
    torn = {name: spread for name, spread in dissent.items() if (spread or 0) > VOTES_DISAGREE}
    if not torn:
        return ()
    blocks = ", ".join(
        f"{title_of_block(name)} (spread {spread:.2f})" for name, spread in torn.items()
    )
    return (Flag("votes_disagree", f"the votes disagree on {blocks}"),)
