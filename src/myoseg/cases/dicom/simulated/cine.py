"""A study's phantom in, its bSSFP series over a heart beat out.

What the phases are: the study's heart, which counts as end-diastole whatever its shape, and the
same heart with a smaller cavity and a wall of unchanged area at its base, rendered and acquired
anew with other noise, at the same places of the breath-holds. What they are not: the base does
not descend, nothing twists, the right ventricle does not contract by itself, and infarcts move
with the wall as if they were healthy.
"""

from dataclasses import replace
from math import hypot, pi, sin
from typing import Final

from myoseg.anatomy import Sequence
from myoseg.cases.case import Volume
from myoseg.cases.phantom.anatomy import Heart
from myoseg.cases.phantom.config import PhantomConfig
from myoseg.cases.phantom.simulate import Phantom
from myoseg.cases.phantom.study import Study, acquire_series

SHORTENING: Final = 0.28
"""Part of the cavity's radius at the base that is gone at end-systole: an ejection fraction of
about a half, since the length does not change here."""

SYSTOLE_ENDS: Final = 0.38
HEART_BEAT_MS: Final = 1000.0
FIRST_TRIGGER_MS: Final = 12.0
NOISE_STEP: Final = 7919


def cine(study: Study, n_phases: int, config: PhantomConfig) -> tuple[Volume, ...]:
    """An image of each phase; the first is the study's own, to which its truth belongs."""
    series = study.series[Sequence.BSSFP]
    first = series.case.images[Sequence.BSSFP]
    later = (
        acquire_series(
            _contracted(study.phantom, phase, n_phases), Sequence.BSSFP, series.stack, config
        ).case.images[Sequence.BSSFP]
        for phase in range(1, n_phases)
    )
    return (first, *later)


def trigger_times_ms(n_phases: int) -> tuple[float, ...]:
    """When each phase is, after the R wave."""
    step_ms = HEART_BEAT_MS / n_phases
    return tuple(FIRST_TRIGGER_MS + phase * step_ms for phase in range(n_phases))


def contraction(part: float) -> float:
    """How contracted the heart is at a part of its beat: 0 at its start and end, 1 at end-systole.

    >>> contraction(0.0), round(contraction(SYSTOLE_ENDS), 6)
    (0.0, 1.0)
    """
    if part <= SYSTOLE_ENDS:
        return sin(pi / 2 * part / SYSTOLE_ENDS) ** 2
    return sin(pi / 2 * (1 - part) / (1 - SYSTOLE_ENDS)) ** 2


def contracted_heart(heart: Heart, amount: float) -> Heart:
    """The heart with a smaller cavity; at the base its wall keeps its area."""
    left = heart.left
    outer_mm = left.cavity_radius_mm + left.wall_mm
    cavity_mm = left.cavity_radius_mm * (1 - SHORTENING * amount)
    new_outer_mm = hypot(cavity_mm, (outer_mm**2 - left.cavity_radius_mm**2) ** 0.5)
    return replace(
        heart,
        left=replace(left, cavity_radius_mm=cavity_mm, wall_mm=new_outer_mm - cavity_mm),
    )


def _contracted(phantom: Phantom, phase: int, n_phases: int) -> Phantom:
    amount = contraction(phase / n_phases)
    acquisition = phantom.acquisitions[Sequence.BSSFP]
    noisy = replace(acquisition, noise_seed=(acquisition.noise_seed + NOISE_STEP * phase) % 2**32)
    return replace(
        phantom,
        scene=replace(phantom.scene, heart=contracted_heart(phantom.scene.heart, amount)),
        acquisitions={**phantom.acquisitions, Sequence.BSSFP: noisy},
    )
