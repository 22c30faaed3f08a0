"""Why thresholds leave the experts: `python scripts/threshold_variants.py EMIDEC_FOLDER`.

Inside the experts' myocardium of cases with scar, full width at half maximum is counted from other
levels than 0, and 5 and 6 SD are taken over other remote myocardium: smaller arcs, healthy wall as
the experts drew it, and the noise between neighbouring pixels of the arc alone. For each: scar in
percent of the myocardium, its bias and Dice. Then medians over slices of the wall's intensities.
"""

import argparse
import logging
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from thresholds_against_experts import SCAR, infarcts

from myoseg.anatomy import MYOCARDIUM, Sequence
from myoseg.quantification.overlap import overlap
from myoseg.quantification.remote import find_remote
from myoseg.quantification.threshold_methods import METHODS, Pixels, Remote, ThresholdMethod
from myoseg.quantification.thresholds import threshold

Level = Callable[[Pixels, Remote], float]
Mask = np.ndarray


def main() -> None:
    """Prints a table and the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder of a data set with LGE and labelled scar")
    folder = parser.parse_args().data
    logging.basicConfig(level=logging.ERROR)
    rows: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    slices: list[tuple[float, ...]] = []
    for case, labels, _ in infarcts(folder):
        image, wall = case.images[Sequence.LGE], labels.mask(MYOCARDIUM)
        scar = labels.mask(SCAR)
        true = 100 * scar.sum() / wall.sum()
        for name, found in variants(image, wall, scar):
            percent = 100 * found.sum() / wall.sum()
            rows[name].append((percent, percent - true, overlap(found, scar).dice or 0.0))
        slices += intensities(image, wall, scar)
    print("| variant | scar % | bias | Dice |\n|---|---|---|---|")
    for name, values in rows.items():
        percent, bias, dice = np.mean(values, axis=0)
        print(f"| {name} | {percent:.1f} | {bias:.1f} | {dice:.3f} |")
    names = ("lowest of slice", "of wall", "mean of remote", "SD of remote", "scar above, in SD")
    for name, value in zip(names, np.nanmedian(np.array(slices), axis=0), strict=True):
        print(f"- {name}: {value:.2f}")


def variants(image: np.ndarray, wall: Mask, scar: Mask) -> Iterator[tuple[str, Mask]]:
    """What each variant takes for scar."""
    middle = (float(image.max()) + 1) / 2
    from_lowest = image - image.min(axis=(1, 2), keepdims=True)
    yield "FWHM from 0", threshold(image, wall, METHODS["fwhm"]).labels.mask(SCAR)
    lowest = threshold(from_lowest, wall, METHODS["fwhm"])
    yield "FWHM from the slice's lowest", lowest.labels.mask(SCAR)
    levels: dict[str, Level] = {
        "the middle of the range": lambda _wall, _remote: middle,
        "the wall's lowest": lambda pixels, _remote: float(pixels.min()),
        "remote": lambda _wall, remote: remote.mean,
    }
    for name, level in levels.items():
        method = ThresholdMethod("fwhm", Sequence.LGE, SCAR, partial(half_above, level=level))
        yield f"FWHM from {name}", threshold(image, wall, method).labels.mask(SCAR)
    for n_sd in (5, 6):
        for arc_steps in (6, 3, 2):
            remote = find_remote(image, wall, arc_steps=arc_steps)
            found = threshold(image, wall, METHODS[f"{n_sd}sd"], remote=remote)
            yield f"{n_sd} SD, an arc of 1/{36 // arc_steps}", found.labels.mask(SCAR)
        healthy = threshold(image, wall, METHODS[f"{n_sd}sd"], remote=wall & ~scar)
        yield f"{n_sd} SD, all healthy wall", healthy.labels.mask(SCAR)
        yield f"{n_sd} SD, neighbours of the arc", above_noise(image, wall, n_sd)


def half_above(wall: Pixels, remote: Remote, level: Level) -> float:
    """Half way from a level to the wall's highest intensity."""
    low = level(wall, remote)
    return float(low + (wall.max() - low) / 2)


def above_noise(image: np.ndarray, wall: Mask, n_sd: int) -> Mask:
    """What lies above remote by so many SD of the differences of neighbours in it, over sqrt 2."""
    remote, found = find_remote(image, wall), np.zeros_like(wall)
    for index in np.flatnonzero(wall.any(axis=(1, 2))):
        arc = remote[index]
        steps = np.diff(image[index], axis=1)[arc[:, 1:] & arc[:, :-1]]
        if steps.size > 3:
            cut = image[index][arc].mean() + n_sd * steps.std() / np.sqrt(2)
            found[index] = wall[index] & (image[index] > cut)
    return found


def intensities(image: np.ndarray, wall: Mask, scar: Mask) -> Iterator[tuple[float, ...]]:
    """Of every slice, as shares of the wall's highest intensity, except for the last.

    Lowest of the slice and of the wall, mean and SD of remote, and the mean of scar above that of
    remote in its SD.
    """
    remote = find_remote(image, wall)
    for index in np.flatnonzero(wall.any(axis=(1, 2))):
        pixels, healthy = image[index][wall[index]], image[index][remote[index]]
        ill = image[index][scar[index]]
        above = (ill.mean() - healthy.mean()) / healthy.std() if ill.size else np.nan
        values = (image[index].min(), pixels.min(), healthy.mean(), healthy.std())
        yield (*(float(each / pixels.max()) for each in values), float(above))


if __name__ == "__main__":
    main()
