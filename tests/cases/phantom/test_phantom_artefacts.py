from dataclasses import replace

import numpy as np
import pytest

from myoseg.anatomy import Sequence
from myoseg.cases.phantom import SMALL
from myoseg.cases.phantom.artefacts import (
    Artefacts,
    OffResonance,
    Plane,
    SlowFlow,
    draw_artefacts,
    off_resonance_hz,
    stagnant_share,
)
from myoseg.cases.phantom.signal import T2Variant
from myoseg.cases.phantom.simulate import draw_phantom
from myoseg.cases.phantom.tissue import Material
from myoseg.cases.phantom.weighting import Weighting

ON_RESONANCE = OffResonance(0.0, (0.0, 0.0), (0.0, 0.0, 0.0), 0.0, 0.0, (0.0, 0.0))
NO_SLOW_FLOW = SlowFlow(0.0, 0.0)
AXIS_MM = np.linspace(-60, 60, 121, dtype=np.float32)
MIDDLE = Plane(AXIS_MM, AXIS_MM, level=0.4)
FROM_AXIS_MM = np.hypot(AXIS_MM[:, None], AXIS_MM)
TISSUES = draw_phantom(0, SMALL).tissues


def shares_of(blood):
    """Blood where it is, myocardium elsewhere."""
    shares = np.zeros((len(Material), *blood.shape), dtype=np.float32)
    shares[Material.LV_BLOOD], shares[Material.NORMAL_MYOCARDIUM] = blood, 1 - blood
    return shares


def image(sequence, artefacts, blood, plane=MIDDLE, tissues=TISSUES):
    return Weighting.of(tissues, artefacts).signal(sequence, shares_of(blood), plane)


POOL = (FROM_AXIS_MM < 25).astype(np.float32)


def test_without_artefacts_signals_are_those_of_the_table():
    clean = Artefacts(ON_RESONANCE, NO_SLOW_FLOW)
    table = Weighting.of(TISSUES, clean).table
    for row, sequence in enumerate(Sequence):
        expected = np.tensordot(table[row], shares_of(POOL), axes=1)
        np.testing.assert_allclose(image(sequence, clean, POOL), expected, atol=1e-6)


def test_a_field_gradient_puts_bands_one_over_tr_apart():
    """900 Hz over 150 mm and TR 3 ms: nulls at 27.8 mm to either side, the next at 83 mm."""
    field = replace(ON_RESONANCE, linear_hz=(900.0, 0.0))
    tissues = replace(TISSUES, protocol=replace(TISSUES.protocol, bssfp_tr_ms=3.0))
    line = image(
        Sequence.BSSFP, Artefacts(field, NO_SLOW_FLOW), np.zeros_like(POOL), tissues=tissues
    )[60]
    dark = AXIS_MM[np.abs(line) < 0.3 * line[60]]
    assert set(np.abs(np.rint(dark / 27.8))) == {1.0}
    assert line[60] > 0
    assert line[60 + 50] < 0, "the next pass band has the opposite phase"


def test_only_bssfp_shows_the_uneven_field():
    field = replace(ON_RESONANCE, linear_hz=(900.0, 300.0))
    for sequence in (Sequence.LGE, Sequence.T2):
        np.testing.assert_array_equal(
            image(sequence, Artefacts(field, NO_SLOW_FLOW), POOL),
            image(sequence, Artefacts(ON_RESONANCE, NO_SLOW_FLOW), POOL),
        )


def test_the_field_is_the_drawn_one_at_the_axis_and_at_the_edge():
    field = replace(ON_RESONANCE, centre_hz=10.0, linear_hz=(40.0, 0.0), rim_hz=100.0)
    edge = Plane(np.array([0.0, 150.0], np.float32), np.array([0.0], np.float32), 0.0)
    np.testing.assert_allclose(off_resonance_hz(field, edge), [[10.0, 150.0]], rtol=1e-5)


def test_slow_blood_is_a_bright_rim_on_dark_blood():
    slow = Artefacts(ON_RESONANCE, SlowFlow(strength=0.3, side_rad=0.0))
    line = image(Sequence.T2, slow, POOL)[60]
    middle, beside_the_wall = line[60], line[60 + 24]
    assert beside_the_wall > 3 * middle
    assert line[60 - 24] < 0.5 * beside_the_wall, "more so on one side"


def test_slow_blood_fills_the_apex():
    slow = SlowFlow(strength=0.3, side_rad=0.0)
    apex = replace(MIDDLE, level=0.95)
    middle = stagnant_share(POOL, MIDDLE, slow)
    assert stagnant_share(POOL, apex, slow)[60, 60] > 0.2
    assert middle[60, 60] < 0.01
    assert not middle[POOL == 0].any(), "there is none where there is no blood"


def test_bright_blood_has_no_rim():
    slow = Artefacts(ON_RESONANCE, SlowFlow(strength=0.5, side_rad=0.0))
    protocol = replace(TISSUES.protocol, t2=T2Variant.T2_PREPARED)
    line = image(Sequence.T2, slow, POOL, tissues=replace(TISSUES, protocol=protocol))[60]
    assert line[60 + 24] == pytest.approx(line[60])


def test_draws_stay_within_what_was_asked():
    rng = np.random.default_rng(0)
    drawn = [draw_artefacts(rng, (100.0, 100.0), (0.1, 0.2)) for _ in range(20)]
    assert all(0.1 <= each.slow_flow.strength <= 0.2 for each in drawn)
    assert all(np.linalg.norm(each.off_resonance.square_hz) == pytest.approx(100) for each in drawn)
