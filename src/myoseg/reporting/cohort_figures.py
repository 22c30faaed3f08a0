"""Rows of a cohort enter; its box plots and Bland-Altman plots leave, as pictures for a page."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from matplotlib.figure import Figure
from PIL import Image

from myoseg.quantification.agreement_case import unit_of
from myoseg.reporting.agreement_figures import bland_altman_figure, measure_box_figure
from myoseg.reporting.agreement_report import title_of_measure
from myoseg.reporting.cohort_rows import COLUMNS, CONFIDENCE, CohortRow, values_of
from myoseg.reporting.cohort_truth import PairedSeries, TruthComparison

FIGURE_DPI: Final = 110
FIGURE_COLOURS: Final = 64

_BOXED: Final = (
    *("lv_mass_g", "lv_blood_pool_volume_ml", "rv_blood_pool_volume_ml"),
    *("scar_percent_of_myocardium", "edema_and_scar_percent_of_myocardium"),
    CONFIDENCE,
)


@dataclass(frozen=True)
class ShownFigure:
    """A picture as a `data:` address, and in words."""

    address: str
    alt: str
    width_px: int
    height_px: int


def box_plots(rows: Sequence[CohortRow], truth: TruthComparison | None) -> list[ShownFigure]:
    """A box plot for each measure of `_BOXED` that any case has, beside the truth's if given."""
    paired = {each.name: each for each in truth.series} if truth else {}
    figures = []
    for column in COLUMNS:
        values = values_of(rows, column.field)
        if column.field not in _BOXED or all(value is None for value in values):
            continue
        series = {"cases": values}
        if column.field in paired:
            both = paired[column.field]
            series = {"found": both.found.tolist(), "true": both.true.tolist()}
        title = f"{column.title} ({column.unit})" if column.unit else column.title
        figure = measure_box_figure(series, title)
        figures.append(_shown(figure, f"Box plot of {title}"))
    return figures


def bland_altman_plot(each: PairedSeries) -> ShownFigure:
    """What was found against what is true, of one measure."""
    title = title_of_measure(each.name)
    figure = bland_altman_figure(
        each.found.tolist(), each.true.tolist(), ("found", "true"), title, unit_of(each.name)
    )
    return _shown(figure, f"Bland-Altman plot of {title}, found against true")


def _shown(figure: Figure, alt: str) -> ShownFigure:
    """The figure as a PNG of few colours, which is a fifth of the size."""
    stream, small = io.BytesIO(), io.BytesIO()
    figure.savefig(stream, format="png", dpi=FIGURE_DPI)
    picture = Image.open(stream).convert("RGB").quantize(FIGURE_COLOURS)
    picture.save(small, "PNG", optimize=True)
    address = "data:image/png;base64," + base64.b64encode(small.getvalue()).decode("ascii")
    return ShownFigure(address, alt, *picture.size)
