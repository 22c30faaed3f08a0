"""What predictions say of themselves: read from their statistics, and held against the truth."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from myoseg.anatomy import REGIONS
from myoseg.cases.quality import Quality
from myoseg.files import write_csv
from myoseg.quantification.decoding import statistics_path
from myoseg.quantification.pairing import LabelFile
from myoseg.quantification.region_score import RegionScore

FEWEST_CASES: Final = 3
"""Ranks of two cases agree or disagree fully, whatever they are."""

STATISTICS_SUFFIX: Final = "_stats.json"


@dataclass(frozen=True)
class QualityCorrelation:
    """Spearman's correlation of the confidence with one region's Dice, over `n` cases.

    `rho` and `p_value` (two-sided) are None with fewer than `FEWEST_CASES`, or where either is the
    same in all cases.
    """

    region: str
    n: int
    rho: float | None
    p_value: float | None


def correlate(
    scores: Iterable[RegionScore], confidences: Mapping[str, float]
) -> tuple[QualityCorrelation, ...]:
    """For each region with a score, over the cases with a confidence and a Dice.

    Args:
        scores: of all cases.
        confidences: by case; none where there are none, and then nothing is correlated.
    """
    if not confidences:
        return ()
    pairs: dict[str, list[tuple[float, float]]] = {}
    for score in scores:
        of_region = pairs.setdefault(score.region, [])
        if score.dice is not None and score.case in confidences:
            of_region.append((confidences[score.case], score.dice))
    return tuple(_correlation(region, pairs[region]) for region in REGIONS if region in pairs)


def _correlation(region: str, pairs: list[tuple[float, float]]) -> QualityCorrelation:
    values = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    if len(pairs) < FEWEST_CASES or not np.ptp(values, axis=0).all():
        return QualityCorrelation(region, len(pairs), None, None)
    # Here, since it takes long to import and `myoseg predict` has no use for it.
    from scipy import stats

    result = stats.spearmanr(values[:, 0], values[:, 1])
    return QualityCorrelation(
        region, len(pairs), float(result.statistic), float(np.clip(result.pvalue, 0, 1))
    )


def correlation_record(correlations: Iterable[QualityCorrelation]) -> dict[str, Any] | None:
    """The correlations as JSON values; None where the predictions say nothing of themselves."""
    tissues = {
        each.region: {"n": each.n, "rho": each.rho, "p_value": each.p_value}
        for each in correlations
    }
    return (
        {"of": "confidence and Dice", "method": "Spearman", "tissues": tissues} if tissues else None
    )


def recorded_confidences(files: Iterable[LabelFile]) -> dict[str, float]:
    """The confidence of each prediction that has one in its CASE_stats.json, by case."""
    found = {file.case: recorded_quality(statistics_path(file)) for file in files}
    return {case: quality.confidence for case, quality in found.items() if quality is not None}


def recorded_quality(path: Path) -> Quality | None:
    """The quality in a CASE_stats.json; None where the file is not there or has none."""
    try:
        return Quality.from_record(json.loads(path.read_text(encoding="utf-8"))["quality"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_quality_table(out: Path) -> None:
    """Writes quality.csv: the confidence, flags and expected Dice of each case in `out`.

    Taken from all CASE_stats.json there, of this run or an earlier one; the least confident case
    comes first.

    Raises:
        OutputError: the file cannot be written.
    """
    found = _qualities_in(out)
    blocks = list(
        dict.fromkeys(block for quality in found.values() for block in quality.expected_dice)
    )
    header = ["case", "confidence", "flags", *(f"expected_dice_{block}" for block in blocks)]
    header.append("flags_in_words")
    rows = [
        [
            case,
            quality.confidence,
            "; ".join(flag.name for flag in quality.flags),
            *(quality.expected_dice.get(block) for block in blocks),
            quality.warning,
        ]
        for case, quality in sorted(found.items(), key=lambda item: (item[1].confidence, item[0]))
    ]
    write_csv(out / "quality.csv", header, rows)


def _qualities_in(out: Path) -> dict[str, Quality]:
    paths = sorted(out.glob(f"[!.]*{STATISTICS_SUFFIX}"))
    found = {path.name.removesuffix(STATISTICS_SUFFIX): recorded_quality(path) for path in paths}
    return {case: quality for case, quality in found.items() if quality is not None}
