"""Masks of remote myocardium that readers drew: files enter, each case's mask leaves."""

import logging
from collections.abc import Collection
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from myoseg.cases.case import Geometry
from myoseg.cases.grids import require_same_grid
from myoseg.cases.nifti import read_label_volume
from myoseg.errors import InputError
from myoseg.quantification.pairing import label_files

log = logging.getLogger(__name__)


def remote_files(cases: Collection[str], path: Path) -> dict[str, Path]:
    """The mask of each case that has one, by case name.

    Args:
        cases: names of the cases.
        path: the mask of the only case, or a folder of masks (`pairing.label_files`); cases without
            one are warned of.

    Raises:
        InputError: a file is given for several cases, or the folder has a mask of none.
    """
    if path.is_file():
        if len(cases) != 1:
            raise InputError(
                f"{path} is one mask, but there are {len(cases)} cases; give a folder of masks "
                "named as the cases."
            )
        return dict.fromkeys(cases, path)
    found = {name: file.path for name, file in label_files(path).items() if name in cases}
    if not found:
        raise InputError(
            f"{path} holds no mask of any of the {len(cases)} cases; name them as the cases."
        )
    if len(found) < len(cases):
        log.warning(
            "%d of %d cases have no mask of remote myocardium in %s; theirs is found by itself",
            len(cases) - len(found),
            len(cases),
            path,
        )
    return found


def read_remote(path: Path, image: Path, geometry: Geometry) -> Bool[np.ndarray, "slice row col"]:
    """A mask of remote myocardium: all that is not 0.

    Args:
        path: of the mask.
        image: of the case, named in errors.
        geometry: the image's grid.

    Raises:
        InputError: the file cannot be read, or holds several values beside 0.
        GeometryError: it is on another grid than the image.
    """
    values, grid = read_label_volume(path)
    require_same_grid(path, grid, image, geometry)
    found = np.unique(values[values != 0])
    if len(found) > 1:
        raise InputError(
            f"{path} holds {len(found)} values beside 0 and is no mask of remote myocardium, which "
            "has one; give the mask, rather than an image or a label map."
        )
    return np.asarray(values != 0)
