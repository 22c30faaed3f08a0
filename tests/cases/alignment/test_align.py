import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myoseg.anatomy import Sequence
from myoseg.cases.alignment import Alignment, Freedom, align
from myoseg.cases.case import Geometry
from myoseg.cases.on_grid import ImageOnGrid
from myoseg.errors import GeometryError, InputError

LGE, BSSFP, T2 = Sequence.LGE, Sequence.BSSFP, Sequence.T2
ANGLE = st.floats(-3, 3)
SHIFT_MM = st.floats(-7, 7)


def moves(aligned, sequence):
    """Of each slice in RAS, in mm; NaN where none was applied."""
    told = aligned.record.slices[sequence]
    return np.array([each.moved_ras_mm or (np.nan,) * 3 for each in told])


def reordered(image, *, slices=False, rows=False, cols=False, transposed=False):
    """The same slices in the same places, stored otherwise."""
    volume, affine = image.volume, image.geometry.affine.copy()
    for axis, flip in enumerate((slices, rows, cols)):
        if flip:
            column = 2 - axis
            affine[:, 3] += (volume.shape[axis] - 1) * affine[:, column]
            affine[:, column] *= -1
            volume = np.flip(volume, axis)
    if transposed:
        volume, affine = volume.swapaxes(1, 2), affine[:, [1, 0, 2, 3]]
    volume = np.ascontiguousarray(volume)
    return ImageOnGrid(volume, Geometry(volume.shape, affine))


@pytest.mark.parametrize("mode", list(Alignment))
def test_images_that_fit_on_one_grid_come_through_bit_for_bit(drawn, grid, mode):
    images = {sequence: drawn(grid(), sequence) for sequence in Sequence}
    aligned = align(images, mode=mode)
    for sequence, image in images.items():
        assert np.array_equal(aligned.images[sequence], image.volume)
        assert aligned.covered[sequence].all()
    assert aligned.geometry is images[LGE].geometry
    assert aligned.record.flags() == ()


@settings(max_examples=12)
@given(down=SHIFT_MM, right=SHIFT_MM, angles=st.tuples(ANGLE, ANGLE, ANGLE))
def test_a_grid_shifted_in_the_patient_is_shifted_back(
    drawn, grid, turn, rotate, down, right, angles
):
    frame = rotate(*angles)
    place = turn(grid(), frame)
    moved_mm = frame @ np.array([right, down, 0.0])
    image = drawn(place, BSSFP, frame=frame)
    shifted = ImageOnGrid(image.volume, turn(place, np.eye(3), moved_mm))
    aligned = align({LGE: drawn(place, LGE, frame=frame), BSSFP: shifted}, mode="full")
    assert np.abs(moves(aligned, BSSFP) + moved_mm).max() < 0.5


@settings(max_examples=6)
@given(angles=st.tuples(ANGLE, ANGLE, ANGLE), away=st.tuples(*[st.floats(-200, 200)] * 3))
def test_turning_the_patient_with_all_grids_turns_what_is_found(
    drawn, grid, turn, rotate, angles, away
):
    rng = np.random.default_rng(0)
    shifts_mm = np.pad(rng.uniform(-5, 5, (6, 2)), ((0, 0), (0, 1)))
    images = {LGE: drawn(grid(), LGE), T2: drawn(grid(7, 80, 1.7, 9.0), T2, shifts_mm[0])}
    frame = rotate(*angles)
    elsewhere = {
        s: ImageOnGrid(i.volume, turn(i.geometry, frame, np.array(away))) for s, i in images.items()
    }
    here, there = align(images, mode="full"), align(elsewhere, mode="full")
    assert np.allclose(moves(there, T2), moves(here, T2) @ frame.T, atol=0.1)
    assert np.abs(there.images[T2] - here.images[T2]).mean() < 1


@settings(max_examples=6)
@given(
    flips=st.fixed_dictionaries(
        dict.fromkeys(("slices", "rows", "cols", "transposed"), st.booleans())
    )
)
def test_how_a_sequence_is_stored_does_not_matter(drawn, grid, flips):
    images = {LGE: drawn(grid(), LGE), T2: drawn(grid(5, 80, 1.7, 12.0), T2, (3.0, -2.0, 0.0))}
    otherwise = {LGE: images[LGE], T2: reordered(images[T2], **flips)}
    one, two = align(images, mode="full"), align(otherwise, mode="full")
    assert np.allclose(moves(two, T2), moves(one, T2), atol=1e-3)
    assert np.allclose(two.images[T2], one.images[T2], atol=0.5)


