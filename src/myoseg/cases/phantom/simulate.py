"""A seed in, a case with three sequences and labels on one grid out."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from myoseg.anatomy import Sequence
from myoseg.cases.case import Case, LabelMap
from myoseg.cases.phantom.acquisition import SNR_REFERENCE, Acquisition, acquire, draw_acquisition
from myoseg.cases.phantom.anatomy import draw_heart
from myoseg.cases.phantom.config import PhantomConfig
from myoseg.cases.phantom.infarct import Infarct, draw_infarct
from myoseg.cases.phantom.partial_volume import Sampling, Scene, majority_labels, material_shares
from myoseg.cases.phantom.tissue import Tissues, draw_tissues, signal_table
from myoseg.cases.phantom.torso import draw_torso
from myoseg.cases.phantom.view import View, draw_view, geometry
from myoseg.errors import ConfigurationError


@dataclass(frozen=True, eq=False)
class Phantom:
    """All that is drawn of one case; rendering it draws nothing more."""

    name: str
    scene: Scene
    tissues: Tissues
    acquisitions: Mapping[Sequence, Acquisition]


def simulate_case(seed: int, config: PhantomConfig | None = None) -> Case:
    """A simulated patient with bSSFP, LGE and T2 on one oblique short-axis grid, and labels.

    The same seed and configuration give the same arrays. Papillary muscles are labelled as blood
    pool. What these cases have and lack is listed with the package (`myoseg.cases.phantom`).

    Args:
        seed: 0 or more; it also names the case.
        config: ranges to draw from; the defaults are like MyoPS 2020.

    Raises:
        ConfigurationError: the seed is negative.

    >>> from myoseg.cases.phantom import SMALL
    >>> simulate_case(42, SMALL).name
    'phantom_00042'
    """
    config = config or PhantomConfig()
    sampling = Sampling(config.matrix, config.supersampling, config.n_sub_slices)
    return render(draw_phantom(seed, config), sampling)


def draw_phantom(seed: int, config: PhantomConfig) -> Phantom:
    """Draws a case's parameters; each part has its own stream, so none shifts another's.

    Raises:
        ConfigurationError: the seed is negative.
    """
    if seed < 0:
        raise ConfigurationError(f"phantom seed is {seed}; give 0 or more.")
    shape, infarct, tissue, acquisition = np.random.default_rng(seed).spawn(4)
    heart, torso = draw_heart(shape), draw_torso(shape)
    view = draw_view(shape, config, heart)
    levels = [heart.level(position) for position in view.positions_mm]
    drawn = _draw_infarct(infarct, config, view, levels)
    return Phantom(
        name=f"phantom_{seed:05d}",
        scene=Scene(heart, drawn, torso, view),
        tissues=draw_tissues(tissue, config.myocardium, acute=drawn is not None and drawn.acute),
        acquisitions={s: draw_acquisition(acquisition, s, config.snr) for s in Sequence},
    )


def render(phantom: Phantom, sampling: Sampling) -> Case:
    """The case that a scanner and a reader would make of the phantom."""
    view, table = phantom.scene.view, signal_table(phantom.tissues)
    shares = [material_shares(phantom.scene, sampling, z) for z in view.positions_mm]
    signals = np.stack([np.tensordot(table, share, axes=1) for share in shares], axis=1)
    images = {
        sequence: _image(sequence, signal, phantom, table)
        for sequence, signal in zip(Sequence, signals, strict=True)
    }
    codes = np.stack([majority_labels(share) for share in shares])
    return Case(phantom.name, images, geometry(view, sampling.matrix), LabelMap(codes))


def _image(
    sequence: Sequence,
    signal: Float32[np.ndarray, "slice row col"],
    phantom: Phantom,
    table: Float32[np.ndarray, "sequence material"],
) -> Float32[np.ndarray, "slice row col"]:
    reference = table[list(Sequence).index(sequence), SNR_REFERENCE[sequence]]
    return acquire(
        signal, phantom.acquisitions[sequence], phantom.scene.view.spacing_mm, float(reference)
    )


def _draw_infarct(
    rng: np.random.Generator, config: PhantomConfig, view: View, levels: list[float]
) -> Infarct | None:
    """An infarct, or none; it is widest in a slice that is not the very apex, if there is one."""
    has_infarct = rng.random() < config.infarct_probability
    acute = rng.random() < config.edema_probability
    below_apex = [z for z, level in zip(view.positions_mm, levels, strict=True) if level < 0.8]
    infarct = draw_infarct(rng, below_apex or view.positions_mm, acute=bool(acute))
    return infarct if has_infarct else None
