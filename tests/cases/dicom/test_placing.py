import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset

from myoseg.cases.case import Geometry
from myoseg.cases.dicom.placing import place_labels
from myoseg.cases.dicom.source_planes import SourcePlane
from myoseg.errors import GeometryError

# Columns go left in the patient, rows back, slices up: RAS axes (-x, -y, z), DICOM's (x, y, z).
AFFINE = np.diag([-2.0, -3.0, 10.0, 1.0])


def plane(position, shape=(3, 4), spacing=(3.0, 2.0), orientation=(1, 0, 0, 0, 1, 0)):
    header = Dataset()
    header.SeriesInstanceUID, header.SOPClassUID = "1.2", "1.3"
    header.SOPInstanceUID = f"1.4.{abs(hash(position)) % 10**9}"
    position, orientation = tuple(map(float, position)), tuple(map(float, orientation))
    return SourcePlane(header, None, shape, position, orientation, spacing, 6.0)


def labels(**voxels):
    """Two slices of 3 rows and 4 columns; the value of a voxel by its index, as v010=1."""
    volume = np.zeros((2, 3, 4), dtype=np.uint8)
    for name, value in voxels.items():
        volume[tuple(int(digit) for digit in name[1:])] = value
    return volume


def test_each_plane_takes_the_slice_that_lies_in_it_whatever_the_order():
    volume = labels(v000=1, v123=2)
    upper, lower = plane((0, 0, 10)), plane((0, 0, 0))
    placed = place_labels(volume, Geometry((2, 3, 4), AFFINE), [upper, lower])
    assert placed.planes == (upper, lower)
    np.testing.assert_array_equal(placed.frames, volume[::-1])


def test_a_label_map_with_columns_stored_backward_comes_back_the_right_way_round():
    volume = labels(v000=1)
    # Its column 0 lies where the image's column 3 does: 6 mm to the left, RAS -6.
    affine = np.diag([2.0, -3.0, 10.0, 1.0])
    affine[0, 3] = -6.0
    placed = place_labels(volume, Geometry((2, 3, 4), affine), [plane((0, 0, 0))])
    assert np.argwhere(placed.frames).tolist() == [[0, 0, 3]]


def test_a_label_map_with_slices_as_its_columns_is_read_across():
    # Axes (col, row, slice) of the label map are the image's (slice, row, col).
    affine = np.array([[0, 0, -2, 0], [0, -3, 0, 0], [10, 0, 0, 0], [0, 0, 0, 1]], dtype=float)
    volume = np.zeros((4, 3, 2), dtype=np.uint8)
    volume[3, 1, 1] = 5
    placed = place_labels(
        volume, Geometry((4, 3, 2), affine), [plane((0, 0, 0)), plane((0, 0, 10))]
    )
    assert np.argwhere(placed.frames).tolist() == [[1, 1, 3]]
    assert placed.frames[1, 1, 3] == 5


def test_a_label_map_that_was_cut_out_is_put_back_into_the_whole_image():
    affine = AFFINE.copy()
    affine[:3, 3] = [-4.0, -3.0, 0.0]
    volume = np.ones((1, 1, 2), dtype=np.uint8)
    placed = place_labels(volume, Geometry((1, 1, 2), affine), [plane((0, 0, 0), shape=(3, 4))])
    assert np.argwhere(placed.frames).tolist() == [[0, 1, 2], [0, 1, 3]]


def test_planes_outside_the_label_map_are_left_out():
    far = plane((0, 0, 50))
    placed = place_labels(labels(v000=1), Geometry((2, 3, 4), AFFINE), [far, plane((0, 0, 0))])
    assert len(placed.planes) == 1
    assert placed.planes[0] is not far


def test_of_planes_in_one_place_the_first_is_taken():
    first, second = plane((0, 0, 0)), plane((0, 0, 0))
    placed = place_labels(labels(v000=1), Geometry((2, 3, 4), AFFINE), [first, second])
    assert placed.planes == (first,)


def test_an_empty_label_map_is_placed_on_every_plane():
    planes = [plane((0, 0, 0)), plane((0, 0, 10))]
    placed = place_labels(labels(), Geometry((2, 3, 4), AFFINE), planes)
    assert placed.frames.shape == (2, 3, 4)
    assert not placed.frames.any()


def test_uneven_planes_take_the_slices_of_the_grid_that_they_were_read_on():
    volume, grid = labels(v000=1, v111=2), Geometry((2, 3, 4), AFFINE)
    # The second image lies 1.5 mm from where the even grid has it, and half a pixel to the side.
    planes = [plane((0, 0, 0)), plane((1.0, 0, 11.5))]
    placed = place_labels(volume, grid, planes, grid)
    np.testing.assert_array_equal(placed.frames, volume)
    with pytest.raises(GeometryError, match="1 of 2 labelled voxels"):
        place_labels(volume, grid, planes)


@pytest.mark.parametrize(
    ("planes", "said"),
    [
        ([], "no image"),
        ([plane((0, 0, 0))], "1 of 2 labelled voxels"),
        ([plane((0.9, 0, 0)), plane((0.9, 0, 10))], "0.90 mm off"),
        ([plane((0, 0, 0), spacing=(3.0, 1.0)), plane((0, 0, 10), spacing=(3.0, 1.0))], "does not"),
        ([plane((0, 0, 0), spacing=(1.5, 2.0)), plane((0, 0, 10), spacing=(1.5, 2.0))], "does not"),
    ],
)
def test_labels_that_lie_on_no_image_are_refused(planes, said):
    with pytest.raises(GeometryError, match=said):
        place_labels(labels(v000=1, v122=1), Geometry((2, 3, 4), AFFINE), planes)


def test_images_of_two_sizes_are_refused():
    planes = [plane((0, 0, 0)), plane((0, 0, 10), shape=(4, 4))]
    with pytest.raises(GeometryError, match="different sizes"):
        place_labels(labels(v000=1, v111=1), Geometry((2, 3, 4), AFFINE), planes)


@given(st.floats(-0.09, 0.09), st.floats(-0.09, 0.09))
def test_rounding_in_headers_moves_nothing(across, along):
    volume = labels(v000=1, v123=2)
    planes = [plane((2 * across, 3 * along, 10.0 * k)) for k in range(2)]
    placed = place_labels(volume, Geometry((2, 3, 4), AFFINE), planes)
    np.testing.assert_array_equal(placed.frames, volume)