def test_how_the_reference_is_stored_does_not_matter(drawn, grid):
    images = {LGE: drawn(grid(), LGE), T2: drawn(grid(5, 80, 1.7, 12.0), T2, (3.0, -2.0, 0.0))}
    mirrored = reordered(images[LGE], slices=True, cols=True, transposed=True)
    one, two = align(images, mode="full"), align({**images, LGE: mirrored}, mode="full")
    assert np.allclose(moves(two, T2)[::-1], moves(one, T2), atol=0.05)


def test_each_breath_hold_is_found(drawn, grid):
    rng = np.random.default_rng(3)
    shifts_mm = {s: np.pad(rng.normal(0, 3, (6, 2)), ((0, 0), (0, 1))) for s in Sequence}
    images = {s: drawn(grid(), s, shifts_mm[s]) for s in Sequence}
    aligned = align(images, mode="full")
    for sequence in (BSSFP, T2):
        true = shifts_mm[LGE] - shifts_mm[sequence]
        left_mm = np.linalg.norm(moves(aligned, sequence) - true, axis=1)
        assert np.median(left_mm) < 0.4
        assert left_mm.max() < 0.2 * np.linalg.norm(true, axis=1).max()


def test_what_was_shifted_lies_where_the_reference_has_it(drawn, grid):
    still = drawn(grid(), T2)
    shifted = drawn(grid(), T2, (6.0, -4.0, 0.0))
    aligned = align({LGE: drawn(grid(), LGE), T2: shifted}, mode="full")
    inner = (slice(None), slice(12, -12), slice(12, -12))
    before = np.abs(shifted.volume - still.volume)[inner].mean()
    assert np.abs(aligned.images[T2] - still.volume)[inner].mean() < 0.25 * before


def test_geometry_alone_goes_by_where_files_have_the_slices(drawn, grid):
    fine = grid(6, 96, 1.5, 10.0)
    coarse = grid(6, 60, 2.5, 10.0, (4.0, -3.0, 0.0))
    aligned = align({LGE: drawn(fine, LGE), T2: drawn(coarse, T2)}, mode="geometry")
    expected = drawn(fine, T2).volume
    inner = (slice(None), slice(20, -20), slice(20, -20))
    assert np.abs(aligned.images[T2] - expected)[inner].mean() < 12
    assert all(each.moved_mm is None for each in aligned.record.slices[T2])


def test_slices_are_never_mixed(grid):
    thick = grid(3, 96, 1.5, 18.0)
    volume = np.broadcast_to(np.float32([[[10]], [[20]], [[70]]]), thick.shape).copy()
    images = {
        LGE: ImageOnGrid(np.zeros((6, 96, 96), np.float32), grid()),
        T2: ImageOnGrid(volume, thick),
    }
    aligned = align(images, mode="geometry")
    # LGE lies at -25, -15, -5, 5, 15, 25 mm; T2 at -18, 0, 18 mm, each reaching 9 mm.
    assert [float(each.max()) for each in aligned.images[T2]] == [10, 10, 20, 20, 70, 70]
    distances = [each.distance_mm for each in aligned.record.slices[T2]]
    assert distances == pytest.approx([7, -3, 5, -5, 3, -7])


def test_slices_without_cover_are_said_and_filled_with_the_lowest_value(drawn, grid):
    short = drawn(grid(3, 96, 1.5, 10.0, (0.0, 0.0, -15.0)), T2)
    aligned = align({LGE: drawn(grid(), LGE), T2: short}, mode="geometry")
    # LGE lies at -25 to 25 mm, T2 at -25 to -5 mm, reaching to 0 mm.
    assert aligned.covered[T2].all(axis=(1, 2)).tolist() == [True] * 3 + [False] * 3
    assert (aligned.images[T2][3:] == short.volume.min()).all()
    (flag,) = aligned.record.flags()
    assert (flag.name, flag.n_slices, flag.n_judged) == ("t2_not_covered", 3, 6)
    assert flag.words.endswith("in 3 of 6 slices (4, 5, 6)")


