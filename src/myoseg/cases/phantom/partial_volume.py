"""A scene and a slice's position in, the share of each material in each of its voxels out."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float32, Int16, UInt8

from myoseg.anatomy import BACKGROUND, Tissue
from myoseg.cases.phantom.anatomy import Heart, heart_over_body
from myoseg.cases.phantom.infarct import Infarct
from myoseg.cases.phantom.tissue import Material
from myoseg.cases.phantom.torso import Torso, torso_material
from myoseg.cases.phantom.view import View, image_axes

Shares = Float32[np.ndarray, "material row col"]
"""Part of each voxel that each material takes, in the order of `Material`; they sum to one."""

WALL: Final = (Tissue.SCAR, Tissue.EDEMA, Tissue.NORMAL_MYOCARDIUM)
POOLS: Final = (Tissue.LV_BLOOD_POOL, Tissue.RV_BLOOD_POOL)

Points = Float32[np.ndarray, "point"]

LABELLED: Final[dict[Tissue, tuple[Material, ...]]] = {
    Tissue.NORMAL_MYOCARDIUM: (Material.NORMAL_MYOCARDIUM,),
    Tissue.LV_BLOOD_POOL: (Material.LV_BLOOD, Material.PAPILLARY),
    Tissue.RV_BLOOD_POOL: (Material.RV_BLOOD, Material.RV_TRABECULA),
    Tissue.EDEMA: (Material.EDEMA,),
    Tissue.SCAR: (Material.SCAR, Material.MVO),
}
"""Materials behind each label; all others are background."""


@dataclass(frozen=True, eq=False)
class Scene:
    """All that has a shape: the heart, its infarct if any, the body, and the slices through it."""

    heart: Heart
    infarct: Infarct | None
    torso: Torso
    view: View


@dataclass(frozen=True)
class Sampling:
    """How finely a slice is sampled: pixels, points along a pixel's side, points through it."""

    matrix: tuple[int, int]
    supersampling: int
    n_sub_slices: int


def material_shares(scene: Scene, sampling: Sampling, position_mm: float) -> Shares:
    """The share of each material in each voxel of the slice at `position_mm` from the base.

    The heart is sampled at every point of the voxel, the body around it at the slice's middle.
    """
    n_pixels = sampling.matrix[0] * sampling.matrix[1]
    shares = np.zeros((len(Material), n_pixels), dtype=np.float32)
    pixels = np.arange(n_pixels)
    weight = np.float32(1 / (sampling.supersampling**2 * sampling.n_sub_slices))
    for row_offset in _offsets(sampling.supersampling):
        for col_offset in _offsets(sampling.supersampling):
            right, down = _plane_points(scene.view, sampling.matrix, row_offset, col_offset)
            body = body_materials(scene, right, down, position_mm)
            for depth in _offsets(sampling.n_sub_slices):
                level_mm = position_mm + depth * scene.view.thickness_mm
                material = with_heart(scene, body, right, down, level_mm)
                shares[material, pixels] += weight
    return shares.reshape(len(Material), *sampling.matrix)


def majority_labels(shares: Shares) -> Int16[np.ndarray, "row col"]:
    """The label with the largest share of each voxel, in MyoPS codes; ties go to disease.

    As a reader contours, the wall is set off against blood pools and background first, then
    divided into normal myocardium, edema and scar.
    """
    wall = _shares_of(shares, WALL)
    pools = _shares_of(shares, POOLS)
    regions = np.concatenate([wall.sum(axis=0, keepdims=True), pools])
    background = 1 - regions.sum(axis=0, keepdims=True)
    region = np.argmax(np.concatenate([regions, background]), axis=0)
    of_wall = np.array(WALL, dtype=np.int16)[np.argmax(wall, axis=0)]
    of_others = np.array([0, *POOLS, BACKGROUND], dtype=np.int16)[region]
    return np.asarray(np.where(region == 0, of_wall, of_others))


def _shares_of(
    shares: Shares, tissues: tuple[Tissue, ...]
) -> Float32[np.ndarray, "tissue row col"]:
    return np.stack([shares[list(LABELLED[tissue])].sum(axis=0) for tissue in tissues])


def _offsets(n_points: int) -> tuple[float, ...]:
    """Middles of `n_points` equal parts of the interval from -1/2 to 1/2."""
    return tuple((part + 0.5) / n_points - 0.5 for part in range(n_points))


def _plane_points(
    view: View, matrix: tuple[int, int], row_offset: float, col_offset: float
) -> tuple[Points, Points]:
    """Distances in mm of one point in each pixel from the LV axis, rightward and downward."""
    row, col = np.indices(matrix, dtype=np.float32).reshape(2, -1)
    right = (col + col_offset - view.centre_px[1]) * view.spacing_mm
    down = (row + row_offset - view.centre_px[0]) * view.spacing_mm
    return right, down


def body_materials(
    scene: Scene, right_mm: Points, down_mm: Points, position_mm: float
) -> UInt8[np.ndarray, "point"]:
    """The body's `Material` at points of a plane across the long axis, without the heart.

    Args:
        scene: the body and where the slices lie in it.
        right_mm: mm from the LV axis at the base, in the direction of increasing column.
        down_mm: mm from it in the direction of increasing row.
        position_mm: of the plane along the long axis, from the base.
    """
    frame, (across, downward) = scene.view.frame, image_axes(scene.view)
    origin_mm = frame.base_mm + position_mm * frame.apical
    x, y, z = (
        np.float32(origin) + right_mm * np.float32(a) + down_mm * np.float32(d)
        for origin, a, d in zip(origin_mm, across, downward, strict=True)
    )
    return torso_material(scene.torso, x, y, z)


def with_heart(
    scene: Scene,
    body: UInt8[np.ndarray, "point"],
    right_mm: Points,
    down_mm: Points,
    position_mm: float,
) -> UInt8[np.ndarray, "point"]:
    """The material at points of the plane `position_mm` from the base, the heart over the body."""
    angle = np.deg2rad(scene.view.rotation_deg)
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    lateral_mm = right_mm * cos + down_mm * sin
    upward_mm = right_mm * sin - down_mm * cos
    return heart_over_body(scene.heart, scene.infarct, body, lateral_mm, upward_mm, position_mm)
