"""How bright the LV's pool is toward its wall: `python scripts/rim_profile.py DATA...`.

Real and simulated, within the readers' contours on bSSFP: the mean signal at distances from the
endocardium, inward negative. 0 is the median of the wall and 1 the 85th percentile of the pool,
slice by slice; the most basal slice and the two most apical ones are left out. Trabeculae
and papillary muscles, which readers count as pool, make the way from wall to pool gradual: with
`--between`, the part of the pixels whose signal is from .2 to .6, neither wall nor blood alone.
"""

import argparse
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from unittest.mock import patch

import numpy as np
from jaxtyping import Float64
from scipy.ndimage import distance_transform_edt

from myoseg.anatomy import MYOCARDIUM, REGIONS, Sequence
from myoseg.cases.case import Case
from myoseg.cases.layouts import find_cases, read_case
from myoseg.cases.phantom import PhantomConfig, simulate, simulate_case
from myoseg.cases.phantom.anatomy import draw_heart
from myoseg.cases.phantom.config import clinical
from myoseg.cases.phantom.left_ventricle import KINDS

EDGES_MM = np.arange(-8.0, 4.1)
FEWEST_PX = 60
BETWEEN = (0.2, 0.6)
FIRST_SEED = 9000
STACKS = clinical(
    PhantomConfig(
        matrix=(200, 200),
        spacing_mm=(1.3, 1.6),
        n_slices=(8, 10),
        slice_spacing_mm=(8.0, 10.0),
        infarct_probability=0.0,
    )
)
"""Stacks like those of ACDC, of hearts without infarct."""

Profile = Float64[np.ndarray, "bin"]


def main() -> None:
    """Prints a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="*", type=Path, help="folders of labelled cases")
    parser.add_argument("-n", type=int, default=14, help="simulated hearts of each kind")
    parser.add_argument("--between", action="store_true", help="not the mean signal")
    arguments = parser.parse_args()
    of = _between if arguments.between else _itself
    middles = (EDGES_MM[:-1] + EDGES_MM[1:]) / 2
    print(f"| hearts, mm | {' | '.join(f'{middle:.1f}' for middle in middles)} |")
    print("|---" * (1 + len(middles)) + "|")
    for folder in arguments.data:
        for title, files in _by_phase(folder).items():
            _print(title, profile((read_case(each) for each in files), of))
    for kind in KINDS:
        title = f"simulated, pool {kind.cavity_radius_mm}, wall {kind.wall_mm} mm"
        with patch.object(simulate, "draw_heart", partial(draw_heart, ranges=kind)):
            seeds = range(FIRST_SEED, FIRST_SEED + arguments.n)
            _print(title, profile((simulate_case(seed, STACKS) for seed in seeds), of))


def profile(cases: Iterable[Case], of: Callable[[Profile], Profile]) -> Profile:
    """Mean of the signal, or of what `of` makes of it, in each millimetre from the endocardium."""
    total, n_pixels = np.zeros((2, len(EDGES_MM) - 1))
    for distance_mm, signal in (pair for case in cases for pair in _slices(case)):
        place = np.digitize(distance_mm, EDGES_MM) - 1
        known = (place >= 0) & (place < len(total))
        total += np.bincount(place[known], of(signal)[known], len(total))
        n_pixels += np.bincount(place[known], minlength=len(total))
    return total / n_pixels


def _itself(signal: Profile) -> Profile:
    return signal


def _between(signal: Profile) -> Profile:
    return ((signal > BETWEEN[0]) & (signal < BETWEEN[1])).astype(np.float64)


def _slices(case: Case) -> Iterator[tuple[Profile, Profile]]:
    assert case.labels is not None
    walls, pools = case.labels.mask(MYOCARDIUM), case.labels.mask(REGIONS["lv_blood_pool"])
    spacing_mm = case.geometry.spacing_mm[1:]
    for index in np.flatnonzero(walls.any(axis=(1, 2)))[1:-2]:
        wall, pool, image = walls[index], pools[index], case.images[Sequence.BSSFP][index]
        if min(wall.sum(), pool.sum()) < FEWEST_PX:
            continue
        low, high = np.median(image[wall]), np.percentile(image[pool], 85)
        half_px = 0.5 * spacing_mm[0]
        inward = distance_transform_edt(pool, sampling=spacing_mm)
        outward = distance_transform_edt(~pool, sampling=spacing_mm)
        distance_mm = np.where(pool, half_px - inward, outward - half_px)
        here = wall | pool
        yield distance_mm[here], ((image - low) / (high - low + 1e-6))[here].astype(np.float64)


def _by_phase(folder: Path) -> dict[str, list]:
    """ACDC's volumes come in pairs: end-diastole first, then end-systole."""
    files = sorted(find_cases(folder), key=lambda each: each.name)
    first = [each for each in files if each.name.endswith("frame01")]
    if not first:
        return {folder.name: files}
    later = [each for each in files if not each.name.endswith("frame01")]
    return {f"{folder.name}, first phase": first, f"{folder.name}, later phase": later}


def _print(title: str, values: Profile) -> None:
    print(f"| {title} | {' | '.join(f'{value:.2f}' for value in values)} |", flush=True)


if __name__ == "__main__":
    main()
