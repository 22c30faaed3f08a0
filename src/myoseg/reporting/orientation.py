"""A grid and the shown part of it enter; the letters at a picture's borders and its scale leave."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float

from myoseg.cases.case import Geometry
from myoseg.reporting.view import View

TOWARDS: Final = (("L", "R"), ("P", "A"), ("F", "H"))
"""Letters of the negative and the positive end of each axis of RAS, F being the feet."""

SECOND_LETTER: Final = 0.5
"""A second direction is named where it holds this part of the unit vector: from 30 degrees off."""

SCALE_MM: Final = (5, 10, 20, 50, 100)
LONGEST_SCALE: Final = 0.3
"""Of the picture's width."""


@dataclass(frozen=True)
class Borders:
    """What lies at each border of a picture: one or two letters, the nearer direction first."""

    left: str
    right: str
    top: str
    bottom: str


def borders_of(geometry: Geometry, view: View) -> Borders:
    """The patient's directions at the borders of a slice as `view` shows it."""
    rightward = geometry.affine[:3, 0] * (-1 if view.mirror_cols else 1)
    downward = geometry.affine[:3, 1] * (-1 if view.mirror_rows else 1)
    return Borders(
        left=letters(-rightward),
        right=letters(rightward),
        top=letters(-downward),
        bottom=letters(downward),
    )


def letters(direction: Float[np.ndarray, "3"]) -> str:
    """A direction in RAS as the letters of its one or two largest parts.

    >>> letters(np.array([-1.0, 0.0, 0.0])), letters(np.array([-0.8, 0.6, 0.0]))
    ('L', 'LA')
    """
    unit = direction / np.linalg.norm(direction)
    largest = sorted(range(3), key=lambda axis: -abs(unit[axis]))
    named = [axis for axis in largest[:2] if abs(unit[axis]) >= SECOND_LETTER] or largest[:1]
    return "".join(TOWARDS[axis][int(unit[axis] > 0)] for axis in named)


def scale_mm(width_mm: float) -> int:
    """The longest scale bar that takes at most `LONGEST_SCALE` of a picture's width."""
    fitting = [length for length in SCALE_MM if length <= LONGEST_SCALE * width_mm]
    return fitting[-1] if fitting else SCALE_MM[0]
