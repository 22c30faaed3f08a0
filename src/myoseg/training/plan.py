"""Cases and a recipe in; for each block, the slices that train and those that validate it out."""

import hashlib
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from myoseg.anatomy import Tissues
from myoseg.blocks import Block, is_union
from myoseg.cases.case import Case
from myoseg.errors import InputError
from myoseg.slices.extract import LabelledSlice, extract_slices
from myoseg.slices.samples import AugmentedSamples, PlainSamples
from myoseg.training.examples import BlockSamples
from myoseg.training.recipe import Recipe
from myoseg.training.split import Split, split_folds, split_patients, split_samples

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class BlockData:
    """The samples of one block, and which of them train and which validate.

    With `redraws`, training samples are warped anew in each epoch.
    """

    block: Block
    training: BlockSamples
    training_indices: tuple[int, ...]
    validation: BlockSamples
    validation_indices: tuple[int, ...]
    redraws: bool = False


@dataclass(frozen=True, eq=False)
class TrainingPlan:
    """What a run will train, what it cannot, and on which data.

    Attributes:
        blocks: in the table's order.
        skipped: why a block cannot be trained, by its name.
        data_fingerprint: SHA-256 of images, labels and who shares a patient; of no name.
        n_cases: labelled cases that train or validate some block.
    """

    blocks: tuple[BlockData, ...]
    skipped: dict[str, str]
    data_fingerprint: str
    n_cases: int


def plan_training(
    cases: Sequence[Case],
    recipe: Recipe,
    fold: int | None = None,
    patients: Sequence[str] | None = None,
) -> TrainingPlan:
    """Which slices train and validate which block.

    A case serves the blocks of which it has all inputs and whose target its labels decide. Cases
    of one patient stand on one side; under `split.by: sample`, single samples are drawn after
    augmentation instead.

    Args:
        cases: with or without labels; those without are left out.
        recipe: table, preprocessing, augmentation, split and seed.
        fold: which of `split.n_folds` validates; None for one split by `split.validation_share`.
        patients: the patient of each case; by default, each case is a patient of its own.

    Raises:
        InputError: no block can be trained, or there are too few patients.
        ConfigurationError: there is no such fold.
    """
    owners = [case.name for case in cases] if patients is None else list(patients)
    if len(owners) != len(cases):
        raise InputError(f"{len(owners)} patients for {len(cases)} cases; give one for each case.")
    usable = sorted(
        (
            (case, owner)
            for case, owner in zip(cases, owners, strict=True)
            if any(serves(case, block) for block in recipe.blocks.blocks)
        ),
        key=lambda pair: pair[0].name,
    )
    if len(usable) < len(cases):
        log.warning(
            "%d of %d cases have no labels or sequences of use and are left out",
            *(len(cases) - len(usable), len(cases)),
        )
    used, owners = [case for case, _ in usable], [owner for _, owner in usable]
    if not used:
        raise InputError(_nothing_trainable(cases, recipe))
    split = _split_cases(used, owners, recipe, fold)
    size_px = recipe.preprocessing.size_px
    slices = [extract_slices(case, size_px) for case in used]
    planned = [_block_data(block, used, slices, split, recipe) for block in recipe.blocks.blocks]
    blocks = tuple(item for item in planned if isinstance(item, BlockData))
    skipped = {
        block.name: item
        for block, item in zip(recipe.blocks.blocks, planned, strict=True)
        if isinstance(item, str)
    }
    if not blocks:
        raise InputError(_nothing_trainable(cases, recipe))
    for name, reason in skipped.items():
        log.warning("block %s is not trained: %s", name, reason)
    return TrainingPlan(blocks, skipped, fingerprint_of(used, owners), len(used))


def serves(case: Case, block: Block) -> bool:
    """Whether the case has all of the block's inputs and labels that decide its target."""
    return set(block.inputs) <= set(case.sequences) and is_union(block.target, _groups(case))


