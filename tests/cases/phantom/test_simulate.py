from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from myoseg.anatomy import MYOCARDIUM, REGIONS, Sequence, Tissue
from myoseg.cases.phantom import SMALL, PhantomConfig, simulate_case
from myoseg.cases.phantom.simulate import draw_phantom
from myoseg.errors import ConfigurationError

TINY = PhantomConfig(matrix=(96, 112), spacing_mm=(2.0, 2.0), n_sub_slices=2)
ACUTE = PhantomConfig(
    matrix=(128, 128), spacing_mm=(1.5, 1.5), infarct_probability=1.0, edema_probability=1.0
)
CHRONIC = PhantomConfig(
    matrix=(128, 128), spacing_mm=(1.5, 1.5), infarct_probability=1.0, edema_probability=0.0
)
CONTROL = PhantomConfig(matrix=(128, 128), spacing_mm=(1.5, 1.5), infarct_probability=0.0)

seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=12, deadline=None)


def mean_in(case, sequence, *tissues):
    return case.images[sequence][np.isin(case.labels.codes, tissues)].mean()


def grown(mask):
    """The mask with its four neighbours in the plane."""
    return ndimage.binary_dilation(mask, ndimage.generate_binary_structure(2, 1)[None])


def share_of_largest_component(mask):
    components, _ = ndimage.label(mask)
    return np.bincount(components[mask]).max() / mask.sum()


def test_the_same_seed_gives_the_same_arrays():
    one, other = simulate_case(7, TINY), simulate_case(7, TINY)
    for sequence in Sequence:
        np.testing.assert_array_equal(one.images[sequence], other.images[sequence])
    np.testing.assert_array_equal(one.labels.codes, other.labels.codes)
    np.testing.assert_array_equal(one.geometry.affine, other.geometry.affine)


def test_another_seed_gives_another_case():
    one, other = simulate_case(7, TINY), simulate_case(8, TINY)
    assert not np.array_equal(one.geometry.affine, other.geometry.affine)


def test_the_anatomy_does_not_depend_on_whether_there_is_an_infarct():
    infarct, control = simulate_case(5, ACUTE), simulate_case(5, CONTROL)
    np.testing.assert_array_equal(
        infarct.labels.mask(REGIONS["epicardium"]), control.labels.mask(REGIONS["epicardium"])
    )


@few
@given(seed=seeds)
def test_a_case_is_three_sequences_and_labels_on_one_grid(seed):
    case = simulate_case(seed, TINY)
    assert case.sequences == tuple(Sequence)
    assert case.geometry.shape[1:] == (96, 112)
    assert 2 <= case.n_slices <= 6
    arrays = [*case.images.values(), case.labels.codes]
    assert all(array.shape == case.geometry.shape for array in arrays)
    assert all(np.isfinite(image).all() for image in case.images.values())
    assert set(np.unique(case.labels.codes)) <= {0, *Tissue}


@few
@given(seed=seeds)
def test_the_stack_is_an_orthogonal_oblique_short_axis(seed):
    geometry = simulate_case(seed, TINY).geometry
    axes = geometry.affine[:3, :3] / np.linalg.norm(geometry.affine[:3, :3], axis=0)
    np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-9)
    assert np.abs(axes[:, 2]).max() < 0.9
    slice_mm, row_mm, col_mm = geometry.spacing_mm
    assert 12 - 1e-6 <= slice_mm <= 23 + 1e-6
    assert row_mm == pytest.approx(2.0)
    assert col_mm == pytest.approx(2.0)
    left, front, _ = -axes[0, 2], axes[1, 2], axes[2, 2]
    assert left > 0, "the apex points to the patient's left"
    assert front > 0, "and to the front"


@few
@given(seed=seeds)
def test_scar_and_edema_lie_within_the_myocardium_between_blood_and_epicardium(seed):
    """In the plane, neither touches the background or the right ventricle without a wall."""
    labels = simulate_case(seed, ACUTE).labels
    assert labels.mask(REGIONS["scar"]).any()
    assert labels.mask(REGIONS["edema"]).any()
    filled = ndimage.binary_fill_holes
    for plane, pathology in zip(
        labels.mask(REGIONS["epicardium"]), labels.mask(REGIONS["edema+scar"]), strict=True
    ):
        assert np.array_equal(filled(plane), plane)
        assert share_of_largest_component(plane) > 0.99
        assert not (pathology & ~plane).any()


@few
@given(seed=seeds)
def test_the_blood_pool_is_enclosed_by_the_myocardium(seed):
    labels = simulate_case(seed, SMALL).labels
    around = grown(labels.mask(REGIONS["lv_blood_pool"]))
    assert not (around & ~labels.mask(REGIONS["epicardium"])).any()