def test_pixels_that_a_sequence_does_not_reach_are_marked(drawn, grid):
    narrow = drawn(grid(6, 40, 1.5), T2)
    aligned = align({LGE: drawn(grid(), LGE), T2: narrow}, mode="geometry")
    assert aligned.covered[T2][0].sum() == 40 * 40
    outside = aligned.images[T2][0][~aligned.covered[T2][0]]
    assert (outside == narrow.volume[0].min()).all()
    percent = aligned.record.slices[T2][0].covered_percent
    assert percent == pytest.approx(100 * 40**2 / 96**2)


def test_the_reference_is_lge_then_t2_then_bssfp(drawn, grid):
    images = {s: drawn(grid(), s) for s in Sequence}
    assert align(images).record.reference is LGE
    del images[LGE]
    assert align(images).record.reference is T2
    assert align(images, reference=BSSFP).record.reference is BSSFP


def test_one_sequence_alone_is_its_own_reference(drawn, grid):
    image = drawn(grid(), BSSFP)
    aligned = align({BSSFP: image}, mode="full")
    assert aligned.images[BSSFP] is image.volume
    assert aligned.record.slices == {}


def test_a_stack_of_one_slice_is_aligned(drawn, grid):
    single = drawn(grid(1, 96, 1.5, 8.0, (0.0, 0.0, 5.0)), T2, (5.0, 3.0, 0.0))
    aligned = align({LGE: drawn(grid(), LGE), T2: single}, mode="full")
    (covered,) = [each for each in aligned.record.slices[T2] if each.source_index == 0]
    assert covered.slice_index == 3
    assert covered.moved_ras_mm == pytest.approx([-5.0, -3.0, 0.0], abs=0.6)


def test_a_slice_of_one_value_is_not_moved_and_flagged(drawn, grid):
    image = drawn(grid(), T2, (5.0, 0.0, 0.0))
    blank = image.volume.copy()
    blank[2] = 7.0
    aligned = align({LGE: drawn(grid(), LGE), T2: ImageOnGrid(blank, image.geometry)}, mode="full")
    assert aligned.record.slices[T2][2].refused == "a slice of one value throughout"
    assert (aligned.images[T2][2] == 7.0).all()
    assert [flag.name for flag in aligned.record.flags()] == ["t2_shift_refused"]
    assert moves(aligned, T2)[[0, 1, 3, 4, 5]] == pytest.approx(
        np.broadcast_to([-5.0, 0.0, 0.0], (5, 3)), abs=0.6
    )


def test_an_image_of_one_value_is_left_as_it_is(grid, drawn):
    flat = ImageOnGrid(np.full((6, 96, 96), 3, np.float32), grid())
    aligned = align({LGE: drawn(grid(), LGE), T2: flat}, mode="full")
    assert np.array_equal(aligned.images[T2], flat.volume)


def test_noise_is_not_fitted(drawn, grid):
    noise = np.random.default_rng(0).normal(size=(6, 96, 96)).astype(np.float32)
    aligned = align({LGE: drawn(grid(), LGE), T2: ImageOnGrid(noise, grid())}, mode="full")
    assert sum(each.refused is not None for each in aligned.record.slices[T2]) >= 5


def test_a_shift_beyond_the_search_is_not_followed(drawn, grid):
    far = drawn(grid(6, 128), T2, (30.0, 0.0, 0.0))
    aligned = align({LGE: drawn(grid(6, 128), LGE), T2: far}, mode="full")
    found = [each for each in aligned.record.slices[T2] if each.moved_mm is not None]
    assert all(np.linalg.norm(each.moved_mm) <= 15 for each in found)


def test_a_slice_that_turned_is_turned_back(drawn, grid, rotate):
    six_degrees = rotate(np.radians(6), 0, 0)
    image = drawn(grid(), T2, frame=six_degrees, noise=0)
    aligned = align({LGE: drawn(grid(), LGE), T2: image}, mode="full", freedom=Freedom.RIGID)
    found = [abs(each.rotation_deg) for each in aligned.record.slices[T2]]
    assert np.median(found) == pytest.approx(6, abs=1.5)
    still = drawn(grid(), T2, noise=0).volume
    inner = (slice(None), slice(20, -20), slice(20, -20))
    after = np.abs(aligned.images[T2] - still)[inner].mean()
    assert after < 0.7 * np.abs(image.volume - still)[inner].mean()


