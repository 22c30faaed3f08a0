"""A case's files enter; a `Case` on one grid leaves, with every doubt said in the log."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from myoseg.anatomy import Sequence
from myoseg.cases.case import Case, Geometry, LabelMap, Volume
from myoseg.cases.case_files import CaseFiles, case_files, safe_name
from myoseg.cases.grids import require_same_grid
from myoseg.cases.labels import LabelCoding, decode_labels, first_covering
from myoseg.cases.nifti import (
    NiftiImage,
    read_label_volume,
    read_volume,
    volume_of_image,
)
from myoseg.cases.on_grid import ImageOnGrid
from myoseg.errors import InputError

log = logging.getLogger(__name__)


def read_case(files: CaseFiles, *, with_labels: bool = True) -> Case:
    """Reads a case's sequences and labels.

    Voxels that are NaN or infinite take the lowest value of their slice; this and slices of one
    value are logged as warnings.

    Raises:
        InputError: a file cannot be used, no sequence is there, or a sequence is NaN throughout.
        GeometryError: two files differ in grid.
    """
    if files.dicom is not None:
        # Here, since that module needs this one.
        from myoseg.cases.dicom.case import read_dicom_case

        return read_dicom_case(files.name, files.dicom).case
    if not files.images:
        raise InputError(
            f"case {files.name} has no sequence; it needs at least one of {', '.join(Sequence)}."
        )
    images, source, geometry = _on_one_grid(_volumes_of_files(files))
    labels = read_labels(files, source, geometry) if with_labels and files.labels else None
    return Case(name=files.name, images=images, geometry=geometry, labels=labels)


def case_from_images(images: Mapping[Sequence, NiftiImage], name: str = "case") -> Case:
    """A case of nibabel images that are in memory; see `read_case`.

    Raises:
        InputError: an image cannot be used, or none is given; the sequence is named.
        GeometryError: two images differ in grid.
    """
    if not images:
        raise InputError(f"case {name} has no sequence; give one of {', '.join(Sequence)}.")
    on_grid, _, geometry = _on_one_grid(_volumes_of_images(images))
    return Case(name=safe_name(name), images=on_grid, geometry=geometry)


def read_images(files: CaseFiles) -> dict[Sequence, ImageOnGrid]:
    """Reads a case's sequences, each on its own grid, as `read_case` does.

    Raises:
        InputError: a file cannot be used, no sequence is there, or a sequence is NaN throughout.
    """
    if not files.images:
        raise InputError(
            f"case {files.name} has no sequence; it needs at least one of {', '.join(Sequence)}."
        )
    return _on_own_grids(_volumes_of_files(files))


def images_in_memory(
    images: Mapping[Sequence, NiftiImage], name: str = "case"
) -> dict[Sequence, ImageOnGrid]:
    """Images of nibabel, each on its own grid, as `case_from_images` takes them.

    Raises:
        InputError: an image cannot be used, or none is given.
    """
    if not images:
        raise InputError(f"case {name} has no sequence; give one of {', '.join(Sequence)}.")
    return _on_own_grids(_volumes_of_images(images))


def _volumes_of_files(files: CaseFiles) -> Iterator[tuple[Sequence, Path, Volume, Geometry]]:
    for sequence in Sequence:
        if sequence in files.images:
            path = files.images[sequence]
            yield sequence, path, *read_volume(path)


def _volumes_of_images(
    images: Mapping[Sequence, NiftiImage],
) -> Iterator[tuple[Sequence, Path, Volume, Geometry]]:
    for sequence in Sequence:
        if sequence in images:
            source = Path(f"the {sequence} image")
            yield sequence, source, *volume_of_image(images[sequence], source)


def _on_own_grids(
    volumes: Iterable[tuple[Sequence, Path, Volume, Geometry]],
) -> dict[Sequence, ImageOnGrid]:
    """The volumes made finite."""
    return {
        sequence: ImageOnGrid(_usable(stored, source), geometry)
        for sequence, source, stored, geometry in volumes
    }


def _usable(stored: Volume, source: Path) -> Volume:
    """The volume made finite, its faults logged."""
    for fault in intensity_faults(stored):
        log.warning("%s: %s", source, fault)
    return finite(stored, source)


def _on_one_grid(
    volumes: Iterable[tuple[Sequence, Path, Volume, Geometry]],
) -> tuple[dict[Sequence, Volume], Path, Geometry]:
    """The volumes made finite, with the source and the grid of the first, which all must share."""
    images: dict[Sequence, Volume] = {}
    first: tuple[Path, Geometry] | None = None
    for sequence, source, stored, geometry in volumes:
        first = first or (source, geometry)
        require_same_grid(source, geometry, *first)
        images[sequence] = _usable(stored, source)
    assert first is not None
    return images, *first


def read_labels(files: CaseFiles, image_path: Path, geometry: Geometry) -> LabelMap:
    """Reads a case's labels, which must lie on the grid of its images.

    Raises:
        InputError: the file cannot be used or holds unknown values.
        GeometryError: the grids differ.
    """
    assert files.labels is not None
    values, label_geometry = read_label_volume(files.labels)
    require_same_grid(files.labels, label_geometry, image_path, geometry)
    return decode_labels(values, first_covering(files.codings, values), files.labels)


def case_from_files(
    bssfp: Path | str | None = None,
    lge: Path | str | None = None,
    t2: Path | str | None = None,
    labels: Path | str | None = None,
    name: str | None = None,
    coding: LabelCoding | None = None,
) -> Case:
    """Reads a case from explicit files; see `case_files`.

    Raises:
        InputError: a file is missing or cannot be used, or no sequence is given.
        GeometryError: two files differ in grid.
    """
    return read_case(case_files(bssfp, lge, t2, labels, name, coding))


def intensity_faults(volume: Volume) -> tuple[str, ...]:
    """What is wrong with an image's values, one sentence each; slices are counted from 0."""
    not_finite = ~np.isfinite(volume)
    faults = []
    if not_finite.any():
        faults.append(
            f"{int(not_finite.sum())} voxels of {_slices(not_finite.any(axis=(1, 2)))} are NaN or "
            "infinite and are taken for the slice's lowest value; export the series again if "
            "they lie in the heart"
        )
    with np.errstate(invalid="ignore"):
        constant = np.array([bool((image == image[0, 0]).all()) for image in volume])
    if constant.any():
        faults.append(
            f"{_slices(constant)} hold one value throughout, so nothing can be found there; "
            "remove them or export the series again"
        )
    return tuple(faults)


def _slices(chosen: Bool[np.ndarray, "slice"]) -> str:
    numbers = ", ".join(str(index) for index in np.flatnonzero(chosen))
    return f"slices {numbers} (of {len(chosen)}, counted from 0)"


def finite(volume: Volume, path: Path) -> Volume:
    """The volume with NaN and infinities replaced by the lowest finite value of their slice.

    A slice without any finite value becomes zero.

    Raises:
        InputError: no voxel is finite; `path` is named.
    """
    usable = np.isfinite(volume)
    if usable.all():
        return volume
    if not usable.any():
        raise InputError(f"{path} is NaN or infinite throughout; export the series again.")
    lowest = np.where(usable, volume, np.inf).min(axis=(1, 2), keepdims=True)
    return np.where(usable, volume, np.where(np.isfinite(lowest), lowest, 0)).astype(np.float32)
