"""A slice in, the same slice warped and turned out (paper, section 2.1).

Drawing and applying never mix: `draw_augmentation` draws every parameter from a generator, the
rest are pure functions of what was drawn. Displacements are in pixels, (row, col), and point from
an output pixel to the place in the input that it shows.
"""

from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import chain
from typing import Final

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Float64, Int16, Shaped

from myoseg.anatomy import BACKGROUND, PAINT_ORDER
from myoseg.errors import ConfigurationError

Field = Float32[np.ndarray, "2 row col"]
"""For each pixel, its displacement along rows and along columns, in pixels."""

Coordinates = Float32[np.ndarray, "2 row col"]
"""For each output pixel, the row and the column of the input that it shows."""

Masks = Float32[np.ndarray, "code 4"]
Codes = Float32[np.ndarray, "4"]

_PLANES_A_CALL: Final = 4

_MOST_FOR_ONE_THREAD: Final = 2**18
"""Multiplications of the largest matrix product that OpenBLAS does not share among threads, which
takes longer than so small a product."""


@dataclass(frozen=True)
class Augmentation:
    """How samples are made of a slice: the paper's warps and quarter turns, then options.

    The defaults are the paper's; every field from `taper_px` on is off by default, is not the
    paper's, and draws after the paper's numbers, so that those stay the same.

    Attributes:
        warp_grid: control points of the warp along each axis.
        warp_max_px: largest displacement of a control point along each axis, in pixels.
        n_warps: warped copies of each slice.
        n_rotated: copies of each warped copy turned by 90, 180 or 270 degrees, each once at most.
        taper_px: width of the border over which the warp fades to zero (40 in the 2020 code).
        rotation_deg: largest rotation about the centre, either way, in degrees.
        scale_range: smallest and largest magnification.
        flip: whether rows and columns are mirrored, each with probability 1/2.
        gamma_range: smallest and largest exponent of the normalised intensities.
        gain_range: smallest and largest factor of the normalised intensities.
    """

    warp_grid: int = 8
    warp_max_px: float = 5.0
    n_warps: int = 20
    n_rotated: int = 1
    taper_px: int = 0
    rotation_deg: float = 0.0
    scale_range: tuple[float, float] = (1.0, 1.0)
    flip: bool = False
    gamma_range: tuple[float, float] = (1.0, 1.0)
    gain_range: tuple[float, float] = (1.0, 1.0)

    def __post_init__(self) -> None:
        """Refuses what cannot be drawn.

        Raises:
            ConfigurationError: a setting is out of range.
        """
        ranges = (self.scale_range, self.gamma_range, self.gain_range)
        holds = {
            "warp_grid must be at least 2": self.warp_grid >= 2,
            "warp_max_px must not be negative": self.warp_max_px >= 0,
            "n_warps must be at least 1": self.n_warps >= 1,
            "n_rotated must be 0 to 3": 0 <= self.n_rotated <= 3,
            "taper_px must not be negative": self.taper_px >= 0,
            "rotation_deg must not be negative": self.rotation_deg >= 0,
            "ranges must be positive and ascending": all(0 < low <= high for low, high in ranges),
        }
        broken = [rule for rule, kept in holds.items() if not kept]
        if broken:
            raise ConfigurationError(f"augmentation: {'; '.join(broken)} (got {self}).")

    @property
    def n_copies(self) -> int:
        """Samples made of one slice: 40 in the paper."""
        return self.n_warps * (1 + self.n_rotated)


@dataclass(frozen=True, eq=False)
class DrawnAugmentation:
    """The random numbers of one warped copy and of the turned copies made from it.

    Attributes:
        control_points: displacements at the warp's control points, pixels.
        quarter_turns: 1, 2 and 3 in the order in which turned copies use them.
        rotation_deg: rotation about the centre, counter-clockwise as displayed.
        scale: magnification about the centre.
        flipped: whether rows and whether columns are mirrored.
        gamma: exponent of the normalised intensities.
        gain: factor of the normalised intensities.
    """

    control_points: Float64[np.ndarray, "grid grid 2"]
    quarter_turns: tuple[int, int, int]
    rotation_deg: float = 0.0
    scale: float = 1.0
    flipped: tuple[bool, bool] = (False, False)
    gamma: float = 1.0
    gain: float = 1.0


def draw_augmentation(rng: np.random.Generator, augmentation: Augmentation) -> DrawnAugmentation:
    """Draws one warped copy's parameters, the paper's first.

    The numbers drawn do not depend on which options are on.
    """
    control_points = draw_warp_field(rng, augmentation.warp_grid, augmentation.warp_max_px)
    first, second, third = (int(turns) for turns in rng.permutation(3) + 1)
    angle, scale, mirror_rows, mirror_cols, gamma, gain = rng.uniform(size=6)
    return DrawnAugmentation(
        control_points=control_points,
        quarter_turns=(first, second, third),
        rotation_deg=float((2 * angle - 1) * augmentation.rotation_deg),
        scale=_between(scale, augmentation.scale_range),
        flipped=(
            augmentation.flip and bool(mirror_rows < 0.5),
            augmentation.flip and bool(mirror_cols < 0.5),
        ),
        gamma=_between(gamma, augmentation.gamma_range),
        gain=_between(gain, augmentation.gain_range),
    )


