"""What the paper reports: the methods of its Table 1, and their figures on 20 test cases."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

COMPARED_MEASURES: Final = ("dice", "jaccard")
COMPARED_REGIONS: Final = ("scar", "edema+scar")
"""Measures and regions of Table 1 and Figure 3, in their order there."""

N_TEST_CASES: Final = 20


@dataclass(frozen=True)
class MeanAndDeviation:
    """A mean and a standard deviation over cases, in per cent."""

    mean_percent: float
    sd_percent: float

    def __str__(self) -> str:
        return f"{self.mean_percent:.1f} ± {self.sd_percent:.1f}"


@dataclass(frozen=True)
class PublishedMethod:
    """A row of Table 1; `results` by measure and region."""

    title: str
    results: MappingProxyType[tuple[str, str], MeanAndDeviation]


def _row(title: str, *figures: tuple[float, float]) -> PublishedMethod:
    """A row as printed: Dice of MS and ME+MS, then Jaccard of MS and ME+MS."""
    cells = [(measure, region) for measure in COMPARED_MEASURES for region in COMPARED_REGIONS]
    results = {
        cell: MeanAndDeviation(mean, sd) for cell, (mean, sd) in zip(cells, figures, strict=True)
    }
    return PublishedMethod(title, MappingProxyType(results))


TABLE_1: Final = MappingProxyType(
    {
        "u": _row("U-Net", (36.2, 23.2), (43.2, 16.0), (24.5, 18.1), (28.8, 13.1)),
        "pw": _row(
            "Proposed without linear encoder and decoder",
            *((38.5, 24.3), (54.2, 17.1), (26.5, 18.9), (38.9, 15.0)),
        ),
        "p": _row("Proposed", (46.8, 26.8), (55.7, 18.3), (34.2, 22.2), (40.5, 16.3)),
    }
)
"""Table 1 by the methods' symbols in Figure 3."""

INTER_OBSERVER_SCAR_DICE: Final = MeanAndDeviation(52.4, 15.8)
"""Dice of scar drawn by two observers (section 1, from its reference 15)."""


def method_title(symbol: str) -> str:
    """The method's name in Table 1; the symbol itself for a method that the paper does not have.

    >>> method_title("u")
    'U-Net'
    """
    return TABLE_1[symbol].title if symbol in TABLE_1 else symbol
