"""A seed in, a study as a scanner gives it out: each sequence on its own grid, with its truth.

Between breath-holds the patient moves in the plane, so each slice is shifted against the others
and against the other sequences; the shifts are known and returned.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

import numpy as np
from jaxtyping import Float, Float32, Int16

from myoseg.anatomy import Sequence, Tissue
from myoseg.cases.case import Case, LabelMap
from myoseg.cases.phantom.acquisition import SNR_REFERENCE, Acquisition, Images, acquire
from myoseg.cases.phantom.config import PhantomConfig
from myoseg.cases.phantom.orientation import (
    ORIENTATIONS,
    Orientation,
    is_right_handed,
    with_slices_reversed,
)
from myoseg.cases.phantom.partial_volume import (
    LABELLED,
    Sampling,
    Scene,
    Shares,
    majority_labels,
    material_shares,
)
from myoseg.cases.phantom.simulate import Phantom, draw_phantom, render_case
from myoseg.cases.phantom.view import View, draw_own_view, geometry

Shifts = Float[np.ndarray, "slice 2"]
Signal = Float32[np.ndarray, "row col"]
Codes = Int16[np.ndarray, "..."]

VOLUME_SAMPLING: Final = Sampling((160, 160), 1, 1)
VOLUME_SPACING_MM: Final = 1.25
VOLUME_STEP_MM: Final = 2.0


@dataclass(frozen=True, eq=False)
class Stack:
    """How one sequence's own grid was drawn, before it is turned to be stored.

    Attributes:
        view: the slices, the most basal one first.
        matrix: rows and columns.
        padding: rows of zeros that scanners or converters add before and after the image.
        shifts_mm: of the patient in each slice, downward and rightward.
        orientation: how the stack is stored.
    """

    view: View
    matrix: tuple[int, int]
    padding: tuple[int, int]
    shifts_mm: Shifts
    orientation: Orientation


@dataclass(frozen=True, eq=False)
class Series:
    """One sequence of a study on its own grid.

    Attributes:
        case: the sequence's image, its geometry, and the truth on this grid: what each slice
            shows, shifted as its image is.
        shifts_mm: how far each slice shows the heart from where `case.geometry` has it, along
            increasing rows and columns of the stored image.
        positions_mm: of each slice along the long axis, from the base.
        stack: how it was drawn.
    """

    case: Case
    shifts_mm: Shifts
    positions_mm: tuple[float, ...]
    stack: Stack


@dataclass(frozen=True, eq=False)
class Study:
    """A simulated patient's study and all that is true of it.

    Attributes:
        name: of the study, after its seed.
        series: each sequence on its own grid.
        aligned: the same patient on the common grid without shifts, as `simulate_case` gives it.
        volumes_ml: of each tissue from the LV's outflow tract to its apex, from the geometry and
            not from any grid's labels.
        phantom: the drawn patient.
    """

    name: str
    series: Mapping[Sequence, Series]
    aligned: Case
    volumes_ml: Mapping[Tissue, float]
    phantom: Phantom

    def __post_init__(self) -> None:
        object.__setattr__(self, "series", MappingProxyType(dict(self.series)))
        object.__setattr__(self, "volumes_ml", MappingProxyType(dict(self.volumes_ml)))


def simulate_study(seed: int, config: PhantomConfig | None = None) -> Study:
    """A simulated patient's study, each sequence on its own grid; see the package for what it has.

    The same seed and configuration give the same study. The patient is the one that
    `simulate_case` gives for this seed.

    Raises:
        ConfigurationError: the seed is negative.
    """
    config = config or PhantomConfig()
    phantom = draw_phantom(seed, config)
    stacks = _draw_stacks(np.random.default_rng((seed, 1)), phantom, config)
    return Study(
        name=phantom.name,
        series={s: acquire_series(phantom, s, stacks[s], config) for s in Sequence},
        aligned=render_case(phantom, config),
        volumes_ml=true_volumes_ml(phantom.scene),
        phantom=phantom,
    )


def true_volumes_ml(scene: Scene) -> dict[Tissue, float]:
    """Volume of each tissue, sampled finely, papillaries as blood.

    It reaches from the top of the LV's outflow tract to the apex.
    """
    rows, cols = VOLUME_SAMPLING.matrix
    offset_px = 0.5 * scene.heart.rv_depth_mm / VOLUME_SPACING_MM
    centred = replace(
        scene.view,
        centre_px=((rows - 1) / 2, (cols - 1) / 2 + offset_px),
        spacing_mm=VOLUME_SPACING_MM,
        thickness_mm=VOLUME_STEP_MM,
    )
    fine = replace(scene, view=centred)
    heart = scene.heart
    positions_mm = np.arange(heart.left.top_mm, heart.length_mm, VOLUME_STEP_MM)
    total = sum(
        material_shares(fine, VOLUME_SAMPLING, float(z + VOLUME_STEP_MM / 2)).sum(axis=(1, 2))
        for z in positions_mm
    )
    voxel_ml = VOLUME_SPACING_MM**2 * VOLUME_STEP_MM / 1000
    return {
        tissue: float(np.sum(np.take(total, materials))) * voxel_ml
        for tissue, materials in LABELLED.items()
    }


def _draw_stacks(
    rng: np.random.Generator, phantom: Phantom, config: PhantomConfig
) -> dict[Sequence, Stack]:
    mixed = rng.random() < config.mixed_orientation_probability
    chosen = rng.integers(len(ORIENTATIONS), size=len(Sequence))
    stacks = {}
    for sequence, stream, index in zip(Sequence, rng.spawn(len(Sequence)), chosen, strict=True):
        grid, scene = config.grid(sequence), phantom.scene
        view, matrix = draw_own_view(stream, grid, scene.view, scene.heart)
        shifts_mm = stream.normal(0, config.slice_shift_mm, (len(view.positions_mm), 2))
        shifts_mm += stream.normal(0, config.sequence_shift_mm, 2)
        missing = max(matrix[1] - matrix[0], 0) * (stream.random() < config.padding_probability)
        before = int(stream.integers(missing, endpoint=True))
        stacks[sequence] = Stack(
            view=view,
            matrix=matrix,
            padding=(before, int(missing) - before),
            shifts_mm=shifts_mm,
            orientation=ORIENTATIONS[index if mixed else chosen[0]],
        )
    return stacks


def acquire_series(
    phantom: Phantom, sequence: Sequence, stack: Stack, config: PhantomConfig
) -> Series:
    """Renders each slice where the patient lay in its breath-hold, acquires and stores it."""
    acquisition = phantom.acquisitions[sequence]
    slices = [
        _slice(phantom, stack, sequence, index, config)
        for index in range(len(stack.view.positions_mm))
    ]
    image = acquire(
        np.stack([signal for signal, _ in slices]),
        acquisition,
        stack.view.spacing_mm,
        phantom.weighting.reference(sequence, SNR_REFERENCE[sequence]),
        _finer(stack, acquisition, config),
    )
    case = _store(phantom, sequence, stack, image, np.stack([codes for _, codes in slices]))
    step = 1 if stack.orientation.mirrors else -1
    return Series(
        case=case,
        shifts_mm=stack.orientation.of_shifts(stack.shifts_mm)[::step],
        positions_mm=stack.view.positions_mm[::step],
        stack=stack,
    )


def _slice(
    phantom: Phantom, stack: Stack, sequence: Sequence, index: int, config: PhantomConfig
) -> tuple[Signal, Codes]:
    """A slice's ideal signal, on pixels as fine as k-space needs, and its labels."""
    finer = _finer(stack, phantom.acquisitions[sequence], config)
    down_mm, right_mm = stack.shifts_mm[index]
    position_mm = stack.view.positions_mm[index]
    view = stack.view.moved(float(down_mm), float(right_mm)).finer(finer)
    matrix = (stack.matrix[0] * finer, stack.matrix[1] * finer)
    sampling = Sampling(matrix, config.supersampling // finer, config.n_sub_slices)
    shares = material_shares(replace(phantom.scene, view=view), sampling, position_mm)
    plane = view.plane(matrix, phantom.scene.heart.level(position_mm))
    signal = phantom.weighting.signal(sequence, shares, plane)
    return signal, majority_labels(_coarser(shares, finer))


def _finer(stack: Stack, acquisition: Acquisition, config: PhantomConfig) -> int:
    """Into how many pixels a stored one is divided: enough to hold what k-space is cut from."""
    needed = round(2 * stack.view.spacing_mm / min(acquisition.spacing_mm))
    divisors = [n for n in range(1, config.supersampling + 1) if config.supersampling % n == 0]
    return max(n for n in divisors if n <= max(needed, 1))


def _coarser(shares: Float32[np.ndarray, "material finer_row finer_col"], finer: int) -> Shares:
    """The shares of blocks of `finer` x `finer` pixels."""
    n_materials, rows, cols = shares.shape
    blocks = shares.reshape(n_materials, rows // finer, finer, cols // finer, finer)
    return np.asarray(blocks.mean(axis=(2, 4)), dtype=np.float32)


def _store(phantom: Phantom, sequence: Sequence, stack: Stack, image: Images, codes: Codes) -> Case:
    """Pads the image, turns it to the stack's orientation, and makes its grid right-handed."""
    before, after = stack.padding
    padding = ((0, 0), (before, after), (0, 0))
    row, col = stack.view.centre_px
    padded = replace(stack.view, centre_px=(row + before, col))
    n_rows, n_cols = stack.matrix
    turn = stack.orientation
    grid = turn.of_geometry(geometry(padded, (n_rows + before + after, n_cols)))
    image, codes = (turn.of_volume(np.pad(each, padding)) for each in (image, codes))
    if not is_right_handed(grid):
        grid, image, codes = with_slices_reversed(grid), image[::-1].copy(), codes[::-1].copy()
    return Case(phantom.name, {sequence: image}, grid, LabelMap(codes))
