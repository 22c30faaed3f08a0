import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from myoseg.anatomy import Tissue
from myoseg.cases.phantom import SMALL
from myoseg.cases.phantom.partial_volume import Sampling, majority_labels, material_shares
from myoseg.cases.phantom.simulate import draw_phantom
from myoseg.cases.phantom.tissue import Material


def one_voxel(**shares):
    array = np.zeros((len(Material), 1, 1), dtype=np.float32)
    for name, share in shares.items():
        array[Material[name.upper()]] = share
    return array


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_shares_of_a_voxel_sum_to_one(seed):
    scene = draw_phantom(seed, SMALL).scene
    shares = material_shares(scene, Sampling((48, 40), 2, 2), 30.0)
    np.testing.assert_allclose(shares.sum(axis=0), 1, atol=1e-5)


def test_the_label_is_the_largest_share():
    voxel = one_voxel(normal_myocardium=0.5, scar=0.3, lv_blood=0.2)
    assert majority_labels(voxel).item() == Tissue.NORMAL_MYOCARDIUM


def test_the_wall_is_set_off_before_it_is_divided():
    voxel = one_voxel(scar=0.35, edema=0.25, lung=0.4)
    assert majority_labels(voxel).item() == Tissue.SCAR


def test_papillary_muscle_counts_as_blood_pool():
    voxel = one_voxel(papillary=0.4, lv_blood=0.2, normal_myocardium=0.4)
    assert majority_labels(voxel).item() == Tissue.LV_BLOOD_POOL


def test_the_rv_wall_and_the_body_are_background():
    voxel = one_voxel(rv_wall=0.3, lung=0.3, rv_blood=0.4)
    assert majority_labels(voxel).item() == 0


def test_a_tie_goes_to_the_disease():
    voxel = one_voxel(scar=0.5, normal_myocardium=0.5)
    assert majority_labels(voxel).item() == Tissue.SCAR


def test_an_empty_voxel_is_background():
    assert majority_labels(one_voxel()).item() == 0
