"""NIfTI files: a path enters and an array (slice, row, col) with its geometry leaves, and back."""

import gzip
import os
import zlib
from pathlib import Path
from typing import Any, Final, TypeAlias

import nibabel as nib
import numpy as np
from jaxtyping import Float, Float32, Int16, Integer, Num
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError, HeaderTypeError

from myoseg.cases.case import Geometry, LabelVolume, Volume
from myoseg.cases.grids import corner_distance_mm, in_words, same_grid
from myoseg.cases.labels import as_whole_numbers, consecutive_codes
from myoseg.errors import InputError, OutputError
from myoseg.files import written_whole

StoredVolume: TypeAlias = Float32[np.ndarray, "slice row col"] | Int16[np.ndarray, "slice row col"]
NiftiImage: TypeAlias = Any

SUFFIXES: Final = (".nii", ".nii.gz")
_DAMAGE = (OSError, EOFError, zlib.error, ValueError, OverflowError)
_SCANNER_COORDINATES = 1
_GZIP_LEVEL = 4
_PLAUSIBLE_IN_PLANE_MM = (0.2, 5.0)
_PLAUSIBLE_SLICE_MM = (1.0, 30.0)


def read_volume(path: Path) -> tuple[Volume, Geometry]:
    """Reads one image, with the intensity scaling that its header states.

    Raises:
        InputError: the file is missing, damaged, no NIfTI, not three-dimensional, empty, of a type
            that is no intensity, or without a usable affine. Names the file and the remedy.
    """
    return volume_of_image(_open(path), path)


def volume_of_image(image: NiftiImage, source: Path) -> tuple[Volume, Geometry]:
    """The same of a nibabel image; `source` is what errors call it.

    Raises:
        InputError: as `read_volume`, for what the image shows.
    """
    geometry = _geometry_of(image, source)
    return _values_of(image, geometry, source, np.dtype(np.float32)), geometry


def read_label_volume(path: Path) -> tuple[Integer[np.ndarray, "slice row col"], Geometry]:
    """Reads label values as stored, as integers even where they are stored as real numbers.

    Raises:
        InputError: as `read_volume`, or a value is not whole.
    """
    image = _open(path)
    geometry = _geometry_of(image, path)
    return as_whole_numbers(_values_of(image, geometry, path, None), path), geometry


def read_geometry(path: Path) -> Geometry:
    """Reads the header only.

    Raises:
        InputError: as `read_volume`, for what the header shows.
    """
    return _geometry_of(_open(path), path)


def write_labels(
    path: Path, codes: LabelVolume, geometry: Geometry, consecutive: bool = False
) -> None:
    """Writes MyoPS codes, or consecutive ones, as int16 on the given grid, whole or not at all.

    Raises:
        OutputError: the file cannot be written, or its name does not end in .nii or .nii.gz.
    """
    write_volume(path, consecutive_codes(codes) if consecutive else codes, geometry)


def write_volume(path: Path, volume: StoredVolume, geometry: Geometry) -> None:
    """Writes an image, a probability map or labels on the given grid, whole or not at all.

    The same volume gives the same bytes: a compressed file carries no time. Both of NIfTI's
    transforms hold the affine, except that a sheared one fits only the sform.

    Raises:
        OutputError: the file cannot be written, or its name does not end in .nii or .nii.gz.
    """
    if volume.shape != geometry.shape:
        raise ValueError(f"a volume of shape {volume.shape} does not fit grid {geometry.shape}")
    name = path.name.lower()
    if not name.endswith(SUFFIXES):
        raise OutputError(f"cannot write {path}: its name must end in .nii or .nii.gz.")
    content: bytes = _image_of(volume, geometry).to_bytes()
    if name.endswith(".gz"):
        content = gzip.compress(content, _GZIP_LEVEL, mtime=0)
    with written_whole(path) as aside, aside.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def header_faults(path: Path) -> tuple[str, ...]:
    """What is doubtful about a readable file's orientation and spacing, one sentence each.

    Where sform and qform disagree, the sform is used, as nibabel and most programs do.

    Raises:
        InputError: as `read_geometry`.
    """
    image = _open(path)
    geometry = _geometry_of(image, path)
    return (*_orientation_faults(image.header, geometry), *_spacing_faults(geometry))


def _open(path: Path) -> NiftiImage:
    """The file's header, checked to be NIfTI; values are read later."""
    if not path.is_file():
        fault = "is a folder, not a file" if path.is_dir() else "does not exist"
        raise InputError(f"{path} {fault}; give the path of a .nii or .nii.gz file.")
    try:
        image = nib.load(path, mmap=False)
    except PermissionError as error:
        raise InputError(f"{path} may not be read; change its permissions.") from error
    except (ImageFileError, HeaderDataError, HeaderTypeError, *_DAMAGE) as error:
        raise InputError(
            f"{path} is no readable NIfTI file ({error}); copy it again, or convert it to .nii.gz."
        ) from error
    if not isinstance(image, nib.Nifti1Pair):
        raise InputError(f"{path} is no NIfTI file; convert it to .nii.gz.")
    return image


def _geometry_of(image: NiftiImage, path: Path) -> Geometry:
    n_cols, n_rows, n_slices = _shape_of(image, path)
    affine = np.array(image.affine, dtype=np.float64)
    if n_slices == 1 and not affine[:3, 2].any():
        affine[:3, 2] = np.cross(_unit(affine[:3, 0]), _unit(affine[:3, 1]))
    if not np.isfinite(affine).all() or _flatness(affine) < 1e-6:
        raise InputError(
            f"{path} has an affine that maps no grid (its columns are "
            f"{affine[:3, :3].T.tolist()}); set the orientation again, or export it anew."
        )
    return Geometry(shape=(n_slices, n_rows, n_cols), affine=affine)


