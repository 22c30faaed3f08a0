"""One picture a case: its slices in every sequence, with the outlines that were found."""

import textwrap
from typing import Final

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from myoseg.anatomy import REGIONS, Tissue, Tissues, representative
from myoseg.cases.case import Case, LabelMap
from myoseg.cases.quality import Quality
from myoseg.reporting.contours import draw_outline, panel_grid, show_image
from myoseg.reporting.palette import SEQUENCE_TITLES, colour_of, title_of
from myoseg.reporting.view import grey_window, slices_to_show, view_of

MOST_SLICES: Final = 12

_LETTERS_AN_INCH: Final = 14
"""Of the title."""

_DRAWN: Final = (
    Tissue.NORMAL_MYOCARDIUM,
    Tissue.RV_BLOOD_POOL,
    Tissue.LV_BLOOD_POOL,
    Tissue.EDEMA,
    Tissue.SCAR,
)


def preview(case: Case, labels: LabelMap, quality: Quality | None = None) -> Figure:
    """A montage of the case: rows are its sequences, columns slices from the first to the last.

    Groups that were not told apart are drawn as one, in the colour of the mildest. Shows the
    slices that cut the heart, or all where nothing was found, at most `MOST_SLICES`. The title
    says what `quality` flags.
    """
    heart = labels.codes > 0
    view, shown = view_of(heart, case.geometry), slices_to_show(heart, MOST_SLICES)
    figure, panels = panel_grid(len(case.sequences), len(shown), view.height_per_width)
    masks = {group: labels.mask(group) for group in _in_drawing_order(labels)}
    for row, sequence in zip(panels, case.sequences, strict=True):
        window = grey_window(case.images[sequence])
        for axes, index in zip(row, shown, strict=True):
            show_image(axes, case.images[sequence][index], view, window)
            for group, mask in masks.items():
                draw_outline(axes, mask[index], view, colour_of(group))
        row[0].set_ylabel(SEQUENCE_TITLES[sequence], fontsize=9)
    for axes, index in zip(panels[0], shown, strict=True):
        axes.set_title(f"{index + 1}/{case.n_slices}", fontsize=8)
    title = _title(case.name, quality, found=bool(heart.any()))
    n_letters = int(_LETTERS_AN_INCH * figure.get_figwidth())
    figure.suptitle(textwrap.fill(title, n_letters), fontsize=9)
    _add_legend(figure, labels)
    return figure


def _title(name: str, quality: Quality | None, *, found: bool) -> str:
    """The case's name, and why it should be looked at."""
    if quality is not None and quality.flags:
        return f"{name}: look at this case: {quality.warning}"
    return name if found else f"{name}: nothing found"


def _in_drawing_order(labels: LabelMap) -> list[Tissues]:
    """Groups as outlines are laid over each other: shared borders take the later one's colour."""
    return sorted(labels.groups, key=lambda group: _DRAWN.index(representative(group)))


def _add_legend(figure: Figure, labels: LabelMap) -> None:
    """The colours that are drawn, and the regions that were not looked for."""
    groups = _in_drawing_order(labels)
    handles = [Line2D([], [], color=colour_of(group), label=title_of(group)) for group in groups]
    unknown = (REGIONS[name] for name in labels.not_assessed if len(REGIONS[name]) == 1)
    absent = ", ".join(map(title_of, unknown))
    legend = figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=3,
        fontsize=8,
        title=f"not assessed: {absent}" if absent else None,
        title_fontsize=8,
        facecolor="#444444",
        labelcolor="white",
    )
    legend.get_title().set_color("white")
