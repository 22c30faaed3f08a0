"""What `myoseg train --preset paper` trains: nine networks on 25 cases, here simulated."""

import time

from myoseg.cases.phantom import SMALL, simulate_case
from myoseg.training.examples import BlockExamples, EpochOrder, load_batches
from myoseg.training.plan import plan_training
from myoseg.training.recipe import Recipe
from myoseg.training.run_folder import Member, members_of

N_CASES = 25
N_PREPARED = 20
"""Batches of each process, to see how long one takes."""


def members_of_paper(recipe: Recipe) -> tuple[Member, ...]:
    """The networks and what each learns from."""
    cases = [simulate_case(seed, SMALL) for seed in range(N_CASES)]
    return members_of(plan_training(cases, recipe))


def seconds_to_prepare(member: Member, recipe: Recipe, n_workers: int) -> float:
    """Of a batch: its slices warped, turned, normalised and encoded by so many other processes."""
    batch_size = recipe.settings_of(member.architecture).batch_size
    n_ahead = 1 + 2 * n_workers  # prepared meanwhile, by the library's default
    n_drawn = (n_ahead + N_PREPARED * max(1, n_workers)) * batch_size
    order = EpochOrder(member.data.training_indices, n_drawn, seed=0)
    examples = BlockExamples(member.data.block, member.data.training)
    batches = iter(load_batches(examples, order, batch_size, n_workers))
    for _ in range(n_ahead):
        next(batches)
    began = time.perf_counter()
    n_counted = sum(1 for _ in batches)
    return (time.perf_counter() - began) / n_counted
