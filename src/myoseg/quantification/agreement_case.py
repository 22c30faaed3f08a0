"""A case's two label maps enter, what both say of each measure leaves."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from sys import intern
from types import MappingProxyType
from typing import Final, get_args

from myoseg.anatomy import REGIONS
from myoseg.cases.case import LabelMap
from myoseg.cases.grids import require_same_grid
from myoseg.errors import MyosegError
from myoseg.quantification.agreement_classes import ClassCounts, count_classes
from myoseg.quantification.burden import Burden
from myoseg.quantification.decoding import read_label_map
from myoseg.quantification.measures import Measures, measure
from myoseg.quantification.overlap import overlap
from myoseg.quantification.pairing import Pair
from myoseg.quantification.segments import SegmentMeasures, Segments, TransmuralityClass

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

CLASSES: Final[tuple[str, ...]] = get_args(TransmuralityClass)

_UNITS: Final = (("_ml", "ml"), ("_mm", "mm"), ("_g", "g"), ("_percent", "%"))


@dataclass(frozen=True, slots=True)
class PairedValue:
    """A measure of one case, or of one of its segments, by both; None where there is no value."""

    case: str
    measure: str
    segment: int | None
    first: float | None
    second: float | None

    @property
    def difference(self) -> float | None:
        """First minus second; None where either has no value."""
        if self.first is None or self.second is None:
            return None
        return self.first - self.second


@dataclass(frozen=True, eq=False)
class CaseComparison:
    """What the two say of one case, or why they could not be compared.

    `dice` is by region (`anatomy.REGIONS`), None where both are empty; regions that either did not
    assess are missing. `classes` counts the segments' classes of transmurality. `flags` are what
    `measures.measure` says of the first and of the second.
    """

    case: str
    values: tuple[PairedValue, ...] = ()
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
    """Both label maps of a case, measured.

    Raises:
        InputError: a file cannot be read or holds unknown labels.
        GeometryError: the two are on different grids.
    """
    ours, geometry = read_label_map(pair.predicted)
    theirs, other_geometry = read_label_map(pair.true)
    require_same_grid(pair.predicted.path, geometry, pair.true.path, other_geometry)
    first, second = measure(ours, geometry), measure(theirs, geometry)
    return CaseComparison(
        case=pair.case,
        values=(
            *_case_values(pair.case, first, second),
            *_segment_values(pair.case, first, second),
        ),
        dice=tuple(_dice_of_case(ours, theirs)),
        classes=_class_counts(first.segments, second.segments),
        flags=(tuple(map(intern, first.flags)), tuple(map(intern, second.flags))),
    )


def _case_values(case: str, first: Measures, second: Measures) -> Iterator[PairedValue]:
    for name in CASE_MEASURES:
        yield PairedValue(
            case, name, None, getattr(first.burden, name), getattr(second.burden, name)
        )


def _segment_values(case: str, first: Measures, second: Measures) -> Iterator[PairedValue]:
    """Every segment that either has; a side without segments has no value of any."""
    ours, theirs = _by_segment(first.segments), _by_segment(second.segments)
    for measure_name, name in SEGMENT_MEASURES.items():
        for segment in sorted(ours.keys() | theirs.keys()):
            values = (getattr(side.get(segment), name, None) for side in (ours, theirs))
            yield PairedValue(case, measure_name, segment, *values)


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
