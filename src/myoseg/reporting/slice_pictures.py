"""A slice enters; what a page needs to show it leaves: its greys as a PNG, its outlines as curves.

Outlines stay curves, so that they are sharp at any size and in print, and can be hidden one by one.
"""

import base64
import io
from typing import Final

import numpy as np
from contourpy import contour_generator
from jaxtyping import Bool, Float32
from PIL import Image

from myoseg.reporting.view import View

FINEST_PX: Final = 512
"""A larger picture is shrunk: no page shows more."""

Mm = tuple[float, float]
"""Width and height."""


def grey_png(plane: Float32[np.ndarray, "row col"], window: tuple[float, float], view: View) -> str:
    """The shown part of a slice as a `data:` address of a grey PNG, a pixel for each of its own.

    The window's ends are black and white. Pixels need not be square: the page gives the picture
    the proportions of `view`.
    """
    low, high = window
    shown = np.nan_to_num(view.of(plane)).astype(np.float64)
    grey = (np.clip((shown - low) / (high - low), 0, 1) * 255).round().astype(np.uint8)
    picture = Image.fromarray(np.ascontiguousarray(grey))
    picture.thumbnail((FINEST_PX, FINEST_PX))
    stream = io.BytesIO()
    picture.save(stream, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")


def size_mm(view: View, col_mm: float) -> Mm:
    """Width and height of the shown part of a slice whose columns are `col_mm` apart."""
    width_mm = view.shape[1] * col_mm
    return width_mm, width_mm * view.height_per_width


def outline_path(mask: Bool[np.ndarray, "row col"], view: View, col_mm: float) -> str:
    """The outline of a mask as the `d` of an SVG path; empty for an empty one.

    The curve runs half way between the centres of pixels in and out of the mask, its corners
    rounded by a quarter of a pixel at most; it is in millimetres from the upper left of the shown
    part, to a tenth.
    """
    shown = view.of(mask)
    if not shown.any():
        return ""
    # With a border, so that what is cut by the frame is closed; index 1 is then the first pixel,
    # whose centre lies half a pixel inside.
    curves = contour_generator(z=np.pad(shown, 1).astype(np.float64)).lines(0.5)
    row_mm = col_mm * view.aspect
    spacing_mm = np.array([col_mm, row_mm])
    return "".join(_closed_path((np.asarray(curve) - 0.5) * spacing_mm) for curve in curves)


def _closed_path(points_mm: np.ndarray) -> str:
    """The `d` of a closed curve through the middles of a polygon's edges, bent at its corners.

    The polygon's last point is its first again.
    """
    corners = points_mm[:-1]
    middles = (corners + np.roll(corners, -1, axis=0)) / 2
    arcs = zip(np.roll(corners, -1, axis=0), np.roll(middles, -1, axis=0), strict=True)
    bends = "".join(f"Q{_pair(corner)} {_pair(middle)}" for corner, middle in arcs)
    return f"M{_pair(middles[0])}{bends}Z"


def _pair(point_mm: np.ndarray) -> str:
    return " ".join(f"{value:.1f}".removesuffix(".0") for value in point_mm)
