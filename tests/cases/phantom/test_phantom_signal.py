"""The worked example: signals at 1.5 T that follow from the equations by hand.

Blood T1 1441, T2 290 ms and hematocrit .42, after contrast T1 320 ms; normal myocardium T1 1000,
T2 45 ms, extracellular volume .25; edema 1100, 62, .35; acute infarct 1097, 62, .6; chronic scar
1050, 50, .69. bSSFP at 60 degrees, TE 1.3 ms; LGE at TI 279 ms, TR 1 s; T2 at TR 2 s, TE 90 ms
with 5 % of the blood's signal left.
"""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myoseg.cases.phantom.signal import (
    Protocol,
    T2Variant,
    bssfp_profile,
    bssfp_signal,
    lge_signal,
    nulling_ti_ms,
    t1_post_ms,
    t2_prepared_signal,
    t2_stir_signal,
)
from myoseg.cases.phantom.tissue import (
    Contrast,
    Material,
    MyocardialRanges,
    TissueProperties,
    Tissues,
    draw_tissues,
    signal_table,
)

BLOOD = TissueProperties(0.79, 1441.0, 290.0, 0.58, flowing=1.0)
NORMAL = TissueProperties(0.88, 1000.0, 45.0, 0.25)
EDEMA = TissueProperties(0.92, 1100.0, 62.0, 0.35)
ACUTE = TissueProperties(0.92, 1097.0, 62.0, 0.6)
CHRONIC = TissueProperties(0.88, 1050.0, 50.0, 0.69)
FAT = TissueProperties(0.6, 300.0, 64.0, 0.0, fat=1.0)
NOTHING = TissueProperties(0.0, 1000.0, 50.0, 0.0)

COLUMNS = [
    Material.LV_BLOOD,
    Material.NORMAL_MYOCARDIUM,
    Material.EDEMA,
    Material.SCAR,
]


def tissues_with(scar, **timing):
    properties = dict.fromkeys(Material, NOTHING) | {
        Material.LV_BLOOD: BLOOD,
        Material.NORMAL_MYOCARDIUM: NORMAL,
        Material.EDEMA: EDEMA,
        Material.SCAR: scar,
        Material.FAT: FAT,
    }
    contrast = Contrast(hematocrit=0.42, blood_t1_post_ms=320.0)
    return Tissues(properties, contrast, Protocol(**timing))


@pytest.mark.parametrize(
    ("scar", "sequence_row", "expected"),
    [
        (ACUTE, 0, [0.171, 0.059, 0.075, 0.075]),
        (ACUTE, 1, [0.164, 0.000, 0.058, 0.243]),
        (ACUTE, 2, [0.022, 0.103, 0.180, 0.180]),
    ],
    ids=["bssfp", "lge", "t2"],
)
def test_signals_of_an_acute_infarct_are_those_of_the_worked_example(scar, sequence_row, expected):
    signals = signal_table(tissues_with(scar))[sequence_row, COLUMNS]
    np.testing.assert_allclose(signals, expected, atol=1e-3)


def test_chronic_scar_is_bright_on_lge_and_barely_so_on_t2():
    table = signal_table(tissues_with(CHRONIC))
    assert table[1, Material.SCAR] == pytest.approx(0.294, abs=4e-3)
    assert table[2, Material.SCAR] == pytest.approx(0.124, abs=5e-4)


def test_inversion_time_of_the_worked_example_is_279_ms():
    delta_r1 = 1 / 320 - 1 / 1441
    normal_t1_ms = t1_post_ms(1000.0, 0.25, 0.42, delta_r1)
    assert nulling_ti_ms(normal_t1_ms, 1000.0) == pytest.approx(279, abs=0.5)


def test_contrast_shortens_the_t1_of_blood_to_the_measured_one():
    assert t1_post_ms(1441.0, 0.58, 0.42, 1 / 320 - 1 / 1441) == pytest.approx(320)


def test_tissue_that_contrast_does_not_reach_keeps_its_t1():
    assert t1_post_ms(900.0, 0.0, 0.42, 0.002) == pytest.approx(900)


def test_fat_suppression_leaves_a_tenth_of_the_fat():
    expected = 0.1 * t2_stir_signal(0.6, 300.0, 64.0, 2000.0, 90.0)
    assert signal_table(tissues_with(ACUTE))[2, Material.FAT] == pytest.approx(expected)


@given(t1_ms=st.floats(100, 3000), tr_ms=st.floats(300, 3000))
def test_inversion_recovery_is_zero_at_the_nulling_time(t1_ms, tr_ms):
    assert lge_signal(1.0, t1_ms, nulling_ti_ms(t1_ms, tr_ms), tr_ms) == pytest.approx(0, abs=1e-9)


@given(
    t1_ms=st.floats(100, 3000),
    t2_share=st.floats(0.01, 1),
    factor=st.floats(0, 10),
)
def test_signals_are_proportional_to_proton_density_and_not_negative(t1_ms, t2_share, factor):
    t2_ms = t1_ms * t2_share
    for signal in (
        lambda density: bssfp_signal(density, t1_ms, t2_ms, 60.0, 1.3),
        lambda density: t2_stir_signal(density, t1_ms, t2_ms, 2000.0, 90.0),
    ):
        assert signal(1.0) >= 0
        assert signal(factor) == pytest.approx(factor * signal(1.0))


