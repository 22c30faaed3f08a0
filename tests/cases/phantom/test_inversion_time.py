from dataclasses import replace

import pytest

from myoseg.cases.phantom import SMALL
from myoseg.cases.phantom.signal import lge_signal, t1_post_ms
from myoseg.cases.phantom.simulate import draw_phantom
from myoseg.cases.phantom.tissue import Material, inversion_time_ms


@pytest.fixture
def tissues():
    drawn = draw_phantom(8, SMALL).tissues
    return replace(drawn, protocol=replace(drawn.protocol, lge_ti_error_ms=0.0))


def test_normal_myocardium_is_nulled_at_the_inversion_time(tissues):
    normal, blood = (
        tissues.properties[each] for each in (Material.NORMAL_MYOCARDIUM, Material.LV_BLOOD)
    )
    delta = 1 / tissues.contrast.blood_t1_post_ms - 1 / blood.t1_native_ms
    t1_ms = t1_post_ms(
        normal.t1_native_ms, normal.extracellular_volume, tissues.contrast.hematocrit, delta
    )
    signal = lge_signal(1.0, t1_ms, inversion_time_ms(tissues), tissues.protocol.lge_tr_ms)
    assert signal == pytest.approx(0, abs=1e-9)


def test_the_operators_error_is_added(tissues):
    missed = replace(tissues, protocol=replace(tissues.protocol, lge_ti_error_ms=-15.0))
    assert inversion_time_ms(missed) == pytest.approx(inversion_time_ms(tissues) - 15)
