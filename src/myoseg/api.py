"""The package from Python: one case segmented, cohorts evaluated, cases simulated, models trained.

>>> import myoseg
>>> [str(sequence) for sequence in myoseg.phantom(seed=0).sequences]
['bssfp', 'lge', 't2']
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import nibabel as nib
import numpy as np
from jaxtyping import Float, Float32, Int16
from nibabel.spatialimages import HeaderDataError

from myoseg.anatomy import Sequence
from myoseg.case_results import alignment_notes, measures_of, save_segmentation, with_flags
from myoseg.cases.aligned_case import AlignedCase, aligned_case_from_images, read_aligned_case
from myoseg.cases.alignment import AlignmentRecord
from myoseg.cases.case import Case, Segmentation
from myoseg.cases.case_files import case_files
from myoseg.cases.layouts import find_cases
from myoseg.cases.phantom import PhantomConfig, simulate_case
from myoseg.cases.reading import read_case
from myoseg.errors import InputError
from myoseg.prediction.model import Model, load_model
from myoseg.prediction.segment import segment as segment_case
from myoseg.prediction.shipped import DEFAULT
from myoseg.quantification.evaluate import evaluate
from myoseg.quantification.measures import Measures
from myoseg.quantification.volumes import statistics_record
from myoseg.reporting.agreement_report import agree
from myoseg.reporting.origin import UNKNOWN, Origin, origin_of_model
from myoseg.training.cascade.recipe import CascadeRecipe
from myoseg.training.load import load_any_recipe
from myoseg.training.recipe import Recipe

__all__ = ["Result", "agree", "evaluate", "load_model", "phantom", "segment", "train"]

Image: TypeAlias = str | Path | nib.Nifti1Image | np.ndarray
"""A path, a nibabel image, or an array with the axes of one (col, row, slice)."""


@dataclass(frozen=True, eq=False)
class Result:
    """A segmented case."""

    case: Case
    segmentation: Segmentation
    origin: Origin = UNKNOWN
    """What made it, for its report."""

    alignment: AlignmentRecord | None = None
    """How the sequences came onto one grid; None where they were on one."""

    @cached_property
    def labels(self) -> Int16[np.ndarray, "col row slice"]:
        """Tissues in MyoPS codes, with the axes of the images that were given."""
        return np.ascontiguousarray(self.segmentation.labels.codes.T)

    @cached_property
    def affine(self) -> Float[np.ndarray, "4 4"]:
        """From the indices of `labels` to RAS millimetres, as in the images that were given."""
        return self.segmentation.geometry.affine.copy()

    @cached_property
    def stats(self) -> dict[str, Any]:
        """What stands in CASE_stats.json: volumes, masses, segments, and how far to rely on it."""
        found = self.segmentation
        record = statistics_record(
            found.name, found.labels, found.geometry, found.quality, measures=self.measures
        )
        return record | alignment_notes(self.alignment)

    @cached_property
    def measures(self) -> Measures:
        """Volumes (ml), masses (g), percentages and the AHA's segments, with what is off."""
        found = self.segmentation
        return measures_of(found.labels, self.case)

    @cached_property
    def probabilities(self) -> dict[str, Float32[np.ndarray, "col row slice"]]:
        """Of each block by name, with the axes of the images that were given.

        Masks are cut from them at .5; the default model's are at raised odds
        (`prediction.cascade`, `AnatomyRules` and `DiseaseRules`).
        """
        found = self.segmentation.probabilities
        return {block: np.ascontiguousarray(volume.T) for block, volume in found.items()}

    def save(
        self,
        out: str | Path,
        *,
        consecutive: bool = False,
        probabilities: bool = False,
        report: bool = False,
    ) -> None:
        """Writes the label map, the statistics and a preview into the folder `out`.

        `probabilities` adds probabilities/CASE_BLOCK.nii.gz for each block, `report` the page that
        `report` writes as CASE_report.html.

        Raises:
            OutputError: a file cannot be written.
        """
        save_segmentation(
            self.segmentation,
            self.case,
            Path(out),
            consecutive=consecutive,
            probabilities=probabilities,
            notes=alignment_notes(self.alignment),
            measures=self.measures,
            report=self.origin if report else None,
        )

    def report(self, path: str | Path) -> None:
        """Writes a page that shows the case: slices, measures, segments; it needs no other file.

        Raises:
            OutputError: the file cannot be written.
        """
        from myoseg.reporting.case_report import write_case_report

        found = self.segmentation
        write_case_report(
            Path(path),
            self.case,
            found.labels,
            measures=self.measures,
            quality=found.quality,
            origin=self.origin,
        )


def segment(
    bssfp: Image | None = None,
    lge: Image | None = None,
    t2: Image | None = None,
    *,
    model: Model | str | Path = DEFAULT,
    affine: Float[np.ndarray, "4 4"] | None = None,
    name: str | None = None,
    device: str = "auto",
    align: str = "auto",
) -> Result:
    """Segments one case from one to three sequences.

    Args:
        bssfp: the bSSFP volume; None where there is none.
        lge: the LGE volume, likewise.
        t2: the T2 volume, likewise.
        model: the name of a shipped model, the run folder of `myoseg train`, or what `load_model`
            made of either, which saves time for many cases.
        affine: of images given as arrays: from (col, row, slice) indices to RAS millimetres.
        name: of the case; by default from the file names.
        device: auto, cpu, gpu, gpu:N or mps.
        align: how sequences on different grids come onto that of LGE, or of T2 without it:
            geometry, full, off or auto (`cases.alignment.Alignment`).

    Raises:
        InputError: an image cannot be used, the model has no block for these sequences, or there is
            no such alignment.
        GeometryError: the images cannot be brought onto one grid, or two differ and `align` is off.
        ModelError: there is no whole model of that name or in that folder.
    """
    given = {Sequence.BSSFP: bssfp, Sequence.LGE: lge, Sequence.T2: t2}
    there = {s: image for s, image in given.items() if image is not None}
    aligned = _case_of(there, affine, name, align)
    loaded = load_model(model, device) if isinstance(model, str | Path) else model
    named = Path(model).name if isinstance(model, str | Path) else ""
    found = with_flags(segment_case(aligned.case, loaded), aligned.alignment)
    origin = origin_of_model(named, loaded.fingerprint())
    return Result(aligned.case, found, origin, aligned.alignment)


