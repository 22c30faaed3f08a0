"""Slices to train the default model: how fast one core draws them, and what a step takes."""

import argparse

import torch

from interleaved import print_table, time_in_turn
from myoseg.cases.phantom import SMALL, simulate_case
from myoseg.networks.stage_network import build_stage, stage_loss
from myoseg.training.cascade.examples import SimulatedExamples
from myoseg.training.cascade.fit_stage import fastest_layout, has_bfloat16
from myoseg.training.cascade.recipe import load_cascade_recipe

N_SLICES = 16


def main() -> None:
    """Draws a batch of each stage, takes a step with it, and simulates a case in full."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="more rounds")
    rounds = 9 if parser.parse_args().full else 3
    torch.set_num_threads(1)
    recipe = load_cascade_recipe()
    fast, layout = has_bfloat16(torch.device("cpu")), fastest_layout(torch.device("cpu"))
    competitors = {}
    for stage in recipe.built_stages:
        examples = SimulatedExamples(stage, recipe.stages[stage.name], recipe.simulation, 0)
        network = build_stage(stage).to(memory_format=layout)
        optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3)
        drawn = [examples[k] for k in range(N_SLICES)]
        images, masks, assessed = (torch.stack(part) for part in zip(*drawn, strict=True))

        def draw(examples=examples) -> None:
            for k in range(N_SLICES):
                examples[k]

        def step(network=network, optimiser=optimiser, batch=(images, masks, assessed)) -> None:
            with torch.autocast("cpu", torch.bfloat16, enabled=fast):
                logits = network(batch[0].contiguous(memory_format=layout))
            optimiser.zero_grad()
            stage_loss(logits, *batch[1:]).backward()
            optimiser.step()

        competitors[f"{stage.name}: {N_SLICES} slices drawn"] = draw
        competitors[f"{stage.name}: a step on {N_SLICES} slices"] = step
    competitors["full simulation of a small case, 3 sequences"] = lambda: simulate_case(0, SMALL)
    seconds = time_in_turn(competitors, rounds=rounds, calls={})
    print_table("Simulated slices, one thread", seconds, f"anatomy: {N_SLICES} slices drawn")


if __name__ == "__main__":
    main()
