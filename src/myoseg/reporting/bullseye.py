"""The bull's-eye of the left ventricle: a number for each AHA segment enters, a picture leaves.

Basal segments lie outside, the apex in the middle, anterior at the top and the septum at the left,
as one looks from the apex (Cerqueira et al., Circulation 2002;105:539).
"""

import hashlib
from collections.abc import Mapping
from html import escape
from math import cos, pi, sin
from typing import Final, NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle, Wedge

from myoseg.quantification.aha import NAMES

COLOURS: Final = "YlOrBr"
"""Light to dark, so that 0 looks empty in print; its order is seen without any sense of colour."""

N_SEGMENTS: Final = 17
APEX: Final = 17

_RINGS: Final = ((1, 6, 0.76, 1.0), (7, 12, 0.52, 0.76), (13, 16, 0.27, 0.52), (17, 17, 0.0, 0.27))
"""First and last segment of each ring, and its radii."""
_SIDES: Final = (("anterior", 0, 1), ("septal", -1, 0), ("inferior", 0, -1), ("lateral", 1, 0))
_INK: Final = "#222222"
_EDGE: Final = "#555555"
_NOTHING: Final = "#eeeeee"
_HATCH: Final = "#9a9a9a"
_STEPS: Final = 32


class Sector(NamedTuple):
    """Where a segment lies: radii as parts of the whole, angles in degrees, 0 right and 90 up."""

    segment: int
    name: str
    inner: float
    outer: float
    start: float
    stop: float

    @property
    def middle(self) -> tuple[float, float]:
        """Where its number stands, x to the right and y up."""
        if self.segment == APEX:
            return 0.0, 0.0
        radius, angle = (self.inner + self.outer) / 2, (self.start + self.stop) / 360 * pi
        return radius * cos(angle), radius * sin(angle)


def sectors() -> tuple[Sector, ...]:
    """The 17 segments in order; the first of each ring is the anterior one, the rest go left."""
    found = []
    for first, last, inner, outer in _RINGS[:3]:
        width = 360 / (last - first + 1)
        for segment in range(first, last + 1):
            start = 90 + (segment - first - 0.5) * width
            name = NAMES[segment - 1]
            found.append(Sector(segment, name, inner, outer, start, start + width))
    return (*found, Sector(APEX, "apex", *_RINGS[3][2:], 0.0, 360.0))


def bullseye_figure(
    values: Mapping[int, float | None],
    *,
    title: str = "",
    unit: str = "",
    limits: tuple[float, float] = (0.0, 100.0),
    colours: str = COLOURS,
) -> Figure:
    """A figure of the bull's-eye, 3.6 inches wide.

    Args:
        values: by segment, 1 to 16 or 17; grey hatch where a segment's value is None or missing.
            Without a segment 17 among the keys the middle stays empty.
        title: stands above.
        unit: of the values, stands at the scale.
        limits: values of the lightest and darkest colour; values beyond take the nearer one.
        colours: name of a matplotlib colour map. `cividis_r` is one for colour-blind readers too.

    Raises:
        ValueError: a segment that there is not, limits that are not in order, an unknown map.
    """
    picture = _Picture(values, limits, colours)
    figure = Figure(figsize=(3.6, 4.1), layout="constrained")
    axes = figure.subplots()
    for sector in picture.sectors:
        _draw_sector(axes, sector, picture)
    for side, x, y in _SIDES:
        turned = 90 * -x if x else 0
        axes.text(1.1 * x, 1.1 * y, side, ha="center", va="center", rotation=turned, fontsize=9)
    _draw_scale(axes, picture, unit)
    axes.set(xlim=(-1.2, 1.2), ylim=(-1.68, 1.2), aspect="equal")
    axes.set_axis_off()
    if title:
        figure.suptitle(title, fontsize=11, parse_math=False)
    return figure


