"""Two patches in, how well their edges agree at every shift out (normalised gradient fields).

An edge is where the intensity changes, whichever way: blood is brighter than muscle in one sequence
and darker in another, but their borders run alike. After Haber and Modersitzki, "Intensity gradient
based registration and fusion of multi-modal images", MICCAI 2006. All shifts are tried at once, by
Fourier transforms, so that there is no start to choose and no maximum to be missed.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Complex64, Float, Float32
from scipy import fft

from myoseg.cases.alignment.patches import SEARCH_PX, Patch

Scores = Float32[np.ndarray, "down right"]
Spectrum = Complex64[np.ndarray, "product row half_col"]

TYPICAL_EDGE: Final = 0.4
"""Quantile of the gradients' lengths: noise lies below, and shorter gradients count for less."""


@dataclass(frozen=True, eq=False)
class Spectra:
    """A patch's squared gradient field as Fourier transforms.

    Attributes:
        whole: of the patch with its rim.
        inner: of the patch without it, conjugated.
        side_px: of the padded pictures.
        n_inner: pixels of the patch without its rim.
    """

    whole: Spectrum
    inner: Spectrum
    side_px: int
    n_inner: int

    @classmethod
    def of(cls, patch: Patch) -> "Spectra":
        """Transforms a patch."""
        products = _products(patch)
        inside = (slice(None), *(slice(SEARCH_PX, -SEARCH_PX),) * 2)
        inner = np.zeros_like(products)
        inner[inside] = products[inside]
        side = fft.next_fast_len(products.shape[1], real=True)
        whole, cut = (fft.rfft2(each, (side, side)) for each in (products, inner))
        return cls(whole, np.conj(cut), side, patch.inner.size)


def agreement(first: Spectra, second: Spectra) -> Scores:
    """How well edges agree where the second patch shows the heart further down and right.

    Entry (i, j) is for i - SEARCH_PX pixels down and j - SEARCH_PX right: the mean squared cosine
    between gradients, each weighted by its length, from 0 to 1. Both patches take both parts.
    """
    side = (first.side_px, first.side_px)
    index = np.arange(-SEARCH_PX, SEARCH_PX + 1)
    there = fft.irfft2((second.whole * first.inner).sum(axis=0), side)[np.ix_(index, index)]
    back = fft.irfft2((first.whole * second.inner).sum(axis=0), side)[np.ix_(-index, -index)]
    return np.asarray((there + back) / (2 * first.n_inner), dtype=np.float32)


def peak_px(scores: Scores) -> Float[np.ndarray, "2"]:
    """Where the scores are highest, to a part of a pixel, from the middle of the map."""
    return _summit_px(scores, scores)


def peak_near_px(
    scores: Scores, near_px: Float[np.ndarray, "2"], reach_px: int
) -> Float[np.ndarray, "2"] | None:
    """The same among the entries near a place; None where no entry is near."""
    row, col = np.round(near_px).astype(int) + SEARCH_PX
    rows = slice(max(row - reach_px, 0), max(row + reach_px + 1, 0))
    cols = slice(max(col - reach_px, 0), max(col + reach_px + 1, 0))
    if not scores[rows, cols].size:
        return None
    only = np.full_like(scores, -1)
    only[rows, cols] = scores[rows, cols]
    return _summit_px(scores, only)


def _summit_px(scores: Scores, among: Scores) -> Float[np.ndarray, "2"]:
    """Where the scores are highest near the highest entry of `among`."""
    row, col = (int(each) for each in np.unravel_index(int(among.argmax()), among.shape))
    at = [row + _vertex(scores[:, col], row), col + _vertex(scores[row], col)]
    return np.array(at) - SEARCH_PX


def _vertex(line: Float32[np.ndarray, "entry"], at: int) -> float:
    """How far from its highest entry the parabola through it and its neighbours is highest."""
    if not 0 < at < len(line) - 1:
        return 0.0
    before, middle, after = (float(each) for each in line[at - 1 : at + 2])
    bend = before - 2 * middle + after
    return float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5)) if bend < 0 else 0.0


def _products(patch: Patch) -> Float32[np.ndarray, "product row col"]:
    """The gradient's direction, doubled in angle so that its sign does not matter."""
    down, right = np.gradient(patch.picture)
    length = np.hypot(down, right)
    typical = float(np.quantile(length[SEARCH_PX:-SEARCH_PX, SEARCH_PX:-SEARCH_PX], TYPICAL_EDGE))
    weight = 1 / (length**2 + (typical + 1e-6) ** 2)
    products = (down**2 * weight, right**2 * weight, np.sqrt(2) * down * right * weight)
    return np.stack(products).astype(np.float32)
