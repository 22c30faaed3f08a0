"""Label maps on random oblique stacks to DICOM SEG and NRRD and back, by four readers.

Each stack has its own orientation, spacing, slice order and file order, classic or enhanced
headers, and a label map whose axes are permuted and flipped, left-handed ones among them. Read
back by highdicom, by pydicom and bits by hand, and by SimpleITK (SEG of one segment; NRRD), every
voxel must lie where the label map has it. Prints how far voxels lie off at most.

Every second stack has frames of whole bytes. On the others SimpleITK is not asked for the SEG: the
GDCM in it misreads the last bits where a file's pixels are no multiple of 8.

    python scripts/round_trip_orientations.py -n 200
"""

import argparse
import itertools
import sys
import tempfile
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import highdicom
import nibabel as nib
import numpy as np
import pydicom
import SimpleITK
from pydicom import Dataset
from pydicom.uid import EnhancedMRImageStorage, MRImageStorage, generate_uid
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from myoseg.anatomy import MYOCARDIUM, Tissue
from myoseg.cases.case import Geometry, LabelMap, Segmentation
from myoseg.cases.dicom.segmentation_object import (
    segment_numbers,
    segmentation_object,
    write_dicom_object,
)
from myoseg.cases.seg_nrrd import write_seg_nrrd

CODES = [0, *(int(tissue) for tissue in Tissue)]
FARTHEST_MM = 0.001
Points = dict[int, np.ndarray]
"""Segment number to voxels' middles, (n, 3), in LPS millimetres."""


@dataclass(frozen=True)
class Stack:
    """Images of a stack and the label map drawn on them.

    Attributes:
        sources: DICOM headers.
        segmentation: the label map on the same voxels, as a NIfTI file would hold it.
        points: where each segment's voxels are, from the stack's own frame.
    """

    sources: list[Dataset]
    segmentation: Segmentation
    points: Points


