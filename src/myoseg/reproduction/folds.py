"""Which cases train and which are tested: the data set's own test cases, or a cross-validation."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from myoseg.cases.layouts import CaseFiles
from myoseg.errors import InputError
from myoseg.training.split import patient_folds

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fold:
    """Cases to train on and cases to predict; no patient is in both."""

    name: str
    training: tuple[CaseFiles, ...]
    test: tuple[CaseFiles, ...]


def folds_of(files: Sequence[CaseFiles], n_folds: int, seed: int) -> tuple[Fold, ...]:
    """One fold where the data set has labelled test cases, else `n_folds` of a cross-validation.

    Raises:
        InputError: too few labelled cases.
    """
    labelled = [case for case in files if case.labels is not None]
    test = tuple(case for case in labelled if case.role == "test")
    training = tuple(case for case in labelled if case.role != "test")
    if test and training:
        return (Fold("test", training, test),)
    pool = training or test
    n_patients = len({case.patient for case in pool})
    if n_patients < n_folds:
        raise InputError(
            f"{n_patients} labelled patients are too few for {n_folds} folds; give more cases or "
            "fewer --folds."
        )
    log.info("no labelled test cases: %d-fold cross-validation by patient", n_folds)
    parts = patient_folds([case.patient for case in pool], n_folds, seed)
    return tuple(
        Fold(
            f"fold-{index}",
            training=tuple(case for k, case in enumerate(pool) if k not in held_out),
            test=tuple(pool[k] for k in sorted(held_out)),
        )
        for index, held_out in enumerate(map(set, parts))
    )
