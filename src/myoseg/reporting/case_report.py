"""A case, its labels and its measures enter; one page that needs no other file leaves, as HTML."""

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from myoseg.anatomy import REGIONS, Sequence
from myoseg.cases.case import Case, LabelMap
from myoseg.cases.quality import Quality
from myoseg.files import write_text
from myoseg.quantification.burden import MYOCARDIAL_DENSITY_G_PER_ML, SALVAGE_CAVEAT
from myoseg.quantification.measures import Measures, measure
from myoseg.quantification.segments import SEGMENT_17, Segments
from myoseg.reporting.bullseye import bullseye_svg
from myoseg.reporting.case_slices import Slices, slices_of
from myoseg.reporting.case_tables import (
    Headline,
    Table,
    headlines_of,
    measures_table,
    segments_table,
    sentence,
    territories_table,
    values_by_segment,
    warnings_of,
)
from myoseg.reporting.origin import UNKNOWN, Origin, program_version
from myoseg.reporting.palette import SEQUENCE_TITLES, title_of

REPORT_SUFFIX: Final = "_report.html"

_HEAD_CHARS: Final = 2000
"""At the beginning of a report, which hold what it is of."""

_BULLSEYES: Final = (
    ("scar_percent", "Scar", "% of the segment"),
    ("edema_and_scar_percent", "Edema and scar", "% of the segment"),
    ("scar_transmurality_mean_over_all_percent", "Depth of the scar", "% of the wall"),
)


@dataclass(frozen=True)
class CasePage:
    """What stands on a case's page, in words, tables and pictures.

    `labels_sha256` tells whether the page is of the labels that a file holds now.
    """

    name: str
    labels_sha256: str
    program: str
    facts: tuple[tuple[str, str], ...]
    flags: tuple[str, ...]
    headlines: tuple[Headline, ...]
    bullseyes: tuple[Markup, ...]
    segment_notes: tuple[str, ...]
    measures: tuple[Table, ...]
    segments: Table | None
    slices: Slices
    method: tuple[str, ...]


def report_path(folder: Path, case: str) -> Path:
    """Where the report of a case lies among its results."""
    return folder / f"{case}{REPORT_SUFFIX}"


def write_case_report(
    path: Path,
    case: Case,
    labels: LabelMap,
    *,
    measures: Measures | None = None,
    quality: Quality | None = None,
    origin: Origin | None = None,
) -> None:
    """Writes the report of a case; arguments as `case_report`.

    Raises:
        OutputError: the file cannot be written.
    """
    html = case_report(case, labels, measures=measures, quality=quality, origin=origin)
    write_text(path, html)


def case_report(
    case: Case,
    labels: LabelMap,
    *,
    measures: Measures | None = None,
    quality: Quality | None = None,
    origin: Origin | None = None,
) -> str:
    """The report of a case as HTML that asks for nothing outside itself.

    Args:
        case: the images that are shown; there may be none.
        labels: what is measured and outlined, on the grid of the case.
        measures: of the labels; taken here where they are not given.
        quality: how far a model's result can be relied on, where one made the labels.
        origin: what made the labels, where that is known.
    """
    if measures is None:
        measures = measure(labels, case.geometry, lge=case.images.get(Sequence.LGE))
    page = _page(case, labels, measures, quality, origin or UNKNOWN)
    return rendered("case", page)


def sha256_of_labels(labels: LabelMap) -> str:
    """The SHA-256 of the codes, in hexadecimal."""
    return hashlib.sha256(np.ascontiguousarray(labels.codes).tobytes()).hexdigest()


def shows_labels(report: Path, labels: LabelMap) -> bool:
    """Whether a file is there that is the report of these labels."""
    if not report.is_file():
        return False
    with report.open(encoding="utf-8", errors="replace") as stream:
        return f'content="{sha256_of_labels(labels)}"' in stream.read(_HEAD_CHARS)


