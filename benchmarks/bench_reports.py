"""Pages of a case of 12 slices in three sequences, and of a cohort: seconds, sizes, memory."""

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path
from statistics import median

import cv2

from interleaved import time_in_turn
from myoseg.anatomy import Sequence
from myoseg.cases.phantom import PhantomConfig, simulate_case
from myoseg.files import write_json
from myoseg.quantification.measures import measure
from myoseg.quantification.volumes import statistics_record
from myoseg.reporting.case_report import case_report
from myoseg.reporting.cohort_report import INDEX, write_cohort_report

TARGET_S = 3
N_SLICES = 12
SHORT_COHORTS, FULL_COHORTS = (10, 200), (10, 1000)


def main() -> None:
    """Prints both tables; the target is for a case's page with its measures, on one core."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="more rounds, a larger cohort")
    full = parser.parse_args().full
    cv2.setNumThreads(1)
    case = simulate_case(3, PhantomConfig(n_slices=(N_SLICES, N_SLICES), infarct_probability=1.0))
    labels, geometry = case.labels, case.geometry
    assert labels is not None
    measures = measure(labels, geometry, lge=case.images[Sequence.LGE])
    seconds = time_in_turn(
        {
            "page with measures": lambda: case_report(case, labels),
            "page alone": lambda: case_report(case, labels, measures=measures),
        },
        rounds=7 if full else 4,
        calls={},
    )
    size_mb = len(case_report(case, labels).encode()) / 1e6
    print(f"\n## Page of a case, {geometry.shape}, three sequences: {size_mb:.2f} MB\n")
    print(f"Target {TARGET_S} s\n\n| | median s | lowest - highest |\n|---|---|---|")
    for name, values in seconds.items():
        print(f"| {name} | {median(values):.3f} | {min(values):.3f} - {max(values):.3f} |")

    print("\n## Page of a cohort\n\n| cases | s | MB | peak memory so far, MB |\n|---|---|---|---|")
    record = statistics_record(case.name, labels, geometry, measures=measures)
    for n_cases in FULL_COHORTS if full else SHORT_COHORTS:
        _measure_cohort(n_cases, json.loads(json.dumps(record)))


def _measure_cohort(n_cases: int, record: dict[str, object]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(n_cases):
            write_json(folder / f"c{number:04d}_stats.json", record | {"case": f"c{number:04d}"})
        begin = time.perf_counter()
        write_cohort_report(folder)
        taken_s = time.perf_counter() - begin
        size_mb = (folder / INDEX).stat().st_size / 1e6
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"| {n_cases} | {taken_s:.2f} | {size_mb:.2f} | {peak_mb:.0f} |")


if __name__ == "__main__":
    main()