def bullseye_svg(
    values: Mapping[int, float | None],
    *,
    title: str = "",
    unit: str = "",
    limits: tuple[float, float] = (0.0, 100.0),
    colours: str = COLOURS,
) -> str:
    """The same as one SVG element, to stand in a page as it is; it names no other file.

    Its width is that of its place, up to 320 px. Each segment has its name and value as a title,
    which browsers show where the pointer rests. The one identifier in it is made of its contents.

    Raises:
        ValueError: as `bullseye_figure`.
    """
    picture = _Picture(values, limits, colours)
    contents = repr((sorted(values.items(), key=lambda item: item[0]), title, unit, limits))
    hatch = f"hatch-{hashlib.sha256(contents.encode()).hexdigest()[:10]}"
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="-120 -128 240 292" role="img" '
        f'aria-label="{escape(title or "bull’s-eye")}" style="width:100%;max-width:320px" '
        'font-family="system-ui, Helvetica, Arial, sans-serif" text-anchor="middle">',
        f'<defs><pattern id="{hatch}" width="5" height="5" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate(45)"><rect width="5" height="5" fill="{_NOTHING}"/>'
        f'<path d="M0 0V5" stroke="{_HATCH}" stroke-width="1.6"/></pattern></defs>',
        _svg_text(0.0, -117.0, title, 11.0, weight=600) if title else "",
        *(_svg_sector(sector, picture, unit, hatch) for sector in picture.sectors),
        *(_svg_side(side, x, y) for side, x, y in _SIDES),
        *_svg_scale(picture, unit),
        "</svg>",
    ]
    return "".join(parts)


class _Picture:
    """What both forms of the picture share: which sectors there are, their values and colours."""

    def __init__(
        self, values: Mapping[int, float | None], limits: tuple[float, float], colours: str
    ) -> None:
        unknown = sorted(set(values) - set(range(1, N_SEGMENTS + 1)))
        if unknown:
            raise ValueError(f"there are segments 1 to {N_SEGMENTS}, and no {unknown}")
        if not limits[0] < limits[1]:
            raise ValueError(f"the limits {limits} are not in order")
        self.values = values
        self.limits = limits
        self.map: Colormap = colormaps[colours]
        self.sectors = tuple(s for s in sectors() if s.segment in values or s.segment != APEX)
        self._digits = 0 if limits[1] - limits[0] >= 10 else 1

    def value(self, segment: int) -> float | None:
        """The segment's value; None where there is none, or it is no number."""
        value = self.values.get(segment)
        return None if value is None or not np.isfinite(value) else float(value)

    def written(self, value: float) -> str:
        """The value as it stands in the picture, with a true minus sign and no minus zero."""
        return f"{round(value, self._digits) + 0.0:.{self._digits}f}".replace("-", "−")

    def colour(self, value: float) -> str:
        """The value's colour as #rrggbb."""
        low, high = self.limits
        return str(to_hex(self.map(min(max((value - low) / (high - low), 0.0), 1.0))))

    def ink(self, value: float) -> str:
        """Black or white, whichever stands out more from the value's colour (WCAG contrast)."""
        red, green, blue = (int(self.colour(value)[i : i + 2], 16) / 255 for i in (1, 3, 5))
        linear = [
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue)
        ]
        luminance = float(np.dot((0.2126, 0.7152, 0.0722), linear))
        return "#000000" if luminance > 0.179 else "#ffffff"

    def steps(self) -> list[tuple[float, str]]:
        """The scale from low to high: where each step begins, as a part, and its colour."""
        low, high = self.limits
        parts = [step / _STEPS for step in range(_STEPS)]
        return [(p, self.colour(low + (p + 0.5 / _STEPS) * (high - low))) for p in parts]


def _draw_sector(axes: Axes, sector: Sector, picture: _Picture) -> None:
    value = picture.value(sector.segment)
    width = sector.outer - sector.inner
    shape = ((0.0, 0.0), sector.outer, sector.start, sector.stop)
    filled = Wedge(*shape, width=width, linewidth=0.0)
    if value is None:
        filled.set(facecolor=_NOTHING, hatch="/////", edgecolor=_HATCH)
    else:
        filled.set(facecolor=picture.colour(value))
    axes.add_patch(filled)
    axes.add_patch(Wedge(*shape, width=width, facecolor="none", edgecolor=_EDGE, linewidth=0.8))
    x, y = sector.middle
    if value is None:
        ground = {"facecolor": _NOTHING, "edgecolor": "none", "pad": 0.8}
        number = str(sector.segment)
        axes.text(x, y, number, ha="center", va="center", fontsize=7, color=_INK, bbox=ground)
        return
    ink = picture.ink(value)
    written = picture.written(value)
    axes.text(x, y - 0.03, written, ha="center", va="center", fontsize=10, color=ink)
    axes.text(x, y + 0.075, str(sector.segment), ha="center", va="center", fontsize=6, color=ink)


