"""A seed in, a case with three sequences and labels on one grid out."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from myoseg.anatomy import Sequence
from myoseg.cases.case import Case, LabelMap
from myoseg.cases.phantom.acquisition import SNR_REFERENCE, Acquisition, acquire, draw_acquisition
from myoseg.cases.phantom.anatomy import draw_heart
from myoseg.cases.phantom.artefacts import Artefacts, draw_artefacts
from myoseg.cases.phantom.config import PhantomConfig
from myoseg.cases.phantom.infarct import Infarct, draw_infarct
from myoseg.cases.phantom.partial_volume import Sampling, Scene, majority_labels, material_shares
from myoseg.cases.phantom.signal import LgeVariant, Protocol, T2Variant
from myoseg.cases.phantom.tissue import Tissues, draw_tissues
from myoseg.cases.phantom.torso import draw_torso
from myoseg.cases.phantom.view import View, draw_view, geometry
from myoseg.cases.phantom.weighting import Weighting
from myoseg.errors import ConfigurationError


@dataclass(frozen=True, eq=False)
class Phantom:
    """All that is drawn of one case; rendering it draws nothing more."""

    name: str
    scene: Scene
    tissues: Tissues
    artefacts: Artefacts
    acquisitions: Mapping[Sequence, Acquisition]

    @cached_property
    def weighting(self) -> Weighting:
        """What turns materials into signals."""
        return Weighting.of(self.tissues, self.artefacts)


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
    return render_case(draw_phantom(seed, config), config)


def draw_phantom(seed: int, config: PhantomConfig) -> Phantom:
    """Draws a case's parameters; each part has its own stream, so none shifts another's.

    Raises:
        ConfigurationError: the seed is negative.
    """
    if seed < 0:
        raise ConfigurationError(f"phantom seed is {seed}; give 0 or more.")
    streams = np.random.default_rng(seed).spawn(6)
    shape, infarct, tissue, acquisition, timing, artefact = streams
    heart, torso = draw_heart(shape), draw_torso(shape)
    view = draw_view(shape, config, heart)
    levels = [heart.level(position) for position in view.positions_mm]
    drawn = _draw_infarct(infarct, config, view, levels)
    tissues = draw_tissues(tissue, config.myocardium, acute=drawn is not None and drawn.acute)
    protocol = draw_protocol(timing, config)
    signed = {Sequence.LGE} if protocol.lge is LgeVariant.PSIR else set()
    return Phantom(
        name=f"phantom_{seed:05d}",
        scene=Scene(heart, drawn, torso, view),
        tissues=replace(tissues, protocol=protocol),
        artefacts=draw_artefacts(artefact, config.off_resonance_hz, config.slow_flow),
        acquisitions={
            sequence: draw_acquisition(stream, sequence, config, signed=sequence in signed)
            for sequence, stream in zip(Sequence, acquisition.spawn(len(Sequence)), strict=True)
        },
    )


def draw_protocol(rng: np.random.Generator, config: PhantomConfig) -> Protocol:
    """Draws a case's variants and timing, as they differ between scanners and operators."""
    psir, prepared = rng.random(2) < (config.psir_probability, config.t2_prepared_probability)
    return Protocol(
        flip_angle_deg=float(rng.uniform(50, 70)),
        bssfp_tr_ms=float(rng.uniform(2.7, 3.4)),
        lge=LgeVariant.PSIR if psir else LgeVariant.MAGNITUDE,
        lge_tr_ms=float(rng.uniform(800, 1100)),
        lge_ti_error_ms=float(rng.uniform(*config.ti_error_ms)),
        t2=T2Variant.T2_PREPARED if prepared else T2Variant.STIR,
        t2_te_ms=float(rng.uniform(70, 95)),
        blood_left=float(rng.uniform(*config.blood_left)),
        t2_preparation_ms=float(rng.uniform(50, 65)),
    )


def render_case(phantom: Phantom, config: PhantomConfig) -> Case:
    """The case that a scanner and a reader would make of the phantom on the common grid."""
    view, heart = phantom.scene.view, phantom.scene.heart
    sampling = Sampling(config.matrix, config.supersampling, config.n_sub_slices)
    signals: dict[Sequence, list[np.ndarray]] = {sequence: [] for sequence in Sequence}
    codes = []
    for position_mm in view.positions_mm:
        shares = material_shares(phantom.scene, sampling, position_mm)
        plane = view.plane(config.matrix, heart.level(position_mm))
        for sequence in Sequence:
            signals[sequence].append(phantom.weighting.signal(sequence, shares, plane))
        codes.append(majority_labels(shares))
    images = {
        sequence: acquire(
            np.stack(slices),
            phantom.acquisitions[sequence],
            view.spacing_mm,
            phantom.weighting.reference(sequence, SNR_REFERENCE[sequence]),
        )
        for sequence, slices in signals.items()
    }
    grid = geometry(view, config.matrix)
    return Case(phantom.name, images, grid, LabelMap(np.stack(codes)))


def _draw_infarct(
    rng: np.random.Generator, config: PhantomConfig, view: View, levels: list[float]
) -> Infarct | None:
    """An infarct, or none; it is widest in a slice that is not the very apex, if there is one."""
    has_infarct = rng.random() < config.infarct_probability
    acute = rng.random() < config.edema_probability
    below_apex = [z for z, level in zip(view.positions_mm, levels, strict=True) if level < 0.8]
    infarct = draw_infarct(rng, below_apex or view.positions_mm, acute=bool(acute))
    return infarct if has_infarct else None
