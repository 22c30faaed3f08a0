import numpy as np
import pytest
from skimage.filters import threshold_otsu

from myoseg.anatomy import MYOCARDIUM, Sequence, Tissue
from myoseg.errors import InputError
from myoseg.quantification.threshold_methods import METHODS, Remote, method_named

WALL = np.array([9, 11, 12, 13, 15, 16, 52, 100], np.float64)
REMOTE = Remote.of(WALL[:2])


@pytest.mark.parametrize(
    ("name", "cut"),
    [("2sd", 12), ("3sd", 13), ("5sd", 15), ("6sd", 16), ("fwhm", 50), ("half_way", 55)],
)
def test_each_cut_by_hand(name, cut):
    assert METHODS[name].cut(WALL, REMOTE) == cut


def test_the_sd_of_remote_is_that_of_all_its_pixels():
    assert Remote(mean=10.0, sd=1.0) == REMOTE


def test_pixels_of_one_value_have_exactly_that_mean_and_no_sd():
    assert Remote.of(np.full(7, 0.1)) == Remote(mean=0.1, sd=0.0)


@pytest.mark.parametrize("seed", range(5))
def test_otsu_cuts_where_scikit_image_does(seed):
    rng = np.random.default_rng(seed)
    wall = np.concatenate([rng.normal(60, 10, 300), rng.normal(150, 20, 100)])
    wall = np.rint(wall - wall.min()) * 1.0
    wall = np.clip(wall, 0, 255)
    wall[:2] = 0, 255
    cut = METHODS["otsu"].cut(wall, Remote.of(wall))
    assert np.array_equal(wall > cut, wall > threshold_otsu(wall.astype(np.uint8)))


def test_otsu_of_real_numbers_is_scikit_image_s_within_two_levels():
    wall = np.random.default_rng(0).gamma(2, 30, 500)
    cut = METHODS["otsu"].cut(wall, Remote.of(wall))
    assert cut == pytest.approx(threshold_otsu(wall), abs=2 * np.ptp(wall) / 255)


def test_otsu_parts_two_values_and_leaves_one_value_whole():
    cut = METHODS["otsu"].cut
    assert 3 < cut(np.array([3.0, 3.0, 8.0]), Remote(3.0, 0.0)) < 8
    assert cut(np.array([3.0, 3.0]), Remote(3.0, 0.0)) == 3


def test_lge_tells_scar_and_t2_tells_edema_with_scar_in_it():
    for method in METHODS.values():
        rest, diseased = method.groups
        assert rest | diseased == MYOCARDIUM
        on_t2 = method.sequence == Sequence.T2
        assert diseased == ({Tissue.EDEMA, Tissue.SCAR} if on_t2 else {Tissue.SCAR})
    assert [name for name, each in METHODS.items() if each.sequence == Sequence.T2] == ["t2_2sd"]


def test_an_unknown_method_is_refused_with_those_there_are():
    assert method_named("fwhm") is METHODS["fwhm"]
    with pytest.raises(InputError, match=r"method '4sd' is not known.*2sd, 3sd.*t2_2sd"):
        method_named("4sd")
