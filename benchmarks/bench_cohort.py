"""A cohort read, segmented and saved: the parts of its cases overlapped, or one after the other."""

import argparse
import logging
import tempfile
from pathlib import Path

from interleaved import print_table, time_in_turn
from myoseg.cases.layouts import find_cases
from myoseg.cases.phantom import PhantomConfig
from myoseg.cases.phantom.data_set import write_phantoms
from myoseg.cohort import PredictOptions, predict_case, predict_cohort
from myoseg.prediction.model import load_model

CASE = PhantomConfig(matrix=(256, 256), spacing_mm=(1.25, 1.25), n_slices=(10, 10))


def main() -> None:
    """Prints one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--full", action="store_true", help="more cases and rounds")
    asked = parser.parse_args()
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        n_cases, rounds = (8, 9) if asked.full else (4, 2)
        _compare(Path(folder), asked.threads, n_cases, rounds)


def _compare(folder: Path, n_threads: int, n_cases: int, rounds: int) -> None:
    write_phantoms(folder / "cases", n_training=0, n_test=n_cases, seed=0, config=CASE)
    cases = find_cases(folder / "cases")
    model = load_model("default", "cpu", n_threads=n_threads)

    def overlapped() -> None:
        for outcome in predict_cohort(cases, model, folder / "overlapped"):
            _require_done(outcome.error)

    def in_turn() -> None:
        for case in cases:
            outcome = predict_case(case, model, folder / "in_turn", PredictOptions())
            _require_done(outcome.error)

    seconds = time_in_turn({"overlapped": overlapped, "in turn": in_turn}, rounds, {})
    title = f"{n_cases} cases of 10 slices of 256 x 256, three sequences, {n_threads} threads"
    print_table(title, seconds, "overlapped")


def _require_done(error: str | None) -> None:
    if error:
        raise SystemExit(error)


if __name__ == "__main__":
    main()
