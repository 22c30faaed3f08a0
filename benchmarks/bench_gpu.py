"""The paper's networks on a GPU: a step of training, a case, and how long all 500 epochs take.

Without a GPU it says so and measures nothing. `--device cpu` shows that all works, slowly.
"""

import argparse
from collections.abc import Callable
from statistics import median

import numpy as np
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from interleaved import print_table, time_in_turn
from myoseg.blocks import Architecture
from myoseg.networks.build import build_segmenter
from myoseg.networks.segmenter import Segmenter
from myoseg.prediction.device import find_device
from myoseg.prediction.engines.engine import Engine, EngineChoice, choose_engine
from myoseg.prediction.ensemble_model import engine_for
from myoseg.training.block_training import steps_of
from myoseg.training.examples import BlockExamples, EpochOrder, load_batches
from myoseg.training.hardware import Hardware, find_hardware
from myoseg.training.recipe import Recipe, load_recipe
from myoseg.training.run_folder import Member
from paper_run import N_CASES, members_of_paper, seconds_to_prepare
from roofline import measured_peak

SIZE_PX, N_SLICES = 256, 16
EAGER, OURS = "PyTorch eager, float32", "ours"


def main() -> None:
    """Prints a table for training and one for prediction of each architecture, and the hours."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="more rounds")
    parser.add_argument("--device", default="gpu", help="gpu, or cpu to see that all works")
    asked = parser.parse_args()
    if asked.device != "cpu" and not torch.cuda.is_available():
        print("\nNo GPU here: nothing was measured.")
        return
    hardware, rounds = find_hardware(asked.device), 9 if asked.full else 3
    device = hardware.torch_device
    on_gpu = device.type == "cuda"
    name = torch.cuda.get_device_name(device) if on_gpu else "CPU"
    peak = measured_peak(device)
    print(f"\n{name}, PyTorch {torch.__version__}, CUDA {torch.version.cuda}, {hardware.precision}")
    print(
        f"Largest matrix product: {peak.float32 / 1e12:.3g} T operations a second in float32, "
        f"{peak.bfloat16 / 1e12:.3g} in bfloat16; copy {peak.bytes_a_second / 1e9:.0f} GB a second."
    )
    recipe = load_recipe("paper")
    members = members_of_paper(recipe)
    seconds = {
        architecture: _train(member, recipe, hardware, peak.bfloat16, rounds)
        for architecture, member in {each.architecture: each for each in members}.items()
    }
    _print_schedule(members, recipe, seconds)
    for n_workers in sorted({0, hardware.n_workers()}):
        preparing = seconds_to_prepare(members[0], recipe, n_workers)
        share = preparing / seconds[members[0].architecture]
        print(
            f"Preparing a batch of {members[0].architecture} in {n_workers or 'no'} other "
            f"processes: {preparing * 1e3:.1f} ms, {share:.2f} of a step."
        )
    for architecture in Architecture:
        _predict(architecture, find_device(asked.device), rounds)


def _train(member: Member, recipe: Recipe, hardware: Hardware, peak: float, rounds: int) -> float:
    """Seconds of a step of ours; prints them beside PyTorch's at its defaults."""
    architecture, device = member.architecture, hardware.torch_device
    batch_size = recipe.settings_of(architecture).batch_size
    images, masks = _batch(member, batch_size)
    images, masks = images.to(device), masks.to(device)
    mixed = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}.get(hardware.precision)
    ways = {
        EAGER: _stepper(_network(member, recipe, torch.contiguous_format, device), images, masks),
        OURS: _stepper(_network(member, recipe, torch.channels_last, device), images, masks, mixed),
    }
    with FlopCounterMode(display=False) as counter:
        ways[EAGER]()
    calls = dict.fromkeys(ways, 1 if device.type == "cpu" else 20)
    seconds = time_in_turn(ways, rounds, calls)
    print_table(f"Training step of {architecture}, {batch_size} slices", seconds, OURS)
    ours = median(seconds[OURS])
    operations = counter.get_total_flops()
    print(
        f"\n{batch_size / ours:.0f} slices a second; {operations / 1e9:.0f} G operations a step, "
        f"{operations / ours / peak:.2f} of the peak in bfloat16."
    )
    return ours


