"""Cases and a recipe in, a folder with the trained networks of every block out."""

import logging
from collections.abc import Sequence
from pathlib import Path

from myoseg.cases.case import Case
from myoseg.files import write_json
from myoseg.manifest import run_manifest
from myoseg.networks.checkpoint import NetworkCard
from myoseg.training.allocator import keep_freed_memory
from myoseg.training.fit_network import check_networks, fit_network
from myoseg.training.hardware import find_hardware
from myoseg.training.interruption import (
    StopRequest,
    TrainingInterruptedError,
    stopping_on_signals,
)
from myoseg.training.lightning_library import rank_zero_only
from myoseg.training.plan import plan_training
from myoseg.training.recipe import Recipe
from myoseg.training.reuse import take_over, trained_alike
from myoseg.training.run_folder import (
    STATE,
    Member,
    finished_card,
    members_of,
    open_run,
    write_model,
)

log = logging.getLogger(__name__)


def train(
    cases: Sequence[Case],
    recipe: Recipe,
    out: Path,
    *,
    device: str = "auto",
    fold: int | None = None,
    resume: bool = False,
    progress: bool = True,
    patients: Sequence[str] | None = None,
    n_workers: int | None = 0,
    reuse: Sequence[Path] = (),
) -> Path:
    """Trains each network of the recipe's table in turn (sections 2.3 and 2.4).

    A block without a case that has its sequences and labels is left out; `model.json` says why.
    At the end of each epoch all that resuming needs is on disk, so that a killed run goes on from
    its last whole epoch; on a CPU the weights are then those of an uninterrupted run, bit for bit
    (with the same number of threads).

    Args:
        cases: with labels.
        recipe: all settings; see `load_recipe`.
        out: the run's folder: `config.yaml`, `model.json`, `run.json`, and for each network a
            folder with `weights.safetensors`, `network.json`, `metrics.csv` and TensorBoard events.
        device: auto, cpu, gpu, gpu:N, gpu:N,M for several, or mps.
        fold: hold out this fold of `split.n_folds` folds of patients; None for the recipe's split.
        resume: go on with the run in `out`; networks that are finished stay as they are.
        progress: whether to show a progress bar.
        patients: the patient of each case; by default, each case is a patient of its own.
        n_workers: processes that prepare samples; None for as many as `Hardware.n_workers` says.
            The weights do not depend on it.
        reuse: folders of other runs; a network that one of them has trained in the same way, on the
            same data, is taken over.

    Returns:
        `out`.

    Raises:
        InputError: nothing can be trained on these cases, or the run to resume had other data.
        ConfigurationError: the device is not there, or the run to resume had other settings.
        OutputError: `out` is not empty and `resume` was not asked for, or cannot be written.
        TrainingInterruptedError: Ctrl-C or SIGTERM; the run can be resumed.
    """
    hardware = find_hardware(device, recipe.precision)
    keep_freed_memory()
    plan = plan_training(cases, recipe, fold, patients)
    members = members_of(plan)
    check_networks(recipe, members)
    is_first_process = rank_zero_only.rank == 0
    if is_first_process:
        open_run(out, recipe, plan, fold, resume)
        arguments = {"recipe": recipe.name, "fold": fold, "resume": resume}
        hashes = {"data": plan.data_fingerprint}
        manifest = run_manifest(
            "train", device=hardware.name, seed=recipe.seed, hashes=hashes, arguments=arguments
        )
        write_json(out / "run.json", manifest)

    def fit(member: Member, request: StopRequest) -> None:
        card = fit_network(
            member,
            recipe,
            out / member.folder,
            hardware,
            request,
            plan.data_fingerprint,
            n_workers=hardware.n_workers(n_workers),
            progress=progress,
        )
        _report(card)

    with stopping_on_signals() as request:
        for number, member in enumerate(members, start=1):
            log.info("network %d of %d, on %s: %s", number, len(members), hardware.name, member)
            if finished_card(out / member.folder) is not None:
                (out / member.folder / STATE).unlink(missing_ok=True)
                log.info("%s is trained already", member.folder)
                continue
            source = trained_alike(member, recipe, reuse, plan.data_fingerprint, fold)
            try:
                if source is None:
                    fit(member, request)
                elif is_first_process:
                    take_over(source, out / member.folder, member.data.block)
            except TrainingInterruptedError as stop:
                message = f"{stop} Continue the run in {out} with --resume."
                raise TrainingInterruptedError(message) from stop
            if is_first_process:
                write_model(out, recipe, plan, fold)
    return out


def _report(card: NetworkCard) -> None:
    log.info(
        "%s/%s: best validation Dice %.3f, in epoch %d",
        *(card.block.name, card.architecture, card.validation_dice, card.best_epoch),
    )
