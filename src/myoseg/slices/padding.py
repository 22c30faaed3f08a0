"""Where a stored slice holds no measurement: rows and columns that a program added around it."""

import numpy as np
from jaxtyping import Bool, Float32

Padding = Bool[np.ndarray, "slice row col"]


def padding_of(stack: Float32[np.ndarray, "slice row col"]) -> Padding:
    """The pixels of each slice in rows and columns at its border that hold one value alone.

    Scanners, registration and anonymisers fill a matrix up with such rows. Air that was stored as
    one value is taken for padding as well where it fills whole rows, which costs no contrast. A
    slice of one value has none.
    """
    padding = np.zeros(stack.shape, dtype=np.bool_)
    for plane, added in zip(stack, padding, strict=True):
        rows, cols = np.ptp(plane, axis=1) > 0, np.ptp(plane, axis=0) > 0
        if not (rows.any() and cols.any()):
            continue
        added[: rows.argmax()] = True
        added[len(rows) - rows[::-1].argmax() :] = True
        added[:, : cols.argmax()] = True
        added[:, len(cols) - cols[::-1].argmax() :] = True
    return padding
