import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.valuerep import DSfloat
from scipy.spatial.transform import Rotation

from myoseg.cases.case import Geometry
from myoseg.cases.dicom.simulated.planes import decimals, planes_of
from myoseg.cases.dicom.simulated.stored import stored
from myoseg.cases.dicom.simulated.uids import simulated_uid
from myoseg.errors import GeometryError

SHAPE = (5, 60, 48)


@st.composite
def oblique(draw):
    """A grid in any orientation, right-handed or not, with anisotropic pixels."""
    turn = Rotation.random(rng=draw(st.integers(0, 2**32 - 1))).as_matrix()
    spacing = draw(st.tuples(*[st.floats(0.5, 20)] * 3))
    flip = draw(st.sampled_from([1, -1]))
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag([*spacing[:2], flip * spacing[2]])
    affine[:3, 3] = draw(st.tuples(*[st.floats(-900, 900)] * 3))
    return Geometry(SHAPE, affine)


def patient_mm(plane, row, col):
    """Equation C.7.6.2.1-1 of DICOM PS3.3, from the decimal strings as they are written."""
    position, orientation = (np.array(each, float) for each in (plane.position, plane.orientation))
    row_mm, col_mm = (float(each) for each in decimals(*plane.spacing_mm))
    return position + orientation[:3] * col_mm * col + orientation[3:] * row_mm * row


@settings(max_examples=200)
@given(oblique())
def test_voxels_lie_where_the_affine_has_them_at_any_orientation(geometry):
    corners = [(k, r, c) for k in (0, 4) for r in (0, 59) for c in (0, 47)]
    planes = planes_of(geometry)
    for k, row, col in corners:
        ras = (geometry.affine @ [col, row, k, 1])[:3]
        np.testing.assert_allclose(patient_mm(planes[k], row, col) * [-1, -1, 1], ras, atol=1e-3)


@given(oblique())
def test_directions_are_unit_vectors_at_right_angles_within_16_characters(geometry):
    plane = planes_of(geometry)[0]
    directions = np.array(plane.orientation, float).reshape(2, 3)
    np.testing.assert_allclose(directions @ directions.T, np.eye(2), atol=1e-6)
    assert all(len(str(each)) <= 16 for each in (*plane.orientation, *plane.position))


def test_a_transverse_grid_has_the_positions_of_hand_arithmetic():
    """RAS (10, 20, 30) is LPS (-10, -20, 30); columns run to the left, rows to the back."""
    affine = np.array([[-2.0, 0, 0, 10], [0, -3, 0, 20], [0, 0, 8, 30], [0, 0, 0, 1]])
    first, second, *_ = planes_of(Geometry(SHAPE, affine))
    assert first.position == [-10, -20, 30]
    assert second.position == [-10, -20, 38]
    assert first.orientation == [1, 0, 0, 0, 1, 0]
    assert first.spacing_mm == (3, 2)
    assert (first.location_mm, second.location_mm) == (30, 38)


def test_a_sheared_grid_is_refused():
    affine = np.eye(4)
    affine[0, 1] = 0.1
    with pytest.raises(GeometryError, match="right angles"):
        planes_of(Geometry(SHAPE, affine))


@given(
    st.integers(0, 2**32 - 1),
    st.floats(-1e4, 1e4, width=32),
    st.floats(0, 1e5, width=32),
    st.booleans(),
)
def test_stored_values_give_intensities_back_within_half_a_step(seed, low, span, rescaled):
    rng = np.random.default_rng(seed)
    frames = (low + span * rng.random((2, 3, 4))).astype(np.float32)
    pixels = stored(frames, rescaled=rescaled)
    back = pixels.values * float(pixels.slope) + float(pixels.intercept)
    rounding = np.spacing(np.abs(frames).max().astype(np.float64)) * 8
    assert np.abs(back - frames).max() <= float(pixels.slope) / 2 * (1 + 1e-6) + rounding
    assert pixels.values.min() >= 0
    assert pixels.values.max() <= 32767


@given(st.lists(st.integers(0, 32767), min_size=4, max_size=4))
def test_whole_intensities_are_stored_as_they_are(values):
    frames = np.array(values, dtype=np.float32).reshape(1, 2, 2)
    pixels = stored(frames)
    assert not pixels.is_scaled
    np.testing.assert_array_equal(pixels.values, frames)


def test_an_empty_and_a_constant_image_can_be_stored():
    for value in (0.0, 7.25, -3.0):
        pixels = stored(np.full((1, 2, 2), value, dtype=np.float32), rescaled=True)
        np.testing.assert_allclose(
            pixels.values * float(pixels.slope) + float(pixels.intercept), value, rtol=1e-6
        )


def test_twelve_bits_suffice_up_to_4095():
    assert stored(np.full((1, 1, 1), 4095, dtype=np.float32)).n_bits == 12
    assert stored(np.full((1, 1, 1), 4096, dtype=np.float32)).n_bits == 16


@given(st.integers(0, 10**6), st.integers(0, 500), st.integers(0, 500))
def test_identifiers_are_valid_repeatable_and_different(seed, one, other):
    uid = simulated_uid(seed, "instance", one)
    assert uid.is_valid
    assert uid.startswith("2.25.")
    assert (uid == simulated_uid(seed, "instance", other)) == (one == other)
    assert uid != simulated_uid(seed + 1, "instance", one)


def test_decimals_keep_within_16_characters():
    assert all(len(str(DSfloat(each))) <= 16 for each in decimals(-1 / 3, 1e-13, 123456.789012345))
