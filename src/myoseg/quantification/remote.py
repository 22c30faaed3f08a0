"""Remote myocardium: an image and the wall enter, the part of the wall taken for healthy leaves.

The rule, slice by slice: of all arcs of a sixth of the full turn about the wall's centre, in steps
of 10 degrees, the one with the lowest mean intensity. Both scar on LGE and edema on T2 are bright.
An arc with fewer than half of the pixels that a sixth of the wall has on average is passed over, as
where the wall is open. Readers draw this region by hand; where they did, give their mask instead.
"""

from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Integer

N_STEPS: Final = 36
ARC_STEPS: Final = 6
FEWEST_OF_AVERAGE: Final = 0.5


def find_remote(
    image: Float[np.ndarray, "slice row col"],
    wall: Bool[np.ndarray, "slice row col"],
    *,
    arc_steps: int = ARC_STEPS,
) -> Bool[np.ndarray, "slice row col"]:
    """The remote myocardium of every slice; none where a slice has no wall.

    Of arcs with the same mean, the first in the order of angles is taken. An arc spans `arc_steps`
    of the `N_STEPS` of a full turn.
    """
    remote = np.zeros_like(wall)
    for index in np.flatnonzero(wall.any(axis=(1, 2))):
        rows, cols = np.nonzero(wall[index])
        values = image[index][rows, cols].astype(np.float64)
        chosen = _darkest_arc(_steps(rows, cols), values, arc_steps)
        remote[index, rows[chosen], cols[chosen]] = True
    return remote


def _steps(
    rows: Integer[np.ndarray, "pixel"], cols: Integer[np.ndarray, "pixel"]
) -> Integer[np.ndarray, "pixel"]:
    """In which step of the turn about the pixels' centre of mass each pixel lies."""
    angles = np.arctan2(rows - rows.mean(), cols - cols.mean())
    return np.asarray(np.floor((angles / (2 * np.pi) + 0.5) * N_STEPS).astype(np.intp) % N_STEPS)


def _darkest_arc(
    steps: Integer[np.ndarray, "pixel"], values: Float[np.ndarray, "pixel"], arc_steps: int
) -> Bool[np.ndarray, "pixel"]:
    """The pixels of the arc with the lowest mean, of arcs with enough pixels."""
    arcs = (np.arange(N_STEPS)[:, None] + np.arange(arc_steps)) % N_STEPS
    n_pixels = np.bincount(steps, minlength=N_STEPS)[arcs].sum(axis=1)
    totals = np.bincount(steps, weights=values, minlength=N_STEPS)[arcs].sum(axis=1)
    enough = n_pixels >= FEWEST_OF_AVERAGE * len(values) * arc_steps / N_STEPS
    means = np.where(enough, totals / np.maximum(n_pixels, 1), np.inf)
    return np.isin(steps, arcs[means.argmin()])