def rendered(name: str, page: Any) -> str:
    """The page through the template of that name, with its style and script put in.

    A script may run only if it is the one that is put in (its hash stands in the page's policy).
    """
    style, script = (_part(part) for part in ("page.css", f"{name}.js"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    return (
        _environment()
        .get_template(f"{name}.html")
        .render(
            page=page,
            style=Markup(style + _part(f"{name}.css")),  # noqa: S704 -- of the package
            script=Markup(script),  # noqa: S704 -- likewise
            policy=policy,
        )
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("myoseg.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _part(name: str) -> str:
    """A file of the templates as it is, without the line end before the closing tag."""
    source, _, _ = _environment().loader.get_source(_environment(), name)  # type: ignore[union-attr]
    return source


def _page(
    case: Case, labels: LabelMap, measures: Measures, quality: Quality | None, origin: Origin
) -> CasePage:
    segments = measures.segments
    return CasePage(
        name=case.name,
        labels_sha256=sha256_of_labels(labels),
        program=program_version(),
        facts=_facts(case, labels, quality, origin),
        flags=_flags(labels, measures, quality),
        headlines=headlines_of(measures),
        bullseyes=() if segments is None else _bullseyes(segments),
        segment_notes=_segment_notes(segments),
        measures=(
            measures_table(measures.burden),
            *(() if segments is None else (territories_table(segments),)),
        ),
        segments=None if segments is None else segments_table(segments),
        slices=slices_of(case, labels, None if segments is None else segments.levels),
        method=_method(origin),
    )


def _facts(
    case: Case, labels: LabelMap, quality: Quality | None, origin: Origin
) -> tuple[tuple[str, str], ...]:
    n_slices, n_rows, n_cols = case.geometry.shape
    slice_mm, row_mm, col_mm = case.geometry.spacing_mm
    absent = [title_of(REGIONS[each]) for each in labels.not_assessed if len(REGIONS[each]) == 1]
    facts = [
        ("Sequences", ", ".join(SEQUENCE_TITLES[each] for each in case.sequences) or "none given"),
        ("Slices", f"{n_slices}, {slice_mm:.4g} mm apart" if n_slices > 1 else "1"),
        ("Matrix and pixel", f"{n_cols} × {n_rows}, {col_mm:.4g} × {row_mm:.4g} mm"),
        ("Segmentation", origin.words),
    ]
    if quality is not None:
        facts.append(("Confidence", f"{quality.confidence:.2f} of 1"))
    if absent:
        facts.append(("Not assessed", ", ".join(absent)))
    return tuple(facts)


def _flags(labels: LabelMap, measures: Measures, quality: Quality | None) -> tuple[str, ...]:
    """What a reader must look at, each thing once, as sentences."""
    found = [flag.words for flag in quality.flags] if quality else []
    if not labels.codes.any():
        found.append("nothing is labelled")
    return warnings_of([*found, *measures.flags])


def _bullseyes(segments: Segments) -> tuple[Markup, ...]:
    return tuple(
        Markup(bullseye_svg(values_by_segment(segments, field), title=title, unit=unit))  # noqa: S704 -- our own words and numbers
        for field, title, unit in _BULLSEYES
    )


def _segment_notes(segments: Segments | None) -> tuple[str, ...]:
    if segments is None:
        return ("The segments cannot be told; the warnings above say why.",)
    source = "as the reader set them" if segments.insertion.source == "given" else "as labelled"
    return (
        f"AHA segments from the short axis, anterior on top, septum on the left, divided at the "
        f"right ventricle's insertion points, {source}. {sentence(SEGMENT_17)}",
    )


def _method(origin: Origin) -> tuple[str, ...]:
    version = program_version()
    return (
        f"Segmentation: {origin.words}. Report and measures: myoseg {version}. Mass is "
        f"volume times {MYOCARDIAL_DENSITY_G_PER_ML:.2f} g/ml. Percentages are of all of the LV "
        "myocardium, edema and scar included.",
        SALVAGE_CAVEAT,
    )
