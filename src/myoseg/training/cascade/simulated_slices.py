"""A seed and a sample's number in, a slice of a simulated heart as a stage's networks see it out.

Nothing is stored: sample k follows from the seed and k alone, in any process and any order.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from jaxtyping import Bool, Float32, UInt8

from myoseg.anatomy import MYOCARDIUM, Sequence, Tissue, Tissues
from myoseg.blocks import Block
from myoseg.cases.phantom.config import PhantomConfig, clinical
from myoseg.cases.phantom.partial_volume import LABELLED, Scene, scene_materials
from myoseg.cases.phantom.simulate import Phantom, draw_phantom
from myoseg.cases.phantom.tissue import Material
from myoseg.training.cascade.appearance import (
    AppearanceRanges,
    clutter,
    degrade,
    replaced,
)
from myoseg.training.cascade.contrast import ContrastRanges, draw_signals
from myoseg.training.cascade.framing import DrawnFrame

HEART: Final = (*MYOCARDIUM, Tissue.LV_BLOOD_POOL, Tissue.RV_BLOOD_POOL)
SUPERSAMPLING: Final = 2
N_SEEDS: Final = 2**31

Regions = Bool[np.ndarray, "block row col"]


@dataclass(frozen=True)
class SliceRanges:
    """Where simulated slices are cut and how they are framed.

    Attributes:
        size_px: pixels along a side of the network's square.
        heart_share: epicardial diameter as a part of the side, where the heart is framed.
        levels: of the slice along the long axis: 0 at the base, 1 at the apex.
        unframed_share: of slices that show the body at large, as before the heart is found.
        turn_deg: largest rotation of most slices; a third is turned by any angle.
        thickness_mm: of a slice.
        infarct_probability: of a case with an infarct.
    """

    size_px: int
    heart_share: float
    levels: tuple[float, float]
    unframed_share: float
    turn_deg: float = 40.0
    thickness_mm: tuple[float, float] = (5.0, 10.0)
    infarct_probability: float = 0.6


@dataclass(frozen=True, eq=False)
class RenderedPlane:
    """A plane through the body: each material's part of each pixel, by sub-sample.

    `materials` has one plane for each sub-sample of a pixel, in plane and through the slice.
    """

    materials: UInt8[np.ndarray, "sample row col"]

    def mean_of(self, values: Float32[np.ndarray, "material"]) -> Float32[np.ndarray, "row col"]:
        """The mean over a pixel of a value that each material has."""
        return np.asarray(values[self.materials].mean(axis=0), dtype=np.float32)

    def share(self, tissues: Tissues) -> Float32[np.ndarray, "row col"]:
        """What part of each pixel the tissues take."""
        return self.mean_of(_indicator(tissues))


def draw_scene(rng: np.random.Generator, ranges: SliceRanges) -> Phantom:
    """A simulated patient, drawn as any other."""
    config = PhantomConfig(n_slices=(3, 3), infarct_probability=ranges.infarct_probability)
    phantom = draw_phantom(int(rng.integers(N_SEEDS)), clinical(config))
    view = replace(
        phantom.scene.view,
        rotation_deg=0.0,
        thickness_mm=float(rng.uniform(*ranges.thickness_mm)),
    )
    return replace(phantom, scene=replace(phantom.scene, view=view))


def draw_plane(rng: np.random.Generator, scene: Scene, ranges: SliceRanges) -> RenderedPlane:
    """A short-axis slice of the scene at a drawn level, in a drawn frame."""
    heart, n = scene.heart, ranges.size_px
    position_mm = float(rng.uniform(*ranges.levels)) * heart.length_mm
    frame = _draw_frame(rng, scene, position_mm, ranges)
    right, down = frame.points(SUPERSAMPLING)
    half = scene.view.thickness_mm / 4
    planes = [
        scene_materials(scene, right, down, position_mm + offset).reshape(-1, n, n)
        for offset in (-half, half)
    ]
    return RenderedPlane(np.concatenate(planes))


def draw_image(
    rng: np.random.Generator,
    plane: RenderedPlane,
    phantom: Phantom,
    sequence: Sequence,
    contrast: ContrastRanges,
    appearance: AppearanceRanges,
) -> Float32[np.ndarray, "row col"]:
    """The plane as this sequence shows it."""
    signals = draw_signals(rng, phantom.tissues, sequence, contrast)
    image = plane.mean_of(signals)
    if rng.random() < appearance.clutter_probability:
        shapes = clutter(rng, len(image), float(signals.min()), float(signals.max()))
        image = replaced(image, shapes, plane.mean_of(_HEART_MATERIALS) > 0.5)
    signed = sequence is Sequence.LGE and rng.random() < contrast.phase_sensitive_share
    return degrade(rng, image if signed else np.abs(image), appearance)


def regions_of(plane: RenderedPlane, blocks: tuple[Block, ...]) -> Regions:
    """Each block's target: pixels that its tissues fill to more than half.

    As a reader does, the wall is told from its surroundings first and then divided.
    """
    wall = plane.share(MYOCARDIUM)
    masks = []
    for block in blocks:
        share = plane.share(block.target)
        inside_wall = block.target <= MYOCARDIUM
        masks.append((share > 0.5 * wall) & (wall > 0.5) if inside_wall else share > 0.5)
    return np.stack(masks)


def _draw_frame(
    rng: np.random.Generator, scene: Scene, position_mm: float, ranges: SliceRanges
) -> DrawnFrame:
    heart, n = scene.heart, ranges.size_px
    diameter_mm = 2 * (heart.cavity_radius_mm + heart.wall_mm)
    pixel_mm = diameter_mm / (ranges.heart_share * n)
    unframed = rng.random() < ranges.unframed_share
    if unframed:
        pixel_mm = float(np.exp(rng.uniform(np.log(0.9 * pixel_mm), np.log(2.6 * pixel_mm))))
    else:
        pixel_mm *= float(np.exp(rng.normal(0, 0.13)))
    stretch = np.exp(rng.normal(0, 0.25 if unframed else 0.09))
    wander_px = n * (0.16 if unframed else 0.05)
    to_rv_mm = 0.5 * heart.rv_depth_mm if ranges.heart_share < 0.5 else 0.0
    centre = (
        -to_rv_mm + heart.drift[0] * position_mm + rng.normal(0, wander_px) * pixel_mm,
        -heart.drift[1] * position_mm + rng.normal(0, wander_px) * pixel_mm,
    )
    bend_mm = rng.normal(0, 0.018 * n * pixel_mm, (5, 5, 2)).astype(np.float32)
    matrix = _turned(rng, ranges.turn_deg) * pixel_mm
    matrix[:, 0] *= stretch**0.5
    matrix[:, 1] /= stretch**0.5
    return DrawnFrame(n, matrix, centre, bend_mm)


def _turned(rng: np.random.Generator, turn_deg: float) -> np.ndarray:
    """A rotation, for a third of all slices by any angle and mirrored or not."""
    anyhow = rng.random() < 0.35
    angle = np.deg2rad(rng.uniform(-180, 180) if anyhow else rng.uniform(-turn_deg, turn_deg))
    cos, sin = np.cos(angle), np.sin(angle)
    matrix = np.array([[cos, -sin], [sin, cos]])
    return matrix @ np.diag([-1.0, 1.0]) if anyhow and rng.random() < 0.5 else matrix


def _indicator(tissues: Tissues) -> Float32[np.ndarray, "material"]:
    members = [material for tissue in tissues for material in LABELLED[tissue]]
    values = np.zeros(len(Material), dtype=np.float32)
    values[members] = 1
    return values


_HEART_MATERIALS: Final = _indicator(frozenset(HEART))
_HEART_MATERIALS[[Material.RV_WALL]] = 1
