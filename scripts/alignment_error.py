"""How well sequences are aligned, and what for: `python scripts/alignment_error.py -n 40`.

Simulated studies have each sequence on its own grid and every slice shifted by a known amount. Each
sequence is aligned to a reference, and the shift between a slice and the reference's slice that it
is shown in is compared with the true one: the difference of both slices' shifts, in millimetres.
Prints, for each pair of sequences and method, the error's median and 95th percentile, the share of
slices in which at least four fifths of a shift of 1 to 8 mm are removed, and the share made worse
by over 1 mm. Methods: geometry alone; full; and, with `--peers`, each pair of slices for itself by
edges, or by mutual information from nine starts.

Then the shipped model segments the studies on the grid of LGE, with the sequences brought over by
geometry, by `full`, and with the true shifts undone. Prints mean 3-D Dice against the truth there.
`--no-dice` leaves this out.
"""

import argparse
import logging
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import SimpleITK as sitk  # noqa: N813

from myoseg.anatomy import Sequence
from myoseg.cases.alignment import Aligned, Alignment, Region, align
from myoseg.cases.alignment.edges import Spectra, agreement, peak_px
from myoseg.cases.alignment.patches import PIXEL_MM, Patch, cut_patches
from myoseg.cases.alignment.planes import Axes, Motion, covers, middle_of_overlap_mm
from myoseg.cases.alignment.resampling import resample
from myoseg.cases.case import Case
from myoseg.cases.on_grid import ImageOnGrid
from myoseg.cases.phantom import PhantomConfig
from myoseg.cases.phantom.study import Series, Study, simulate_study
from myoseg.prediction.description import model_folder
from myoseg.prediction.model import Model, load_model
from myoseg.prediction.segment import segment
from myoseg.quantification.scores import score_case

FIRST_SEED: Final = 5_000_000
PAIRS: Final = (
    (Sequence.LGE, Sequence.BSSFP),
    (Sequence.LGE, Sequence.T2),
    (Sequence.T2, Sequence.BSSFP),
)
SHOWN: Final = ("epicardium", "lv_blood_pool", "edema+scar", "edema", "scar")


@dataclass(frozen=True)
class Error:
    """Of one slice: the true shift's length, and what is left of it, in mm; its distance."""

    shift_mm: float
    left_mm: float
    distance_mm: float
    refused: bool = False


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=40, help="simulated studies, all with an infarct")
    parser.add_argument("--peers", action="store_true", help="also pairs of slices by themselves")
    parser.add_argument("--no-dice", action="store_true", help="without the model")
    asked = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    config = PhantomConfig(infarct_probability=1.0)
    model = None if asked.no_dice else load_model(model_folder("default"), "cpu")
    errors: dict[tuple[str, str], list[Error]] = defaultdict(list)
    dice: dict[tuple[str, str], list[float]] = defaultdict(list)
    seconds = []
    for seed in range(FIRST_SEED, FIRST_SEED + asked.n):
        study = simulate_study(seed, config)
        images = images_of(study)
        started = time.process_time()
        aligned = {Sequence.LGE: align(images, mode=Alignment.FULL)}
        seconds.append(time.process_time() - started)
        aligned[Sequence.T2] = align(images, mode=Alignment.FULL, reference=Sequence.T2)
        for reference, sequence in PAIRS:
            pair = f"{sequence} to {reference}"
            for method, found in methods(study, aligned[reference], sequence, asked.peers):
                errors[pair, method] += found
        if model is not None:
            for method, case in cases_of(study, images, aligned[Sequence.LGE]):
                for region, value in dice_of(study, case, model).items():
                    dice[method, region].append(value)
    print_errors(errors)
    print(f"\nfull: {np.mean(seconds):.2f} s of CPU a case, at most {max(seconds):.2f} s")
    if dice:
        print_dice(dice)


def images_of(study: Study) -> dict[Sequence, ImageOnGrid]:
    """Each sequence on its own grid."""
    return {
        sequence: ImageOnGrid(series.case.images[sequence], series.case.geometry)
        for sequence, series in study.series.items()
    }


def shift_ras_mm(series: Series, index: int) -> np.ndarray:
    """How far a slice shows the heart from where its geometry has it."""
    columns = series.case.geometry.affine[:3, :2]
    right, down = (columns / np.linalg.norm(columns, axis=0)).T
    return np.asarray(series.shifts_mm[index] @ np.stack([down, right]))


def methods(
    study: Study, aligned: Aligned, sequence: Sequence, peers: bool
) -> Iterator[tuple[str, list[Error]]]:
    """The errors of each method for one sequence of a study."""
    reference = aligned.record.reference
    series, target = study.series[sequence], study.series[reference]
    found = [each for each in aligned.record.slices[sequence] if each.source_index is not None]
    true = [
        shift_ras_mm(series, each.source_index or 0) - shift_ras_mm(target, each.slice_index)
        for each in found
    ]

    def errors(shifts: list[np.ndarray]) -> list[Error]:
        return [
            Error(float(np.linalg.norm(t)), float(np.linalg.norm(s - t)), abs(each.distance_mm))
            for s, t, each in zip(shifts, true, found, strict=True)
        ]

    yield "geometry", errors([np.zeros(3) for _ in found])
    yield "full", errors([-np.array(each.moved_ras_mm or (0.0, 0.0, 0.0)) for each in found])
    near = [i for i, each in enumerate(found) if abs(each.distance_mm) <= 2.5]
    full = errors([-np.array(each.moved_ras_mm or (0.0, 0.0, 0.0)) for each in found])
    yield "full, slices up to 2.5 mm apart", [full[i] for i in near]
    if peers:
        images = images_of(study)
        axes = Axes.of(aligned.geometry)
        region = Region(
            middle_of_overlap_mm(
                aligned.geometry,
                tuple(image.geometry for s, image in images.items() if s != reference),
            )
        )
        fixed = cut_patches(reference, images[reference], axes, region)
        moving = cut_patches(sequence, images[sequence], axes, region)
        both = [(fixed[e.slice_index], moving[e.source_index or 0]) for e in found]
        plane = np.stack([axes.down, axes.right])
        yield "edges of the pair alone", errors([by_edges(*p) @ plane for p in both])
        yield "mutual information, 9 starts", errors([by_information(*p) @ plane for p in both])


