"""What departs from the signal equations: an uneven field, and blood that stands still.

Drawn once for a case, evaluated in any plane across the long axis, about the LV axis.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from jaxtyping import Float32

REFERENCE_MM: Final = 150.0
"""Where the field's departure is the drawn one: about the edge of the body."""

SLOWEST_MM: Final = 1.5
"""Depth at which slow flow at the wall has fallen to 1/e."""

APICAL_LEVEL: Final = (0.65, 0.95)
"""Part of the long axis over which flow slows down toward the apex."""

Field = Float32[np.ndarray, "row col"]
Across = Float32[np.ndarray, "col"]
Down = Float32[np.ndarray, "row"]


@dataclass(frozen=True, eq=False)
class Plane:
    """Where the pixels of a slice lie.

    Attributes:
        right_mm: of each column from the LV axis.
        down_mm: of each row.
        level: along the long axis, 0 at the base and 1 at the apex.
    """

    right_mm: Across
    down_mm: Down
    level: float


@dataclass(frozen=True)
class OffResonance:
    """The field's departure from resonance, all in Hz; shimmed over the heart.

    Attributes:
        centre_hz: at the LV axis.
        linear_hz: at `REFERENCE_MM` to the right and downward.
        square_hz: at `REFERENCE_MM`, of the squares and the product of both directions.
        rim_hz: at `REFERENCE_MM`, of the part that grows with the sixth power of the distance, as
            the magnet's field does where shimming ends: it makes rings at the edge of the body.
        local_hz: amplitude of the departure near lung and veins beside the heart.
        local_mm: its middle, to the right and downward.
    """

    centre_hz: float
    linear_hz: tuple[float, float]
    square_hz: tuple[float, float, float]
    rim_hz: float
    local_hz: float
    local_mm: tuple[float, float]


@dataclass(frozen=True)
class SlowFlow:
    """Blood that the dark-blood preparation misses because it stays in the slice.

    Attributes:
        strength: part of its signal that is left where it touches the wall.
        side_rad: the side on which it is slowest.
    """

    strength: float
    side_rad: float


@dataclass(frozen=True)
class Artefacts:
    """The drawn artefacts of a case."""

    off_resonance: OffResonance
    slow_flow: SlowFlow


def draw_artefacts(
    rng: np.random.Generator, off_resonance_hz: tuple[float, float], slow_flow: tuple[float, float]
) -> Artefacts:
    """Draws how uneven the field is and how slow the blood.

    Args:
        rng: source of randomness.
        off_resonance_hz: range of the departure at `REFERENCE_MM`.
        slow_flow: range of the part of the signal that is left at the wall.
    """
    edge_hz = float(rng.uniform(*off_resonance_hz))
    linear, square = rng.normal(0, 0.25 * edge_hz, 2), rng.normal(0, 0.5, 3)
    square *= edge_hz / np.linalg.norm(square)
    return Artefacts(
        OffResonance(
            centre_hz=float(rng.normal(0, 0.1 * edge_hz)),
            linear_hz=(float(linear[0]), float(linear[1])),
            square_hz=(float(square[0]), float(square[1]), float(square[2])),
            rim_hz=float(rng.normal(0, 0.8 * edge_hz)),
            local_hz=float(rng.normal(0, 0.3 * edge_hz)),
            local_mm=(float(rng.uniform(20, 60)), float(rng.uniform(0, 60))),
        ),
        SlowFlow(
            strength=float(rng.uniform(*slow_flow)), side_rad=float(rng.uniform(0, 2 * np.pi))
        ),
    )


def off_resonance_hz(field: OffResonance, plane: Plane) -> Field:
    """The departure from resonance in each pixel."""
    across, down = plane.right_mm / REFERENCE_MM, plane.down_mm / REFERENCE_MM
    across_squared, down_squared, product = field.square_hz
    along_row = field.linear_hz[0] * across + across_squared * across**2
    along_col = field.centre_hz + field.linear_hz[1] * down + down_squared * down**2
    smooth = np.add.outer(along_col, along_row) + product * np.outer(down, across)
    rim = np.add.outer(down**2, across**2) ** 3
    near = _bump(plane.down_mm - field.local_mm[1])[:, None] * _bump(
        plane.right_mm - field.local_mm[0]
    )
    return np.asarray(smooth + field.rim_hz * rim + field.local_hz * near, dtype=np.float32)


def stagnant_share(blood: Field, plane: Plane, flow: SlowFlow) -> Field:
    """The part of each voxel that is blood whose signal is left by the dark-blood preparation.

    It is largest along the wall, on one side more than on the other, and near the apex.

    Args:
        blood: share of blood of each voxel.
        plane: where the voxels lie.
        flow: how slow the blood is.
    """
    pool = (blood > 0.5).astype(np.uint8)
    spacing_mm = abs(float(plane.right_mm[1] - plane.right_mm[0]))
    depth_mm = cv2.distanceTransform(pool, cv2.DIST_L2, 3) * spacing_mm
    angle = np.arctan2(plane.down_mm[:, None], plane.right_mm)
    side = 0.55 + 0.45 * np.cos(angle - flow.side_rad)
    apical = float(np.interp(plane.level, APICAL_LEVEL, (0.0, 0.7)))
    slow = side * np.exp(-depth_mm / SLOWEST_MM) + apical
    return np.asarray(blood * flow.strength * np.clip(slow, 0, 1), dtype=np.float32)


def _bump(distance_mm: Float32[np.ndarray, "pixel"]) -> Float32[np.ndarray, "pixel"]:
    return np.asarray(np.exp(-((distance_mm / 30) ** 2)), dtype=np.float32)
