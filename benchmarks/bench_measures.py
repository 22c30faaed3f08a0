"""The measures of one case of 12 slices of 256 x 256, piece by piece and all together."""

import argparse
import platform
from statistics import median

import cv2

from interleaved import time_in_turn
from myoseg.anatomy import Sequence
from myoseg.cases.phantom import PhantomConfig, simulate_case
from myoseg.quantification.burden import measure_burden
from myoseg.quantification.measures import measure
from myoseg.quantification.microvascular import dark_core
from myoseg.quantification.segments import measure_segments
from myoseg.quantification.short_axis import ShortAxis
from myoseg.quantification.transmurality import find_borders, find_chords
from myoseg.quantification.ventricle import find_ventricle

TARGET_MS = 300
N_SLICES = 12
ALL = "all measures"


def main() -> None:
    """Prints the table; the target is for all measures together, on one core."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="more rounds")
    rounds = 15 if parser.parse_args().full else 7
    cv2.setNumThreads(1)
    config = PhantomConfig(n_slices=(N_SLICES, N_SLICES), infarct_probability=1.0)
    case = simulate_case(3, config)
    labels, geometry, lge = case.labels, case.geometry, case.images[Sequence.LGE]
    assert labels is not None
    axis = ShortAxis.of(geometry)
    ventricle = find_ventricle(labels, axis)
    borders = find_borders(ventricle)
    scar = {"scar": ventricle.wall & (ventricle.codes == 2221)}
    px_mm2 = geometry.spacing_mm[1] * geometry.spacing_mm[2]
    seconds = time_in_turn(
        {
            ALL: lambda: measure(labels, geometry, lge=lge),
            "burden": lambda: measure_burden(labels, geometry),
            "dark core of the scar": lambda: dark_core(lge, labels, px_mm2),
            "segments": lambda: measure_segments(labels, geometry),
            "of these: wall and cavity": lambda: find_ventricle(labels, axis),
            "of these: borders": lambda: find_borders(ventricle),
            "of these: chords": lambda: find_chords(ventricle, borders, scar),
        },
        rounds=rounds,
        calls={},
    )
    print(f"\n## Measures of a case, {geometry.shape}, {geometry.spacing_mm[1]:.2f} mm pixels\n")
    print(f"{platform.machine()}, Python {platform.python_version()}; target {TARGET_MS} ms\n")
    print("| | median ms | lowest - highest |")
    print("|---|---|---|")
    for name, values in seconds.items():
        spread = f"{min(values) * 1e3:.1f} - {max(values) * 1e3:.1f}"
        print(f"| {name} | {median(values) * 1e3:.1f} | {spread} |")


if __name__ == "__main__":
    main()
