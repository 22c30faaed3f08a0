"""Maps and boxes in, the maps' values in bins of each box out: RoIAlign as one sparse product.

A bin's value is a sum over few pixels, the same for all channels. So the boxes of a map make one
sparse matrix, bins by pixels, and the map's channels, which lie side by side, are multiplied by it.
"""

from typing import Final

import numpy as np
from jaxtyping import Float32, Int32
from scipy.sparse import csr_array

from myoseg.prediction.engines.boxes import Boxes

SAMPLES: Final = 2
"""Along each axis of a bin, as torchvision's detectors have it."""

Map = Float32[np.ndarray, "_ _ channel"]


def sampled(maps: Map, boxes: Boxes, scale: float, n_bins: int) -> Float32[np.ndarray, "..."]:
    """The mean of 2 x 2 interpolated values in each bin (RoIAlign, arXiv:1703.06870).

    As `torchvision.ops.roi_align` with two samples, not aligned: a box counts as at least one pixel
    of the map wide and high.

    Args:
        maps: of one image.
        boxes: in pixels of the image.
        scale: pixels of the map per pixel of the image.
        n_bins: rows, and columns, of bins in a box.

    Returns:
        (box, bin row, bin col, channel).
    """
    n_rows, n_cols, n_channels = maps.shape
    x1, y1, x2, y2 = (boxes * np.float32(scale)).T
    rows, of_rows = _taps(y1, np.maximum(y2 - y1, 1), n_rows, n_bins)
    cols, of_cols = _taps(x1, np.maximum(x2 - x1, 1), n_cols, n_bins)
    pixels = rows[:, :, None, :, None] * np.int32(n_cols) + cols[:, None, :, None, :]
    weights = of_rows[:, :, None, :, None] * of_cols[:, None, :, None, :]
    n_taps = rows.shape[2] * cols.shape[2]
    first = np.arange(0, pixels.size + 1, n_taps, dtype=np.int32)
    matrix = csr_array(
        (weights.ravel(), pixels.ravel(), first), shape=(len(first) - 1, n_rows * n_cols)
    )
    matrix.sum_duplicates()
    values = matrix @ maps.reshape(-1, n_channels)
    return np.asarray(values.reshape(len(boxes), n_bins, n_bins, n_channels))


def _taps(
    start: Float32[np.ndarray, "box"], length: Float32[np.ndarray, "box"], size: int, n_bins: int
) -> tuple[Int32[np.ndarray, "box bin tap"], Float32[np.ndarray, "box bin tap"]]:
    """Pixels of an axis that make up each bin, two a sample, and what each contributes.

    Samples are clamped to the outermost pixel centres; those beyond -1 or `size` count as zero.
    """
    within = (np.arange(SAMPLES * n_bins, dtype=np.float32) + np.float32(0.5)) / SAMPLES
    position = start[:, None] + within * (length / n_bins)[:, None]
    counts = ((position >= -1) & (position <= size)).astype(np.float32) / SAMPLES
    position = position.clip(0, size - 1)
    low = position.astype(np.int32)
    part = position - low
    pixels = np.stack([low, np.minimum(low + 1, size - 1)], axis=-1)
    weights = np.stack([(1 - part) * counts, part * counts], axis=-1)
    shape = (len(start), n_bins, 2 * SAMPLES)
    return pixels.reshape(shape), weights.astype(np.float32).reshape(shape)
