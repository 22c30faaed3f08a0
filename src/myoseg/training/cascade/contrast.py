"""A simulated case's tissues in, the signal of each material out: physical, or drawn at random.

Networks that have seen physical contrast alone fail on real scans, whose intensities depend on
coils, filters and vendors; networks that have seen any contrast carry over (Billot et al., Med
Image Anal 2023;86:102789). Both are drawn here, and everything between them.
"""

from typing import Final

import numpy as np
from jaxtyping import Float32

from myoseg.anatomy import Sequence
from myoseg.cases.phantom.tissue import Material, SignalTable, Tissues, signal_table
from myoseg.training.cascade.settings import ContrastRanges

Signals = Float32[np.ndarray, "material"]
"""Signal of each material in one sequence; of the phase-sensitive LGE with its sign."""

LEAST_CONTRAST: Final = 0.12
"""Between blood and normal myocardium in a random contrast, of the range from 0 to 1."""


def draw_signals(
    rng: np.random.Generator, tissues: Tissues, sequence: Sequence, ranges: ContrastRanges
) -> Signals:
    """The signals of one slice of this sequence."""
    groups = _groups(tissues)
    if rng.random() < ranges.random_share:
        return _random_signals(rng, groups, sequence)
    table: SignalTable = signal_table(tissues)
    physical = table[list(Sequence).index(sequence)]
    return _spread(rng, physical, groups, ranges.spread)


def _groups(tissues: Tissues) -> tuple[tuple[Material, ...], ...]:
    """Materials that are of one tissue, such as all blood, and so share their signal."""
    groups: dict[object, list[Material]] = {}
    for material in Material:
        groups.setdefault(tissues.properties[material], []).append(material)
    return tuple(tuple(members) for members in groups.values())


def _spread(
    rng: np.random.Generator,
    physical: Signals,
    groups: tuple[tuple[Material, ...], ...],
    spread: float,
) -> Signals:
    """The signals scaled and shifted: tissue by tissue, and a little within a tissue."""
    scale = float(np.abs(physical[Material.LV_BLOOD])) + 1e-3
    signals = physical.copy()
    for members in groups:
        factor, shift = np.exp(rng.normal(0, spread)), rng.normal(0, 0.04) * scale
        own = np.exp(rng.normal(0, 0.25 * spread, len(members)))
        signals[list(members)] = signals[list(members)] * (factor * own) + shift
    signals[Material.AIR] = physical[Material.AIR]
    return signals.astype(np.float32)


def _random_signals(
    rng: np.random.Generator, groups: tuple[tuple[Material, ...], ...], sequence: Sequence
) -> Signals:
    """Signals from 0 to 1; blood and normal myocardium differ, disease looks as it must."""
    signals = np.zeros(len(Material), dtype=np.float32)
    for members in groups:
        signals[list(members)] = rng.random() + rng.normal(0, 0.03, len(members))
    blood, wall = _apart(rng)
    if sequence is Sequence.T2:
        blood, wall = min(blood, wall), max(blood, wall)
    else:
        blood, wall = max(blood, wall), min(blood, wall)
    for members in groups:
        if Material.LV_BLOOD in members:
            signals[list(members)] = blood + rng.normal(0, 0.03, len(members))
        elif Material.NORMAL_MYOCARDIUM in members:
            signals[list(members)] = wall + rng.normal(0, 0.03, len(members))
    _draw_disease(rng, signals, sequence, blood, wall)
    if sequence is Sequence.LGE:
        signals -= wall * rng.uniform(0.8, 1.1)
    return signals


def _apart(rng: np.random.Generator) -> tuple[float, float]:
    """Two numbers from 0 to 1 that lie `LEAST_CONTRAST` apart or further."""
    first, second = 0.0, 0.0
    while abs(first - second) < LEAST_CONTRAST:
        first, second = rng.random(2)
    return float(first), float(second)


def _draw_disease(
    rng: np.random.Generator, signals: Signals, sequence: Sequence, blood: float, wall: float
) -> None:
    """Sets scar and edema in `signals`, which the caller owns: bright where the sequence shows it.

    On bSSFP disease looks nearly like the wall around it.
    """
    bright = wall + rng.uniform(0.25, 1.1) * max(abs(blood - wall), 0.3)
    faint = wall + rng.normal(0.04, 0.05)
    match sequence:
        case Sequence.LGE:
            scar, edema = bright, faint
        case Sequence.T2:
            scar, edema = bright, bright * rng.uniform(0.85, 1.15)
        case Sequence.BSSFP:
            scar, edema = faint, faint + rng.normal(0, 0.03)
    signals[Material.SCAR], signals[Material.EDEMA] = scar, edema
    if "MVO" in Material.__members__:
        signals[Material["MVO"]] = wall + rng.uniform(-0.05, 0.3) * (scar - wall)
