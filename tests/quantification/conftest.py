"""Label files by hand, for tests that read and match them."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

HAND_AFFINE = np.diag([1.0, 2.0, 10.0, 1.0])


@pytest.fixture
def write_labels_by_hand(tmp_path):
    """Writes `{(slice, row, col): value}` on a 2 x 4 x 5 grid of 10 x 2 x 1 mm voxels."""

    def write(where, voxels=(), affine=HAND_AFFINE, shape=(2, 4, 5)):
        stored = np.zeros(shape, np.int16)
        for index, value in dict(voxels).items():
            stored[index] = value
        path: Path = tmp_path / where
        path.parent.mkdir(parents=True, exist_ok=True)
        nib.save(nib.Nifti1Image(stored.T, affine), path)
        return path

    return write
