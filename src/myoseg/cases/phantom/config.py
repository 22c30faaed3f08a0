"""What may be asked of the simulation: ranges that each case's parameters are drawn from."""

from dataclasses import dataclass, field
from typing import Final

from myoseg.cases.phantom.tissue import MyocardialRanges, Range
from myoseg.errors import ConfigurationError

MAX_MATRIX: Final = 2048
MAX_SUPERSAMPLING: Final = 16


@dataclass(frozen=True)
class PhantomConfig:
    """Ranges of a simulated case; the defaults are those of MyoPS 2020 (paper, section 3.1).

    Attributes:
        matrix: rows and columns of a slice.
        spacing_mm: in-plane pixel spacing, the same along rows and columns.
        n_slices: fewest and most short-axis slices.
        slice_spacing_mm: distance of neighbouring slices.
        slice_thickness_mm: what a slice averages over; the rest of the spacing is gap.
        snr: signal over noise of normal myocardium (bSSFP, T2) or of blood (LGE).
        infarct_probability: chance that a case has an infarct at all.
        edema_probability: chance that an infarct is acute, with edema around it; else chronic.
        myocardium: relaxation and contrast uptake of healthy and diseased myocardium; working
            values where no direct source at 1.5 T is known.
        supersampling: points along each side of a pixel.
        n_sub_slices: points through the thickness of a slice.

    Raises:
        ConfigurationError: a value is out of range; the message names it.
    """

    matrix: tuple[int, int] = (256, 256)
    spacing_mm: Range = (0.73, 0.76)
    n_slices: tuple[int, int] = (2, 6)
    slice_spacing_mm: Range = (12.0, 23.0)
    slice_thickness_mm: Range = (6.0, 10.0)
    snr: Range = (10.0, 30.0)
    infarct_probability: float = 0.9
    edema_probability: float = 0.8
    myocardium: MyocardialRanges = field(default_factory=MyocardialRanges)
    supersampling: int = 2
    n_sub_slices: int = 3

    def __post_init__(self) -> None:
        for name in ("spacing_mm", "n_slices", "slice_spacing_mm", "slice_thickness_mm", "snr"):
            self._check_range(name)
        self._check_counts("matrix", self.matrix, 16, MAX_MATRIX)
        self._check_counts("supersampling", (self.supersampling,), 1, MAX_SUPERSAMPLING)
        self._check_counts("n_sub_slices", (self.n_sub_slices,), 1, MAX_SUPERSAMPLING)
        for name in ("infarct_probability", "edema_probability"):
            probability = getattr(self, name)
            if not 0 <= probability <= 1:
                raise ConfigurationError(
                    f"phantom {name} is {probability}; give a value from 0 to 1."
                )

    def _check_range(self, name: str) -> None:
        low, high = getattr(self, name)
        if not 0 < low <= high < float("inf"):
            raise ConfigurationError(
                f"phantom {name} is ({low}, {high}); give the lowest and the highest value, in "
                "this order and both above 0."
            )

    @staticmethod
    def _check_counts(name: str, counts: tuple[int, ...], low: int, high: int) -> None:
        if not all(low <= count <= high for count in counts):
            raise ConfigurationError(f"phantom {name} is {counts}; give {low} to {high}.")


SMALL: Final = PhantomConfig(matrix=(128, 128), spacing_mm=(1.5, 1.5))
"""A quarter of the pixels over the same field of view, for demonstrations and tests."""
