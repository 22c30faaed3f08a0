import numpy as np
import pytest

from myoseg.cases.phantom.lattice import draw_lattice


def lattice(share=1.0, elongation=1.0, radius_mm=(2.0, 2.0)):
    return draw_lattice(
        np.random.default_rng(0),
        size_mm=10.0,
        radius_mm=radius_mm,
        share=share,
        elongation=elongation,
    )


def cube(half_mm=40.0, step_mm=0.8):
    side = np.arange(-half_mm, half_mm, step_mm, dtype=np.float32)
    return [axis.ravel() for axis in np.meshgrid(side, side, side)]


def test_balls_fill_the_share_of_space_that_they_should():
    """One ball of radius 2 mm in each cubic centimetre."""
    squared, _ = lattice().at(*cube())
    assert np.mean(squared < 1) == pytest.approx(4 / 3 * np.pi * 8 / 1000, rel=0.05)


def test_half_of_the_cells_are_empty_where_asked():
    inside = [np.mean(lattice(share).at(*cube())[0] < 1) for share in (0.5, 1.0)]
    assert inside[0] == pytest.approx(0.5 * inside[1], rel=0.2)


def test_longer_ellipsoids_take_more_space():
    assert np.mean(lattice(elongation=4.0).at(*cube())[0] < 1) > np.mean(
        lattice().at(*cube())[0] < 1
    )


def test_an_empty_lattice_holds_nothing():
    drawn = lattice(share=0.0)
    assert not (drawn.at(*cube(20.0))[0] < 1).any()
    assert not drawn.radius_mm.any()
