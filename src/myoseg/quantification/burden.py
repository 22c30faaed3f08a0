"""How much of each tissue there is: a label map enters, volumes, masses and percentages leave."""

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np
from jaxtyping import Bool

from myoseg.anatomy import BACKGROUND, MYOCARDIUM, REGIONS, Tissue, Tissues
from myoseg.cases.case import Geometry, LabelMap, Volume
from myoseg.errors import InputError
from myoseg.quantification.density import (
    MYOCARDIAL_DENSITY_G_PER_ML as MYOCARDIAL_DENSITY_G_PER_ML,
)
from myoseg.quantification.microvascular import dark_core

Mask = Bool[np.ndarray, "slice row col"]

_KNOWN_CODES: Final = frozenset(map(int, Tissue))

SALVAGE_CAVEAT: Final = (
    "Salvage index: (edema and scar - scar) / edema and scar. An area at risk taken from edema is "
    "not recommended as an endpoint (Ibanez et al., J Am Coll Cardiol 2019;74:238): edema changes "
    "from day to day after infarction."
)


@dataclass(frozen=True)
class SliceExtent:
    """What the volumes rest on, in slices.

    `slice_distance_mm` is from centre to centre. `slice_thickness_mm` and `gap_mm` (negative where
    slices overlap) are None where the thickness was not given: NIfTI holds the distance alone.
    `extrapolation` says in words how the volume between slices was taken.
    """

    n_slices: int
    n_slices_with_myocardium: int
    slice_distance_mm: float
    slice_thickness_mm: float | None
    gap_mm: float | None
    extrapolation: str


@dataclass(frozen=True)
class Burden:
    """Volumes (ml), masses (g) and percentages of one case; None where it was not assessed.

    `percent_of_myocardium` is of all of it, edema and scar included; None too where there is no
    myocardium. `salvage_index` (0 to 1; `SALVAGE_CAVEAT`) is None too without edema and scar.
    `mvo_source` says whether microvascular obstruction was labelled or found as a dark core of the
    scar on LGE (`microvascular`); None where it was not looked for.
    """

    lv_blood_pool_volume_ml: float | None
    rv_blood_pool_volume_ml: float | None
    myocardium_volume_ml: float | None
    lv_mass_g: float | None
    normal_myocardium_volume_ml: float | None
    normal_myocardium_mass_g: float | None
    scar_volume_ml: float | None
    scar_mass_g: float | None
    scar_percent_of_myocardium: float | None
    edema_volume_ml: float | None
    edema_mass_g: float | None
    edema_percent_of_myocardium: float | None
    edema_and_scar_volume_ml: float | None
    edema_and_scar_mass_g: float | None
    edema_and_scar_percent_of_myocardium: float | None
    microvascular_obstruction_volume_ml: float | None
    microvascular_obstruction_mass_g: float | None
    microvascular_obstruction_percent_of_myocardium: float | None
    salvage_index: float | None
    mvo_source: Literal["labelled", "dark_core"] | None
    extent: SliceExtent

    def to_record(self) -> dict[str, Any]:
        """Flat JSON values, units in the names; the caveat stands where there is an index."""
        record: dict[str, Any] = asdict(self)
        extent: dict[str, Any] = record.pop("extent")
        caveat = None if self.salvage_index is None else SALVAGE_CAVEAT
        return record | {"salvage_index_caveat": caveat} | extent


def measure_burden(
    labels: LabelMap,
    geometry: Geometry,
    *,
    lge: Volume | None = None,
    mvo: Mask | None = None,
    slice_thickness_mm: float | None = None,
) -> Burden:
    """Measures a case's tissues.

    Args:
        labels: what was found or drawn.
        geometry: its grid.
        lge: the LGE image on that grid, in which a dark core of the scar is looked for.
        mvo: microvascular obstruction as it was labelled, in place of what `lge` shows; what lies
            outside the myocardium, if that was assessed, does not count.
        slice_thickness_mm: as acquired; the volumes do not depend on it.

    Raises:
        InputError: arrays of different shapes, a code that stands for no tissue, an LGE that is NaN
            or infinite in the myocardium, or a thickness that is not above 0.
    """
    for name, array in (("labels", labels.codes), ("LGE", lge), ("obstruction mask", mvo)):
        if array is not None and array.shape != geometry.shape:
            raise InputError(
                f"the {name} have shape {array.shape} but the grid has {geometry.shape}; give "
                "volumes of one grid."
            )
    voxel_ml = geometry.voxel_ml
    counts = _counts(labels)
    ml = {
        name: _count(labels, counts, region) * voxel_ml if labels.assesses(region) else None
        for name, region in REGIONS.items()
    }
    wall_ml = ml["myocardium"]
    obstruction, source = _obstruction(labels, geometry, lge, mvo)
    mvo_ml = None if obstruction is None else float(obstruction.sum() * voxel_ml)
    both_ml = ml["edema+scar"]
    return Burden(
        ml["lv_blood_pool"],
        ml["rv_blood_pool"],
        wall_ml,
        _mass_g(wall_ml),
        ml["normal_myocardium"],
        _mass_g(ml["normal_myocardium"]),
        *_three(ml["scar"], wall_ml),
        *_three(ml["edema"], wall_ml),
        *_three(both_ml, wall_ml),
        *_three(mvo_ml, wall_ml),
        _salvage_index(ml["scar"], both_ml),
        source,
        slice_extent(labels, geometry, slice_thickness_mm),
    )


