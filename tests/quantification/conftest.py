"""Label files by hand, and hearts drawn in the patient, for tests that read and measure them."""

from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from myoseg.anatomy import Tissue
from myoseg.cases.case import Geometry, LabelMap

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


UP = np.array([0.0, 1.0, 1.0]) / np.sqrt(2)


def rotation(axis, degrees):
    """The matrix that turns about an axis (Rodrigues)."""
    x, y, z = np.asarray(axis, float) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.deg2rad(degrees)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


@dataclass(frozen=True)
class Heart:
    """A heart in the patient: round walls about a straight axis, narrower towards the apex.

    Angles are degrees about the axis from the direction across it that is nearest to the patient's
    front and head, counter-clockwise as seen from the apex; `scar_deg` is counted from the middle
    of the septum, on to the inferior wall. Depths are shares of the wall from the cavity outward.
    """

    apex: tuple = (-0.6, 0.6, -0.53)
    centre_mm: tuple = (-20.0, 15.0, 30.0)
    length_mm: float = 80.0
    outer_mm: float = 33.0
    wall_mm: float = 10.0
    taper: float = 0.35
    septum_deg: float = 80.0
    septal_arc_deg: float = 110.0
    rv_length: float = 1.0
    scar_deg: tuple = (0.0, 0.0)
    scar_depth: float = 0.0
    edema_depth: float = 0.0
    open_deg: tuple = (0.0, 0.0)
    cap: float = 2.0

    @property
    def directions(self):
        """Towards the apex, up, and left of up as seen from the apex."""
        apex = np.array(self.apex) / np.linalg.norm(self.apex)
        up = UP - (UP @ apex) * apex
        up /= np.linalg.norm(up)
        return apex, up, np.cross(apex, up)

    def radii_mm(self, share):
        """Inner and outer radius at a share of the length from the base."""
        outer = self.outer_mm * (1 - self.taper * share)
        return np.where(share < self.cap, outer - self.wall_mm, 0), outer

    def codes_at(self, points_mm):
        """MyoPS codes at points of the patient, whose axes come last."""
        apex, up, left = self.directions
        offsets = points_mm - np.array(self.centre_mm)
        share = offsets @ apex / self.length_mm + 0.5
        across = offsets @ up, offsets @ left
        radius, angle = np.hypot(*across), np.rad2deg(np.arctan2(across[1], across[0]))
        inner, outer = self.radii_mm(share)
        from_septum = (angle - self.septum_deg + 180) % 360 - 180
        depth = (radius - inner) / np.where(inner > 0, self.wall_mm, outer)
        codes = np.zeros(radius.shape, np.int16)
        crescent = outer + 18 * np.cos(np.deg2rad(from_septum) * 90 / (self.septal_arc_deg / 2))
        beside = np.abs(from_septum) < self.septal_arc_deg / 2
        codes[beside & (radius < crescent) & (share < self.rv_length)] = Tissue.RV_BLOOD_POOL
        codes[radius < outer] = Tissue.NORMAL_MYOCARDIUM
        first, last = self.scar_deg
        sector = (from_septum - first) % 360 < last - first
        codes[(radius < outer) & sector & (depth < self.edema_depth)] = Tissue.EDEMA
        codes[(radius < outer) & sector & (depth < self.scar_depth)] = Tissue.SCAR
        codes[radius < inner] = Tissue.LV_BLOOD_POOL
        gap = (from_septum - self.open_deg[0]) % 360 < self.open_deg[1] - self.open_deg[0]
        codes[gap & (radius >= inner)] = 0
        codes[(share < 0) | (share >= 1)] = 0
        return codes

    def on(self, grid):
        """The label map of the heart on a grid."""
        index = np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), axis=-1)
        points = index[..., ::-1] @ grid.affine[:3, :3].T + grid.affine[:3, 3]
        return LabelMap(self.codes_at(points))

    def grid(self, n_slices=8, spacing_mm=(10.0, 1.3, 1.3), turn_deg=0.0, flips=(1, 1, 1)):
        """Short-axis slices that hold the heart, turned in the plane and mirrored (1 or -1)."""
        apex, up, left = self.directions
        angle = np.deg2rad(turn_deg)
        row = np.cos(angle) * up + np.sin(angle) * left
        col = -np.sin(angle) * up + np.cos(angle) * left
        half_mm = self.outer_mm + 24
        rows, cols = (int(np.ceil(2 * half_mm / each)) for each in spacing_mm[1:])
        affine = np.eye(4)
        for axis, (way, flip, length) in enumerate(
            zip((col, row, apex), flips, spacing_mm[::-1], strict=True)
        ):
            affine[:3, axis] = way * flip * length
        middle = (np.array([cols, rows, n_slices]) - 1) / 2
        affine[:3, 3] = np.array(self.centre_mm) - affine[:3, :3] @ middle
        return Geometry((n_slices, rows, cols), affine)


@pytest.fixture(scope="session")
def heart():
    """Makes a `Heart`."""
    return Heart


@pytest.fixture(scope="session")
def turned():
    """Makes the matrix of a rotation from an axis and degrees."""
    return rotation