def fingerprint_of(cases: Sequence[Case], patients: Sequence[str]) -> str:
    """SHA-256 of all images and labels, and of which cases share a patient, without any name."""
    digest = hashlib.sha256()
    order = {patient: place for place, patient in enumerate(dict.fromkeys(patients))}
    for case, patient in zip(cases, patients, strict=True):
        digest.update(f"case of patient {order[patient]}: {case.geometry.shape}".encode())
        for sequence in case.sequences:
            digest.update(str(sequence).encode())
            digest.update(case.images[sequence].tobytes())
        groups = [sorted(map(int, group)) for group in _groups(case)]
        digest.update(str(groups).encode())
        digest.update(b"" if case.labels is None else case.labels.codes.tobytes())
    return digest.hexdigest()


def _groups(case: Case) -> tuple[Tissues, ...]:
    return () if case.labels is None else case.labels.groups


def _split_cases(
    cases: Sequence[Case], patients: Sequence[str], recipe: Recipe, fold: int | None
) -> Split | None:
    """The split by patient; None where samples are split instead."""
    if recipe.split.by == "sample" and fold is None:
        return None
    kinds = [
        tuple(block.name for block in recipe.blocks.blocks if serves(case, block)) for case in cases
    ]
    if fold is None:
        return split_patients(patients, recipe.seed, recipe.split.validation_share, kinds)
    return split_folds(patients, recipe.seed, recipe.split.n_folds, fold, kinds)


def _block_data(
    block: Block,
    cases: Sequence[Case],
    slices: Sequence[Iterable[LabelledSlice]],
    split: Split | None,
    recipe: Recipe,
) -> BlockData | str:
    """The block's samples, or why there are none."""
    serving = [index for index, case in enumerate(cases) if serves(case, block)]
    if not serving:
        return _why_none_serves(block, cases)
    training_cases = serving if split is None else sorted(set(serving) & set(split.training))
    preprocessing, redraws = recipe.preprocessing.to_preprocessing(), recipe.augmentation.redraw
    augmented = AugmentedSamples(
        slices=_inputs_only(block, slices, training_cases),
        augmentation=recipe.augmentation.to_augmentation(),
        preprocessing=preprocessing,
        seed=recipe.seed,
    )
    if split is None:
        samples = split_samples(len(augmented), recipe.seed, recipe.split.validation_share)
        return BlockData(block, augmented, samples.training, augmented, samples.validation, redraws)
    validation_cases = sorted(set(serving) & set(split.validation))
    plain = PlainSamples(_inputs_only(block, slices, validation_cases), preprocessing)
    if not len(augmented) or not len(plain):
        return (
            f"{len(serving)} case(s) have what it needs, all on one side of the split by patient; "
            "add cases or choose another seed"
        )
    training, validation = tuple(range(len(augmented))), tuple(range(len(plain)))
    return BlockData(block, augmented, training, plain, validation, redraws)


def _inputs_only(
    block: Block, slices: Sequence[Iterable[LabelledSlice]], chosen: Iterable[int]
) -> tuple[LabelledSlice, ...]:
    """The slices of the chosen cases, without the sequences that the block does not read."""
    return tuple(_reading(block, each) for index in chosen for each in slices[index])


def _reading(block: Block, sample: LabelledSlice) -> LabelledSlice:
    kept = [sample.sequences.index(sequence) for sequence in block.inputs]
    return replace(sample, images=sample.images[kept], sequences=block.inputs)


def _why_none_serves(block: Block, cases: Sequence[Case]) -> str:
    readable = [case for case in cases if set(block.inputs) <= set(case.sequences)]
    if not readable:
        return f"no labelled case has {' and '.join(block.inputs)}"
    target = " + ".join(tissue.name.lower() for tissue in sorted(block.target))
    return f"no case with {' and '.join(block.inputs)} has labels that decide {target}"


def _nothing_trainable(cases: Sequence[Case], recipe: Recipe) -> str:
    labelled = [case for case in cases if case.labels is not None]
    if not labelled:
        return (
            f"none of the {len(cases)} cases has labels, so nothing can be trained; put each "
            "case's label file beside its images."
        )
    reasons = "; ".join(
        f"{block.name}: {_why_none_serves(block, labelled)}" for block in recipe.blocks.blocks
    )
    return (
        f"no block of the table {recipe.blocks.name!r} can be trained on these {len(cases)} cases "
        f"({reasons}); give the sequences or labels that are named."
    )
