"""Where a stored slice holds no measurement: rows and columns that a program added around it."""

import numpy as np
from jaxtyping import Bool, Float32

Padding = Bool[np.ndarray, "slice row col"]


def padding_of(stack: Float32[np.ndarray, "slice row col"]) -> Padding:
    """The pixels of each slice in rows and columns at its border that hold its lowest value alone.

    Scanners, registration and anonymisers fill a matrix up with such rows. Air is no padding: it
    has noise.
    """
    padding = np.zeros(stack.shape, dtype=np.bool_)
    for plane, added in zip(stack, padding, strict=True):
        lowest = plane == plane.min()
        if lowest.all():
            continue
        rows, cols = ~lowest.all(axis=1), ~lowest.all(axis=0)
        added[: rows.argmax()] = True
        added[len(rows) - rows[::-1].argmax() :] = True
        added[:, : cols.argmax()] = True
        added[:, len(cols) - cols[::-1].argmax() :] = True
    return padding
