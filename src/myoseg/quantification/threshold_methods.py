"""The classical thresholds, one entry of data for each: a slice's wall enters, its cut leaves.

Flett et al. (JACC Cardiovasc Imaging 2011;4:150) compare 2 to 6 SD and full width at half maximum
with contours drawn by hand: 2 SD finds up to twice as much, full width at half maximum repeats
best. To add a method, add a `ThresholdMethod` to `METHODS`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import cv2
import numpy as np
from jaxtyping import Float64

from myoseg.anatomy import MYOCARDIUM, Sequence, Tissue, Tissues
from myoseg.errors import InputError

Pixels = Float64[np.ndarray, "pixel"]

_LEVELS: Final = 255


@dataclass(frozen=True)
class Remote:
    """Intensities of remote myocardium; `sd` is that of all its pixels (n, not n - 1)."""

    mean: float
    sd: float

    @classmethod
    def of(cls, pixels: Pixels) -> "Remote":
        """Mean and SD of one pixel or more; exactly the value and 0 where all are the same."""
        above = pixels - pixels.min()
        return cls(mean=float(pixels.min() + above.mean()), sd=float(above.std()))


@dataclass(frozen=True)
class ThresholdMethod:
    """A rule that cuts the wall of a slice in two; `diseased` is what lies above the cut.

    `cut` takes the intensities of the wall and those of its remote part.
    """

    name: str
    sequence: Sequence
    diseased: Tissues
    cut: Callable[[Pixels, Remote], float]

    @property
    def groups(self) -> tuple[Tissues, Tissues]:
        """What the method tells apart: the rest of the wall, and what is diseased."""
        return MYOCARDIUM - self.diseased, self.diseased


def deviations_above(wall: Pixels, remote: Remote, n_sd: float) -> float:
    """`n_sd` standard deviations above the mean of remote myocardium.

    2 SD in the same image: Kim et al., Circulation 1999;100:1992. 5 SD: Bondarenko et al., J
    Cardiovasc Magn Reson 2005;7:481. T2 above 2 SD: Abdel-Aty et al., Circulation 2004;109:2411.
    """
    return remote.mean + n_sd * remote.sd


def half_of_maximum(wall: Pixels, remote: Remote) -> float:
    """Full width at half maximum: half of the highest intensity, counted from 0.

    Amado et al., J Am Coll Cardiol 2004;44:2383, take the maximum of a scar region grown from a
    point that the reader sets; without a reader, it is the maximum of the wall. Meant for magnitude
    images with nulled myocardium; the only method here that an offset of all intensities changes.
    """
    return float(wall.max() / 2)


def half_way(wall: Pixels, remote: Remote) -> float:
    """Half way between the mean of remote myocardium and the highest intensity of the wall."""
    return float((remote.mean + wall.max()) / 2)


def otsu(wall: Pixels, remote: Remote) -> float:
    """The cut with the least variance within its two classes, of 256 levels (OpenCV).

    Otsu, IEEE Trans Syst Man Cybern 1979;9:62. The cut lies between two levels. It looks at the
    wall alone, and so finds two classes in a healthy wall too.
    """
    low, high = wall.min(), wall.max()
    if low == high:
        return float(high)
    levels = np.rint((wall - low) / (high - low) * _LEVELS).astype(np.uint8)
    level, _ = cv2.threshold(levels[None], 0, _LEVELS, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return float(low + (level + 0.5) / _LEVELS * (high - low))


_SCAR: Final[Tissues] = frozenset({Tissue.SCAR})
_EDEMA_OR_SCAR: Final[Tissues] = frozenset({Tissue.EDEMA, Tissue.SCAR})

METHODS: Final[dict[str, ThresholdMethod]] = {
    method.name: method
    for method in (
        *(
            ThresholdMethod(f"{n}sd", Sequence.LGE, _SCAR, partial(deviations_above, n_sd=float(n)))
            for n in (2, 3, 5, 6)
        ),
        ThresholdMethod("fwhm", Sequence.LGE, _SCAR, half_of_maximum),
        ThresholdMethod("otsu", Sequence.LGE, _SCAR, otsu),
        ThresholdMethod("half_way", Sequence.LGE, _SCAR, half_way),
        ThresholdMethod("t2_2sd", Sequence.T2, _EDEMA_OR_SCAR, partial(deviations_above, n_sd=2.0)),
    )
}
"""The methods that are known by name. On T2, scar cannot be told from edema: both are bright."""


def method_named(name: str) -> ThresholdMethod:
    """The known method of that name.

    Raises:
        InputError: there is none.
    """
    if name not in METHODS:
        raise InputError(f"method {name!r} is not known; choose from {', '.join(METHODS)}.")
    return METHODS[name]
