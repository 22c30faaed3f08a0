import numpy as np
import pytest

from myoseg.cases.case import Geometry
from myoseg.errors import GeometryError, InputError
from myoseg.quantification.remote_files import read_remote, remote_files

GRID = Geometry((2, 4, 5), np.diag([1.0, 2.0, 10.0, 1.0]))


def test_one_mask_is_for_the_only_case(write_labels_by_hand):
    path = write_labels_by_hand("anything.nii.gz", {(0, 1, 2): 7})
    assert remote_files(["a"], path) == {"a": path}
    mask = read_remote(path, path, GRID)
    assert np.argwhere(mask).tolist() == [[0, 1, 2]]
    with pytest.raises(InputError, match="one mask, but there are 2 cases"):
        remote_files(["a", "b"], path)


def test_masks_of_a_folder_are_matched_by_name_and_missing_ones_are_said(
    write_labels_by_hand, caplog
):
    path = write_labels_by_hand("masks/a_mask.nii.gz")
    assert remote_files(["a", "b"], path.parent) == {"a": path}
    assert "1 of 2 cases have no mask" in caplog.text
    with pytest.raises(InputError, match="no mask of any of the 1 cases"):
        remote_files(["c"], path.parent)
    with pytest.raises(InputError, match="not a folder"):
        remote_files(["a"], path.parent / "nothing")


def test_a_mask_on_another_grid_is_refused(write_labels_by_hand):
    path = write_labels_by_hand("a.nii.gz", affine=np.diag([1.5, 2.0, 10.0, 1.0]))
    with pytest.raises(GeometryError):
        read_remote(path, path, GRID)


def test_a_label_map_or_an_image_is_no_mask(write_labels_by_hand):
    path = write_labels_by_hand("a.nii.gz", {(0, 1, 2): 1, (0, 1, 3): 2})
    with pytest.raises(InputError, match="2 values beside 0 and is no mask"):
        read_remote(path, path, GRID)
    empty = write_labels_by_hand("b.nii.gz")
    assert not read_remote(empty, empty, GRID).any()
