"""Panels that show slices in grey, and outlines of masks on them."""

from typing import Any, Final, Literal

import numpy as np
from jaxtyping import Bool, Float32
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import Normal, Stroke

from myoseg.reporting.view import View

LineStyle = Literal["solid", "dashed"]
_PANEL_INCHES: Final = 1.7
_FEWEST_INCHES: Final = 5.0
_LEGEND_INCHES: Final = 1.0
_DASHES: Final[dict[str, object]] = {"solid": "solid", "dashed": (0, (2.2, 1.4))}


def panel_grid(
    n_rows: int, n_cols: int, height_per_width: float
) -> tuple[Figure, list[list[Axes]]]:
    """A figure of panels of that shape, close together, with room for a legend below."""
    width = max(n_cols * _PANEL_INCHES, _FEWEST_INCHES)
    height = n_rows * _PANEL_INCHES * height_per_width + _LEGEND_INCHES
    figure = Figure(figsize=(width, height))
    figure.set_layout_engine("compressed", w_pad=0.03, h_pad=0.03, wspace=0, hspace=0)
    return figure, figure.subplots(n_rows, n_cols, squeeze=False).tolist()


def show_image(
    axes: Axes,
    plane: Float32[np.ndarray, "row col"] | None,
    view: View,
    window: tuple[float, float],
    absent: str = "",
) -> None:
    """Shows a slice without ticks; where there is none, the axes say `absent` on black."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_facecolor("black")
    axes.set_box_aspect(view.height_per_width)
    n_rows, n_cols = view.shape
    axes.set(xlim=(-0.5, n_cols - 0.5), ylim=(n_rows - 0.5, -0.5))
    if plane is None:
        say(axes, absent, 0.5, 0.5, ha="center", va="center")
        return
    low, high = window
    axes.imshow(view.of(plane), cmap="gray", vmin=low, vmax=high, aspect="auto")


def draw_outline(
    axes: Axes,
    mask: Bool[np.ndarray, "row col"],
    view: View,
    colour: str,
    style: LineStyle = "solid",
    width: float = 1.2,
) -> None:
    """Draws the outline of a mask over `show_image`, with a dark rim; an empty mask has none."""
    shown = view.of(mask)
    if not shown.any():
        return
    n_rows, n_cols = shown.shape
    outline = axes.contour(
        np.arange(-1, n_cols + 1),
        np.arange(-1, n_rows + 1),
        np.pad(shown.astype(float), 1),
        levels=[0.5],
        colors=[colour],
        linestyles=[_DASHES[style]],
        linewidths=width,
    )
    outline.set_path_effects([Stroke(linewidth=width + 1.0, foreground="#000000a0"), Normal()])


def say(axes: Axes, text: str, x: float, y: float, **options: Any) -> None:
    """Writes white text with a dark rim at a place in parts of the axes."""
    axes.text(
        x,
        y,
        text,
        color="white",
        fontsize=7,
        transform=axes.transAxes,
        path_effects=[Stroke(linewidth=2, foreground="black"), Normal()],
        **options,
    )
