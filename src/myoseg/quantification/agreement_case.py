"""A case's two label maps enter, what both say of each measure leaves."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from math import isnan
from sys import intern
from types import MappingProxyType
from typing import Final, NamedTuple, get_args

import numpy as np
from jaxtyping import Float64

from myoseg.anatomy import REGIONS
from myoseg.cases.case import LabelMap
from myoseg.cases.grids import require_same_grid
from myoseg.errors import MyosegError
from myoseg.quantification.agreement_classes import ClassCounts, count_classes
from myoseg.quantification.aha import TERRITORIES, Territory
from myoseg.quantification.burden import Burden
from myoseg.quantification.decoding import read_label_map
from myoseg.quantification.division import N_SEGMENTS
from myoseg.quantification.measures import Measures, measure
from myoseg.quantification.microvascular import labelled_obstruction
from myoseg.quantification.overlap import overlap
from myoseg.quantification.pairing import Pair
from myoseg.quantification.segments import (
    SegmentMeasures,
    Segments,
    TerritoryMeasures,
    TransmuralityClass,
)

CASE_MEASURES: Final = tuple(
    field.name for field in fields(Burden) if field.name not in ("mvo_source", "extent")
)
"""What is compared of a case as a whole: the numbers of `burden.Burden`."""

SEGMENT_MEASURES: Final = MappingProxyType(
    {
        f"segment_{name}": name
        for name in (
            "scar_percent",
            "edema_and_scar_percent",
            "scar_transmurality_mean_over_all_percent",
            "wall_thickness_mm",
        )
    }
)
"""What is compared segment by segment, pooled, and its name in `segments.SegmentMeasures`."""

TERRITORY_MEASURES: Final = MappingProxyType(
    {
        f"territory_{name}": name
        for name in ("scar_mass_g", "scar_percent", "edema_and_scar_percent")
    }
)
"""What is compared of each coronary territory, and its name in `segments.TerritoryMeasures`."""

MEASURES: Final = (*CASE_MEASURES, *SEGMENT_MEASURES, *TERRITORY_MEASURES)
"""All that is compared, cases first, then segments, then territories."""

CLASSES: Final[tuple[str, ...]] = get_args(TransmuralityClass)

_FIELDS: Final = {**SEGMENT_MEASURES, **TERRITORY_MEASURES}
_UNITS: Final = (("_ml", "ml"), ("_mm", "mm"), ("_g", "g"), ("_percent", "%"))


class Quantity(NamedTuple):
    """What a value is of: a whole case, one of its segments or one of its territories."""

    measure: str
    segment: int | None = None
    territory: Territory | None = None


OF_CASE: Final = tuple(map(Quantity, CASE_MEASURES))
OF_CASE_AND_PARTS: Final = (
    *OF_CASE,
    *(Quantity(m, segment=n) for m in SEGMENT_MEASURES for n in range(1, N_SEGMENTS + 1)),
    *(Quantity(m, territory=name) for m in TERRITORY_MEASURES for name in TERRITORIES),
)


@dataclass(frozen=True, slots=True)
class PairedValue:
    """A measure of one case, or of one of its parts, by both; None where there is no value."""

    case: str
    measure: str
    segment: int | None
    first: float | None
    second: float | None
    territory: Territory | None = None

    @property
    def difference(self) -> float | None:
        """First minus second; None where either has no value."""
        if self.first is None or self.second is None:
            return None
        return self.first - self.second


@dataclass(frozen=True, eq=False, slots=True)
class PairedValues(Sequence[PairedValue]):
    """All values of one case in two arrays, NaN where there is none."""

    case: str
    quantities: tuple[Quantity, ...]
    first: Float64[np.ndarray, "quantity"]
    second: Float64[np.ndarray, "quantity"]

    def __len__(self) -> int:
        return len(self.quantities)

    def __getitem__(self, index: int) -> PairedValue:  # type: ignore[override]
        measure, segment, territory = self.quantities[index]
        values = _or_none(self.first[index]), _or_none(self.second[index])
        return PairedValue(self.case, measure, segment, *values, territory)


def _or_none(value: float) -> float | None:
    return None if isnan(value) else float(value)


@dataclass(frozen=True, eq=False)
class CaseComparison:
    """What the two say of one case, or why they could not be compared.

    `dice` is by region (`anatomy.REGIONS`), None where both are empty; regions that either did not
    assess are missing. `classes` counts the segments' classes of transmurality. `flags` are what
    `measures.measure` says of the first and of the second.
    """

    case: str
    values: Sequence[PairedValue] = ()
    dice: tuple[tuple[str, float | None], ...] = ()
    classes: ClassCounts | None = None
    flags: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    error: MyosegError | None = None


def unit_of(name: str) -> str:
    """The unit that ends a measure's name.

    >>> unit_of("scar_mass_g"), unit_of("scar_percent_of_myocardium"), unit_of("salvage_index")
    ('g', '%', '')
    """
    plain = name.removesuffix("_of_myocardium")
    return next((unit for suffix, unit in _UNITS if plain.endswith(suffix)), "")


def compare_pair(pair: Pair) -> CaseComparison:
    """Both label maps of a case, measured; no-reflow counts where a coding has it.

    Raises:
        InputError: a file cannot be read or holds unknown labels.
        GeometryError: the two are on different grids.
    """
    ours, geometry = read_label_map(pair.predicted)
    theirs, other_geometry = read_label_map(pair.true)
    require_same_grid(pair.predicted.path, geometry, pair.true.path, other_geometry)
    first = measure(ours, geometry, mvo=labelled_obstruction(pair.predicted))
    second = measure(theirs, geometry, mvo=labelled_obstruction(pair.true))
    return CaseComparison(
        case=pair.case,
        values=_paired_values(pair.case, first, second),
        dice=tuple(_dice_of_case(ours, theirs)),
        classes=_class_counts(first.segments, second.segments),
        flags=(tuple(map(intern, first.flags)), tuple(map(intern, second.flags))),
    )


def _paired_values(case: str, first: Measures, second: Measures) -> PairedValues:
    """What either has; segments and territories are left out where neither has any."""
    divided = first.segments is not None or second.segments is not None
    quantities = OF_CASE_AND_PARTS if divided else OF_CASE
    values = (_array_of(side, quantities) for side in (first, second))
    return PairedValues(case, quantities, *values)


def _array_of(
    measures: Measures, quantities: tuple[Quantity, ...]
) -> Float64[np.ndarray, "quantity"]:
    """Of one side; NaN where it was not assessed, or there are no segments."""
    parts: dict[object, Burden | SegmentMeasures | TerritoryMeasures] = {
        (None, None): measures.burden
    }
    if measures.segments is not None:
        parts |= {(each.segment, None): each for each in measures.segments.measures}
        parts |= {(None, each.territory): each for each in measures.segments.territories}
    found = np.full(len(quantities), np.nan)
    for index, (name, *part) in enumerate(quantities):
        source = parts.get(tuple(part))
        value = None if source is None else getattr(source, _FIELDS.get(name, name))
        found[index] = np.nan if value is None else value
    return found


def _by_segment(segments: Segments | None) -> dict[int, SegmentMeasures]:
    return {} if segments is None else {each.segment: each for each in segments.measures}


def _class_counts(first: Segments | None, second: Segments | None) -> ClassCounts | None:
    """The classes of the segments that both have; None where either has no segments."""
    ours, theirs = _by_segment(first), _by_segment(second)
    both = sorted(ours.keys() & theirs.keys())
    if not both:
        return None
    return count_classes(
        [ours[segment].transmurality_class for segment in both],
        [theirs[segment].transmurality_class for segment in both],
        CLASSES,
    )


def _dice_of_case(first: LabelMap, second: LabelMap) -> Iterator[tuple[str, float | None]]:
    for name, region in REGIONS.items():
        if first.assesses(region) and second.assesses(region):
            yield name, overlap(first.mask(region), second.mask(region)).dice
