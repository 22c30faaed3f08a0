"""Time and memory of `myoseg predict` against cases, slices, matrix size and processes."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from myoseg.cases.phantom import PhantomConfig
from myoseg.cases.phantom.data_set import write_phantoms

SMALL = {"matrix": (96, 96), "spacing_mm": (2.5, 2.5), "n_sub_slices": 2}
FIELD_MM = 240.0
N_DRAWN = 5
"""Cases that are simulated; more are links to them."""


def main() -> None:
    """Prints a table for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="up to 1,000 cases")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        numbers = (10, 200, 1000) if asked.full else (5, 20)
        print("\n## One process, cases of 3 slices\n")
        _print_rows(
            "cases",
            {n: _data_of(folder / f"cases_{n}", n, n_slices=3) for n in numbers},
            jobs=1,
        )
        print("\n## One process, one case\n")
        lengths = (5, 20, 80) if asked.full else (5, 20)
        _print_rows(
            "slices", {n: _data_of(folder / f"slices_{n}", 1, n_slices=n) for n in lengths}, jobs=1
        )
        print("\n## One process, one case of 5 slices of one size, in ever finer matrices\n")
        sides = (128, 256, 512, 1024) if asked.full else (128, 256, 512)
        _print_rows(
            "rows and columns",
            {n: _data_of(folder / f"matrix_{n}", 1, n_slices=5, side=n) for n in sides},
            jobs=1,
        )
        print("\n## Processes with one thread each, the same cases\n")
        data = _data_of(folder / "jobs", 200 if asked.full else 8, n_slices=3)
        print("| processes | seconds | times faster than one | of linear | largest process, MB |")
        print("|---|---|---|---|---|")
        alone = None
        for jobs in (1, 2, 4) if (os.cpu_count() or 1) >= 4 else (1, 2):
            seconds, peak_mb = _measured(data, jobs)
            alone = alone or seconds
            print(
                f"| {jobs} | {seconds:.1f} | {alone / seconds:.2f} | "
                f"{alone / seconds / jobs:.2f} | {peak_mb:.0f} |"
            )


def _print_rows(counted: str, folders: dict[int, Path], jobs: int) -> None:
    print(f"| {counted} | seconds | peak memory, MB | of the first |\n|---|---|---|---|")
    first = None
    for n, data in folders.items():
        seconds, peak_mb = _measured(data, jobs)
        first = first or peak_mb
        print(f"| {n} | {seconds:.1f} | {peak_mb:.0f} | {peak_mb / first:.3f} |")


def _measured(data: Path, jobs: int) -> tuple[float, float]:
    """Seconds and peak memory (MB) of the whole command, started by a process that does no more."""
    out = data.with_name(f"{data.name}_out")
    shutil.rmtree(out, ignore_errors=True)
    command = [
        *(str(Path(sys.executable).parent / "myoseg"), "predict", "-i", str(data), "-o", str(out)),
        *("-q", "--jobs", str(jobs), "--threads", "1"),
    ]
    program = (
        "import resource, subprocess, sys, time; b = time.perf_counter(); "
        "subprocess.run(sys.argv[1:], check=True, capture_output=True); "
        "print(time.perf_counter() - b, "
        "resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *command], check=True, capture_output=True, text=True
    )
    seconds, peak_mb = map(float, done.stdout.split())
    return seconds, peak_mb


def _data_of(folder: Path, n_cases: int, n_slices: int, side: int | None = None) -> Path:
    """A folder of so many cases, a few of them drawn and all others links to those."""
    config = PhantomConfig(**SMALL, n_slices=(n_slices, n_slices))
    if side is not None:
        config = replace(config, matrix=(side, side), spacing_mm=(FIELD_MM / side,) * 2)
    drawn = folder.with_name(f"{folder.name}_drawn")
    write_phantoms(drawn, n_training=0, n_test=min(n_cases, N_DRAWN), seed=0, config=config)
    images = sorted(path for path in drawn.rglob("*.nii.gz") if "_gd" not in path.name)
    by_case: dict[str, list[Path]] = {}
    for path in images:
        by_case.setdefault(path.name.rsplit("_", 1)[0], []).append(path)
    sources = list(by_case.values())
    folder.mkdir()
    for number in range(n_cases):
        for path in sources[number % len(sources)]:
            suffix = path.name.rsplit("_", 1)[1]
            (folder / f"myops_test_{1001 + number}_{suffix}").symlink_to(path.resolve())
    return folder


if __name__ == "__main__":
    main()
