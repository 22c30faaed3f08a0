"""The paper's Figure 3: box plots of Dice and Jaccard over cases; and how figures are saved."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float64
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from myoseg.files import written_whole
from myoseg.quantification.region_score import RegionScore
from myoseg.reporting.published import COMPARED_MEASURES, COMPARED_REGIONS, TABLE_1, method_title

DPI: Final = 150

_FILLS: Final = ("#c6d3e8", "#8fb0d9", "#4f81bd")
_PAPER: Final = "#c92a2a"
_REGION_TITLES: Final = {"scar": "MS", "edema+scar": "ME+MS"}
_GOLDEN: Final = (5**0.5 - 1) / 2


def save_figure(figure: Figure, path: Path) -> None:
    """Writes a figure in the format of its suffix (.png, .pdf, .svg), whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    undated = {"CreationDate": None} if path.suffix == ".pdf" else {}
    with written_whole(path) as aside:
        figure.savefig(aside, dpi=DPI, metadata=undated)


def figure3_boxplots(scores: Mapping[str, Sequence[RegionScore]]) -> Figure:
    """Box plots of Dice and Jaccard on MS and ME+MS, method beside method (Figure 3).

    Boxes span the quartiles, whiskers reach 1.5 times as far, a line is the median, each dot is a
    case, a triangle the paper's mean. Cases without a value are left out; the
    number of dots is written below.

    Args:
        scores: the cases' scores by the method's symbol, as in `published.TABLE_1`.
    """
    figure = Figure(figsize=(4 + 1.8 * len(scores), 4.2), layout="constrained")
    panels = figure.subplots(1, len(COMPARED_MEASURES), sharey=True, squeeze=False)[0]
    for axes, measure in zip(panels, COMPARED_MEASURES, strict=True):
        _boxes(axes, scores, measure)
    panels[0].set_ylabel("per cent")
    titles = [f"{symbol}: {method_title(symbol)}" for symbol in scores]
    figure.supxlabel("     ".join(titles), fontsize=8)
    if scores.keys() & TABLE_1.keys():
        mark = Line2D([], [], marker="<", color=_PAPER, linestyle="", label="mean in the paper")
        panels[-1].legend(handles=[mark], fontsize=8, loc="upper right", frameon=False)
    return figure


def _boxes(axes: Axes, scores: Mapping[str, Sequence[RegionScore]], measure: str) -> None:
    """One panel: groups of boxes by region, a box for each method."""
    ticks: list[float] = []
    labels: list[str] = []
    for group, region in enumerate(COMPARED_REGIONS):
        first = group * (len(scores) + 1.0)
        for place, (symbol, rows) in enumerate(scores.items()):
            values = percentages(rows, region, measure)
            _box(axes, values, first + place, _FILLS[place % len(_FILLS)])
            if symbol in TABLE_1:
                mean = TABLE_1[symbol].results[measure, region].mean_percent
                axes.plot(first + place + 0.43, mean, marker="<", color=_PAPER, markersize=5)
            ticks.append(first + place)
            labels.append(f"{symbol}\nn={len(values)}")
        middle = first + (len(scores) - 1) / 2
        axes.text(middle, 103, _REGION_TITLES[region], ha="center", va="bottom")
    axes.set_xticks(ticks, labels, fontsize=8)
    axes.set(title=f"{measure.capitalize()}\n", ylim=(-3, 102), xlim=(-0.8, ticks[-1] + 0.8))
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _box(axes: Axes, values: Float64[np.ndarray, "case"], place: float, fill: str) -> None:
    if not values.size:
        axes.text(place, 50, "no value", ha="center", va="center", rotation=90, color="#777777")
        return
    axes.boxplot(
        values,
        positions=[place],
        widths=0.7,
        patch_artist=True,
        showfliers=False,
        boxprops={"facecolor": fill, "edgecolor": "#333333"},
        medianprops={"color": "black", "linewidth": 1.6},
        manage_ticks=False,
    )
    spread = (np.arange(1, values.size + 1) * _GOLDEN % 1 - 0.5) * 0.4
    axes.scatter(place + spread, values, s=9, color="#222222", alpha=0.6, linewidths=0, zorder=3)


def percentages(
    scores: Sequence[RegionScore], region: str, measure: str
) -> Float64[np.ndarray, "case"]:
    """The values of a measure on a region, in per cent, of the cases that have one."""
    values = (getattr(score, measure) for score in scores if score.region == region)
    return np.array([100 * value for value in values if value is not None], dtype=np.float64)
