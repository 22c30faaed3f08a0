"""Agreement on ordered classes: a table of counts for each case enters, weighted kappa leaves."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from jaxtyping import Int64

from myoseg.quantification.agreement import FEWEST_CASES, Interval
from myoseg.quantification.coefficients import weighted_kappa

ClassCounts = Int64[np.ndarray, "first second"]

N_RESAMPLES: Final = 2000
METHOD: Final = (
    "Cohen's kappa, weighted by the squared distance of the classes (Cohen 1968); interval by "
    f"bootstrap over cases, {N_RESAMPLES} resamples, percentile"
)


@dataclass(frozen=True)
class ClassAgreement:
    """Two gradings in ordered classes.

    `table[i][j]` counts what the first graded `classes[i]` and the second `classes[j]`; `n` is its
    sum. `kappa` is None where both gave all the same class; its interval, over cases, with fewer
    than three cases.
    """

    measure: str
    classes: tuple[str, ...]
    n: int
    n_cases: int
    table: tuple[tuple[int, ...], ...]
    share_same: float | None
    kappa: float | None
    kappa_ci95: Interval | None

    def to_record(self) -> dict[str, Any]:
        """The gradings as JSON values, with the method."""
        return asdict(self) | {"method": METHOD}


def count_classes(
    first: Sequence[str | None], second: Sequence[str | None], classes: Sequence[str]
) -> ClassCounts:
    """How often each two classes met; pairs in which either is None are left out.

    Raises:
        ValueError: a class that is not among `classes`, or series of different lengths.
    """
    table = np.zeros((len(classes), len(classes)), dtype=np.int64)
    places = {name: place for place, name in enumerate(classes)}
    for one, other in zip(first, second, strict=True):
        if one is None or other is None:
            continue
        if not {one, other} <= places.keys():
            raise ValueError(f"{one!r} or {other!r} is none of the classes {', '.join(classes)}")
        table[places[one], places[other]] += 1
    return table


def class_agreement(
    measure: str, classes: Sequence[str], tables: Sequence[ClassCounts], rng: np.random.Generator
) -> ClassAgreement:
    """Agreement over cases, each with a table of `count_classes`."""
    shape = (0, len(classes), len(classes))
    known = [table for table in tables if table.any()]
    stacked = np.stack(known) if known else np.zeros(shape, dtype=np.int64)
    total = stacked.sum(axis=0)
    n = int(total.sum())
    return ClassAgreement(
        measure=measure,
        classes=tuple(classes),
        n=n,
        n_cases=len(known),
        table=tuple(tuple(int(count) for count in row) for row in total),
        share_same=float(np.trace(total) / n) if n else None,
        kappa=weighted_kappa(total),
        kappa_ci95=_interval(stacked, rng) if len(known) >= FEWEST_CASES else None,
    )


def _interval(
    tables: Int64[np.ndarray, "case first second"], rng: np.random.Generator
) -> Interval | None:
    """Percentiles of kappa over resampled cases; resamples without a kappa are left out."""
    n = len(tables)
    flat = tables.reshape(n, -1)
    kappas = []
    for _ in range(N_RESAMPLES):
        drawn = np.bincount(rng.integers(n, size=n), minlength=n) @ flat
        kappa = weighted_kappa(drawn.reshape(tables.shape[1:]))
        if kappa is not None:
            kappas.append(kappa)
    if not kappas:
        return None
    low, high = np.quantile(kappas, [0.025, 0.975])
    return float(low), float(high)
