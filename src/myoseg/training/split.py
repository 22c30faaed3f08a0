"""Which examples train and which validate: whole patients, folds of patients, or single samples."""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from myoseg.errors import ConfigurationError, InputError


@dataclass(frozen=True)
class Split:
    """Indices that train and indices that validate, each ascending; together all, none twice."""

    training: tuple[int, ...]
    validation: tuple[int, ...]


def split_patients(
    patients: Sequence[str],
    seed: int,
    share: float = 0.2,
    kinds: Sequence[Hashable] | None = None,
) -> Split:
    """Cases of whole patients: at least one patient on each side.

    Args:
        patients: the patient of each case.
        seed: decides which patients validate; the order of the cases does not matter.
        share: share of the patients that validate, rounded to the nearest number.
        kinds: what each case offers (its sequences and labels); patients of each kind are spread
            over both sides as evenly as their number allows.

    Raises:
        InputError: fewer than two patients.
    """
    order = _dealt(patients, seed, kinds)
    n_validating = min(max(1, round(share * len(order))), len(order) - 1)
    places = np.linspace(0, len(order), n_validating, endpoint=False)
    offset = len(order) / n_validating / 2
    chosen = {order[int(place + offset)] for place in places}
    return _divided(patients, chosen)


def split_folds(
    patients: Sequence[str],
    seed: int,
    n_folds: int = 5,
    fold: int = 0,
    kinds: Sequence[Hashable] | None = None,
) -> Split:
    """Cases of whole patients, of which fold number `fold` of `n_folds` validates.

    The folds of one seed hold every patient once, and their sizes differ by one at most.

    Raises:
        ConfigurationError: there is no such fold.
        InputError: fewer patients than folds.
    """
    if not 0 <= fold < n_folds:
        raise ConfigurationError(
            f"there is no fold {fold}; split.n_folds is {n_folds}, so give 0 to {n_folds - 1}."
        )
    validation = patient_folds(patients, n_folds, seed, kinds)[fold]
    training = tuple(index for index in range(len(patients)) if index not in set(validation))
    return Split(training, validation)


def patient_folds(
    patients: Sequence[str],
    n_folds: int,
    seed: int,
    kinds: Sequence[Hashable] | None = None,
) -> tuple[tuple[int, ...], ...]:
    """The cases of each fold, as indices of `patients`; a patient's cases are in one fold.

    Raises:
        InputError: fewer patients than folds.
    """
    order = _dealt(patients, seed, kinds)
    if len(order) < n_folds:
        raise InputError(
            f"{n_folds} folds need at least {n_folds} patients, got {len(order)}; add cases or ask "
            f"for {len(order)} folds or fewer (split.n_folds)."
        )
    fold_of = {patient: place % n_folds for place, patient in enumerate(order)}
    return tuple(
        tuple(index for index, patient in enumerate(patients) if fold_of[patient] == fold)
        for fold in range(n_folds)
    )


def split_samples(n_samples: int, seed: int, share: float = 0.2) -> Split:
    """Single samples, drawn after augmentation as in the paper: 4,080 give 3,264 and 816.

    Copies of one slice stand on both sides, so the validation score flatters.

    Raises:
        InputError: fewer than two samples.
    """
    if n_samples < 2:
        raise InputError(f"a split needs at least two samples, got {n_samples}; add cases.")
    n_validating = min(max(1, round(share * n_samples)), n_samples - 1)
    order = np.random.default_rng(seed).permutation(n_samples)
    return Split(
        training=tuple(sorted(order[n_validating:].tolist())),
        validation=tuple(sorted(order[:n_validating].tolist())),
    )


def _dealt(patients: Sequence[str], seed: int, kinds: Sequence[Hashable] | None) -> tuple[str, ...]:
    """Patients in a drawn order, those that offer the same beside each other.

    Raises:
        InputError: fewer than two patients.
    """
    offers: dict[str, set[str]] = defaultdict(set)
    for patient, kind in zip(patients, kinds or [None] * len(patients), strict=True):
        offers[patient].add(repr(kind))
    if len(offers) < 2:
        raise InputError(
            f"a split by patient needs at least two patients, got {len(offers)}; add cases or set "
            "split.by to sample."
        )
    names = sorted(offers)
    drawn = [names[index] for index in np.random.default_rng(seed).permutation(len(names))]
    return tuple(sorted(drawn, key=lambda patient: sorted(offers[patient])))


def _divided(patients: Sequence[str], validating: set[str]) -> Split:
    held_out = [patient in validating for patient in patients]
    return Split(
        training=tuple(index for index, held in enumerate(held_out) if not held),
        validation=tuple(index for index, held in enumerate(held_out) if held),
    )