@pytest.mark.parametrize("acute", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_drawn_tissues_keep_the_order_of_contrasts(seed, acute):
    table = signal_table(draw_tissues(np.random.default_rng(seed), MyocardialRanges(), acute=acute))
    bssfp, lge, t2 = table
    assert bssfp[Material.LV_BLOOD] > bssfp[Material.SCAR] > 0
    assert bssfp[Material.LV_BLOOD] > 2 * bssfp[Material.NORMAL_MYOCARDIUM]
    assert lge[Material.SCAR] > lge[Material.LV_BLOOD] > lge[Material.EDEMA]
    assert abs(lge[Material.NORMAL_MYOCARDIUM]) < lge[Material.EDEMA]
    assert t2[Material.EDEMA] > t2[Material.NORMAL_MYOCARDIUM] > t2[Material.LV_BLOOD]


@pytest.mark.parametrize("acute", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_bright_blood_t2_shows_blood_brightest_and_edema_above_normal(seed, acute):
    drawn = draw_tissues(np.random.default_rng(seed), MyocardialRanges(), acute=acute)
    prepared = replace(drawn, protocol=replace(drawn.protocol, t2=T2Variant.T2_PREPARED))
    t2 = signal_table(prepared)[2]
    assert t2[Material.LV_BLOOD] > t2[Material.EDEMA] > 1.15 * t2[Material.NORMAL_MYOCARDIUM]
    assert t2[Material.FAT] > t2[Material.EDEMA] / 2, "fat is not suppressed"


def test_t2_preparation_follows_its_equation_by_hand():
    """(1 - exp(-3000/1000)) exp(-60/45) sin(30 degrees) = .9502 x .2636 x .5, times PD .88."""
    signal = t2_prepared_signal(0.88, 1000.0, 45.0, 3000.0, 60.0, 60.0)
    assert signal == pytest.approx(0.1102, abs=1e-4)
    prepared = tissues_with(ACUTE, t2=T2Variant.T2_PREPARED)
    assert signal_table(prepared)[2, Material.NORMAL_MYOCARDIUM] == pytest.approx(0.1102, abs=1e-4)


def test_t2_preparation_tells_edema_from_normal_as_their_t2_do():
    normal, edema = (t2_prepared_signal(1.0, 1000.0, t2, 3000.0, 60.0, 60.0) for t2 in (45.0, 62.0))
    assert edema / normal == pytest.approx(np.exp(60 / 45 - 60 / 62))


def test_dark_blood_leaves_the_part_of_blood_asked():
    dark, darker = (signal_table(tissues_with(ACUTE, blood_left=left))[2] for left in (0.1, 0.02))
    assert dark[Material.LV_BLOOD] == pytest.approx(5 * darker[Material.LV_BLOOD])
    assert dark[Material.EDEMA] == darker[Material.EDEMA]


@pytest.mark.parametrize("error_ms", [-20.0, 20.0])
def test_a_missed_inversion_time_leaves_normal_myocardium_with_the_sign_of_the_error(error_ms):
    """To first order 2 PD exp(-TI/T1) error/T1 (about .88 x 1.1 x 20/464 = .042)."""
    table = signal_table(tissues_with(ACUTE, lge_ti_error_ms=error_ms))
    normal = table[1, Material.NORMAL_MYOCARDIUM]
    assert np.sign(normal) == np.sign(error_ms)
    assert abs(normal) == pytest.approx(0.042, abs=0.005)
    assert table[1, Material.SCAR] > table[1, Material.LV_BLOOD] > table[1, Material.EDEMA] > normal


def test_an_early_inversion_time_makes_normal_myocardium_brighter_than_edema_in_the_magnitude():
    """What the phase-sensitive image keeps in order, the magnitude does not."""
    signed = signal_table(tissues_with(ACUTE, lge_ti_error_ms=-40.0))[1]
    assert signed[Material.NORMAL_MYOCARDIUM] < signed[Material.EDEMA] < signed[Material.SCAR]
    assert abs(signed[Material.NORMAL_MYOCARDIUM]) > abs(signed[Material.EDEMA])


@pytest.mark.parametrize("tissue", [BLOOD, NORMAL, FAT], ids=["blood", "normal", "fat"])
def test_bands_are_dark_half_a_cycle_off_resonance_and_periodic(tissue):
    profile = bssfp_profile(
        tissue.t1_native_ms, tissue.t2_ms, 60.0, 4.0, np.array([0.0, 125.0, -125.0, 250.0, 500.0])
    )
    assert profile[0] == pytest.approx(1)
    assert abs(profile[1]) < 0.1
    assert abs(profile[2]) < 0.1
    assert profile[3] == pytest.approx(-1), "the next pass band has the opposite phase"
    assert profile[4] == pytest.approx(1)


@given(off_hz=st.floats(-60, 60))
def test_the_pass_band_is_flat_and_symmetric(off_hz):
    there, back = (bssfp_profile(1000.0, 45.0, 60.0, 3.0, hz) for hz in (off_hz, -off_hz))
    assert there == pytest.approx(back)
    assert 0.85 < there < 1.15


@given(t1_ms=st.floats(200, 3000), t2_share=st.floats(0.03, 1))
def test_the_whole_equation_on_resonance_is_the_short_one(t1_ms, t2_share):
    """sin(a) (1 - E1) / (1 - (E1 - E2) cos(a) - E1 E2) tends to the equation without TR."""
    t2_ms, tr_ms, angle = t1_ms * t2_share, 0.01, np.deg2rad(60)
    e1, e2 = np.exp(-tr_ms / t1_ms), np.exp(-tr_ms / t2_ms)
    whole = np.sin(angle) * (1 - e1) / (1 - (e1 - e2) * np.cos(angle) - e1 * e2)
    assert bssfp_signal(1.0, t1_ms, t2_ms, 60.0, 0.0) == pytest.approx(whole, rel=1e-2)
