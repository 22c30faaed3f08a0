from dataclasses import replace

import pytest

from myoseg.cases.phantom import SMALL, PhantomConfig
from myoseg.cases.phantom.simulate import draw_phantom
from myoseg.cases.phantom.tissue import VIABLE_EDEMA, Material, MyocardialRanges
from myoseg.errors import ConfigurationError


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("matrix", (8, 256)),
        ("matrix", (256, 100_000)),
        ("spacing_mm", (0.0, 1.0)),
        ("spacing_mm", (2.0, 1.0)),
        ("slice_spacing_mm", (12.0, float("inf"))),
        ("slice_thickness_mm", (-1.0, 8.0)),
        ("snr", (float("nan"), 20.0)),
        ("n_slices", (0, 3)),
        ("n_slices", (5, 2)),
        ("supersampling", 0),
        ("n_sub_slices", 17),
        ("infarct_probability", 1.2),
        ("edema_probability", -0.1),
    ],
)
def test_a_value_out_of_range_is_named_with_its_remedy(name, value):
    with pytest.raises(ConfigurationError, match=rf"phantom {name} is .*; give"):
        PhantomConfig(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("t2_ms", (70.0, 60.0)),
        ("t1_native_ms", (0.0, 900.0)),
        ("proton_density", (-0.1, 0.9)),
    ],
)
def test_a_tissue_out_of_range_is_named_with_its_remedy(name, value):
    with pytest.raises(ConfigurationError, match=rf"tissue {name} is .*; give"):
        replace(VIABLE_EDEMA, **{name: value})


def test_working_values_of_the_myocardium_can_be_replaced():
    bright = MyocardialRanges(edema=replace(VIABLE_EDEMA, t2_ms=(80.0, 80.0)))
    drawn = draw_phantom(0, PhantomConfig(myocardium=bright))
    assert drawn.tissues.properties[Material.EDEMA].t2_ms == 80.0


def test_defaults_are_those_of_myops():
    config = PhantomConfig()
    assert config.spacing_mm == (0.73, 0.76)
    assert config.n_slices == (2, 6)
    assert config.slice_spacing_mm == (12.0, 23.0)


def test_the_small_preset_has_the_field_of_view_of_the_default():
    default = PhantomConfig()
    assert SMALL.matrix[0] * SMALL.spacing_mm[0] == pytest.approx(
        default.matrix[0] * 0.75, rel=0.01
    )
