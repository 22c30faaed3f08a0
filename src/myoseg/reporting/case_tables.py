"""Measures enter; the words and tables of a case's page leave, with what was not assessed said."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from myoseg.quantification.burden import Burden
from myoseg.quantification.measures import Measures
from myoseg.quantification.segments import SegmentMeasures, Segments

NO_VALUE: Final = "–"
NOT_ASSESSED: Final = "not assessed"

TERRITORY_NAMES: Final = {
    "LAD": "left anterior descending",
    "RCA": "right coronary",
    "LCX": "left circumflex",
}

DEEP_CLASSES: Final = ("51-75", "76-100")

_MEASURED: Final = (
    ("LV blood pool", "lv_blood_pool"),
    ("RV blood pool", "rv_blood_pool"),
    ("LV myocardium", "myocardium"),
    ("normal myocardium", "normal_myocardium"),
    ("edema without scar", "edema"),
    ("scar", "scar"),
    ("edema and scar", "edema_and_scar"),
    ("microvascular obstruction", "microvascular_obstruction"),
)
_MVO_SOURCES: Final = {"": "", "labelled": "as labelled", "dark_core": "dark core on LGE"}


@dataclass(frozen=True)
class Headline:
    """One of the measures that a reader looks for first; without a value, `absence` says why."""

    title: str
    value: str
    unit: str
    note: str = ""
    absence: str = NOT_ASSESSED


@dataclass(frozen=True)
class Row:
    """A line of a table; `note` stands beside its title."""

    title: str
    cells: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True)
class Table:
    """A table of measures; the first of `columns` is the title of the rows.

    The rows of a `tight` one take one line each.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    caption: str = ""
    tight: bool = False


def number(value: float | None, n_decimals: int = 1) -> str:
    """A measure as it is shown: never rounded to nothing, and a dash where there is none.

    >>> number(0.0), number(0.04), number(12.34), number(-0.5), number(None)
    ('0', '< 0.1', '12.3', '−0.5', '–')
    """
    if value is None:
        return NO_VALUE
    least = 10.0**-n_decimals
    sign = "−" if value < 0 else ""
    if 0 < abs(value) < least / 2:
        return f"> {sign}{least:.{n_decimals}f}" if sign else f"< {least:.{n_decimals}f}"
    return "0" if value == 0 else f"{sign}{abs(value):.{n_decimals}f}"


def sentence(words: str) -> str:
    """A clause as a sentence of its own.

    >>> sentence("the ring is open"), sentence("There is one slice only.")
    ('The ring is open.', 'There is one slice only.')
    """
    return words[:1].upper() + words[1:].rstrip(".") + "."


def warnings_of(words: Iterable[str]) -> tuple[str, ...]:
    """Clauses as sentences, each once; tissues that were not assessed are said elsewhere.

    >>> warnings_of(["the ring is open", "Not assessed: edema.", "The ring is open."])
    ('The ring is open.',)
    """
    sentences = dict.fromkeys(map(sentence, words))
    return tuple(each for each in sentences if not each.startswith("Not assessed: "))


def headlines_of(measures: Measures) -> tuple[Headline, ...]:
    """What a reader looks for first."""
    burden = measures.burden
    mvo = _mass("Microvascular obstruction", burden, "microvascular_obstruction")
    salvage = "" if burden.salvage_index is None else number(burden.salvage_index, 2)
    return (
        _mass("Scar", burden, "scar"),
        _mass("Edema and scar", burden, "edema_and_scar"),
        mvo,
        Headline("Salvage index", salvage, "", "see the caveat below", _why_no_salvage(burden)),
        _depth(measures.segments),
        Headline(
            "LV mass",
            _shown(burden.lv_mass_g, 0),
            "g",
            "" if burden.lv_mass_g is None else f"{number(burden.myocardium_volume_ml, 0)} ml",
        ),
    )


def measures_table(burden: Burden) -> Table:
    """Volumes, masses and percentages of every tissue."""
    return Table(
        title="Measures",
        columns=("", "ml", "g", "% of LV myocardium"),
        rows=tuple(_measure_row(title, name, burden) for title, name in _MEASURED),
        caption=burden.extent.extrapolation,
    )


def segments_table(segments: Segments) -> Table:
    """The 16 segments."""
    return Table(
        title="By segment",
        columns=("Segment", "scar %", "edema and scar %", "depth mean %", "depth max %", "class"),
        rows=tuple(_segment_row(each) for each in segments.measures),
        caption="Depth: share of the wall's thickness that is scar, its mean over the segment and "
        "where it is deepest. Class: of the scar's percentage of the segment.",
        tight=True,
    )


def territories_table(segments: Segments) -> Table:
    """The three coronary arteries."""
    return Table(
        title="By coronary territory",
        columns=("Artery", "wall g", "scar g", "scar %", "edema and scar %"),
        rows=tuple(
            Row(
                each.territory,
                (
                    number(each.myocardium_mass_g),
                    number(each.scar_mass_g),
                    number(each.scar_percent),
                    number(each.edema_and_scar_percent),
                ),
                TERRITORY_NAMES[each.territory],
            )
            for each in segments.territories
        ),
    )


def values_by_segment(segments: Segments, field: str) -> Mapping[int, float | None]:
    """One measure of every segment, by its number."""
    return {each.segment: getattr(each, field) for each in segments.measures}


def _shown(value: float | None, n_decimals: int = 1) -> str:
    """As `number`, but empty where there is none."""
    return "" if value is None else number(value, n_decimals)


def _mass(title: str, burden: Burden, name: str) -> Headline:
    percent = getattr(burden, f"{name}_percent_of_myocardium")
    mass_g = getattr(burden, f"{name}_mass_g")
    note = "" if percent is None else f"{number(percent)} % of LV myocardium"
    if mass_g is not None and name == "microvascular_obstruction":
        note = _MVO_SOURCES[burden.mvo_source or ""]
    return Headline(title, _shown(mass_g), "g", note)


def _why_no_salvage(burden: Burden) -> str:
    known = burden.edema_and_scar_mass_g is not None and burden.scar_mass_g is not None
    return "no edema" if known else NOT_ASSESSED


def _depth(segments: Segments | None) -> Headline:
    title, note = "Segments with deep scar", "of 16, more than half of the wall"
    if segments is None:
        return Headline(title, "", "", absence="no segments")
    classes = [each.transmurality_class for each in segments.measures]
    if all(each is None for each in classes):
        return Headline(title, "", "")
    return Headline(title, str(sum(each in DEEP_CLASSES for each in classes)), "", note)


def _measure_row(title: str, name: str, burden: Burden) -> Row:
    """A line of the table; what has no such measure, as blood pools have no mass, leaves it out."""
    mass = "lv_mass_g" if name == "myocardium" else f"{name}_mass_g"
    fields = (f"{name}_volume_ml", mass, f"{name}_percent_of_myocardium")
    cells = tuple(number(getattr(burden, f)) if hasattr(burden, f) else "" for f in fields)
    if getattr(burden, fields[0]) is None:
        return Row(title, (NO_VALUE, "", ""), NOT_ASSESSED)
    is_mvo = name == "microvascular_obstruction"
    return Row(title, cells, _MVO_SOURCES[burden.mvo_source or ""] if is_mvo else "")


def _segment_row(each: SegmentMeasures) -> Row:
    return Row(
        f"{each.segment} {each.name}",
        (
            number(each.scar_percent, 0),
            number(each.edema_and_scar_percent, 0),
            number(each.scar_transmurality_mean_over_all_percent, 0),
            number(each.scar_transmurality_max_percent, 0),
            each.transmurality_class or NO_VALUE,
        ),
    )
