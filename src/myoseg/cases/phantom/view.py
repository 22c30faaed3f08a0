"""Short-axis stacks: where the slices lie in the patient, drawn once, as a `Geometry`."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from myoseg.cases.case import Geometry
from myoseg.cases.phantom.anatomy import Heart
from myoseg.cases.phantom.artefacts import Plane
from myoseg.cases.phantom.config import GridRanges, PhantomConfig

Vector = Float[np.ndarray, "3"]

TOWARD_APEX = (-0.68, 0.55, -0.48)
UPWARD = (0.0, 0.45, 0.9)
BASE_CENTRE_MM = (-15.0, 5.0, 10.0)


@dataclass(frozen=True, eq=False)
class HeartFrame:
    """The heart's own directions in the patient (RAS unit vectors) and the centre of its base.

    `lateral` points from the septum to the lateral wall, `upward` to the anterior wall, `apical`
    along the long axis.
    """

    base_mm: Vector
    lateral: Vector
    upward: Vector
    apical: Vector


@dataclass(frozen=True, eq=False)
class View:
    """A drawn stack of slices across the long axis, the most basal one first.

    Attributes:
        frame: where the heart lies.
        rotation_deg: of the image about the long axis.
        centre_px: row and column of the LV axis, before the heart's drift.
        spacing_mm: in plane.
        positions_mm: of the slices' middles along the long axis, from the base.
        thickness_mm: of a slice.
    """

    frame: HeartFrame
    rotation_deg: float
    centre_px: tuple[float, float]
    spacing_mm: float
    positions_mm: tuple[float, ...]
    thickness_mm: float

    @property
    def slice_spacing_mm(self) -> float:
        """Distance of neighbouring slices; the thickness where there is one slice."""
        if len(self.positions_mm) == 1:
            return self.thickness_mm
        return self.positions_mm[1] - self.positions_mm[0]

    def finer(self, factor: int) -> "View":
        """The same stack with each pixel divided into `factor` x `factor`."""
        row, col = ((px + 0.5) * factor - 0.5 for px in self.centre_px)
        return replace(self, centre_px=(row, col), spacing_mm=self.spacing_mm / factor)

    def moved(self, down_mm: float, right_mm: float) -> "View":
        """The same stack, but the patient moved in the plane while the grid stayed."""
        row, col = self.centre_px
        moved = (row + down_mm / self.spacing_mm, col + right_mm / self.spacing_mm)
        return replace(self, centre_px=moved)

    def plane(self, matrix: tuple[int, int], level: float) -> Plane:
        """Where the pixels of a slice lie about the LV axis."""
        down, right = (
            ((np.arange(n) - centre) * self.spacing_mm).astype(np.float32)
            for n, centre in zip(matrix, self.centre_px, strict=True)
        )
        return Plane(right, down, level)


def draw_view(rng: np.random.Generator, config: PhantomConfig, heart: Heart) -> View:
    """Draws a stack that covers the ventricle as far as the configured spacing allows."""
    spacing_mm = float(rng.uniform(*config.spacing_mm))
    offset_px = rng.uniform(-12, 12, 2) / spacing_mm
    rows, cols = config.matrix
    septum_px = 0.5 * heart.rv_depth_mm / spacing_mm
    return View(
        frame=_draw_frame(rng),
        rotation_deg=float(rng.uniform(-20, 20)),
        centre_px=(
            float((rows - 1) / 2 + offset_px[0]),
            float((cols - 1) / 2 + septum_px + offset_px[1]),
        ),
        spacing_mm=spacing_mm,
        positions_mm=_draw_positions_mm(rng, config, heart.length_mm),
        thickness_mm=float(rng.uniform(*config.slice_thickness_mm)),
    )


def draw_own_view(
    rng: np.random.Generator, grid: GridRanges, common: View, heart: Heart
) -> tuple[View, tuple[int, int]]:
    """Draws a sequence's own stack, from above the base to beyond the apex, and its matrix.

    Its planes are parallel to those of the common stack, as they are planned in one go.
    """
    spacing_mm = float(rng.uniform(*grid.spacing_mm))
    longer_mm = float(rng.uniform(*grid.field_mm))
    sides_mm = (longer_mm * float(rng.uniform(*grid.shorter_side)), longer_mm)
    rows, cols = (2 * max(round(side / spacing_mm / 2), 8) for side in sides_mm)
    down_mm, right_mm = rng.normal(0, 8, 2)
    slice_mm = float(rng.uniform(*grid.slice_spacing_mm))
    first_mm = -float(rng.uniform(0, slice_mm))
    n_slices = int((heart.length_mm - first_mm) / slice_mm) + 1 + int(rng.integers(2))
    view = replace(
        common,
        centre_px=((rows - 1) / 2, (cols - 1) / 2 + 0.5 * heart.rv_depth_mm / spacing_mm),
        spacing_mm=spacing_mm,
        positions_mm=tuple((first_mm + slice_mm * np.arange(n_slices)).tolist()),
        thickness_mm=min(float(rng.uniform(*grid.slice_thickness_mm)), slice_mm),
    )
    return view.moved(float(down_mm), float(right_mm)), (rows, cols)


def geometry(view: View, matrix: tuple[int, int]) -> Geometry:
    """The stack's grid in the patient."""
    across, down = image_axes(view)
    axes = np.stack(
        [
            across * view.spacing_mm,
            down * view.spacing_mm,
            view.frame.apical * view.slice_spacing_mm,
        ],
        axis=1,
    )
    row, col = view.centre_px
    first_mm = view.frame.base_mm + view.positions_mm[0] * view.frame.apical
    affine = np.eye(4)
    affine[:3, :3] = axes
    affine[:3, 3] = first_mm - axes @ np.array([col, row, 0.0])
    return Geometry(shape=(len(view.positions_mm), *matrix), affine=affine)


def image_axes(view: View) -> tuple[Vector, Vector]:
    """The directions of increasing column and row in the patient, as RAS unit vectors."""
    cos, sin = np.cos(np.deg2rad(view.rotation_deg)), np.sin(np.deg2rad(view.rotation_deg))
    lateral, upward = view.frame.lateral, view.frame.upward
    return cos * lateral + sin * upward, sin * lateral - cos * upward


def _draw_frame(rng: np.random.Generator) -> HeartFrame:
    apical = _unit(np.array(TOWARD_APEX) + rng.uniform(-0.12, 0.12, 3))
    upward = np.array(UPWARD) + rng.uniform(-0.08, 0.08, 3)
    upward = _unit(upward - (upward @ apical) * apical)
    base_mm = np.array(BASE_CENTRE_MM) + rng.uniform(-8, 8, 3)
    return HeartFrame(base_mm, np.cross(upward, apical), upward, apical)


def _draw_positions_mm(
    rng: np.random.Generator, config: PhantomConfig, length_mm: float
) -> tuple[float, ...]:
    """Positions between a tenth and nine tenths of the long axis, if they fit."""
    n_slices = int(rng.integers(*config.n_slices, endpoint=True))
    room_mm, (closest, widest) = 0.78 * length_mm, config.slice_spacing_mm
    spacing_mm = rng.uniform(closest, np.clip(room_mm / max(n_slices - 1, 1), closest, widest))
    slack_mm = max(room_mm - (n_slices - 1) * spacing_mm, 0.0)
    first_mm = 0.1 * length_mm + rng.uniform(0, slack_mm)
    return tuple((first_mm + spacing_mm * np.arange(n_slices)).tolist())


def _unit(vector: Vector) -> Vector:
    unit: Vector = vector / np.linalg.norm(vector)
    return unit
