import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myoseg.anatomy import MYOCARDIUM, REGIONS, Sequence, Tissue
from myoseg.cases.case import Case, Geometry, LabelMap, Segmentation

angles = st.floats(-180, 180)
lengths = st.floats(0.5, 25)


def rotation(degrees_x: float, degrees_y: float, degrees_z: float) -> np.ndarray:
    """Turns about x, then y, then z."""
    (cx, sx), (cy, sy), (cz, sz) = (
        (np.cos(angle), np.sin(angle)) for angle in np.deg2rad([degrees_x, degrees_y, degrees_z])
    )
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def affine_of(turn: np.ndarray, col_mm: float, row_mm: float, slice_mm: float) -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag([col_mm, row_mm, slice_mm])
    affine[:3, 3] = [-120.0, 35.5, 60.0]
    return affine


def a_case(**changes) -> Case:
    shape = (2, 3, 4)
    fields = {
        "name": "a",
        "images": {
            Sequence.T2: np.ones(shape, np.float32),
            Sequence.BSSFP: np.zeros(shape, np.float32),
        },
        "geometry": Geometry(shape, np.eye(4)),
    }
    return Case(**fields | changes)


# Geometry


@given(angles, angles, angles, lengths, lengths, lengths)
def test_spacing_and_volume_do_not_depend_on_the_direction(x, y, z, col_mm, row_mm, slice_mm):
    oblique = Geometry((3, 4, 5), affine_of(rotation(x, y, z), col_mm, row_mm, slice_mm))

    assert oblique.spacing_mm == pytest.approx((slice_mm, row_mm, col_mm))
    assert oblique.voxel_ml == pytest.approx(col_mm * row_mm * slice_mm / 1000)


def test_a_voxel_of_the_papers_data_has_its_volume():
    geometry = Geometry((4, 480, 480), np.diag([0.75, 0.75, 12.0, 1.0]))

    assert geometry.spacing_mm == (12.0, 0.75, 0.75)
    assert geometry.voxel_ml == pytest.approx(0.00675)


def test_a_mirrored_grid_has_a_positive_volume():
    geometry = Geometry((4, 480, 480), np.diag([-0.75, -0.75, -12.0, 1.0]))

    assert geometry.spacing_mm == (12.0, 0.75, 0.75)
    assert geometry.voxel_ml > 0


# LabelMap


def test_a_region_is_the_union_of_its_tissues():
    labels = LabelMap(np.array([[[0, 200, 500, 600, 1220, 2221]]], dtype=np.int16))

    masks = {
        name: labels.mask(region)[0, 0].astype(int).tolist() for name, region in REGIONS.items()
    }

    assert masks == {
        "lv_blood_pool": [0, 0, 1, 0, 0, 0],
        "rv_blood_pool": [0, 0, 0, 1, 0, 0],
        "normal_myocardium": [0, 1, 0, 0, 0, 0],
        "edema": [0, 0, 0, 0, 1, 0],
        "scar": [0, 0, 0, 0, 0, 1],
        "edema+scar": [0, 0, 0, 0, 1, 1],
        "myocardium": [0, 1, 0, 0, 1, 1],
        "epicardium": [0, 1, 1, 0, 1, 1],
    }
    assert labels.not_assessed == ()


def test_a_group_is_found_under_its_mildest_tissues_code():
    codes = np.array([[[0, 200, 500]]], dtype=np.int16)
    labels = LabelMap(codes, (MYOCARDIUM, frozenset({Tissue.LV_BLOOD_POOL})))

    assert labels.mask(MYOCARDIUM).tolist() == [[[False, True, False]]]
    assert labels.mask(REGIONS["epicardium"]).tolist() == [[[False, True, True]]]


def test_what_was_not_told_apart_is_refused_rather_than_empty():
    labels = LabelMap(np.zeros((1, 2, 2), dtype=np.int16), (MYOCARDIUM,))

    assert not labels.assesses(REGIONS["scar"])
    with pytest.raises(ValueError, match=r"\['SCAR'\] was not assessed"):
        labels.mask(REGIONS["scar"])


def test_what_was_not_assessed_is_named():
    without_t2 = (
        frozenset({Tissue.LV_BLOOD_POOL}), frozenset({Tissue.RV_BLOOD_POOL}),
        frozenset({Tissue.NORMAL_MYOCARDIUM, Tissue.EDEMA}), frozenset({Tissue.SCAR}),
    )  # fmt: skip
    labels = LabelMap(np.zeros((1, 2, 2), dtype=np.int16), without_t2)

    assert labels.not_assessed == ("normal_myocardium", "edema", "edema+scar")


def test_an_empty_label_map_has_empty_masks():
    labels = LabelMap(np.zeros((2, 3, 4), dtype=np.int16))

    assert not any(labels.mask(region).any() for region in REGIONS.values())


# Case


def test_a_case_lists_its_sequences_in_the_papers_order():
    assert a_case().sequences == (Sequence.BSSFP, Sequence.T2)
    assert a_case().n_slices == 2


def test_a_cases_images_cannot_be_replaced():
    images = {Sequence.T2: np.ones((2, 3, 4), np.float32)}
    case = a_case(images=images)
    images.clear()

    assert case.sequences == (Sequence.T2,)
    with pytest.raises(TypeError):
        case.images[Sequence.LGE] = np.ones((2, 3, 4), np.float32)


def test_a_case_can_travel_to_another_process():
    case = a_case(labels=LabelMap(np.full((2, 3, 4), 500, dtype=np.int16), (MYOCARDIUM,)))

    arrived = pickle.loads(pickle.dumps(case))

    assert (arrived.name, arrived.sequences) == (case.name, case.sequences)
    np.testing.assert_array_equal(arrived.images[Sequence.T2], case.images[Sequence.T2])
    np.testing.assert_array_equal(arrived.geometry.affine, case.geometry.affine)
    assert arrived.labels.groups == (MYOCARDIUM,)
    with pytest.raises(TypeError):
        arrived.images[Sequence.LGE] = None


def test_a_segmentation_holds_labels_on_its_grid():
    geometry = Geometry((1, 2, 2), np.eye(4))
    result = Segmentation("a", LabelMap(np.zeros((1, 2, 2), dtype=np.int16)), geometry)

    assert result.labels.codes.shape == result.geometry.shape
