"""What makes drawn shapes irregular: harmonics about an axis, bumps, waves, and jittered cells.

Angles are about an axis of the heart, counter-clockwise in the displayed slice, as `infarct` says.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from jaxtyping import Float32, Int32, Int64

ByAngle = Float32[np.ndarray, "angle"]
Points = Float32[np.ndarray, "point"]

N_ANGLES: Final = 720
ANGLES_DEG: Final[ByAngle] = (np.arange(N_ANGLES) * (360.0 / N_ANGLES)).astype(np.float32)

MAX_ORDER: Final = 48
_TURNS: Final = np.outer(np.arange(MAX_ORDER + 1), np.deg2rad(ANGLES_DEG.astype(np.float64)))
_COS: Final = np.cos(_TURNS).astype(np.float32)
_SIN: Final = np.sin(_TURNS).astype(np.float32)


@dataclass(frozen=True, eq=False)
class PolarPoints:
    """Points of a plane, about an axis across it."""

    distance_mm: Points
    angle_index: Int32[np.ndarray, "point"]

    @classmethod
    def of(cls, lateral_mm: Points, upward_mm: Points) -> "PolarPoints":
        """Points from their distances to the side of the lateral and of the anterior wall."""
        turns = np.arctan2(upward_mm, lateral_mm) * np.float32(N_ANGLES / (2 * np.pi))
        index = np.rint(turns).astype(np.int32)
        index[index < 0] += N_ANGLES
        distance_mm = np.sqrt(lateral_mm * lateral_mm + upward_mm * upward_mm)
        return cls(distance_mm, index)

    def at(self, chosen: Int64[np.ndarray, "chosen"]) -> "PolarPoints":
        """Some of the points."""
        return PolarPoints(self.distance_mm[chosen], self.angle_index[chosen])


@dataclass(frozen=True, eq=False)
class Ripples:
    """Harmonics by angle that turn along the axis.

    Attributes:
        orders: how often each wave goes round, without gaps.
        amplitudes: of each wave.
        phases_rad: at position 0.
        turns_rad_per_mm: change of the phases along the axis.
    """

    orders: range
    amplitudes: Float32[np.ndarray, "wave"]
    phases_rad: Float32[np.ndarray, "wave"]
    turns_rad_per_mm: Float32[np.ndarray, "wave"]

    def at(self, position_mm: float) -> ByAngle:
        """The sum of the waves at each of `ANGLES_DEG`."""
        phases = self.phases_rad + self.turns_rad_per_mm * np.float32(position_mm)
        orders = slice(self.orders.start, self.orders.stop)
        waves: ByAngle = (self.amplitudes * np.cos(phases)) @ _COS[orders]
        waves += (self.amplitudes * np.sin(phases)) @ _SIN[orders]
        return waves


def draw_ripples(
    rng: np.random.Generator, orders: range, spread: float, *, decay: float, turn: float
) -> Ripples:
    """Draws waves whose amplitudes have the standard deviation `spread` at the lowest order.

    Args:
        rng: the source of randomness.
        orders: how often the waves go round.
        spread: standard deviation of the lowest order's amplitude.
        decay: power with which amplitudes fall with the order.
        turn: standard deviation of the phases' change, rad per mm.
    """
    n_waves = len(orders)
    falling = (np.array(orders) / max(orders[0], 1)) ** -decay
    return Ripples(
        orders=orders,
        amplitudes=(rng.normal(0, spread, n_waves) * falling).astype(np.float32),
        phases_rad=rng.uniform(0, 2 * np.pi, n_waves).astype(np.float32),
        turns_rad_per_mm=rng.normal(0, turn, n_waves).astype(np.float32),
    )


@lru_cache(maxsize=256)
def bump(centre_deg: float, width_deg: float) -> ByAngle:
    """1 at an angle, falling around it like a normal curve of that width; not to be written to."""
    away = (ANGLES_DEG - np.float32(centre_deg) + np.float32(180)) % np.float32(360) - 180
    height: ByAngle = np.exp(-((away / np.float32(width_deg)) ** 2)).astype(np.float32)
    height.flags.writeable = False
    return height


def smooth_step(value: float) -> float:
    """0 up to 0, 1 from 1 on, smooth between."""
    clipped = min(max(value, 0.0), 1.0)
    return clipped * clipped * (3 - 2 * clipped)


def taper(level: float, power: float) -> float:
    """1 at the base, falling to 0 at the apex as an ellipse does, blunter for higher powers."""
    return float(max(1 - max(level, 0.0) ** power, 0.0) ** 0.5)


@dataclass(frozen=True, eq=False)
class Waves:
    """A smooth displacement of points of a plane, one sum of plane waves for either direction.

    Attributes:
        numbers: rad per mm to either side and along the axis, of each wave.
        phases_rad: of each wave.
        amplitudes_mm: displacement in both directions, of each wave.
    """

    numbers: Float32[np.ndarray, "wave 3"]
    phases_rad: Float32[np.ndarray, "wave"]
    amplitudes_mm: Float32[np.ndarray, "wave 2"]

    def displaced(self, one_mm: Points, other_mm: Points, axis_mm: float) -> tuple[Points, Points]:
        """The points, displaced; at the same position along the axis always in the same way."""
        one, other = one_mm.copy(), other_mm.copy()
        offsets = self.phases_rad + self.numbers[:, 2] * np.float32(axis_mm)
        for (a, b, _), offset, amplitudes in zip(
            self.numbers, offsets, self.amplitudes_mm, strict=True
        ):
            wave = np.sin(one_mm * a + (other_mm * b + offset))
            one += wave * amplitudes[0]
            other += wave * amplitudes[1]
        return one, other


def draw_waves(
    rng: np.random.Generator, wavelengths_mm: tuple[float, ...], amplitude_mm: float
) -> Waves:
    """Draws plane waves of these lengths in random directions, shorter ones of less amplitude."""
    lengths = np.array(wavelengths_mm)
    directions = rng.uniform(0, 2 * np.pi, len(lengths))
    along = rng.normal(0, 0.5, len(lengths))
    numbers = np.stack([np.cos(directions), np.sin(directions), along], axis=1)
    turned = rng.uniform(0, 2 * np.pi, len(lengths))
    sizes = amplitude_mm * lengths / lengths.max() * rng.uniform(0.5, 1.0, len(lengths))
    return Waves(
        numbers=(numbers * (2 * np.pi / lengths)[:, None]).astype(np.float32),
        phases_rad=rng.uniform(0, 2 * np.pi, len(lengths)).astype(np.float32),
        amplitudes_mm=(sizes[:, None] * np.stack([np.cos(turned), np.sin(turned)], axis=1)).astype(
            np.float32
        ),
    )
