"""Convolutions of 3 x 3 with a quarter of the multiplications, as layers of an OpenVINO graph.

Winograd's minimal filtering of 4 x 4 outputs from 6 x 6 inputs (Lavin and Gray, arXiv:1509.09308):
36 products of matrices take the place of 144 for each tile, and a sum of pixels before and after
each of them is a product of matrices too. OpenVINO has it not. Maps are held pixel by pixel here,
(row x col, slice, channel), so that tiles are gathered in long runs of memory.
"""

from typing import Final

import numpy as np
from jaxtyping import Float, Float32, Int32

from myoseg.prediction.engines.openvino_layers import Node, constant, ops

OUT, KERNEL = 4, 3
IN: Final = OUT + KERNEL - 1

POINTS: Final = (0.0, 0.5**0.5, -(0.5**0.5), 2**0.5, -(2**0.5))
"""Where polynomials are evaluated, beside infinity: of those tried, they round least."""

Kernel = Float32[np.ndarray, "output input 3 3"]
Matrix = Float[np.ndarray, "_ _"]


def by_pixel(maps: Node) -> Node:
    """(slice, channel, row, col) to (row x col, slice, channel)."""
    n_channels = maps.get_partial_shape()[1].get_length()
    apart = ops.transpose(maps, np.array([2, 3, 0, 1]))
    n_pixels = int(np.prod([maps.get_partial_shape()[axis].get_length() for axis in (2, 3)]))
    # The number of slices is what is left.
    return ops.reshape(apart, np.array([n_pixels, -1, n_channels]), False).output(0)


def by_channel(maps: Node, size: tuple[int, int]) -> Node:
    """(row x col, slice, channel) to (slice, channel, row, col)."""
    n_channels = maps.get_partial_shape()[2].get_length()
    apart = ops.reshape(maps, np.array([*size, -1, n_channels]), False)
    return ops.transpose(apart, np.array([2, 3, 0, 1])).output(0)


def tiles_of(maps: Node, size: tuple[int, int]) -> Node:
    """What the products are taken of, (36, tile x slice, channel), with a border of one zero.

    Several convolutions of the same maps can share it.

    Args:
        maps: (row x col, slice, channel).
        size: rows and columns of the maps.
    """
    return _mixed(_gathered(maps, _tiles(size)), _both_axes(_before()))


def tiles_of_enlarged(maps: Node, size: tuple[int, int]) -> Node:
    """`tiles_of` maps of twice the size, in which each pixel stands four times, in 2 x 2.

    Args:
        maps: (row x col, slice, channel), not enlarged.
        size: rows and columns before they are enlarged.
    """
    # Of a tile's six pixels along an axis, from one before it, the middle four are two and two.
    repeats = np.zeros((IN, OUT))
    repeats[np.arange(IN), (np.arange(IN) + 1) // 2] = 1
    matrix = _both_axes(_before() @ repeats)
    return _mixed(_gathered(maps, _tiles(size, step=OUT // 2, n_in=OUT)), matrix)


def convolved(tiles: Node, kernel: Kernel, size: tuple[int, int]) -> Node:
    """The convolution with a border of one zero, without bias: (row x col, slice, channel).

    Args:
        tiles: of the maps.
        kernel: of the module, as PyTorch has it.
        size: rows and columns of the maps.
    """
    found = ops.matmul(tiles, constant(_spread(kernel)), False, False).output(0)
    answers = _mixed(found, _both_axes(_values(OUT).T))
    n_tiles = int(np.prod([-(-n // OUT) for n in size]))
    by_place = ops.reshape(answers, np.array([OUT**2 * n_tiles, -1, len(kernel)]), False)
    return ops.gather(by_place, constant(_places(size)), np.array(0)).output(0)


def _gathered(maps: Node, tiles: Int32[np.ndarray, "place tile"]) -> Node:
    """(place, tile x slice, channel)."""
    bordered = ops.pad(maps, np.zeros(3, int), np.array([1, 0, 0]), "constant", np.float32(0))
    found = ops.gather(bordered, constant(tiles.ravel()), np.array(0)).output(0)
    return ops.reshape(found, np.array([len(tiles), -1, _n_channels(maps)]), False).output(0)


def _mixed(maps: Node, matrix: Matrix) -> Node:
    """Sums over the first axis, (old, ..., channel) to (new, ..., channel)."""
    flat = ops.reshape(maps, np.array([matrix.shape[1], -1]), False)
    mixed = ops.matmul(matrix.astype(np.float32), flat, False, False)
    return ops.reshape(mixed, np.array([len(matrix), -1, _n_channels(maps)]), False).output(0)


def _n_channels(maps: Node) -> int:
    return int(maps.get_partial_shape()[2].get_length())


def _spread(kernel: Kernel) -> Float32[np.ndarray, "36 input output"]:
    """The kernel as a matrix for each place of a tile."""
    n_out, n_in = kernel.shape[:2]
    within = _both_axes(_values(KERNEL) / _scale()[:, None]).astype(np.float32)
    by_place = np.ascontiguousarray(kernel.transpose(2, 3, 1, 0)).reshape(KERNEL**2, -1)
    return np.asarray((within @ by_place).reshape(IN**2, n_in, n_out))


def _both_axes(matrix: Matrix) -> Matrix:
    return np.kron(matrix, matrix)


def _tiles(
    size: tuple[int, int], step: int = OUT, n_in: int = IN
) -> Int32[np.ndarray, "place tile"]:
    """Which pixel stands at each place of each tile; the one past the last for the border."""
    n_rows, n_cols = size
    rows, cols = (step * np.arange(-(-n // step))[:, None] + np.arange(n_in) - 1 for n in size)
    of_rows, of_cols = rows.T[:, None, :, None], cols.T[None, :, None, :]
    inside = (of_rows >= 0) & (of_rows < n_rows) & (of_cols >= 0) & (of_cols < n_cols)
    pixels = np.where(inside, of_rows * n_cols + of_cols, n_rows * n_cols)
    return pixels.reshape(n_in**2, -1).astype(np.int32)


def _places(size: tuple[int, int]) -> Int32[np.ndarray, "pixel"]:
    """Where each pixel stands among the tiles' answers, (place in tile, tile)."""
    n_tiles = [-(-n // OUT) for n in size]
    (rows, row_in), (cols, col_in) = (np.divmod(np.arange(n), OUT) for n in size)
    in_tile = row_in[:, None] * OUT + col_in
    tile = rows[:, None] * n_tiles[1] + cols
    return np.asarray((in_tile * (n_tiles[0] * n_tiles[1]) + tile).ravel(), dtype=np.int32)


# Multiplying polynomials of degrees 3 and 2 by their values at the points, and transposing that:
# answers = values(4).T @ ((values(3) / scale @ kernel) * (before @ inputs)).


def _before() -> Matrix:
    return np.asarray(np.linalg.inv(_values(IN)).T * _scale()[:, None])


def _scale() -> Float[np.ndarray, "6"]:
    points = np.array(POINTS)
    differences = points[:, None] - points + np.eye(len(points))
    return np.append(differences.prod(axis=1), 1.0)


def _values(n_coefficients: int) -> Matrix:
    """Polynomials' values at the points and at infinity, from their coefficients."""
    at_infinity = np.eye(n_coefficients)[-1:]
    return np.concatenate([np.array(POINTS)[:, None] ** np.arange(n_coefficients), at_infinity])
