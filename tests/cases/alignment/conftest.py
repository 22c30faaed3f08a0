"""Drawn hearts in the patient's own coordinates, seen by stacks of slices placed at will."""

from collections.abc import Callable

import numpy as np
import pytest

from myoseg.anatomy import Sequence
from myoseg.cases.case import Geometry
from myoseg.cases.on_grid import ImageOnGrid

CONTRASTS = {  # of what lies around, wall, blood and fat
    Sequence.LGE: (0.2, 0.1, 0.8, 1.0),
    Sequence.BSSFP: (0.3, 0.35, 1.0, 0.9),
    Sequence.T2: (0.3, 0.9, 0.1, 0.4),
}


def stack(
    n_slices: int = 6,
    side: int = 96,
    spacing_mm: float = 1.5,
    step_mm: float = 10.0,
    centre_mm: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> Geometry:
    """Axial slices, the first one the lowest, about a centre."""
    affine = np.diag([spacing_mm, spacing_mm, step_mm, 1.0])
    middle = np.array([(side - 1) / 2, (side - 1) / 2, (n_slices - 1) / 2])
    affine[:3, 3] = np.array(centre_mm) - affine[:3, :3] @ middle
    return Geometry((n_slices, side, side), affine)


def turned(
    geometry: Geometry, rotation: np.ndarray, shift_mm: np.ndarray | float = 0.0
) -> Geometry:
    """The grid turned about the patient's origin, then shifted."""
    whole = np.eye(4)
    whole[:3, :3] = rotation
    whole[:3, 3] = shift_mm
    return Geometry(geometry.shape, whole @ geometry.affine)


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """From three angles in radians."""
    result = np.eye(3)
    for (i, j), angle in zip(((0, 1), (0, 2), (1, 2)), (yaw, pitch, roll), strict=True):
        turn = np.eye(3)
        turn[[i, j], [i, j]] = np.cos(angle)
        turn[i, j], turn[j, i] = -np.sin(angle), np.sin(angle)
        result = turn @ result
    return result


def heart(points_mm: np.ndarray, contrast: tuple[float, float, float, float]) -> np.ndarray:
    """Intensity at points (..., 3): a ring about the z axis with fat beside it, blurred edges."""
    x, y, z = np.moveaxis(points_mm, -1, 0)
    around, wall, blood, fat = contrast

    def inside(distance_mm: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(distance_mm / 0.8))

    wide = 30 - 0.1 * np.abs(z)
    radius = np.hypot(x, y / 0.9)
    value = around + (fat - around) * inside(np.hypot(x + 38, y - 20) - 12)
    value = value + (blood - around) * inside(np.hypot((x + 30) / 1.2, y + 12) - 14)
    value = value + (wall - value) * inside(radius - wide)
    return value + (blood - value) * inside(radius - wide + 10)


def image(
    geometry: Geometry,
    sequence: Sequence = Sequence.LGE,
    shifts_mm: np.ndarray | float = 0.0,
    frame: np.ndarray | None = None,
    noise: float = 4.0,
) -> ImageOnGrid:
    """What a stack sees of the heart, which lies shifted (RAS, one for each slice or for all).

    `frame` is how the heart is turned in the patient.
    """
    n_slices, rows, cols = geometry.shape
    k, i, j = np.meshgrid(np.arange(n_slices), np.arange(rows), np.arange(cols), indexing="ij")
    index = np.stack([j, i, k, np.ones_like(k)], axis=-1)
    points = index @ geometry.affine[:3].T
    each = np.broadcast_to(np.asarray(shifts_mm, float), (n_slices, 3))
    points = points - each[:, None, None]
    points = points if frame is None else points @ frame
    values = 400 * heart(points, CONTRASTS[sequence])
    added = np.random.default_rng(len(sequence)).normal(0, 1, values.shape)
    return ImageOnGrid((values + noise * added).astype(np.float32), geometry)


@pytest.fixture(scope="session")
def drawn() -> Callable[..., ImageOnGrid]:
    """See `image`."""
    return image


@pytest.fixture(scope="session")
def grid() -> Callable[..., Geometry]:
    """See `stack`."""
    return stack


@pytest.fixture(scope="session")
def turn() -> Callable[..., Geometry]:
    """See `turned`."""
    return turned


@pytest.fixture(scope="session")
def rotate() -> Callable[..., np.ndarray]:
    """See `rotation`."""
    return rotation
