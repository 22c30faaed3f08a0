from dataclasses import replace

import pytest

from myoseg.anatomy import Sequence
from myoseg.cases.phantom import SMALL, PhantomConfig, clinical
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
        ("psir_probability", 2.0),
        ("t2_prepared_probability", float("nan")),
        ("mixed_orientation_probability", -1.0),
        ("padding_probability", 1.1),
        ("ti_error_ms", (5.0, -5.0)),
        ("ti_error_ms", (-900.0, 0.0)),
        ("blood_left", (0.0, 1.5)),
        ("slow_flow", (-0.1, 0.2)),
        ("k_space_edge", (0.4, 0.1)),
        ("bias_spread", -0.1),
        ("off_resonance_hz", (-5.0, 5.0)),
        ("brightest", (0.0, 100.0)),
        ("brightest", (100.0, 40_000.0)),
        ("offset", (0.0, 9_000.0)),
        ("sequence_shift_mm", -1.0),
        ("slice_shift_mm", float("inf")),
    ],
)
def test_a_value_out_of_range_is_named_with_its_remedy(name, value):
    with pytest.raises(ConfigurationError, match=rf"phantom {name} is .*; give"):
        PhantomConfig(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("spacing_mm", (0.0, 1.0)),
        ("slice_spacing_mm", (12.0, 8.0)),
        ("slice_thickness_mm", (-1.0, 8.0)),
        ("field_mm", (50.0, 300.0)),
        ("acquired_mm", (0.0, 2.0)),
        ("shorter_side", (0.7, 1.2)),
        ("phase_resolution", (0.0, 1.0)),
    ],
)
@pytest.mark.parametrize("sequence", list(Sequence))
def test_a_grid_out_of_range_is_named_with_its_sequence_and_remedy(sequence, name, value):
    grid = replace(PhantomConfig().grid(sequence), **{name: value})
    with pytest.raises(ConfigurationError, match=rf"phantom {sequence}_grid.{name} is .*; give"):
        PhantomConfig(**{f"{sequence}_grid": grid})


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


def test_clinical_studies_have_every_variant_and_defaults_those_of_myops():
    assert PhantomConfig().psir_probability == 0
    assert PhantomConfig().t2_prepared_probability == 0
    assert 0 < clinical(SMALL).psir_probability < 1
    assert 0 < clinical(SMALL).t2_prepared_probability < 1
    assert clinical(SMALL).matrix == SMALL.matrix