def test_nothing_that_was_given_is_changed(drawn, grid):
    images = {LGE: drawn(grid(), LGE), T2: drawn(grid(5, 80, 1.7, 12.0), T2, (3.0, 1.0, 0.0))}
    before = {s: (i.volume.copy(), i.geometry.affine.copy()) for s, i in images.items()}
    align(images, mode="full")
    for sequence, (volume, affine) in before.items():
        assert np.array_equal(images[sequence].volume, volume)
        assert np.array_equal(images[sequence].geometry.affine, affine)


def test_the_same_images_are_aligned_alike_twice(drawn, grid):
    images = {LGE: drawn(grid(), LGE), T2: drawn(grid(5, 80, 1.7, 12.0), T2, (3.0, 1.0, 0.0))}
    one, two = align(images, mode="full"), align(images, mode="full")
    assert np.array_equal(one.images[T2], two.images[T2])
    assert one.record.to_record() == two.record.to_record()


def test_a_long_axis_view_is_refused_in_clear_words(drawn, grid, turn, rotate):
    long_axis = turn(grid(), rotate(0, np.pi / 2, 0))
    with pytest.raises(GeometryError, match="t2 lie at 90 degrees to those of lge, so one of"):
        align({LGE: drawn(grid(), LGE), T2: drawn(long_axis, T2)})


def test_planes_tilted_by_a_few_degrees_are_bridged(drawn, grid, turn, rotate):
    tilted = turn(grid(), rotate(0, np.radians(4), 0))
    aligned = align({LGE: drawn(grid(), LGE), T2: drawn(tilted, T2)}, mode="geometry")
    assert aligned.record.tilt_deg[T2] == pytest.approx(4)
    assert aligned.covered[T2][2:4].mean() > 0.95


@pytest.mark.parametrize("centre_mm", [(0, 0, 300.0), (400.0, 0, 0)])
def test_images_of_different_places_are_refused(drawn, grid, centre_mm):
    elsewhere = ImageOnGrid(drawn(grid(), T2).volume, grid(centre_mm=centre_mm))
    with pytest.raises(GeometryError, match="t2 shows no part of what lge shows"):
        align({LGE: drawn(grid(), LGE), T2: elsewhere}, mode="full")


def test_left_open_images_on_one_grid_are_taken_as_aligned_and_others_are_not(drawn, grid):
    shifted = drawn(grid(), T2, (5.0, 0.0, 0.0))
    aligned = align({LGE: drawn(grid(), LGE), T2: shifted})
    assert aligned.record.mode is Alignment.OFF
    assert np.array_equal(aligned.images[T2], shifted.volume)
    other = align({LGE: drawn(grid(), LGE), T2: drawn(grid(5, 80), T2)})
    assert other.record.mode is Alignment.FULL


def test_off_refuses_another_grid(drawn, grid):
    with pytest.raises(GeometryError, match=r"t2 is 80x80x5 but lge is 96x96x6.*align them"):
        align({LGE: drawn(grid(), LGE), T2: drawn(grid(5, 80), T2)}, mode="off")


def test_a_grid_of_unknown_place_is_refused(drawn, grid):
    unknown = ImageOnGrid(np.zeros((3, 96, 96), np.float32), Geometry((3, 96, 96), np.eye(4)))
    with pytest.raises(GeometryError, match="that of t2 has 1 mm along each axis"):
        align({LGE: drawn(grid(), LGE), T2: unknown})


def test_a_reference_that_is_not_there_is_refused(drawn, grid):
    with pytest.raises(InputError, match=r"cannot be aligned to lge.*choose one of t2"):
        align({T2: drawn(grid(), T2)}, reference=LGE)


def test_no_image_is_refused():
    with pytest.raises(InputError, match="no image to align"):
        align({})


def test_an_unknown_mode_is_refused(drawn, grid):
    with pytest.raises(
        InputError, match="no alignment 'most'; give one of auto, off, geometry, full"
    ):
        align({LGE: drawn(grid(), LGE)}, mode="most")