@few
@given(seed=seeds)
def test_a_control_has_neither_scar_nor_edema(seed):
    labels = simulate_case(seed, CONTROL).labels
    assert not labels.mask(REGIONS["edema+scar"]).any()
    assert labels.mask(REGIONS["normal_myocardium"]).any()


@few
@given(seed=seeds)
def test_a_chronic_case_has_scar_and_no_edema(seed):
    labels = simulate_case(seed, CHRONIC).labels
    assert labels.mask(REGIONS["scar"]).any()
    assert not labels.mask(REGIONS["edema"]).any()


@few
@given(seed=seeds)
def test_the_first_slice_is_the_most_basal(seed):
    """Areas shrink toward the apex, below the 26 mm in which the wall thins toward the base."""
    view = draw_phantom(seed, TINY).scene.view
    areas = simulate_case(seed, TINY).labels.mask(REGIONS["epicardium"]).sum(axis=(1, 2))
    assert all(above < below for above, below in pairwise(view.positions_mm))
    whole = [area for area, at in zip(areas, view.positions_mm, strict=True) if at >= 26]
    assert all(basal >= apical for basal, apical in pairwise(whole))


def is_open(seed):
    """Whether the cavity is wider than its wall; muscle takes the most of a closed one."""
    heart = draw_phantom(seed, ACUTE).scene.heart
    return heart.cavity_radius_mm > heart.wall_mm


OPEN_HEARTS = [seed for seed in range(12) if is_open(seed)][:4]


@pytest.mark.parametrize("seed", OPEN_HEARTS)
def test_bssfp_shows_blood_brighter_than_myocardium(seed):
    case = simulate_case(seed, ACUTE)
    wall = mean_in(case, Sequence.BSSFP, *MYOCARDIUM)
    assert mean_in(case, Sequence.BSSFP, Tissue.LV_BLOOD_POOL) > 1.5 * wall
    assert mean_in(case, Sequence.BSSFP, Tissue.RV_BLOOD_POOL) > 1.5 * wall


@pytest.mark.parametrize("config", [ACUTE, CHRONIC], ids=["acute", "chronic"])
@pytest.mark.parametrize("seed", range(4))
def test_lge_shows_scar_brightest_and_normal_myocardium_dark(seed, config):
    case = simulate_case(seed, config)
    normal = mean_in(case, Sequence.LGE, Tissue.NORMAL_MYOCARDIUM)
    blood = mean_in(case, Sequence.LGE, Tissue.LV_BLOOD_POOL)
    in_scar = case.images[Sequence.LGE][case.labels.codes == Tissue.SCAR]
    scar = np.quantile(in_scar, 0.9)  # obstructed scar, in its core, is dark
    assert normal < 0.6 * blood
    assert blood < scar


@pytest.mark.parametrize("seed", OPEN_HEARTS)
def test_t2_shows_edema_bright_and_blood_dark(seed):
    case = simulate_case(seed, ACUTE)
    normal = mean_in(case, Sequence.T2, Tissue.NORMAL_MYOCARDIUM)
    assert mean_in(case, Sequence.T2, Tissue.EDEMA) > 1.2 * normal
    in_pool = case.images[Sequence.T2][case.labels.codes == Tissue.LV_BLOOD_POOL]
    assert np.quantile(in_pool, 0.25) < 0.5 * normal  # muscle in the pool is not dark


def test_slices_beyond_the_apex_have_no_labels():
    config = PhantomConfig(
        matrix=(64, 64), spacing_mm=(3.0, 3.0), n_slices=(8, 8), slice_spacing_mm=(23.0, 23.0)
    )
    case = simulate_case(0, config)
    assert case.labels.codes[0].any()
    assert not case.labels.codes[-1].any()


def test_a_single_slice_is_as_far_from_its_next_as_it_is_thick():
    config = PhantomConfig(
        matrix=(64, 64), spacing_mm=(3.0, 3.0), n_slices=(1, 1), slice_thickness_mm=(8.0, 8.0)
    )
    assert simulate_case(0, config).geometry.spacing_mm[0] == pytest.approx(8.0)


def test_the_default_looks_like_a_myops_case():
    case = simulate_case(0)
    assert case.name == "phantom_00000"
    assert case.geometry.shape[1:] == (256, 256)
    assert 0.73 <= case.geometry.spacing_mm[1] <= 0.76


def test_a_negative_seed_is_refused():
    with pytest.raises(ConfigurationError, match="seed is -1; give 0 or more"):
        simulate_case(-1, TINY)