def _counts(labels: LabelMap) -> dict[Tissue, int]:
    """Voxels of each tissue's code, in one pass over what is not background.

    Raises:
        InputError: a code stands for no tissue.
    """
    found, counts = np.unique(labels.codes[labels.codes != BACKGROUND], return_counts=True)
    by_code = dict(zip(found.tolist(), counts.tolist(), strict=True))
    unknown = [code for code in by_code if code not in _KNOWN_CODES]
    if unknown:
        listed = ", ".join(map(str, unknown[:8]))
        raise InputError(
            f"the label map holds codes {listed}, which stand for no tissue; read it in the coding "
            "that it follows."
        )
    return {tissue: by_code.get(int(tissue), 0) for tissue in Tissue}


def _count(labels: LabelMap, counts: dict[Tissue, int], region: Tissues) -> int:
    return sum(counts[tissue] for tissue in region)


def _obstruction(
    labels: LabelMap, geometry: Geometry, lge: Volume | None, mvo: Mask | None
) -> tuple[Mask | None, Literal["labelled", "dark_core"] | None]:
    """Where obstruction is, and by whom.

    Raises:
        InputError: the LGE is NaN or infinite in the myocardium.
    """
    wall = labels.mask(MYOCARDIUM) if labels.assesses(MYOCARDIUM) else None
    if mvo is not None:
        inside: Mask = mvo.astype(bool)
        return inside if wall is None else inside & wall, "labelled"
    if lge is None or wall is None or not labels.assesses(REGIONS["scar"]):
        return None, None
    if not np.isfinite(lge[wall]).all():
        raise InputError(
            "the LGE has NaN or infinite values in the myocardium; export it again, or measure "
            "without it."
        )
    px_mm2 = geometry.voxel_ml * 1000 / slice_distance_mm(geometry)
    return dark_core(lge, labels, px_mm2), "dark_core"


def slice_distance_mm(geometry: Geometry) -> float:
    """From one slice's plane to the next, at right angles to them.

    It is the spacing along the slice axis unless that axis leans on the planes.
    """
    col, row, step = (geometry.affine[:3, axis].astype(float) for axis in range(3))
    normal = np.cross(col, row)
    return float(abs(step @ normal) / np.linalg.norm(normal))


def slice_extent(
    labels: LabelMap, geometry: Geometry, slice_thickness_mm: float | None = None
) -> SliceExtent:
    """How many slices there are and how they stand.

    Raises:
        InputError: the thickness is not above 0.
    """
    if slice_thickness_mm is not None and not slice_thickness_mm > 0:
        raise InputError(f"the slice thickness is {slice_thickness_mm} mm; give one above 0.")
    n_slices, distance_mm = geometry.shape[0], slice_distance_mm(geometry)
    there = np.isin(labels.codes, [int(tissue) for tissue in MYOCARDIUM]).any(axis=(1, 2))
    gap_mm = None if slice_thickness_mm is None else distance_mm - slice_thickness_mm
    return SliceExtent(
        n_slices,
        int(there.sum()),
        distance_mm,
        slice_thickness_mm,
        gap_mm,
        _extrapolation(n_slices, distance_mm, slice_thickness_mm),
    )


def _extrapolation(n_slices: int, distance_mm: float, thickness_mm: float | None) -> str:
    if n_slices == 1:
        return f"A single slice, whose areas were taken to be {distance_mm:.1f} mm thick."
    words = (
        f"Sum of the areas in {n_slices} slices times the {distance_mm:.1f} mm from slice to slice"
    )
    if thickness_mm is None:
        return f"{words}: each slice stands for half of the way to its neighbours, gaps included."
    gap_mm = distance_mm - thickness_mm
    if gap_mm > 0:
        return (
            f"{words}: slices are {thickness_mm:.1f} mm thick, and the {gap_mm:.1f} mm between "
            "them are taken to hold what the nearer slice shows."
        )
    return f"{words}; slices of {thickness_mm:.1f} mm leave no gap."


def _mass_g(volume_ml: float | None) -> float | None:
    return None if volume_ml is None else volume_ml * MYOCARDIAL_DENSITY_G_PER_ML


def _three(
    volume_ml: float | None, wall_ml: float | None
) -> tuple[float | None, float | None, float | None]:
    """Volume, mass and percent of the myocardium."""
    if volume_ml is None:
        return None, None, None
    return volume_ml, _mass_g(volume_ml), 100 * (volume_ml / wall_ml) if wall_ml else None


def _salvage_index(scar_ml: float | None, both_ml: float | None) -> float | None:
    if scar_ml is None or not both_ml:
        return None
    return (both_ml - scar_ml) / both_ml