def random_stack(rng: np.random.Generator, *, enhanced: bool = False) -> Stack:
    """A stack of 2 to 9 slices somewhere in the patient, with every tissue in every slice."""
    n_slices, n_rows, n_cols = (int(n) for n in rng.integers((2, 12, 10), (10, 23, 25)))
    if rng.random() < 0.5:
        n_rows = 8 * (n_rows // 8)
    axes = Rotation.random(random_state=rng).as_matrix()
    row_mm, col_mm = rng.uniform(0.7, 2.0, 2)
    step_mm = float(rng.uniform(5, 20) * rng.choice([-1, 1]))
    origin = rng.uniform(-150, 150, 3)
    positions = np.array([origin + axes[:, 2] * step_mm * index for index in range(n_slices)])
    codes = rng.choice(CODES, size=(n_slices, n_rows, n_cols)).astype(np.int16)
    codes[:, 0, :6] = CODES
    frame = np.column_stack([axes[:, 0] * col_mm, axes[:, 1] * row_mm, axes[:, 2] * step_mm])
    points: Points = {}
    for group, number in segment_numbers(LabelMap(codes)).items():
        index = np.argwhere(np.isin(codes, [int(t) for t in group]))[:, ::-1]
        points[number] = index @ frame.T + origin
    geometry, stored = _as_nifti(rng, frame, origin, codes)
    make = enhanced_source if enhanced else classic_sources
    order = rng.permutation(n_slices)
    sources = make(positions[order], (axes[:, 0], axes[:, 1]), (row_mm, col_mm), (n_rows, n_cols))
    return Stack(sources, Segmentation("stack", LabelMap(stored), geometry), points)


def _as_nifti(
    rng: np.random.Generator, frame: np.ndarray, origin: np.ndarray, codes: np.ndarray
) -> tuple[Geometry, np.ndarray]:
    """The codes as a NIfTI file holds them, after its axes were permuted and flipped by nibabel."""
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = frame, origin
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    orientation = np.column_stack([rng.permutation(3), rng.choice([-1, 1], 3)]).astype(float)
    turned = nib.Nifti1Image(codes.T, affine).as_reoriented(orientation)
    array = np.asarray(turned.dataobj, dtype=np.int16)
    return Geometry(array.shape[::-1], turned.affine.astype(float)), np.ascontiguousarray(array.T)


def _study(rows_cols: tuple[int, int]) -> Dataset:
    header = Dataset()
    header.StudyInstanceUID, header.SeriesInstanceUID = generate_uid(), generate_uid()
    header.FrameOfReferenceUID = generate_uid()
    header.PatientName, header.PatientID = "Muster^Maxi", "4711"
    header.PatientBirthDate, header.PatientSex = "19500101", "O"
    header.StudyID, header.AccessionNumber = "1", "A1"
    header.StudyDate, header.StudyTime = "20260101", "101010"
    header.ReferringPhysicianName = "Arzt^Anna"
    header.Modality, header.SeriesNumber, header.Manufacturer = "MR", 7, "maker"
    header.SeriesDescription, header.ImageType = "sax", ["ORIGINAL", "PRIMARY", "M"]
    header.Rows, header.Columns = rows_cols
    return header


def classic_sources(
    positions: np.ndarray,
    cosines: tuple[np.ndarray, np.ndarray],
    spacing_mm: tuple[float, float],
    rows_cols: tuple[int, int],
) -> list[Dataset]:
    """One MR Image Storage header for each position."""
    study, headers = _study(rows_cols), []
    for number, position in enumerate(positions, 1):
        header = deepcopy(study)
        header.SOPClassUID, header.SOPInstanceUID = MRImageStorage, generate_uid()
        header.InstanceNumber = number
        header.ImagePositionPatient = _decimal(position)
        header.ImageOrientationPatient = _decimal(np.concatenate(cosines))
        header.PixelSpacing, header.SliceThickness = _decimal(spacing_mm), "6"
        headers.append(header)
    return headers


def enhanced_source(
    positions: np.ndarray,
    cosines: tuple[np.ndarray, np.ndarray],
    spacing_mm: tuple[float, float],
    rows_cols: tuple[int, int],
) -> list[Dataset]:
    """One Enhanced MR Image Storage header with a frame for each position."""
    header = _study(rows_cols)
    header.SOPClassUID, header.SOPInstanceUID = EnhancedMRImageStorage, generate_uid()
    header.InstanceNumber, header.NumberOfFrames = 1, len(positions)
    measures, orientation, shared = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = _decimal(spacing_mm), "6"
    orientation.ImageOrientationPatient = _decimal(np.concatenate(cosines))
    shared.PixelMeasuresSequence = [measures]
    header.SharedFunctionalGroupsSequence = [shared]
    frames = []
    for position in positions:
        place, frame = Dataset(), Dataset()
        place.ImagePositionPatient = _decimal(position)
        frame.PlanePositionSequence, frame.PlaneOrientationSequence = [place], [orientation]
        frames.append(frame)
    header.PerFrameFunctionalGroupsSequence = frames
    return [header]


def _decimal(values: object) -> list[str]:
    """Decimal strings of at most 16 characters, as scanners write them."""
    return [f"{value:.9f}".rstrip("0")[:16] for value in np.asarray(values, dtype=float)]


def by_highdicom(path: Path) -> Points:
    """Segment by segment as a volume in the patient."""
    written = highdicom.seg.segread(path)
    points: Points = {}
    for number in written.segment_numbers:
        volume = written.get_volume(
            segment_numbers=[number], combine_segments=False, allow_missing_positions=True
        )
        index = np.argwhere(np.asarray(volume.array)[..., 0])
        points[number] = volume.map_indices_to_reference(index)
    return points


def by_hand(path: Path) -> Points:
    """From the functional groups and the packed bits."""
    written = pydicom.dcmread(path)
    n_rows, n_cols = written.Rows, written.Columns
    bits = np.unpackbits(np.frombuffer(written.PixelData, np.uint8), bitorder="little")
    frames = bits[: written.NumberOfFrames * n_rows * n_cols].reshape(-1, n_rows, n_cols)
    shared = written.SharedFunctionalGroupsSequence[0]
    along = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, dtype=float)
    row_mm, col_mm = (float(v) for v in shared.PixelMeasuresSequence[0].PixelSpacing)
    found: dict[int, list[np.ndarray]] = {}
    for groups, frame in zip(written.PerFrameFunctionalGroupsSequence, frames, strict=True):
        named = groups if "SegmentIdentificationSequence" in groups else shared
        number = named.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        position = np.array(groups.PlanePositionSequence[0].ImagePositionPatient, dtype=float)
        rows, cols = np.nonzero(frame)
        lps = position + np.outer(cols * col_mm, along[:3]) + np.outer(rows * row_mm, along[3:])
        found.setdefault(number, []).append(lps)
    return {number: np.concatenate(parts) for number, parts in found.items()}


