"""Predictions of the three methods in, Table 1 and Figures 3 to 5 out."""

from collections.abc import Sequence
from pathlib import Path

from myoseg.case_results import labels_path
from myoseg.cases.case import LabelMap
from myoseg.cases.labels import MYOPS
from myoseg.cases.layouts import CaseFiles, read_case
from myoseg.quantification.decoding import read_label_map
from myoseg.quantification.evaluate import evaluation_of, write_evaluation
from myoseg.quantification.pairing import LabelFile
from myoseg.quantification.scores import RegionScore, score_case
from myoseg.reporting.case_contours import figure45_contours
from myoseg.reporting.extremes import best_and_worst
from myoseg.reporting.figures import figure3_boxplots, save_figure
from myoseg.reporting.table1 import table1, write_table1
from myoseg.reproduction.methods import Method


def predictions_folder(out: Path, method: Method) -> Path:
    """Where a method's predictions of all test cases lie."""
    return out / method.folder / "predicted"


def write_report(methods: Sequence[Method], test: Sequence[CaseFiles], out: Path) -> None:
    """Scores the predictions of each method and writes the table and the figures into `out`.

    `table1.md`, `table1.csv`, `wilcoxon.csv`, `figure3.png`; of the last method `figure4.png` (its
    best case) and `figure5.png` (its worst); for each method `metrics.csv` and `metrics.json`.

    Raises:
        OutputError: a file cannot be written.
    """
    scores = {method.symbol: _score(test, predictions_folder(out, method)) for method in methods}
    for method in methods:
        write_evaluation(evaluation_of(scores[method.symbol]), out / method.folder)
    write_table1(table1(scores), out)
    save_figure(figure3_boxplots(scores), out / "figure3.png")
    proposed = methods[-1]
    extremes = best_and_worst(scores[proposed.symbol])
    if extremes is None:
        return
    by_name = {case.name: case for case in test}
    for number, kind, name in ((4, "best", extremes[0]), (5, "worst", extremes[1])):
        _draw_extreme(
            by_name[name],
            predictions_folder(out, proposed),
            _title(kind, name, scores[proposed.symbol]),
            out / f"figure{number}.png",
        )


def _score(test: Sequence[CaseFiles], folder: Path) -> list[RegionScore]:
    scores = []
    for files in test:
        case = read_case(files)
        assert case.labels is not None
        scores += score_case(case.name, _predicted(case.name, folder), case.labels, case.geometry)
    return scores


def _predicted(name: str, folder: Path) -> LabelMap:
    labels, _ = read_label_map(LabelFile(name, labels_path(folder, name), (MYOPS,)))
    return labels


def _draw_extreme(files: CaseFiles, folder: Path, title: str, path: Path) -> None:
    case = read_case(files)
    assert case.labels is not None
    predicted = _predicted(case.name, folder)
    save_figure(figure45_contours(case, case.labels, predicted, title=title), path)


def _title(kind: str, name: str, scores: Sequence[RegionScore]) -> str:
    """The case with its Dice, as the captions of Figures 4 and 5 give it."""
    dice = {score.region: score.dice for score in scores if score.case == name}
    figures = [
        f"{abbreviation} {100 * value:.1f} %"
        for abbreviation, region in (("ME+MS", "edema+scar"), ("MS", "scar"))
        if (value := dice.get(region)) is not None
    ]
    return f"The {kind} case, {name}: Dice {', '.join(figures)}"
