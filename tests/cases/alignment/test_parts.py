import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myoseg.anatomy import Sequence
from myoseg.cases.alignment.edges import Spectra, agreement, peak_near_px, peak_px
from myoseg.cases.alignment.in_plane import InPlane
from myoseg.cases.alignment.information import information
from myoseg.cases.alignment.patches import PIXEL_MM, SEARCH_PX, Patch
from myoseg.cases.alignment.placing import Pair, place, score_at
from myoseg.cases.alignment.planes import (
    Axes,
    Motion,
    covers,
    middle_of_overlap_mm,
    pixel_map,
    tilt_deg,
)
from myoseg.cases.alignment.record import Alignment, AlignmentRecord, SliceAlignment
from myoseg.cases.alignment.resampling import STILL, resample
from myoseg.cases.case import Geometry
from myoseg.cases.on_grid import ImageOnGrid

T2, LGE = Sequence.T2, Sequence.LGE
ORIGIN = np.zeros(3)
SIDE = 2 * SEARCH_PX + 1


def patch(picture, index=0, depth_mm=0.0, sequence=LGE):
    return Patch(sequence, index, depth_mm, picture.astype(np.float32))


@pytest.fixture
def square():
    """A bright square of 20 pixels in the middle of a patch of 73, blurred by its neighbours."""
    picture = np.zeros((73, 73))
    picture[27:47, 27:47] = 1
    return picture


def bump(down_px, right_px, height=0.5):
    """Scores that are highest at a shift."""
    rows, cols = np.indices((SIDE, SIDE)) - SEARCH_PX
    distance = np.hypot(rows - down_px, cols - right_px)
    return (0.2 + height * np.exp(-0.5 * (distance / 2) ** 2)).astype(np.float32)


def test_the_nearest_slice_covers_up_to_half_the_distance_between_slices(grid):
    reference, source = grid(5, step_mm=8.0), grid(2, step_mm=12.0)
    # The reference lies at -16, -8, 0, 8, 16 mm; the source at -6 and 6 mm, reaching to 12 mm.
    found = covers(reference, source, ORIGIN)
    assert [each.index for each in found] == [None, 0, 0, 1, None]
    assert [each.distance_mm for each in found] == pytest.approx([10, 2, -6, -2, -10])


def test_one_slice_alone_covers_by_the_larger_spacing(grid):
    thin, coarse = grid(1, step_mm=2.0), grid(3, step_mm=10.0)
    found = covers(coarse, thin, ORIGIN)
    assert [each.index for each in found] == [None, 0, None]
    shifted = grid(1, step_mm=2.0, centre_mm=(0, 0, 4.0))
    assert [each.index for each in covers(coarse, shifted, ORIGIN)] == [None, 0, None]


@given(degrees=st.floats(0, 90))
def test_the_tilt_is_the_angle_between_planes_whichever_way_slices_run(grid, turn, rotate, degrees):
    place = grid()
    tilted = turn(place, rotate(0, np.radians(degrees), 0))
    backward = Geometry(tilted.shape, tilted.affine @ np.diag([1.0, 1, -1, 1]))
    assert tilt_deg(place, tilted) == pytest.approx(degrees, abs=1e-4)
    assert tilt_deg(place, backward) == pytest.approx(degrees, abs=1e-4)


def test_pixels_are_mapped_as_by_hand(grid):
    fine, coarse = grid(1, 4, 1.0), grid(1, 2, 2.0)
    # Both are centred at 0: pixels of the fine grid at -1.5 to 1.5 mm, of the coarse at -1, 1 mm.
    matrix, offset = pixel_map(fine, 0, coarse, 0, STILL)
    assert np.allclose(matrix, np.eye(2) / 2)
    assert np.allclose(offset, -0.25)
    # Shown 2 mm further right, along columns: one pixel of the coarse grid.
    _, moved = pixel_map(fine, 0, coarse, 0, Motion.by(np.array([2.0, 0, 0])))
    assert np.allclose(moved, [-0.25, 0.75])


def test_a_shift_by_a_whole_pixel_takes_the_neighbours_value(grid):
    place = grid(1, 3, 1.5)
    source = ImageOnGrid(np.arange(9, dtype=np.float32).reshape(1, 3, 3), place)
    cover = covers(place, source.geometry, ORIGIN)
    made = resample(source, place, cover, (Motion.by(np.array([1.5, 0, 0])),))
    # The last column shows what lies beyond the image: the lowest value, marked.
    assert made.volume[0].tolist() == [[1, 2, 0], [4, 5, 0], [7, 8, 0]]
    assert made.covered[0].tolist() == [[True, True, False]] * 3


def test_the_middle_of_the_overlap_is_of_what_both_show(grid):
    # -15 to 15 mm, and -5 to 25 mm along x: from -5 to 15 mm is shared.
    one, other = grid(1, 31, 1.0), grid(1, 31, 1.0, centre_mm=(10.0, 0, 0))
    assert np.allclose(middle_of_overlap_mm(one, (other,)), [5.0, 0, 0])