def train(
    data: str | Path | None,
    out: str | Path,
    *,
    recipe: Recipe | CascadeRecipe | str | Path = "physiological",
    layout: str | None = None,
    device: str = "auto",
    fold: int | None = None,
    resume: bool = False,
    progress: bool = True,
    n_workers: int | None = 0,
) -> Path:
    """Trains a recipe's networks on a data set; cases of one patient stay on one side of the split.

    Args:
        data: a folder in a known layout; cases meant for testing are left out. None for a recipe of
            the default model that is to learn from simulated slices.
        out: the run's folder; see `training.fit.train` and `training.cascade.fit.train_cascade`.
        recipe: a recipe, the name of a preset, or a recipe file.
        layout: name of the data set's layout; found by itself where None.
        device: auto, cpu, gpu, gpu:N or mps.
        fold: which fold to hold out; None for the recipe's own split.
        resume: go on with the run in `out`.
        progress: whether to show a progress bar.
        n_workers: processes that prepare samples; None for up to 8 beside a GPU and none beside a
            CPU. The weights do not depend on it. A script that asks for any must do its work under
            `if __name__ == "__main__"`, since they import it.

    Returns:
        `out`, to be given to `load_model` or `segment`.

    Raises:
        InputError: the recipe needs a data set and none is given.
        MyosegError: as `training.fit.train`.
    """
    # PyTorch and Lightning take seconds and 350 MB, which segmenting does without.
    from myoseg.training.cascade.fit import train_cascade
    from myoseg.training.fit import train as train_on_cases

    chosen = load_any_recipe(recipe) if isinstance(recipe, str | Path) else recipe
    files = [] if data is None else find_cases(Path(data), layout)
    files = [each for each in files if each.role != "test"]
    cases = [read_case(each) for each in files]
    patients = [each.patient for each in files]
    if isinstance(chosen, CascadeRecipe):
        if fold is not None:
            raise InputError("a recipe of the default model has no folds; leave the fold out.")
        return train_cascade(
            chosen,
            Path(out),
            cases=None if data is None else cases,
            patients=patients,
            device=device,
            resume=resume,
            progress=progress,
            n_workers=n_workers,
        )
    if data is None:
        raise InputError(
            f"recipe {chosen.name} is trained on a data set; give its folder, or use the preset "
            "`default`, which learns from simulated slices."
        )
    return train_on_cases(
        cases,
        chosen,
        Path(out),
        device=device,
        fold=fold,
        resume=resume,
        progress=progress,
        patients=patients,
        n_workers=n_workers,
    )


def phantom(seed: int = 0, config: PhantomConfig | None = None) -> Case:
    """A simulated case with its labels; see `cases.phantom.simulate_case`."""
    return simulate_case(seed, config or PhantomConfig())


def _case_of(
    given: Mapping[Sequence, Image],
    affine: Float[np.ndarray, "4 4"] | None,
    name: str | None,
    mode: str,
) -> AlignedCase:
    """The case of paths alone, or of images and arrays alone."""
    paths = {s: Path(image) for s, image in given.items() if isinstance(image, str | Path)}
    if not paths:
        images = {s: _as_image(image, affine, s) for s, image in given.items()}
        return aligned_case_from_images(images, name or "case", mode)
    if len(paths) < len(given):
        raise InputError("give the sequences all as paths, or all as images or arrays.")
    files = case_files(
        paths.get(Sequence.BSSFP), paths.get(Sequence.LGE), paths.get(Sequence.T2), name=name
    )
    return read_aligned_case(files, mode)


def _as_image(
    image: Image, affine: Float[np.ndarray, "4 4"] | None, sequence: Sequence
) -> nib.Nifti1Image:
    if not isinstance(image, np.ndarray):
        if not isinstance(image, nib.Nifti1Pair):
            raise InputError(
                f"the {sequence} image is of type {type(image).__name__}; give a path, a NIfTI "
                "image of nibabel or an array."
            )
        return image
    if affine is None:
        raise InputError(
            f"the {sequence} image is an array, which has no place in the patient; give `affine` "
            "too, or a nibabel image."
        )
    if image.dtype.kind not in "biuf":
        raise InputError(
            f"the {sequence} image is an array of {image.dtype} values, not of real numbers; "
            "convert it to an integer or float type."
        )
    try:
        with np.errstate(invalid="ignore"):
            return nib.Nifti1Image(image.astype(np.float32), affine)
    except (ValueError, HeaderDataError) as error:
        raise InputError(
            f"the {sequence} image cannot be placed: `affine` is {np.asarray(affine).tolist()}; "
            "give the 4 x 4 matrix that maps (col, row, slice) indices to RAS millimetres."
        ) from error
