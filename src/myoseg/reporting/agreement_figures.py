"""Figures of agreement: paired values enter, Bland-Altman and box plots leave.

Neither draws on a screen or writes a file; `figures.save_figure` does.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from myoseg.quantification.agreement import (
    FEWEST_CASES,
    BlandAltman,
    Interval,
    Series,
    as_numbers,
    bland_altman,
    known_pairs,
)
from myoseg.quantification.statistics import Values

_DOT: Final = "#1f3b63"
_BIAS: Final = "#b3460b"
_LIMIT: Final = "#33658a"
_GREY: Final = "#777777"
_FILLS: Final = ("#c6d3e8", "#f3d9b8", "#cfe3cf", "#e3d3e8")
_GOLDEN: Final = (5**0.5 - 1) / 2


def bland_altman_figure(
    first: Series,
    second: Series,
    names: tuple[str, str] = ("first", "second"),
    measure: str = "",
    unit: str = "",
    *,
    independent: bool = True,
) -> Figure:
    """Differences against means of each pair, with bias and 95 % limits of agreement.

    A dot is a pair. Bands are the 95 % intervals of bias and limits (`agreement.BlandAltman`); the
    grey line is at 0. With fewer than three pairs there are dots alone.

    Args:
        first: the values by the first; None or NaN where there is none.
        second: by the second, in the same order.
        names: of the two readers or methods.
        measure: in words; stands above.
        unit: of the values.
        independent: False where several pairs are of one case, so that no interval would hold.

    Raises:
        ValueError: the series differ in length, or a value is infinite.
    """
    ours, theirs = known_pairs(first, second)
    figure = Figure(figsize=(6.4, 4.4), layout="constrained")
    axes = figure.subplots()
    found = bland_altman(ours, theirs)
    axes.axhline(0, color=_GREY, linewidth=0.8, zorder=1)
    if found.n >= FEWEST_CASES:
        _draw_limits(axes, found, unit, intervals=independent)
    size = 26 if found.n <= 150 else 9
    axes.scatter((ours + theirs) / 2, ours - theirs, s=size, color=_DOT, alpha=0.65, linewidths=0)
    in_unit = f" ({unit})" if unit else ""
    axes.set_xlabel(f"mean of {names[0]} and {names[1]}{in_unit}", parse_math=False)
    axes.set_ylabel(f"{names[0]} − {names[1]}{in_unit}", parse_math=False)
    figure.suptitle(measure, fontsize=12, parse_math=False)
    axes.set_title(_subtitle(found, independent), fontsize=9, color="#444444")
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.04, y=0.12)
    if found.sd == 0:
        axes.set_ylim(*_room_about(ours - theirs, ours))
    if not found.n:
        axes.set(xticks=[], yticks=[0])
    return figure


def measure_box_figure(values: Mapping[str, Series], measure: str = "", unit: str = "") -> Figure:
    """A measure by each reader or method, box beside box.

    Boxes span the quartiles, whiskers reach 1.5 times as far, a line is the median, each dot is a
    case. Between neighbours, a thin line joins the two values of a case. Cases without a value are
    left out; the number of dots is written below.

    Args:
        values: the cases' values by the reader's or method's name, in one order of cases.
        measure: in words; stands above.
        unit: of the values.

    Raises:
        ValueError: the series differ in length.
    """
    series = [as_numbers(each) for each in values.values()]
    if len({len(each) for each in series}) > 1:
        raise ValueError(f"series of {[len(each) for each in series]} values cannot be paired")
    figure = Figure(figsize=(1.6 + 1.5 * max(len(series), 1), 4.2), layout="constrained")
    axes = figure.subplots()
    places = [place + _spread(len(each)) for place, each in enumerate(series)]
    for left, right in zip(range(len(series) - 1), range(1, len(series)), strict=True):
        ends = np.stack([places[left], places[right]]), np.stack([series[left], series[right]])
        axes.plot(*ends, color=_GREY, linewidth=0.6, alpha=0.45, zorder=1)
    for place, each in enumerate(series):
        _draw_box(axes, each, places[place], place)
    known = [int(np.isfinite(each).sum()) for each in series]
    ticks = [f"{name}\nn = {n}" for name, n in zip(values, known, strict=True)]
    axes.set_xticks(range(len(series)), ticks, parse_math=False)
    axes.set_xlim(-0.6, len(series) - 0.4)
    axes.set_ylabel(unit, parse_math=False)
    figure.suptitle(measure, fontsize=12, parse_math=False)
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def _draw_limits(axes: Axes, found: BlandAltman, unit: str, *, intervals: bool) -> None:
    """Lines of bias and limits with their bands and, at the right, their values."""
    lines = (
        (found.upper_limit, found.upper_limit_ci95, "+1.96 SD", _LIMIT, "--"),
        (found.bias, found.bias_ci95, "bias", _BIAS, "-"),
        (found.lower_limit, found.lower_limit_ci95, "−1.96 SD", _LIMIT, "--"),
    )
    same = found.sd == 0
    for value, interval, name, colour, style in lines[1:2] if same else lines:
        assert value is not None
        axes.axhline(value, color=colour, linewidth=1.4, linestyle=style, zorder=2)
        if intervals and interval is not None and not same:
            axes.axhspan(*interval, color=colour, alpha=0.12, linewidth=0, zorder=0)
        axes.annotate(
            f"{name}\n{_written(value, found)} {unit}".rstrip(),
            (1.01, value),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=9,
            color=colour,
            annotation_clip=False,
        )


def _room_about(differences: Values, values: Values) -> tuple[float, float]:
    """Limits of the axis where all differences are the same, in proportion to the values."""
    middle = float(differences.mean())
    room = max(0.1 * float(np.abs(values).max()), 1.2 * abs(middle)) or 1.0
    return middle - room, middle + room


def _subtitle(found: BlandAltman, independent: bool) -> str:
    if found.n < FEWEST_CASES:
        return f"n = {found.n}; limits of agreement take {FEWEST_CASES} pairs or more"
    if found.sd == 0:
        return f"n = {found.n}; the difference is the same in all"
    if not independent:
        return f"n = {found.n} values, several of each case: limits without intervals"
    if found.bias_ci95 is None or found.proportional_slope is None:
        return f"n = {found.n}"
    text = f"n = {found.n}; bias 95 % interval {_span(found.bias_ci95, found)}"
    if found.proportional_p is None:
        return text
    p = "p < 0.001" if found.proportional_p < 0.001 else f"p = {found.proportional_p:.3f}"
    return f"{text}; slope on the mean {found.proportional_slope:.2f}, {p}".replace("-", "−")


def _span(interval: Interval, found: BlandAltman) -> str:
    return " to ".join(_written(value, found) for value in interval)


def _written(value: float, found: BlandAltman) -> str:
    """A value to about three digits of the widest that stands in the figure."""
    widest = max(abs(each or 0.0) for each in (found.lower_limit, found.upper_limit))
    digits = 0 if widest >= 1000 or not widest else 1 if widest >= 10 else 2 if widest >= 1 else 3
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")


def _draw_box(axes: Axes, values: Values, places: Values, place: int) -> None:
    known = np.isfinite(values)
    if not known.any():
        axes.text(
            place,
            0.5,
            "no value",
            rotation=90,
            ha="center",
            va="center",
            color=_GREY,
            transform=axes.get_xaxis_transform(),
        )
        return
    axes.boxplot(
        values[known],
        positions=[place],
        widths=0.5,
        patch_artist=True,
        showfliers=False,
        boxprops={"facecolor": _FILLS[place % len(_FILLS)], "edgecolor": "#333333", "alpha": 0.8},
        medianprops={"color": "black", "linewidth": 1.6},
        manage_ticks=False,
    )
    axes.scatter(
        places[known], values[known], s=12, color="#222222", alpha=0.6, linewidths=0, zorder=3
    )


def _spread(n: int) -> Values:
    """Places about 0 that set the dots of a box apart, always the same."""
    spread: Values = (np.arange(1, n + 1) * _GOLDEN % 1 - 0.5) * 0.3
    return spread