def _batch(member: Member, batch_size: int) -> tuple[Tensor, Tensor]:
    order = EpochOrder(member.data.training_indices, batch_size, seed=0)
    examples = BlockExamples(member.data.block, member.data.training)
    images, masks = next(iter(load_batches(examples, order, batch_size, n_workers=0)))
    return images, masks


def _network(
    member: Member, recipe: Recipe, layout: torch.memory_format, device: torch.device
) -> Segmenter:
    torch.manual_seed(0)
    options = recipe.options_of(member.architecture)
    network = build_segmenter(member.architecture, len(member.data.block.inputs), **options)
    return network.to(device, memory_format=layout).train()


def _stepper(
    network: Segmenter, images: Tensor, masks: Tensor, mixed: torch.dtype | None = None
) -> Callable[[], None]:
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-5)
    kind = images.device.type

    def step() -> None:
        optimiser.zero_grad()
        with torch.autocast(kind, mixed, enabled=mixed is not None):
            loss = network.loss(images, masks)
        loss.backward()
        optimiser.step()
        if kind == "cuda":
            torch.cuda.synchronize(images.device)

    return step


def _print_schedule(
    members: tuple[Member, ...], recipe: Recipe, seconds: dict[Architecture, float]
) -> None:
    """Hours of the paper's 500 epochs, a network after the other: its steps and nothing else."""
    print(f"\n## The paper's schedule, {N_CASES} cases\n")
    print("| | networks | epochs | steps an epoch | hours |\n|---|---|---|---|---|")
    whole = 0.0
    for architecture, step_s in seconds.items():
        settings = recipe.settings_of(architecture)
        steps = [steps_of(settings, m.data) for m in members if m.architecture is architecture]
        hours = settings.epochs * sum(steps) * step_s / 3600
        whole += hours
        cells = (architecture, len(steps), settings.epochs, steps[0], f"{hours:.1f}")
        print(f"| {' | '.join(map(str, cells))} |")
    print(f"\nAll: {whole:.1f} hours, preparing, validating and saving left out.\n")


def _predict(architecture: Architecture, device: str, rounds: int) -> None:
    """Slices a second, against this machine's CPU as `myoseg predict` uses it."""
    torch.manual_seed(0)
    network = build_segmenter(architecture, 1).eval().requires_grad_(False)
    images = np.random.default_rng(0).standard_normal((N_SLICES, 1, SIZE_PX, SIZE_PX))
    images = images.astype(np.float32)
    cpu = choose_engine(device="cpu")
    engines: dict[str, Engine] = {
        f"CPU, {cpu.engine}": engine_for(network, cpu),
        "float32": engine_for(_copied(network), EngineChoice("pytorch", device, "float32")),
    }
    if architecture is not Architecture.MASK_RCNN:  # detectors keep to float32
        choice = EngineChoice("pytorch", device, "bfloat16")
        engines["bfloat16"] = engine_for(_copied(network), choice)
    seconds = time_in_turn(
        {name: lambda e=engine: e(images) for name, engine in engines.items()}, rounds, {}
    )
    print_table(f"{architecture}, {N_SLICES} slices of {SIZE_PX} x {SIZE_PX}", seconds, "float32")
    print(f"\n{N_SLICES / median(seconds['float32']):.0f} slices a second in float32.")


def _copied(network: Segmenter) -> Segmenter:
    """An engine moves its network to its device."""
    copy = build_segmenter(network.architecture, 1)
    copy.load_state_dict(network.state_dict())
    return copy


if __name__ == "__main__":
    main()