def by_edges(fixed: Patch, moving: Patch) -> np.ndarray:
    """Down and right, in mm."""
    return np.asarray(peak_px(agreement(Spectra.of(fixed), Spectra.of(moving))) * PIXEL_MM)


def by_information(fixed: Patch, moving: Patch) -> np.ndarray:
    """Likewise, from the best of nine starts."""
    best, shift = np.inf, (0.0, 0.0)
    for start in ((right, down) for right in (-6.0, 0.0, 6.0) for down in (-6.0, 0.0, 6.0)):
        method = sitk.ImageRegistrationMethod()
        method.SetMetricAsMattesMutualInformation(24)
        method.SetInterpolator(sitk.sitkLinear)
        method.SetOptimizerAsRegularStepGradientDescent(1.0, 0.02, 60)
        transform = sitk.TranslationTransform(2, start)
        method.SetInitialTransform(transform, inPlace=True)
        method.Execute(as_image(fixed.inner), as_image(moving.picture))
        if method.GetMetricValue() < best:
            best, shift = method.GetMetricValue(), transform.GetOffset()
    return np.array(shift[::-1])


def as_image(picture: np.ndarray) -> sitk.Image:
    """With the region's centre at the origin."""
    image = sitk.GetImageFromArray(np.ascontiguousarray(picture))
    image.SetSpacing((PIXEL_MM, PIXEL_MM))
    image.SetOrigin([-(n - 1) / 2 * PIXEL_MM for n in reversed(picture.shape)])
    return image


def cases_of(
    study: Study, images: Mapping[Sequence, ImageOnGrid], full: Aligned
) -> Iterator[tuple[str, Case]]:
    """The study on the grid of LGE, brought there in three ways."""
    geometry = align(images, mode=Alignment.GEOMETRY)
    target = study.series[Sequence.LGE]
    truly = {Sequence.LGE: images[Sequence.LGE].volume}
    for sequence, told in geometry.record.slices.items():
        series = study.series[sequence]
        at_mm = middle_of_overlap_mm(full.geometry, (images[sequence].geometry,))
        cover = covers(full.geometry, images[sequence].geometry, at_mm)
        motions = tuple(
            Motion.by(shift_ras_mm(series, e.index or 0) - shift_ras_mm(target, each.slice_index))
            for e, each in zip(cover, told, strict=True)
        )
        truly[sequence] = resample(images[sequence], full.geometry, cover, motions).volume
    yield "LGE alone", Case(study.name, {Sequence.LGE: truly[Sequence.LGE]}, full.geometry)
    for name, volumes in (
        ("geometry", geometry.images),
        ("full", full.images),
        ("true shifts undone", truly),
    ):
        yield name, Case(study.name, volumes, full.geometry)


def dice_of(study: Study, case: Case, model: Model) -> dict[str, float]:
    """3-D Dice of each region on the grid of LGE."""
    truth = study.series[Sequence.LGE].case.labels
    assert truth is not None
    labels = segment(case, model).labels
    scores = score_case(case.name, labels, truth, case.geometry)
    return {score.region: score.dice for score in scores if score.dice is not None}


def print_errors(errors: Mapping[tuple[str, str], list[Error]]) -> None:
    """One row a pair and method."""
    print(
        "| pair | method | slices | median mm | 95 % mm | 4/5 of 1-8 mm removed | worse by 1 mm |"
    )
    print("|---|---|---|---|---|---|---|")
    for (pair, method), found in errors.items():
        left = np.array([each.left_mm for each in found])
        before = np.array([each.shift_mm for each in found])
        judged = (before >= 1) & (before <= 8)
        removed = 100 * np.mean(left[judged] <= 0.2 * before[judged])
        worse = 100 * np.mean(left > before + 1)
        middle, high = np.quantile(left, [0.5, 0.95])
        print(
            f"| {pair} | {method} | {len(found)} | {middle:.2f} | {high:.2f} | {removed:.0f} % "
            f"| {worse:.1f} % |"
        )


def print_dice(dice: Mapping[tuple[str, str], list[float]]) -> None:
    """One row a method."""
    print("\n| brought to LGE by |", " | ".join(SHOWN), "|")
    print("|---" * (len(SHOWN) + 1) + "|")
    for method in dict.fromkeys(method for method, _ in dice):
        values = (dice.get((method, region)) for region in SHOWN)
        shown = " | ".join(f"{np.mean(v):.3f}" if v else "-" for v in values)
        print(f"| {method} | {shown} |")


if __name__ == "__main__":
    main()
