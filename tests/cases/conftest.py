"""Small NIfTI files, written by nibabel and not by the code under test."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import nibabel as nib
import numpy as np
import pytest

Save = Callable[..., Path]

SHORT_AXIS = np.diag([1.5, 1.25, 10.0, 1.0])


ROUND_TRIP = Path(__file__).parents[2] / "scripts" / "round_trip_orientations.py"


@pytest.fixture
def save() -> Save:
    """save(path, values (col, row, slice), affine) writes a NIfTI file and returns its path."""

    def write(
        path: Path, values: object = None, affine: np.ndarray = SHORT_AXIS, dtype: str = ""
    ) -> Path:
        if values is None:
            values = np.arange(6 * 5 * 3).reshape(6, 5, 3)
        array = np.asarray(values)
        array = array.astype(dtype or ("int16" if array.dtype.kind in "iu" else array.dtype))
        path.parent.mkdir(parents=True, exist_ok=True)
        nib.save(nib.Nifti1Image(array, affine), path)
        return path

    return write


@pytest.fixture
def labels_of() -> Callable[..., np.ndarray]:
    """labels_of(1, 2, 3) is a (6, 5, 3) label volume with one voxel of each code."""

    def make(*codes: float) -> np.ndarray:
        values = np.zeros((6, 5, 3), dtype="float32" if any(c % 1 for c in codes) else "int16")
        values.reshape(-1)[: len(codes)] = codes
        return values

    return make


@pytest.fixture(scope="session")
def orientations() -> ModuleType:
    """The module of `scripts/round_trip_orientations.py`: random stacks, and readers of results."""
    name = ROUND_TRIP.stem
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, ROUND_TRIP)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]
