"""The American Heart Association's segments: angles and levels enter, segment numbers leave.

Cerqueira et al., Circulation 2002;105:539. Six segments of 60 degrees at the base and in the
middle, four of 90 degrees towards the apex. The border of the two septal segments, and the middle
of the apical septal one, lie in the middle of the septum between the insertion points.
"""

from typing import Final, Literal

import numpy as np
from jaxtyping import Float, Int

Third = Literal["basal", "mid", "apical"]
Territory = Literal["LAD", "RCA", "LCX"]

THIRDS: Final[tuple[Third, ...]] = ("basal", "mid", "apical")

_AROUND: Final = (
    *("anterior", "anteroseptal", "inferoseptal"),
    *("inferior", "inferolateral", "anterolateral"),
)
NAMES: Final = (
    *(f"{third} {wall}" for third in ("basal", "mid") for wall in _AROUND),
    *(f"apical {wall}" for wall in ("anterior", "septal", "inferior", "lateral")),
)
"""Of segments 1 to 16."""

TERRITORIES: Final[dict[Territory, tuple[int, ...]]] = {
    "LAD": (1, 2, 7, 8, 13, 14),
    "RCA": (3, 4, 9, 10, 15),
    "LCX": (5, 6, 11, 12, 16),
}
"""Which artery most often supplies a segment; segment 17, of the LAD, is not there."""


def territory_of(segment: int) -> Territory:
    """The artery of a segment from 1 to 16."""
    return next(name for name, segments in TERRITORIES.items() if segment in segments)


def segment_at(third: Third, from_septum_deg: Float[np.ndarray, "..."]) -> Int[np.ndarray, "..."]:
    """Segment by angle from the middle of the septum, positive towards the inferior wall.

    >>> segment_at("basal", np.array([-30.0, 30.0, 90.0, 150.0, 210.0, 270.0]))
    array([2, 3, 4, 5, 6, 1])
    """
    first, width, count = (13, 90, 4) if third == "apical" else (1, 60, 6)
    first += 6 if third == "mid" else 0
    start = -135 if third == "apical" else -120
    steps = np.floor((from_septum_deg - start) / width).astype(np.int64)
    return np.asarray(first + steps % count)
