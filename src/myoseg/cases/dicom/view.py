"""A stack's normal enters; the view leaves: short axis, long axis or one of the body's planes.

The left ventricle's long axis points to the left, forward and down, about 45 degrees to the
sagittal and to the coronal plane; it differs by some 15 degrees from one heart to the next (Foster
JE et al., Clin Physiol Funct Imaging 2005;25:286). Slices across it show the short axis; long-axis
views have normals at right angles to it.
"""

from enum import StrEnum
from typing import Final

import numpy as np
from jaxtyping import Float

LONG_AXIS: Final = (0.61, -0.61, -0.5)
"""Unit vector from base to apex, LPS: 45 degrees leftward of forward, 30 degrees downward."""

SURE_DEG: Final = 35.0
"""Normals up to this far off the expected long axis are short-axis ones."""

POSSIBLE_DEG: Final = 50.0
"""Normals up to this far off may be, if something else says so."""

_BODY_PLANE_DEG: Final = 10.0


class View(StrEnum):
    """How slices lie to the heart, or to the body."""

    SHORT_AXIS = "short axis"
    POSSIBLY_SHORT_AXIS = "possibly short axis"
    LONG_AXIS = "long axis"
    TRANSVERSE = "transverse"
    CORONAL = "coronal"
    SAGITTAL = "sagittal"


def view_of(normal: Float[np.ndarray, "3"]) -> View:
    """The view of slices with this unit normal (LPS), in either direction.

    >>> view_of(np.array([0.61, -0.61, -0.5]))
    <View.SHORT_AXIS: 'short axis'>
    >>> view_of(np.array([0.0, 0.0, 1.0]))
    <View.TRANSVERSE: 'transverse'>
    """
    off_deg = off_axis_deg(normal)
    if off_deg <= SURE_DEG:
        return View.SHORT_AXIS
    planes = zip((View.SAGITTAL, View.CORONAL, View.TRANSVERSE), np.abs(normal), strict=True)
    for view, cosine in planes:
        if cosine >= np.cos(np.radians(_BODY_PLANE_DEG)):
            return view
    return View.POSSIBLY_SHORT_AXIS if off_deg <= POSSIBLE_DEG else View.LONG_AXIS


def off_axis_deg(normal: Float[np.ndarray, "3"]) -> float:
    """Angle between the normal and the long axis that is expected, 0 to 90 degrees."""
    axis = np.array(LONG_AXIS) / np.linalg.norm(LONG_AXIS)
    cosine = abs(float(normal @ axis)) / float(np.linalg.norm(normal))
    return float(np.degrees(np.arccos(min(1.0, cosine))))