def by_simpleitk(path: Path, *, one_segment: bool = False) -> Points:
    """From ITK's geometry, of a file with numbers, or with one segment in any value."""
    image = SimpleITK.ReadImage(str(path))
    array = SimpleITK.GetArrayFromImage(image)
    array = (array > 0).astype(array.dtype) if one_segment else array
    matrix = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    return {
        int(number): np.argwhere(array == number)[:, ::-1] @ matrix.T + image.GetOrigin()
        for number in np.unique(array[array > 0])
    }


def farthest_mm(found: Points, expected: Points) -> float:
    """The largest distance of a voxel found from the one expected; infinite if any has no other."""
    if set(found) != set(expected):
        return float("inf")
    gaps = []
    for number, points in expected.items():
        if len(found[number]) != len(points):
            return float("inf")
        distances, partners = cKDTree(points).query(found[number])
        if len(set(partners.tolist())) != len(points):
            return float("inf")
        gaps.append(float(distances.max()))
    return max(gaps)


def round_trip(stack: Stack, folder: Path) -> dict[str, float]:
    """How far voxels lie off at most, in mm, by reader."""
    whole = folder / "whole.dcm"
    write_dicom_object(whole, segmentation_object(stack.segmentation, stack.sources))
    found = {"highdicom": by_highdicom(whole), "pydicom by hand": by_hand(whole)}
    gaps = {reader: farthest_mm(points, stack.points) for reader, points in found.items()}
    nrrd = folder / "labels.seg.nrrd"
    write_seg_nrrd(nrrd, stack.segmentation)
    gaps["SimpleITK, NRRD"] = farthest_mm(by_simpleitk(nrrd), stack.points)
    if np.prod(stack.segmentation.geometry.shape) % 8 == 0:
        gaps["SimpleITK, SEG"] = _wall_alone(stack, folder / "wall.dcm")
    return gaps


def _wall_alone(stack: Stack, path: Path) -> float:
    """The same by SimpleITK of a SEG with one segment, whose frames make a volume."""
    labels = stack.segmentation.labels
    codes = np.where(labels.mask(MYOCARDIUM), 200, 0).astype(np.int16)
    wall = LabelMap(codes, (MYOCARDIUM,))
    one = Segmentation("stack", wall, stack.segmentation.geometry)
    write_dicom_object(path, segmentation_object(one, stack.sources))
    numbers = segment_numbers(labels).items()
    parts = [stack.points[number] for group, number in numbers if group <= MYOCARDIUM]
    return farthest_mm(by_simpleitk(path, one_segment=True), {1: np.concatenate(parts)})


def main(say: Callable[[str], None] = print) -> int:
    """Runs the round trips; 1 if any voxel lies off by more than `FARTHEST_MM`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("-n", type=int, default=200, help="number of stacks")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    gaps: dict[str, list[float]] = {}
    n_right, n_left_handed = 0, 0
    for index, enhanced in zip(range(asked.n), itertools.cycle([False, True]), strict=False):
        stack = random_stack(np.random.default_rng([asked.seed, index]), enhanced=enhanced)
        n_left_handed += bool(np.linalg.det(stack.segmentation.geometry.affine) < 0)
        with tempfile.TemporaryDirectory() as folder:
            found = round_trip(stack, Path(folder))
        n_right += max(found.values()) <= FARTHEST_MM
        for reader, gap in found.items():
            gaps.setdefault(reader, []).append(gap)
    for reader, of_stacks in gaps.items():
        say(f"{reader:16} {len(of_stacks):4} stacks, at most {max(of_stacks):.1e} mm off")
    say(f"{n_right} of {asked.n} stacks on the same voxels; {n_left_handed} left-handed label maps")
    return int(n_right < asked.n)


if __name__ == "__main__":
    sys.exit(main())