def _flatness(affine: Float[np.ndarray, "4 4"]) -> float:
    """A voxel's volume over the product of its edges: 1 for a cuboid, 0 for none."""
    edges_mm = np.linalg.norm(affine[:3, :3], axis=0)
    volume_mm3 = abs(float(np.linalg.det(affine[:3, :3])))
    return volume_mm3 / max(float(edges_mm.prod()), np.finfo(float).tiny)


def _unit(vector: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3"]:
    length = float(np.linalg.norm(vector))
    return vector / length if length > 0 else vector


def _shape_of(image: NiftiImage, path: Path) -> tuple[int, int, int]:
    """(col, row, slice), without trailing axes of length 1; a 2-D image is one slice."""
    stored = tuple(int(length) for length in image.shape)
    written = "x".join(map(str, stored))
    if 0 in stored or len(stored) < 2:
        raise InputError(f"{path} is {written} and holds no slice; export it again.")
    if any(length > 1 for length in stored[3:]):
        raise InputError(
            f"{path} is {len(stored)}-D ({written}); save the one frame to be read as a 3-D file."
        )
    n_cols, n_rows, n_slices = (*stored, 1)[:3]
    return n_cols, n_rows, n_slices


def _values_of(
    image: NiftiImage, geometry: Geometry, path: Path, dtype: np.dtype[Any] | None
) -> Num[np.ndarray, "slice row col"]:
    stored_type = image.header.get_data_dtype()
    if stored_type.kind not in "iuf":
        raise InputError(
            f"{path} stores {stored_type} values, not one real number a voxel; convert it to an "
            "integer or float type."
        )
    try:
        with np.errstate(over="ignore"):
            values = np.asarray(_verified(image, path).dataobj, dtype=dtype)
    except (*_DAMAGE, MemoryError) as error:
        raise InputError(
            f"{path} is cut short or damaged ({error}); copy or export it again."
        ) from error
    native = values.astype(values.dtype.newbyteorder("="), copy=False)
    return np.ascontiguousarray(native.reshape(geometry.shape[::-1], order="F").T)


def _verified(image: NiftiImage, path: Path) -> NiftiImage:
    """The image, of which a compressed file's checksum was compared; nibabel alone does not."""
    if path.suffix.lower() != ".gz" or not isinstance(image, nib.Nifti1Image):
        return image
    return type(image).from_bytes(gzip.decompress(path.read_bytes()))


def _image_of(volume: StoredVolume, geometry: Geometry) -> NiftiImage:
    image = nib.Nifti1Image(volume.T, geometry.affine, dtype=volume.dtype)
    image.header.set_xyzt_units("mm", "sec")
    image.set_sform(geometry.affine, _SCANNER_COORDINATES)
    image.set_qform(geometry.affine, _SCANNER_COORDINATES)
    if not same_grid(Geometry(geometry.shape, image.get_qform()), geometry):
        image.set_qform(geometry.affine, 0)
    return image


def _orientation_faults(header: Any, geometry: Geometry) -> tuple[str, ...]:
    has_sform, has_qform = header["sform_code"] > 0, header["qform_code"] > 0
    if not has_sform and not has_qform:
        return ("no orientation is stored (sform and qform codes are 0), so one is assumed",)
    faults = []
    if has_sform and has_qform:
        by_qform = _by_qform(header, geometry)
        if by_qform is None:
            faults.append("the qform is no rotation; sform is used")
        elif not same_grid(geometry, by_qform):
            distance_mm = corner_distance_mm(geometry, by_qform)
            faults.append(f"sform and qform disagree by up to {distance_mm:.3g} mm; sform is used")
    stated = tuple(float(zoom) for zoom in header.get_zooms()[:3])
    actual = geometry.spacing_mm[::-1][: len(stated)]
    if not np.allclose(stated, actual, rtol=1e-2):
        faults.append(
            f"the header states a spacing of {_mm(stated)} but its affine {_mm(actual)}; the "
            "affine is used"
        )
    return tuple(faults)


def _by_qform(header: Any, geometry: Geometry) -> Geometry | None:
    try:
        return Geometry(geometry.shape, header.get_qform())
    except (HeaderDataError, ValueError):
        return None


def _spacing_faults(geometry: Geometry) -> tuple[str, ...]:
    slice_mm, *in_plane_mm = geometry.spacing_mm
    if geometry.spacing_is_nominal:
        return ("spacing is 1 x 1 x 1 mm, as programs write that do not know it: trust no mL or g",)
    if geometry.shape[0] > 1 and slice_mm < 0.9 * max(in_plane_mm):
        return (
            f"slices ({in_words(geometry)}) are thinner than their pixels: the third axis may not "
            "be the slice axis",
        )
    low, high = _PLAUSIBLE_IN_PLANE_MM
    thin, thick = _PLAUSIBLE_SLICE_MM
    in_range = all(low <= edge <= high for edge in in_plane_mm)
    if in_range and (geometry.shape[0] == 1 or thin <= slice_mm <= thick):
        return ()
    return (f"spacing {_mm(geometry.spacing_mm[::-1])} is not that of a short-axis stack",)


def _mm(edges: tuple[float, ...]) -> str:
    return " x ".join(f"{edge:.3g}" for edge in edges) + " mm"
