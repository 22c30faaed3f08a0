"""The paper's Figures 4 and 5: true and predicted contours of one case over its sequences."""

from collections.abc import Sequence
from typing import Final, Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from myoseg.anatomy import REGIONS
from myoseg.anatomy import Sequence as MrSequence
from myoseg.cases.case import Case, LabelMap
from myoseg.reporting.contours import draw_outline, panel_grid, say, show_image
from myoseg.reporting.palette import ABBREVIATIONS, SEQUENCE_TITLES, colour_of
from myoseg.reporting.view import View, grey_window, slices_to_show, view_of

Side = Literal["truth", "prediction"]

PREDICTED_COLOUR: Final = "#ffffff"

COLUMNS: Final = (
    ("lv_blood_pool", MrSequence.BSSFP),
    ("rv_blood_pool", MrSequence.BSSFP),
    ("normal_myocardium", MrSequence.BSSFP),
    ("edema", MrSequence.T2),
    ("scar", MrSequence.LGE),
)
"""Which region is drawn over which sequence, as in Figure 4."""


def figure45_contours(
    case: Case, true: LabelMap, predicted: LabelMap, *, title: str = "", n_slices: int = 6
) -> Figure:
    """True contours (solid, in the tissue's colour) and predicted ones (dashed, white).

    Rows are slices, columns the regions of Figure 4. A panel says so where the sequence is missing
    or a side did not assess the region.

    Args:
        case: the images; its own labels are not used.
        true: the manual labels, on the case's grid.
        predicted: the automatic labels, on the case's grid.
        title: stands above the figure, for instance with the case's Dice.
        n_slices: at most so many slices that cut the heart, evenly spread.
    """
    heart = (true.codes > 0) | (predicted.codes > 0)
    view, shown = view_of(heart, case.geometry), slices_to_show(heart, n_slices)
    figure, panels = panel_grid(len(shown), len(COLUMNS), view.height_per_width)
    for column, (region, sequence) in enumerate(COLUMNS):
        axes = [row[column] for row in panels]
        _draw_column(axes, shown, case, sequence, view)
        _draw_region(axes, shown, true, region, "truth", view)
        _draw_region(axes, shown, predicted, region, "prediction", view)
        axes[0].set_title(
            f"({'abcde'[column]}) {ABBREVIATIONS[region]}\n{SEQUENCE_TITLES[sequence]}", fontsize=9
        )
    for row, index in zip(panels, shown, strict=True):
        row[0].set_ylabel(f"slice {index + 1}/{case.n_slices}", fontsize=8)
    if title:
        figure.suptitle(title, fontsize=10)
    _add_legend(figure)
    return figure


def _draw_column(
    panels: Sequence[Axes], shown: Sequence[int], case: Case, sequence: MrSequence, view: View
) -> None:
    volume = case.images.get(sequence)
    window = (0.0, 1.0) if volume is None else grey_window(volume)
    absent = f"no {SEQUENCE_TITLES[sequence]}"
    for axes, index in zip(panels, shown, strict=True):
        show_image(axes, None if volume is None else volume[index], view, window, absent)


def _draw_region(
    panels: Sequence[Axes],
    shown: Sequence[int],
    labels: LabelMap,
    region: str,
    side: Side,
    view: View,
) -> None:
    tissues, is_true = REGIONS[region], side == "truth"
    if not labels.assesses(tissues):
        say(panels[0], f"{side}: not assessed", 0.5, 0.92 if is_true else 0.04, ha="center")
        return
    mask = labels.mask(tissues)
    for axes, index in zip(panels, shown, strict=True):
        if is_true:
            draw_outline(axes, mask[index], view, colour_of(tissues))
        else:
            draw_outline(axes, mask[index], view, PREDICTED_COLOUR, "dashed")


def _add_legend(figure: Figure) -> None:
    handles = [
        Line2D([], [], color=colour_of(REGIONS[region]), label=f"true {ABBREVIATIONS[region]}")
        for region, _ in COLUMNS
    ]
    handles.append(Line2D([], [], color=PREDICTED_COLOUR, linestyle="dashed", label="predicted"))
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=len(handles),
        fontsize=7,
        facecolor="#444444",
        labelcolor="white",
        handlelength=1.6,
        columnspacing=1.2,
    )
