"""How well blood stands out from the wall: `python scripts/contrast_and_noise.py DATA...`.

Real slices as the default model's networks see them, framed by the readers' contours, and
simulated ones as they are trained on. Contrast is the difference of the medians of LV pool and
wall without scar, as a part of the slice's range from the 1st to the 99th percentile; the ratio is
that difference over the wall's noise, which is 1.48 times the median absolute difference of a
pixel from its surroundings. Percentiles over slices.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32
from scipy.ndimage import binary_erosion, gaussian_filter

from myoseg.anatomy import MYOCARDIUM, REGIONS, Sequence, Tissue
from myoseg.cases.case import Case
from myoseg.cases.layouts import find_cases, read_case
from myoseg.prediction.cascade.locate import find_heart, frame_around
from myoseg.slices.framing import presented
from myoseg.training.cascade.recipe import load_cascade_recipe
from myoseg.training.cascade.simulated_slices import draw_image, draw_plane, draw_scene, regions_of

PERCENTILES = (5, 25, 50, 75, 95)
FEWEST_PX = 20
SURROUNDINGS_PX = 1.5
RECIPE = load_cascade_recipe()
ANATOMY = RECIPE.built_stages[0]

Image = Float32[np.ndarray, "row col"]
Mask = Bool[np.ndarray, "row col"]
Measured = tuple[float, float]
"""Contrast, and its ratio to noise."""


def main() -> None:
    """Prints a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="*", type=Path, help="folders of labelled cases")
    parser.add_argument("-n", type=int, default=300, help="simulated slices of each sequence")
    parser.add_argument("--every", type=int, default=3, help="real case that is measured")
    arguments = parser.parse_args()
    heads = [f"{what} {p} %" for what in ("contrast", "ratio") for p in PERCENTILES]
    print(f"| slices | n | {' | '.join(heads)} |")
    print("|---" * (2 + len(heads)) + "|")
    for folder in arguments.data:
        files = sorted(find_cases(folder), key=lambda each: each.name)[:: arguments.every]
        _print(folder.name, [each for file in files for each in _of_case(read_case(file))])
    for sequence in (Sequence.BSSFP, Sequence.LGE):
        for share, kind in ((0.0, "physical"), (1.0, "random")):
            slices = _of_simulated(sequence, share, arguments.n)
            _print(f"simulated {sequence}, {kind} contrast", list(slices))


def measured(image: Image, wall: Mask, pool: Mask) -> Measured | None:
    """Of one slice; None where too little of the wall or of the pool lies clear of its border."""
    wall, pool = binary_erosion(wall), binary_erosion(pool)
    if min(wall.sum(), pool.sum()) < FEWEST_PX:
        return None
    low, high = np.percentile(image, (1, 99))
    difference = float(np.median(image[pool]) - np.median(image[wall]))
    grain = np.abs(image - gaussian_filter(image, SURROUNDINGS_PX))[wall]
    return difference / (high - low), difference / (1.48 * float(np.median(grain)) + 1e-6)


def _of_case(case: Case) -> Iterator[Measured]:
    assert case.labels is not None
    wall, pool = case.labels.mask(MYOCARDIUM), case.labels.mask(REGIONS["lv_blood_pool"])
    ventricle = (wall | pool).astype(np.float32)
    heart = find_heart(ventricle, np.zeros_like(ventricle), case.geometry.spacing_mm[1:])
    sequence = next(s for s in (Sequence.BSSFP, Sequence.LGE) if s in case.images)
    if heart is None:
        return
    if case.labels.assesses(REGIONS["scar"]):
        wall = wall & ~case.labels.mask(REGIONS["scar"])
    frame = frame_around(heart, ANATOMY.size_px, ANATOMY.heart_share, both_ventricles=True)
    images = presented(frame.cut_measured(case.images[sequence]))
    walls, pools = (frame.cut(mask.astype(np.float32)) > 0.5 for mask in (wall, pool))
    found = (measured(*each) for each in zip(images, walls, pools, strict=True))
    yield from (each for each in found if each)


def _of_simulated(sequence: Sequence, random_share: float, n: int) -> Iterator[Measured]:
    ranges, simulation = RECIPE.stages[ANATOMY.name].slices, RECIPE.simulation
    contrast = simulation.contrast.model_copy(update={"random_share": random_share})
    settings = simulation.model_copy(update={"contrast": contrast})
    for number in range(n):
        rng = np.random.default_rng([5, number])
        phantom = draw_scene(rng, ranges)
        plane = draw_plane(rng, phantom.scene, ANATOMY, ranges)
        image = draw_image(rng, plane, phantom, sequence, settings)
        pool, _, _ = regions_of(plane, ANATOMY.blocks)
        wall = plane.share(frozenset({Tissue.NORMAL_MYOCARDIUM})) > 0.5
        if each := measured(image, wall, pool):
            yield each


def _print(title: str, values: list[Measured]) -> None:
    contrast, ratio = np.percentile(np.array(values), PERCENTILES, axis=0).T
    cells = [*(f"{value:.2f}" for value in contrast), *(f"{value:.1f}" for value in ratio)]
    print(f"| {title} | {len(values)} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
