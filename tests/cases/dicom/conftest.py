"""Small DICOM files, written by pydicom and not by the code under test."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from myoseg.cases.dicom.frames import Frame, Place, Protocol

# Test modules share what stands in modules beside them, such as `planted`.
sys.path.append(str(Path(__file__).parent))

SHORT_AXIS = (0.70710678, 0.70710678, 0.0, -0.40824829, 0.40824829, -0.81649658)
"""Row and column directions whose normal points to the left, forward... of the short axis."""

CINE = {
    "SeriesDescription": "cine_trufi_sax",
    "SequenceName": "*tfi2d1_13",
    "ScanningSequence": "GR",
    "SequenceVariant": "SK",
    "EchoTime": "1.2",
    "FlipAngle": "60",
}
LGE = {
    "SeriesDescription": "de_tfl_psir_sax_MAG",
    "SequenceName": "*tfl2d1_25",
    "ScanningSequence": ["GR", "IR"],
    "SequenceVariant": ["SK", "SP", "MP"],
    "InversionTime": "280",
    "EchoTime": "3.3",
    "FlipAngle": "25",
}
T2 = {
    "SeriesDescription": "t2_tirm_db_sax",
    "SequenceName": "*tir2d1_23",
    "ScanningSequence": ["SE", "IR"],
    "SequenceVariant": ["SK", "SP", "MP"],
    "InversionTime": "170",
    "EchoTime": "61",
    "EchoTrainLength": "23",
    "FlipAngle": "180",
}


def normal_of(orientation: Sequence[float]) -> np.ndarray:
    return np.cross(orientation[:3], orientation[3:])


@pytest.fixture
def protocols() -> dict[str, dict[str, Any]]:
    """Attributes of a cine, an LGE and a T2 series as Siemens scanners write them."""
    return {"cine": CINE, "lge": LGE, "t2": T2}


@pytest.fixture
def instance() -> Callable[..., Dataset]:
    """instance(position, orientation, pixels, **attributes) is one MR image."""

    def make(
        position: Sequence[float] = (0.0, 0.0, 0.0),
        orientation: Sequence[float] = SHORT_AXIS,
        pixels: np.ndarray | None = None,
        **attributes: Any,
    ) -> Dataset:
        stored = np.arange(30, dtype=np.uint16).reshape(5, 6) if pixels is None else pixels
        ds = Dataset()
        ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
        ds.SOPInstanceUID, ds.SeriesInstanceUID = generate_uid(), "1.2.3.5"
        ds.StudyInstanceUID = "1.2.3.4"
        ds.Modality, ds.Manufacturer = "MR", "SIEMENS"
        ds.PatientName, ds.PatientID = "Meier^Anna", "P0815"
        ds.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND"]
        ds.SeriesNumber = 7
        ds.ImagePositionPatient = [f"{x:.6f}" for x in position]
        ds.ImageOrientationPatient = [f"{x:.8f}" for x in orientation]
        ds.PixelSpacing, ds.SliceThickness = ["1.5", "1.25"], "8"
        ds.Rows, ds.Columns = stored.shape
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, 16, 15
        ds.PixelRepresentation = int(stored.dtype.kind == "i")
        ds.PixelData = stored.tobytes()
        for name, value in attributes.items():
            setattr(ds, name, value)
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        meta.MediaStorageSOPClassUID = ds.SOPClassUID
        meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        ds.file_meta = meta
        return ds

    return make


@pytest.fixture
def save_instance(instance: Callable[..., Dataset]) -> Callable[..., Path]:
    """save_instance(path, ...) writes one and returns its path."""

    def save(path: Path, *args: Any, **attributes: Any) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        instance(*args, **attributes).save_as(path, enforce_file_format=True)
        return path

    return save


@pytest.fixture
def save_series(save_instance: Callable[..., Path]) -> Callable[..., list[Path]]:
    """save_series(folder, number, n_slices, n_phases, **attributes) writes a stack 10 mm apart.

    Every pixel is 100 x slice + phase.
    """

    def save(
        folder: Path,
        number: int,
        n_slices: int = 3,
        n_phases: int = 1,
        *,
        orientation: Sequence[float] = SHORT_AXIS,
        first_mm: float = 0.0,
        **attributes: Any,
    ) -> list[Path]:
        paths = []
        for k in range(n_slices):
            for phase in range(n_phases):
                timing = {"TriggerTime": str(20.0 + 30 * phase)} if n_phases > 1 else {}
                given = {
                    "SeriesNumber": number,
                    "SeriesInstanceUID": f"1.2.3.5.{number}",
                    "InstanceNumber": k * n_phases + phase + 1,
                    **timing,
                    **attributes,
                }
                position = normal_of(orientation) * (first_mm + 10.0 * k)
                pixels = np.full((5, 6), 100 * k + phase, np.uint16)
                path = folder / f"series{number}" / f"{k:03d}{phase:03d}"
                paths.append(save_instance(path, position, orientation, pixels, **given))
        return paths

    return save


@pytest.fixture
def frame() -> Callable[..., Frame]:
    """frame(position, ...) is a header without a file."""

    def make(
        position: Sequence[float],
        orientation: Sequence[float] = SHORT_AXIS,
        *,
        protocol: Protocol | None = None,
        shape: tuple[int, int] = (5, 6),
        spacing_mm: tuple[float, float] = (1.5, 1.25),
        **known: Any,
    ) -> Frame:
        x, y, z = (float(mm) for mm in position)
        row, col = tuple(map(float, orientation[:3])), tuple(map(float, orientation[3:]))
        given = {"path": Path("x.dcm"), "series_uid": "1.2.3.5", "number": None, **known}
        return Frame(
            sop_instance_uid=given.pop("sop_instance_uid", None) or str(generate_uid()),
            shape=shape,
            place=Place((x, y, z), row, col, spacing_mm, 8.0),
            protocol=protocol or Protocol(series_number=7),
            **given,
        )

    return make
