"""Predicted label files against true ones: a table by case and tissue, and its summary."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np

from myoseg.cases.grids import require_same_grid
from myoseg.errors import InputError, MyosegError
from myoseg.files import write_csv, write_json
from myoseg.quantification.confidence import (
    QualityCorrelation,
    correlate,
    correlation_record,
    recorded_confidences,
)
from myoseg.quantification.decoding import read_label_map, with_codings
from myoseg.quantification.pairing import Failure, Pair, match_files
from myoseg.quantification.region_score import RegionScore
from myoseg.quantification.scope import Scope
from myoseg.quantification.scores import score_case
from myoseg.quantification.summary import RegionSummary, summarise, summary_record

log = logging.getLogger(__name__)

CSV_HEADER: Final = tuple(
    "tissue" if field.name == "region" else field.name for field in fields(RegionScore)
)
"""case, tissue, dice, jaccard, hd95_mm, assd_mm, volume_true_ml, volume_pred_ml."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The scores of all cases, what they come to, and what was not scored."""

    scores: tuple[RegionScore, ...]
    summary: tuple[RegionSummary, ...]
    failures: tuple[Failure, ...]
    without_truth: tuple[str, ...]
    without_prediction: tuple[str, ...]
    seed: int
    inside: str | None = None
    slices_with: str | None = None
    quality_correlation: tuple[QualityCorrelation, ...] = ()

    @property
    def n_cases(self) -> int:
        """How many cases were scored."""
        return len({score.case for score in self.scores})

    def to_record(self) -> dict[str, Any]:
        """The summary as JSON values, with every case that it leaves out."""
        return {
            "n_cases": self.n_cases,
            "inside": self.inside,
            "slices_with": self.slices_with,
            "failures": [vars(failure) for failure in self.failures],
            "without_truth": list(self.without_truth),
            "without_prediction": list(self.without_prediction),
            **summary_record(self.summary, self.seed),
            "quality_correlation": correlation_record(self.quality_correlation),
        }


def evaluate(
    predicted: Path | str,
    true: Path | str,
    out: Path | str | None = None,
    *,
    predicted_coding: str | None = None,
    true_coding: str | None = None,
    inside: str | None = None,
    slices_with: str | None = None,
    seed: int = 0,
) -> Evaluation:
    """Scores every case that both folders hold; a case that fails does not stop the others.

    Args:
        predicted: folder of predicted label files, or one file.
        true: folder of true label files, a data set in a known layout, or one file.
        out: folder for metrics.csv and metrics.json, if they are to be written.
        predicted_coding: name of the predictions' label coding, where it cannot be told.
        true_coding: the same of the truths.
        inside: name of a region (`anatomy.REGIONS`); what is predicted outside the true one is left
            out of account, as "scar inside the true myocardium".
        slices_with: name of a region; only slices in which the true one has a pixel take part in
            overlap, distances and volumes. Distances take the kept slices for neighbours at the
            volume's spacing (`scope.Scope`). A case without such a slice fails.
        seed: of the bootstrap intervals.

    Raises:
        InputError: no case matches, two files of one case, a coding that cannot be told, or no case
            could be scored; there is no region of the name `inside` or `slices_with`.
        OutputError: `out` cannot be written to.
    """
    scope = Scope(inside, slices_with)
    matching = match_files(Path(predicted), Path(true))
    scores: list[RegionScore] = []
    failures: list[Failure] = []
    for pair, result in _score_pairs(matching.pairs, predicted_coding, true_coding, scope):
        if isinstance(result, MyosegError):
            log.error("%s: %s", pair.case, result)
            failures.append(Failure(pair.case, str(result)))
        else:
            scores += result
    if not scores:
        reasons = "; ".join(failure.message for failure in failures[:3])
        raise InputError(f"none of {len(matching.pairs)} cases could be scored: {reasons}")
    evaluation = evaluation_of(
        scores,
        failures=failures,
        without_truth=matching.without_truth,
        without_prediction=matching.without_prediction,
        seed=seed,
        inside=inside,
        slices_with=slices_with,
        confidences=recorded_confidences(pair.predicted for pair in matching.pairs),
    )
    if out is not None:
        write_evaluation(evaluation, Path(out))
    return evaluation


def evaluation_of(
    scores: Iterable[RegionScore],
    *,
    failures: Iterable[Failure] = (),
    without_truth: tuple[str, ...] = (),
    without_prediction: tuple[str, ...] = (),
    seed: int = 0,
    inside: str | None = None,
    slices_with: str | None = None,
    confidences: Mapping[str, float] | None = None,
) -> Evaluation:
    """Summarises scores that are there.

    `seed` is of the bootstrap intervals, `confidences` are what the predictions say of themselves
    by case, where they say it.
    """
    scores = tuple(scores)
    return Evaluation(
        scores=scores,
        summary=summarise(scores, np.random.default_rng(seed)),
        failures=tuple(failures),
        without_truth=without_truth,
        without_prediction=without_prediction,
        seed=seed,
        inside=inside,
        slices_with=slices_with,
        quality_correlation=correlate(scores, confidences or {}),
    )


def write_evaluation(evaluation: Evaluation, out: Path) -> None:
    """Writes metrics.csv, one row a case and tissue, and metrics.json, the summary.

    Raises:
        OutputError: a file cannot be written.
    """
    names = [field.name for field in fields(RegionScore)]
    rows = [[getattr(score, name) for name in names] for score in evaluation.scores]
    write_csv(out / "metrics.csv", CSV_HEADER, rows)
    write_json(out / "metrics.json", evaluation.to_record())


def _score_pairs(
    pairs: tuple[Pair, ...],
    predicted_coding: str | None,
    true_coding: str | None,
    scope: Scope,
) -> Iterator[tuple[Pair, list[RegionScore] | MyosegError]]:
    """Each pair with its scores or with why it has none; one pair is in memory at a time."""
    for pair in _with_codings(pairs, predicted_coding, true_coding):
        try:
            yield pair, _score_pair(pair, scope)
        except MyosegError as error:
            yield pair, error


def _with_codings(
    pairs: tuple[Pair, ...], predicted_coding: str | None, true_coding: str | None
) -> tuple[Pair, ...]:
    """The pairs with the label coding of each file settled, truths first."""
    true = with_codings([pair.true for pair in pairs], true_coding)
    likely = tuple(coding for file in true for coding in file.codings)
    predicted = with_codings([pair.predicted for pair in pairs], predicted_coding, likely)
    return tuple(
        Pair(pair.case, ours, theirs)
        for pair, ours, theirs in zip(pairs, predicted, true, strict=True)
    )


def _score_pair(pair: Pair, scope: Scope) -> list[RegionScore]:
    """Scores one case from its files, as far as it is in the scope.

    Raises:
        InputError: a file cannot be read or holds unknown labels, the truth does not tell the
            extent of a region of the scope, or nothing of the case is in it.
        GeometryError: the two files are on different grids.
    """
    predicted, geometry = read_label_map(pair.predicted)
    true, true_geometry = read_label_map(pair.true)
    require_same_grid(pair.predicted.path, geometry, pair.true.path, true_geometry)
    return score_case(pair.case, *scope.apply(predicted, true, geometry, pair.true.path))
