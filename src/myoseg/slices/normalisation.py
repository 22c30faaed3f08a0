"""Intensities of any scale in, intensities between percentiles out (paper, section 2.2)."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Float32

SPARSE: Final = 1e-6
"""Percentiles closer than this fraction of a slice's full range say nothing about its scale."""

OUTSIDE: Final = float("nan")
"""Stands in an image for pixels that the scan does not have."""

LARGEST: Final = 1e30
"""Intensities from here on, infinities and NaN are no measurement."""


@dataclass(frozen=True)
class Preprocessing:
    """What is done to every slice before a network sees it; the defaults are the paper's."""

    size_px: int = 256
    low_percentile: float = 5.0
    high_percentile: float = 95.0
    clip: bool = False


def normalise(
    image: Float[np.ndarray, "*stack row col"],
    low_percentile: float = 5.0,
    high_percentile: float = 95.0,
    clip: bool = False,
) -> Float32[np.ndarray, "*stack row col"]:
    """(I - I05) / (I95 - I05) for each 2-D slice (paper, section 2.2).

    The result is always finite. A constant slice gives zeros. Where the two percentiles coincide
    though the slice is not constant (over 90 % of it one value, as a few bright pixels on an empty
    field), the slice's full range takes the place of I95 - I05. Pixels that are no measurement
    (`OUTSIDE`, infinite, or `LARGEST` and more) have no part in percentiles and take the lowest
    intensity of the slice: a small matrix that is padded keeps the contrast it has without.

    Args:
        image: intensities in any unit; axes before the last two are slices, each on its own.
        low_percentile: I05's percentile, interpolated linearly between pixels.
        high_percentile: I95's percentile.
        clip: whether to clip to [0, 1], which the equation does not.
    """
    stack = image.reshape(-1, *image.shape[-2:])
    normalised = np.empty(stack.shape, dtype=np.float32)
    for source, result in zip(stack, normalised, strict=True):
        result[...] = _normalise_slice(source, low_percentile, high_percentile)
    if clip:
        np.clip(normalised, 0, 1, out=normalised)
    return normalised.reshape(image.shape)


def _normalise_slice(
    image: Float[np.ndarray, "row col"], low_percentile: float, high_percentile: float
) -> Float[np.ndarray, "row col"]:
    measured = np.abs(image) < LARGEST
    intensities = image[measured].astype(np.float64)
    full_range = np.ptp(intensities) if intensities.size else 0
    if full_range == 0:
        return np.zeros(image.shape)
    low, high = np.percentile(intensities, (low_percentile, high_percentile))
    scale = high - low if high - low > SPARSE * full_range else full_range
    normalised = np.full(image.shape, (intensities.min() - low) / scale)
    normalised[measured] = (intensities - low) / scale
    return normalised
