"""A phantom in, its ideal signal in a block about the heart out, from which any plane is cut.

The block is of thin short-axis planes 3 mm apart with pixels as large, so that what is cut from it
shows the heart coarsely: enough for a localiser or a long-axis view that is not to be measured.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from jaxtyping import Float, Float32
from scipy import ndimage

from myoseg.anatomy import Sequence
from myoseg.cases.case import Geometry
from myoseg.cases.phantom.acquisition import SNR_REFERENCE, Acquisition, acquire
from myoseg.cases.phantom.partial_volume import Sampling, material_shares
from myoseg.cases.phantom.simulate import Phantom
from myoseg.cases.phantom.view import geometry

STEP_MM: Final = 3.0
SIDE: Final = 96
ABOVE_BASE_MM: Final = 90.0
BELOW_APEX_MM: Final = 40.0

Direction = Float[np.ndarray, "3"]


@dataclass(frozen=True, eq=False)
class Block:
    """Signals on a grid, which need not be right-handed."""

    signals: Float32[np.ndarray, "slice row col"]
    geometry: Geometry


def signal_block(phantom: Phantom, sequence: Sequence) -> Block:
    """A sequence's ideal signal about the heart, without noise."""
    heart, sampling = phantom.scene.heart, Sampling((SIDE, SIDE), 1, 1)
    positions_mm = np.arange(-ABOVE_BASE_MM, heart.length_mm + BELOW_APEX_MM, STEP_MM)
    view = replace(
        phantom.scene.view,
        centre_px=((SIDE - 1) / 2, (SIDE - 1) / 2),
        spacing_mm=STEP_MM,
        positions_mm=tuple(positions_mm.tolist()),
        thickness_mm=STEP_MM,
    )
    scene = replace(phantom.scene, view=view)
    signals = [
        phantom.weighting.signal(
            sequence,
            material_shares(scene, sampling, position_mm),
            view.plane(sampling.matrix, heart.level(position_mm)),
        )
        for position_mm in view.positions_mm
    ]
    return Block(np.stack(signals), geometry(view, sampling.matrix))


def plane_through(
    centre_mm: Direction, along_row: Direction, along_column: Direction, n: int, spacing_mm: float
) -> Geometry:
    """One square slice about a point; the directions are RAS unit vectors at right angles."""
    across, down = along_row * spacing_mm, along_column * spacing_mm
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = across, down
    affine[:3, 2] = np.cross(along_row, along_column) * STEP_MM
    affine[:3, 3] = centre_mm - (across + down) * (n - 1) / 2
    return Geometry((1, n, n), affine)


def acquired_plane(
    block: Block, phantom: Phantom, sequence: Sequence, acquisition: Acquisition, grid: Geometry
) -> Float32[np.ndarray, "slice row col"]:
    """The block cut along a grid and acquired; nothing is seen beyond the block."""
    index = np.indices(grid.shape).reshape(3, -1)[::-1]
    to_block = np.linalg.inv(block.geometry.affine) @ grid.affine
    col, row, slice_ = to_block[:3, :3] @ index + to_block[:3, 3:]
    cut = ndimage.map_coordinates(block.signals, [slice_, row, col], order=1)
    reference = phantom.weighting.reference(sequence, SNR_REFERENCE[sequence])
    signals = cut.reshape(grid.shape).astype(np.float32)
    return acquire(signals, acquisition, grid.spacing_mm[1], reference)