@given(down=st.integers(-8, 8), right=st.integers(-8, 8))
def test_edges_agree_best_at_the_shift_between_two_patches(down, right):
    picture = np.zeros((73, 73))
    picture[27:47, 24:43] = 1
    picture[30:38, 43:52] = 0.5
    first, second = patch(picture), patch(np.roll(picture, (down, right), (0, 1)))
    scores = agreement(Spectra.of(first), Spectra.of(second))
    assert peak_px(scores) == pytest.approx([down, right], abs=0.05)
    swapped = agreement(Spectra.of(second), Spectra.of(first))
    assert np.allclose(swapped, scores[::-1, ::-1], atol=1e-5)


def test_edges_agree_whichever_side_is_bright(square):
    one = Spectra.of(patch(square))
    same, inverted = (agreement(one, Spectra.of(patch(p))) for p in (square, 1 - square))
    assert np.allclose(same, inverted, atol=1e-5)


def test_a_peak_near_a_place_is_not_the_highest_one():
    scores = np.maximum(bump(-5, 6, 0.5), bump(3, -2, 0.3))
    assert peak_px(scores) == pytest.approx([-5, 6])
    assert peak_near_px(scores, np.array([2.0, -2.0]), 2) == pytest.approx([3, -2])
    assert peak_near_px(scores, np.array([-40.0, 0.0]), 2) is None


def test_scores_are_known_within_the_search_only():
    scores = bump(2, 0)
    assert score_at(scores, np.array([2 * PIXEL_MM, 0.0])) == pytest.approx(0.7, abs=1e-3)
    assert score_at(scores, np.array([0.0, 15.1])) is None


def test_a_pair_that_found_a_false_maximum_is_outvoted():
    true = np.array([[0, 0], [2, -1], [1, 1], [-1, 2]])
    patches = [patch(np.zeros((73, 73)), i, 3.0 * (i // 2), (LGE, T2)[i % 2]) for i in range(4)]
    pairs = [Pair(i, j, bump(*(true[j] - true[i]))) for i in range(4) for j in range(i + 1, 4)]
    pairs[0] = Pair(0, 1, np.maximum(bump(-9, 9, 0.55), bump(2, -1, 0.5)))
    found = place(patches, pairs)
    apart = (found.shifts_mm[1] - found.shifts_mm[0]) / PIXEL_MM
    assert apart == pytest.approx([2, -1], abs=0.5)
    assert (found.support > 1).all()


def test_slices_without_any_pair_stay_where_they_are():
    patches = [patch(np.zeros((73, 73)), 0), patch(np.zeros((73, 73)), 0, 50.0, T2)]
    found = place(patches, [])
    assert not found.shifts_mm.any()
    assert not found.support.any()


def test_information_is_highest_where_pictures_fit(square):
    rng = np.random.default_rng(0)
    noisy = square + rng.normal(0, 0.05, square.shape)
    fixed, moving = patch(noisy), patch(np.roll(1 - noisy, 4, axis=0))
    fit, other = (
        information(fixed, moving, InPlane.by(np.array([down * PIXEL_MM, 0.0]))) for down in (4, 0)
    )
    assert fit > other + 0.1
    assert information(fixed, patch(np.zeros((73, 73))), InPlane.by(np.zeros(2))) is None


def test_rotation_and_stretch_are_read_from_the_matrix():
    angle = np.radians(5)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    assert InPlane(turn, np.zeros(2)).rotation_deg == pytest.approx(5)
    assert InPlane(turn * 1.2, np.zeros(2)).stretch == pytest.approx(1.2)
    assert InPlane(turn / 1.2, np.zeros(2)).stretch == pytest.approx(1.2)


def test_the_record_is_json_and_its_flags_count_slices_from_1():
    slices = (
        SliceAlignment(0, None, -9.0, 0.0),
        SliceAlignment(1, 0, 1.0, 100.0, (1.0, 2.0), (2.0, -1.0, 0.0), 0.0),
        SliceAlignment(2, 1, 1.0, 100.0, refused="edges agree less"),
    )
    record = AlignmentRecord(Alignment.FULL, LGE, {T2: 1.5}, {T2: slices})
    stored = json.loads(json.dumps(record.to_record()))
    assert stored["sequences"]["t2"]["tilt_deg"] == 1.5
    assert stored["sequences"]["t2"]["slices"][1]["moved_mm"] == [1.0, 2.0]
    assert [flag.words for flag in record.flags()] == [
        "t2 has no image near enough, so what it alone shows is not seen in 1 of 3 slices (1)",
        "t2 could not be fitted and lies as its file says in 1 of 3 slices (3)",
    ]


def test_axes_are_perpendicular_even_where_the_grids_are_not_quite():
    affine = np.diag([1.0, 1.0, 8.0, 1.0])
    affine[1, 0] = 0.01
    axes = Axes.of(Geometry((1, 4, 4), affine))
    both = np.stack([axes.down, axes.right, axes.through])
    assert np.allclose(both @ both.T, np.eye(3))
