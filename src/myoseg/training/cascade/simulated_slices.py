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
from myoseg.cases.phantom.partial_volume import LABELLED, Scene, body_materials, with_heart
from myoseg.cases.phantom.simulate import Phantom, draw_phantom
from myoseg.cases.phantom.tissue import Material
from myoseg.networks.stage import Stage
from myoseg.training.cascade.appearance import clutter, degrade, replaced
from myoseg.training.cascade.contrast import draw_signals
from myoseg.training.cascade.framing import DrawnFrame, drawn_scale, drawn_stretch, drawn_turn
from myoseg.training.cascade.settings import SimulationSettings, SliceRanges

HEART: Final = (*MYOCARDIUM, Tissue.LV_BLOOD_POOL, Tissue.RV_BLOOD_POOL)
SUPERSAMPLING: Final = 2
N_SEEDS: Final = 2**31

Regions = Bool[np.ndarray, "block row col"]


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


def draw_plane(
    rng: np.random.Generator, scene: Scene, stage: Stage, ranges: SliceRanges
) -> RenderedPlane:
    """A short-axis slice of the scene at a drawn level, framed for the stage.

    The heart is sampled at two depths, the body around it at the slice's middle.
    """
    heart, n = scene.heart, stage.size_px
    position_mm = float(rng.uniform(*ranges.levels)) * heart.length_mm
    frame = _draw_frame(rng, scene, position_mm, stage, ranges)
    right, down = frame.points(SUPERSAMPLING)
    half = scene.view.thickness_mm / 4
    body = body_materials(scene, right, down, position_mm)
    planes = [
        with_heart(scene, body, right, down, position_mm + offset).reshape(-1, n, n)
        for offset in (-half, half)
    ]
    return RenderedPlane(np.concatenate(planes))


def draw_image(
    rng: np.random.Generator,
    plane: RenderedPlane,
    phantom: Phantom,
    sequence: Sequence,
    settings: SimulationSettings,
) -> Float32[np.ndarray, "row col"]:
    """The plane as this sequence shows it."""
    contrast, appearance = settings.contrast, settings.appearance
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
    rng: np.random.Generator, scene: Scene, position_mm: float, stage: Stage, ranges: SliceRanges
) -> DrawnFrame:
    heart, n = scene.heart, stage.size_px
    diameter_mm = 2 * (heart.cavity_radius_mm + heart.wall_mm)
    pixel_mm = diameter_mm / (stage.heart_share * n)
    unframed = rng.random() < ranges.unframed_share
    pixel_mm *= drawn_scale(rng, unframed)
    stretch = drawn_stretch(rng, unframed)
    wander_px = n * (0.16 if unframed else 0.05)
    to_rv_mm = 0.0 if stage.guides else 0.5 * heart.rv_depth_mm
    centre = (
        -to_rv_mm + heart.drift[0] * position_mm + rng.normal(0, wander_px) * pixel_mm,
        -heart.drift[1] * position_mm + rng.normal(0, wander_px) * pixel_mm,
    )
    bend_mm = rng.normal(0, 0.018 * n * pixel_mm, (5, 5, 2)).astype(np.float32)
    matrix = drawn_turn(rng, ranges.turn_deg) * pixel_mm * stretch
    return DrawnFrame(n, matrix, centre, bend_mm)


def _indicator(tissues: Tissues) -> Float32[np.ndarray, "material"]:
    members = [material for tissue in tissues for material in LABELLED[tissue]]
    values = np.zeros(len(Material), dtype=np.float32)
    values[members] = 1
    return values


_HEART_MATERIALS: Final = _indicator(frozenset(HEART))
_HEART_MATERIALS[[Material.RV_WALL]] = 1