def _draw_scale(axes: Axes, picture: _Picture, unit: str) -> None:
    """The colours with their limits, below the picture."""
    for part, colour in picture.steps():
        place = (-0.6 + 1.2 * part, -1.4)
        axes.add_patch(Rectangle(place, 1.2 / _STEPS, 0.09, facecolor=colour, edgecolor="none"))
    axes.add_patch(Rectangle((-0.6, -1.4), 1.2, 0.09, fill=False, edgecolor=_EDGE, linewidth=0.8))
    low, high = map(picture.written, picture.limits)
    for x, y, text in ((-0.6, -1.44, low), (0.6, -1.44, high), (0.0, -1.53, unit)):
        axes.text(x, y, text, ha="center", va="top", fontsize=8)


def _svg_sector(sector: Sector, picture: _Picture, unit: str, hatch: str) -> str:
    value = picture.value(sector.segment)
    fill = f"url(#{hatch})" if value is None else picture.colour(value)
    written = "no value" if value is None else f"{picture.written(value)} {unit}".strip()
    title = f"<title>segment {sector.segment}, {sector.name}: {escape(written)}</title>"
    look = f'fill="{fill}" stroke="{_EDGE}" stroke-width="0.8"'
    x, y = (100 * each for each in sector.middle)
    if value is None:
        return f"<g>{title}{_svg_shape(sector, look)}{_svg_number(x, -y + 3, sector)}</g>"
    ink = picture.ink(value)
    return (
        f"<g>{title}{_svg_shape(sector, look)}"
        f"{_svg_text(x, -y + 7, picture.written(value), 10.5, ink)}"
        f"{_svg_text(x, -y - 4.5, str(sector.segment), 6.5, ink)}</g>"
    )


def _svg_number(x: float, y: float, sector: Sector) -> str:
    """A number on hatch, with the paper's white around it."""
    halo = f'stroke="{_NOTHING}" stroke-width="3" paint-order="stroke"'
    return f"<g {halo}>{_svg_text(x, y, str(sector.segment), 7.5)}</g>"


def _svg_shape(sector: Sector, look: str) -> str:
    if sector.segment == APEX:
        return f'<circle r="{100 * sector.outer:g}" {look}/>'
    corners = [
        (100 * radius * cos(angle * pi / 180), -100 * radius * sin(angle * pi / 180))
        for radius, angle in (
            (sector.outer, sector.start),
            (sector.outer, sector.stop),
            (sector.inner, sector.stop),
            (sector.inner, sector.start),
        )
    ]
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = corners
    far, near = 100 * sector.outer, 100 * sector.inner
    return (
        f'<path d="M{ax:.2f} {ay:.2f}A{far:g} {far:g} 0 0 0 {bx:.2f} {by:.2f}'
        f'L{cx:.2f} {cy:.2f}A{near:g} {near:g} 0 0 1 {dx:.2f} {dy:.2f}Z" {look}/>'
    )


def _svg_side(side: str, x: int, y: int) -> str:
    place = f"translate({109 * x} {-107 * y + (3 if y else 0)}) rotate({90 * x})"
    return f'<g transform="{place}">{_svg_text(0.0, 0.0, side, 8.5)}</g>'


def _svg_scale(picture: _Picture, unit: str) -> list[str]:
    """The colours with their limits, below the picture."""
    width = 120 / _STEPS
    bars = [
        f'<rect x="{-60 + 120 * part:g}" y="124" width="{width + 0.2:g}" height="9" '
        f'fill="{colour}"/>'
        for part, colour in picture.steps()
    ]
    frame = f'<rect x="-60" y="124" width="120" height="9" fill="none" stroke="{_EDGE}"/>'
    low, high = map(picture.written, picture.limits)
    texts = ((-60.0, 144.0, low), (60.0, 144.0, high), (0.0, 156.0, unit))
    return [*bars, frame, *(_svg_text(x, y, text, 8.5) for x, y, text in texts)]


def _svg_text(
    x: float, y: float, text: str, size: float, colour: str = _INK, weight: int = 400
) -> str:
    bold = f' font-weight="{weight}"' if weight != 400 else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" fill="{colour}"{bold}>'
        f"{escape(text)}</text>"
    )