def draw_warp_field(
    rng: np.random.Generator, grid: int = 8, max_px: float = 5.0
) -> Float64[np.ndarray, "grid grid 2"]:
    """Displacements of the control points, uniform in [-max_px, max_px] along row and column."""
    return rng.uniform(-max_px, max_px, size=(grid, grid, 2))


def _between(fraction: float, limits: tuple[float, float]) -> float:
    """From a uniform draw in [0, 1) to a log-uniform one: as likely to halve as to double."""
    low, high = limits
    return float(low * (high / low) ** fraction)


def resize_field(
    control_points: Float64[np.ndarray, "grid grid 2"], shape: tuple[int, int]
) -> Field:
    """The displacement of every pixel, bilinear between control points.

    Corner control points lie on corner pixels, as in `scipy.ndimage.zoom(order=1)`.
    """
    down, across = (np.zeros((2, length), dtype=np.float32) for length in shape)
    return _resized_upon(control_points, down, across)


def _resized_upon(
    control_points: Float64[np.ndarray, "grid grid 2"],
    down: Float32[np.ndarray, "2 row"],
    across: Float32[np.ndarray, "2 col"],
) -> Field:
    """The resized field, plus for each axis `down` in every column and `across` in every row.

    All are one matrix product, so that memory is written once.
    """
    n, shape = len(control_points), (down.shape[1], across.shape[1])
    rows, cols = (_linear_weights(n, length) for length in shape)
    left = np.ones((2, shape[0], n + 2), dtype=np.float32)
    np.matmul(rows, np.moveaxis(control_points, -1, 0).astype(np.float32), out=left[..., :n])
    left[..., n] = down
    right = np.ones((2, n + 2, shape[1]), dtype=np.float32)
    right[:, :n] = cols.T
    right[:, n + 1] = across
    field = np.empty((2, *shape), dtype=np.float32)
    band = max(1, _MOST_FOR_ONE_THREAD // right[0].size)
    for first in range(0, shape[0], band):
        few = slice(first, first + band)
        np.matmul(left[:, few], right, out=field[:, few])
    return np.asarray(field)


@lru_cache(maxsize=8)
def _linear_weights(n_points: int, length: int) -> Float32[np.ndarray, "length point"]:
    """Row i holds the weights of the control points at pixel i."""
    position = np.linspace(0, n_points - 1, length)[:, np.newaxis]
    weights = np.maximum(0, 1 - np.abs(position - np.arange(n_points))).astype(np.float32)
    weights.flags.writeable = False  # one array for all callers
    return np.asarray(weights)


def taper(field: Field, width_px: int) -> Field:
    """The field faded linearly to zero over `width_px` pixels at the border; 0 leaves it."""
    if not width_px:
        return field
    to_border = [
        np.minimum(np.arange(length), np.arange(length)[::-1]) for length in field.shape[1:]
    ]
    weight = np.minimum(1, np.minimum.outer(*to_border) / width_px)
    return np.asarray(field * weight, dtype=np.float32)


def source_coordinates(
    drawn: DrawnAugmentation, shape: tuple[int, int], taper_px: int = 0
) -> Coordinates:
    """Where in the input each output pixel looks: rotation, scale, mirrors and warp in one."""
    affine, centre = _affine(drawn), [(length - 1) / 2 for length in shape]
    rows, cols = (np.arange(n) - middle for n, middle in zip(shape, centre, strict=True))
    down, across = affine[:, :1] * rows, affine[:, 1:] * cols
    down[0] += centre[0]
    across[1] += centre[1]
    by_row, by_col = down.astype(np.float32), across.astype(np.float32)
    if not taper_px:
        return _resized_upon(drawn.control_points, by_row, by_col)
    faded = taper(resize_field(drawn.control_points, shape), taper_px)
    return np.asarray(faded + by_row[:, :, np.newaxis] + by_col[:, np.newaxis])


def _affine(drawn: DrawnAugmentation) -> Float64[np.ndarray, "2 2"]:
    """From an output pixel's offset from the centre to the offset that it shows."""
    angle = np.deg2rad(drawn.rotation_deg)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    mirror = np.diag([-1.0 if flipped else 1.0 for flipped in drawn.flipped])
    return np.asarray(mirror @ turn / drawn.scale)


def warp_images(
    images: Float32[np.ndarray, "sequence row col"], coordinates: Coordinates
) -> Float32[np.ndarray, "sequence row col"]:
    """Images read at `coordinates`, bilinearly; outside, the border pixel continues."""
    warped = np.empty((len(images), *coordinates.shape[1:]), dtype=np.float32)
    for first in range(0, len(images), _PLANES_A_CALL):
        few = slice(first, first + _PLANES_A_CALL)
        _read_planes(images[few], coordinates, warped[few])
    return warped


def _read_planes(
    images: Float32[np.ndarray, "plane from_row from_col"],
    coordinates: Coordinates,
    into: Float32[np.ndarray, "plane row col"],
) -> None:
    """One to four images read in one call: interleaved before, parted after."""
    if len(images) == 1:
        _read_at(images[0], coordinates, cv2.BORDER_REPLICATE, into[0])
        return
    interleaved = np.empty((*images.shape[1:], _PLANES_A_CALL), dtype=np.float32)
    last = len(images) - 1
    from_to = [(min(place, last), place) for place in range(_PLANES_A_CALL)]
    cv2.mixChannels(list(images), [interleaved], list(chain(*from_to)))
    read = _read_at(interleaved, coordinates, cv2.BORDER_REPLICATE)
    cv2.mixChannels([read], list(into), list(chain(*from_to[: len(images)])))


def warp_labels(
    labels: Int16[np.ndarray, "row col"], coordinates: Coordinates
) -> Int16[np.ndarray, "row col"]:
    """Labels read at `coordinates`: each tissue's mask is warped and cut at over 0.5.

    Codes are never interpolated. The masks of the tissues and of the background sum to 1, so no
    two exceed 0.5; a pixel of which no tissue holds more than half is background, as is all that
    lies outside.
    """
    warped = np.full(labels.shape, BACKGROUND, dtype=np.int16)
    source = _bounding_box(labels != BACKGROUND)
    target = _looking_into(source, coordinates)
    cropped, shown = labels[source], warped[target]
    if not cropped.size or not shown.size:
        return warped
    upper_left = np.array([[[axis.start]] for axis in source], dtype=np.float32)
    places = coordinates[:, *target] - upper_left
    masks_of, codes = _together()
    shares = _read_at(np.take(masks_of, cropped, axis=0, mode="clip"), places, cv2.BORDER_CONSTANT)
    _, claimed = cv2.threshold(shares.reshape(-1, _PLANES_A_CALL), 0.5, 1, cv2.THRESH_BINARY)
    shown[...] = (claimed @ codes).reshape(shown.shape)
    for tissue in PAINT_ORDER[_PLANES_A_CALL:]:
        mask = cropped == tissue
        if mask.any():
            share = _read_at(mask.astype(np.float32), places, cv2.BORDER_CONSTANT)
            shown[share > 0.5] = tissue
    return warped


@cache
def _together() -> tuple[Masks, Codes]:
    """For as many tissues as one call reads: their masks at every code, and their codes.

    The first and the last code of the table are no tissue's, so that what lies beyond is none.
    """
    masks = np.zeros((max(PAINT_ORDER) + 2, _PLANES_A_CALL), dtype=np.float32)
    codes = np.zeros(_PLANES_A_CALL, dtype=np.float32)
    for place, tissue in enumerate(PAINT_ORDER[:_PLANES_A_CALL]):
        masks[tissue, place], codes[place] = 1, tissue
    return masks, codes


def _looking_into(box: tuple[slice, slice], coordinates: Coordinates) -> tuple[slice, slice]:
    """A box of output pixels that holds all that look less than a pixel beside a box of input."""
    to_rows, to_cols = box
    seen_rows, seen_cols = coordinates
    rows, _ = _bounding_box((seen_rows > to_rows.start - 1) & (seen_rows < to_rows.stop))
    few = seen_cols[rows]
    _, cols = _bounding_box((few > to_cols.start - 1) & (few < to_cols.stop))
    return rows, cols


def _bounding_box(mask: Bool[np.ndarray, "row col"]) -> tuple[slice, slice]:
    """The smallest box that holds the mask; of an empty one it is empty, and OpenCV not asked."""
    if not mask.any():
        return slice(0, 0), slice(0, 0)
    left, top, width, height = cv2.boundingRect(mask.view(np.uint8))
    return slice(top, top + height), slice(left, left + width)


def _read_at(
    image: Float32[np.ndarray, "from_row from_col *plane"],
    coordinates: Coordinates,
    border: int,
    into: Float32[np.ndarray, "row col"] | None = None,
) -> Float32[np.ndarray, "row col *plane"]:
    """Bilinear interpolation, exact to float32; written to `into` if that is given.

    OpenCV 5 is so for one, three or four planes in a call, of which four take the least time each;
    on two planes, or five, it rounds to 1/32 pixel.
    """
    rows, cols = coordinates
    read = cv2.remap(image, cols, rows, cv2.INTER_LINEAR, into, border, borderValue=0)
    return np.asarray(read)


def rotate(
    image: Shaped[np.ndarray, "*stack size size"], quarter_turns: int
) -> Shaped[np.ndarray, "*stack size size"]:
    """The square image turned counter-clockwise by quarter turns, pixel for pixel."""
    return np.ascontiguousarray(np.rot90(image, quarter_turns, axes=(-2, -1)))


def adjust_intensity(
    images: Float32[np.ndarray, "sequence row col"], drawn: DrawnAugmentation
) -> Float32[np.ndarray, "sequence row col"]:
    """Normalised intensities I to gain * sign(I) |I|^gamma; unchanged where both are 1."""
    if drawn.gamma == 1 and drawn.gain == 1:
        return images
    adjusted = drawn.gain * np.sign(images) * np.abs(images) ** drawn.gamma
    return np.asarray(adjusted, dtype=np.float32)
