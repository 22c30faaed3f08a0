"""Pictures made of pixels: slices in grey, outlines on them, and text, by Pillow and OpenCV."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Int32, UInt8
from PIL import Image, ImageDraw, ImageFont

from myoseg.files import written_whole

Pixels = UInt8[np.ndarray, "shown_row shown_col 3"]

Curves = tuple[Int32[np.ndarray, "_ 1 2"], ...]
"""Closed curves, each by its points (x, y)."""

OUTLINE_PX: Final = 2
RIM_PX: Final = 4
RIM_OPACITY: Final = 0.6
INK: Final = "black"

_PNG: Final = (
    *(cv2.IMWRITE_PNG_COMPRESSION, 2),
    *(cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP),
)
"""Little effort: half the time of Pillow's least, and no larger."""


class Canvas:
    """A white picture to paint on; places are (x, y) in pixels from the upper left."""

    def __init__(self, width_px: int, height_px: int) -> None:
        self.image = Image.new("RGB", (width_px, height_px), "white")
        self.pen = ImageDraw.Draw(self.image)

    def write(
        self,
        text: str,
        place: tuple[int, int],
        size_px: int,
        colour: str = INK,
        anchor: str = "la",
    ) -> None:
        """Writes a line; `anchor` is Pillow's: what of the text lies at the place."""
        self.pen.text(place, text, colour, _font(size_px), anchor)

    def write_upward(self, text: str, place: tuple[int, int], size_px: int) -> None:
        """Writes a line from below to above, its left border and its middle at the place."""
        left, top, right, bottom = _font(size_px).getbbox(text)
        line = Image.new("RGB", (round(right - left), round(bottom - top)), "white")
        ImageDraw.Draw(line).text((-left, -top), text, INK, _font(size_px))
        turned = line.transpose(Image.Transpose.ROTATE_90)
        self.image.paste(turned, (place[0], place[1] - turned.height // 2))

    def paste(self, pixels: Pixels, place: tuple[int, int]) -> None:
        """Puts pixels with their upper left at the place."""
        self.image.paste(Image.fromarray(pixels), place)

    def box(self, corners: tuple[int, int, int, int], colour: str) -> None:
        """Fills a box with round corners."""
        self.pen.rounded_rectangle(corners, 4, colour)

    def line(self, begin: tuple[int, int], end: tuple[int, int], colour: str) -> None:
        """Draws a line as thick as outlines are."""
        self.pen.line([begin, end], colour, OUTLINE_PX)


def grey_pixels(
    plane: Float32[np.ndarray, "row col"],
    window: tuple[float, float],
    size_px: tuple[int, int],
) -> Pixels:
    """A slice in grey at a size (width, height); the window's ends are black and white."""
    low, high = window
    wide = np.nan_to_num(plane).astype(np.float64)
    grey = np.clip((wide - low) / (high - low), 0, 1) * 255
    shown = cv2.resize(grey.astype(np.uint8), size_px, interpolation=cv2.INTER_LINEAR)
    return np.repeat(shown[:, :, None], 3, axis=2)


def curves_of(mask: Bool[np.ndarray, "row col"], size_px: tuple[int, int]) -> Curves:
    """The outline of a mask in a picture of its extent, of that size (width, height).

    An empty mask has none.
    """
    if not mask.any():
        return ()
    width, height = size_px
    # Enlarged smoothly, so that the outline has no stairs; shrunk so that no small part is lost.
    shrinks = mask.shape[0] > height or mask.shape[1] > width
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    shape = cv2.resize(mask.astype(np.float32), (width, height), interpolation=how)
    inside = shape > (0.0 if shrinks else 0.5)
    curves, _ = cv2.findContours(inside.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    return tuple(curves)


def draw_curves(pixels: Pixels, curves: Curves, colour: str) -> None:
    """Draws closed curves with a dark rim."""
    if not curves:
        return
    rimmed = pixels.copy()
    cv2.polylines(rimmed, curves, True, (0, 0, 0), RIM_PX, cv2.LINE_AA)
    cv2.addWeighted(rimmed, RIM_OPACITY, pixels, 1 - RIM_OPACITY, 0, pixels)
    cv2.polylines(pixels, curves, True, _rgb(colour), OUTLINE_PX, cv2.LINE_AA)


def text_size(text: str, size_px: int) -> int:
    """Its width in pixels."""
    return int(np.ceil(_font(size_px).getlength(text)))


def wrapped(text: str, size_px: int, width_px: int) -> list[str]:
    """The text in lines of at most this width, broken between words or within a wider one."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if text_size(longer, size_px) <= width_px:
            lines[-1] = longer
            continue
        lines.append("")
        for letter in word:
            if lines[-1] and text_size(lines[-1] + letter, size_px) > width_px:
                lines.append("")
            lines[-1] += letter
    return [line for line in lines if line] or [""]


def save_picture(image: Image.Image, path: Path) -> None:
    """Writes a PNG, whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    pixels = cv2.cvtColor(np.asarray(image.convert("RGB")), cv2.COLOR_RGB2BGR)
    _, png = cv2.imencode(".png", pixels, _PNG)
    with written_whole(path) as aside:
        aside.write_bytes(png.tobytes())


@cache
def _font(size_px: int) -> ImageFont.FreeTypeFont:
    """The font that comes with matplotlib, which has most alphabets; that is not imported."""
    package = find_spec("matplotlib")
    assert package is not None
    assert package.origin is not None
    file = Path(package.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
    return ImageFont.truetype(file, size_px)


def _rgb(colour: str) -> tuple[int, int, int]:
    """From #rrggbb."""
    red, green, blue = (int(colour[first : first + 2], 16) for first in (1, 3, 5))
    return red, green, blue
