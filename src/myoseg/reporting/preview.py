"""One picture a case: its slices in every sequence, with the outlines that were found.

It is drawn by Pillow and OpenCV: one is made for every case of a cohort, and matplotlib takes about
five times as long to draw it, and half a second to be imported.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool
from PIL import Image

from myoseg.anatomy import REGIONS, Tissues
from myoseg.cases.case import Case, LabelMap
from myoseg.cases.quality import Quality
from myoseg.reporting.palette import SEQUENCE_TITLES, colour_of, in_drawing_order, title_of
from myoseg.reporting.raster import (
    Canvas,
    curves_of,
    draw_curves,
    grey_pixels,
    text_size,
    wrapped,
)
from myoseg.reporting.view import View, grey_window, slices_to_show, view_of

MOST_SLICES: Final = 12

PANEL_PX: Final = 255
GAP_PX: Final = 6
FLATTEST_PX, TALLEST_PX = PANEL_PX // 8, 4 * PANEL_PX
"""Heights of a panel; beyond, slices are not shown in their proportions."""

FEWEST_PX: Final = 750
"""Width of the narrowest picture."""

TEXT_PX, SMALL_PX, LINE_PX = 19, 17, 26
LABEL_PX: Final = 34
"""For the sequences' names at the left border."""

LEGEND_GREY: Final = "#444444"


@dataclass(frozen=True, eq=False)
class Preview:
    """What the picture of a case shows.

    Attributes:
        case: rows are its sequences.
        view: the part of a slice that is shown.
        shown: indices of the slices, columns from the first to the last.
        outlines: what is outlined in which order: shared borders take the later one's colour.
        title: the case's name, and why it should be looked at.
        not_assessed: the regions that were not looked for, in words.
    """

    case: Case
    view: View
    shown: tuple[int, ...]
    outlines: tuple[tuple[Tissues, Bool[np.ndarray, "slice row col"]], ...]
    title: str
    not_assessed: str

    def painted(self) -> Image.Image:
        """The picture."""
        panels_px = LABEL_PX + len(self.shown) * (PANEL_PX + GAP_PX)
        width_px = max(panels_px, FEWEST_PX, self._legend_px + 2 * GAP_PX)
        title = wrapped(self.title, TEXT_PX, width_px - 2 * GAP_PX)
        height_px = round(PANEL_PX * self.view.height_per_width)
        panel_px = PANEL_PX, min(max(height_px, FLATTEST_PX), TALLEST_PX)
        rows_px = len(self.case.sequences) * (panel_px[1] + GAP_PX)
        top_px = GAP_PX + (len(title) + 1) * LINE_PX
        n_legend_lines = 1 + bool(self.not_assessed)
        canvas = Canvas(width_px, top_px + rows_px + (n_legend_lines + 1) * LINE_PX)
        for line, words in enumerate(title):
            canvas.write(words, (width_px // 2, GAP_PX + line * LINE_PX), TEXT_PX, anchor="ma")
        self._paint_panels(canvas, top_px, panel_px)
        self._paint_legend(canvas, top_px + rows_px + LINE_PX // 2, n_legend_lines)
        return canvas.image

    def _paint_panels(self, canvas: Canvas, top_px: int, panel_px: tuple[int, int]) -> None:
        curves = {
            index: [
                (curves_of(self.view.of(mask[index]), panel_px), colour_of(group))
                for group, mask in self.outlines
            ]
            for index in self.shown
        }
        for row, sequence in enumerate(self.case.sequences):
            window = grey_window(self.case.images[sequence])
            y = top_px + row * (panel_px[1] + GAP_PX)
            canvas.write_upward(SEQUENCE_TITLES[sequence], (6, y + panel_px[1] // 2), TEXT_PX)
            for column, index in enumerate(self.shown):
                plane = self.view.of(self.case.images[sequence][index])
                pixels = grey_pixels(plane, window, panel_px)
                for outline, colour in curves[index]:
                    draw_curves(pixels, outline, colour)
                x = LABEL_PX + column * (PANEL_PX + GAP_PX)
                canvas.paste(pixels, (x, y))
                if row == 0:
                    label = f"{index + 1}/{self.case.n_slices}"
                    canvas.write(label, (x + PANEL_PX // 2, top_px - 4), SMALL_PX, anchor="md")

    @property
    def _entries(self) -> list[tuple[str, int]]:
        """The legend's titles and the width of each with its line."""
        titles = [title_of(group) for group, _ in self.outlines]
        return [(title, 80 + text_size(title, SMALL_PX)) for title in titles]

    @property
    def _legend_px(self) -> int:
        widths = sum(width for _, width in self._entries)
        return max(widths, text_size(self.not_assessed, SMALL_PX) + 30)

    def _paint_legend(self, canvas: Canvas, y: int, n_lines: int) -> None:
        width_px = self._legend_px
        x = (canvas.image.width - width_px) // 2
        canvas.box((x, y, x + width_px, y + n_lines * LINE_PX + 4), LEGEND_GREY)
        if self.not_assessed:
            middle = canvas.image.width // 2
            canvas.write(self.not_assessed, (middle, y + 4), SMALL_PX, "white", anchor="ma")
            y += LINE_PX
        x = (canvas.image.width - sum(width for _, width in self._entries)) // 2
        for (group, _), (title, width) in zip(self.outlines, self._entries, strict=True):
            canvas.line(
                (x + 10, y + LINE_PX // 2 + 2), (x + 45, y + LINE_PX // 2 + 2), colour_of(group)
            )
            canvas.write(title, (x + 55, y + LINE_PX // 2 + 2), SMALL_PX, "white", anchor="lm")
            x += width


def preview(case: Case, labels: LabelMap, quality: Quality | None = None) -> Preview:
    """A montage of the case: rows are its sequences, columns slices from the first to the last.

    Groups that were not told apart are drawn as one, in the colour of the mildest. Shows the
    slices that cut the heart, or all where nothing was found, at most `MOST_SLICES`. The title
    says what `quality` flags.
    """
    heart = labels.codes > 0
    groups = in_drawing_order(labels.groups)
    unknown = (REGIONS[name] for name in labels.not_assessed if len(REGIONS[name]) == 1)
    absent = ", ".join(map(title_of, unknown))
    return Preview(
        case=case,
        view=view_of(heart, case.geometry),
        shown=slices_to_show(heart, MOST_SLICES),
        outlines=tuple((group, labels.mask(group)) for group in groups),
        title=_title(case.name, quality, found=bool(heart.any())),
        not_assessed=f"not assessed: {absent}" if absent else "",
    )


def _title(name: str, quality: Quality | None, *, found: bool) -> str:
    """The case's name, and why it should be looked at."""
    if quality is not None and quality.flags:
        return f"{name}: look at this case: {quality.warning}"
    return name if found else f"{name}: nothing found"
