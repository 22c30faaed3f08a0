"""Workers of a local Ray cluster, one thread each: cases a second against one worker.

Counted from when every worker has its model loaded. A machine with fewer cores than workers says
nothing of how they scale, so only as many as there are cores are tried; `--workers 1 2` tries them
all the same, to see that all works.
"""

import argparse
import logging
import tempfile
import time
from pathlib import Path

from myoseg.cases.layouts import find_cases
from myoseg.cases.phantom import PhantomConfig
from myoseg.cases.phantom.data_set import write_phantoms
from myoseg.cohort import PredictOptions
from myoseg.cohort_ray import predict_on_ray
from myoseg.prediction.description import model_folder
from myoseg.prediction.model import ModelSource
from myoseg.prediction.shipped import DEFAULT
from myoseg.processor import n_cores
from roofline import products_a_second

CASE = PhantomConfig(matrix=(256, 256), spacing_mm=(1.25, 1.25), n_slices=(5, 5))
WORKERS = 1, 2, 4


def main() -> None:
    """Prints one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="more cases and rounds")
    parser.add_argument("--workers", type=int, nargs="+", help="how many; 1 is tried in any case")
    asked = parser.parse_args()
    n_cases, rounds = (48, 4) if asked.full else (12, 1)
    logging.disable(logging.WARNING)
    tried = sorted({1, *(asked.workers or (n for n in WORKERS if n <= n_cores()))})
    rates: dict[int, list[float]] = {n: [] for n in tried}
    products: dict[int, list[float]] = {n: [] for n in tried}
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "cases"
        write_phantoms(data, n_training=0, n_test=n_cases, seed=0, config=CASE)
        for _ in range(rounds):
            for n in tried:
                rates[n].append(_cases_a_second(data, n, Path(folder) / f"out_{n}"))
                products[n].append(products_a_second(n))
    print(f"\n## Ray on one machine of {n_cores()} cores, one thread a worker, {n_cases} cases\n")
    print("| workers | cases a second | of linear, by round | matrix products, of linear |")
    print("|---|---|---|---|")
    for n in tried:
        print(
            f"| {n} | {', '.join(f'{rate:.2f}' for rate in rates[n])} | "
            f"{_of_linear(rates, n)} | {_of_linear(products, n)} |"
        )
    for n in WORKERS:
        if n not in tried:
            print(f"\n{n} workers were not tried: there are {n_cores()} cores.")


def _of_linear(rates: dict[int, list[float]], n: int) -> str:
    shares = (rate / alone / n for rate, alone in zip(rates[n], rates[1], strict=True))
    return ", ".join(f"{share:.2f}" for share in shares)


def _cases_a_second(data: Path, n_workers: int, out: Path) -> float:
    source = ModelSource(model_folder(DEFAULT), "cpu", "auto", "auto", 1, ())
    files = find_cases(data)
    began, n_before = 0.0, 2 * n_workers
    outcomes = predict_on_ray(files, source, out, PredictOptions(), "local", n_workers)
    for n_done, outcome in enumerate(outcomes, start=1):
        if outcome.error:
            raise SystemExit(outcome.error)
        if n_done == n_before:
            began = time.perf_counter()
    return (len(files) - n_before) / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
