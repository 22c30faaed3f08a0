"""Kills a training again and again at random moments, resumes it, and compares the weights.

    python benchmarks/kill_and_resume.py --kills 20

Ends with 0 if every resumed run has the bytes of the uninterrupted one. Needs a system with fork:
the library is imported once, and each attempt is a fork of this process, so that most of an
attempt's time is training and not importing.
"""

import argparse
import multiprocessing
import os
import random
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from myoseg.anatomy import Sequence, Tissue
from myoseg.cases.case import Case, Geometry, LabelMap
from myoseg.files import sha256_of
from myoseg.training.fit import train
from myoseg.training.recipe import Recipe, load_recipe

SIZE = 64
UNET = {
    "name": "disc",
    "inputs": ["bssfp"],
    "target": ["lv_blood_pool"],
    "networks": ["unet"],
    "keep_largest": False,
    "fill_holes": False,
}
MASK_RCNN = UNET | {"name": "disc_detected", "networks": ["mask_rcnn"]}


def tiny_recipe(networks: list[str]) -> Recipe:
    """A U-Net with running statistics and a falling rate; a Mask R-CNN that draws in each step."""
    blocks = [block for block in (UNET, MASK_RCNN) if block["networks"][0] in networks]
    table = {"name": "tiny", "blocks": blocks}
    return load_recipe(
        "paper",
        [
            f"table={table!r}",
            f"preprocessing.size_px={SIZE}",
            "split.by=patient",
            "augmentation.n_warps=2",
            "augmentation.redraw=true",
            "networks.unet.epochs=8",
            "networks.unet.batch_size=4",
            "networks.unet.learning_rate=1e-3",
            "networks.unet.schedule=cosine",
            "networks.unet.options.channels=[4, 8]",
            "networks.unet.options.normalisation=batch",
            "networks.mask_rcnn.epochs=2",
            "networks.mask_rcnn.steps_per_epoch=2",
            "networks.mask_rcnn.options.backbone=resnet18",
            "networks.mask_rcnn.options.n_proposals_train=32",
            "networks.mask_rcnn.options.n_proposals=16",
            "networks.mask_rcnn.options.n_detections=4",
            "networks.mask_rcnn.options.regions_per_image=16",
        ],
    )


def disc_case(number: int) -> Case:
    """Two slices with a bright disc each."""
    rng = np.random.default_rng(number)
    rows, cols = np.mgrid[:SIZE, :SIZE]
    centres = rng.uniform(0.35 * SIZE, 0.65 * SIZE, (2, 2))
    discs = np.stack([np.hypot(rows - row, cols - col) < SIZE / 6 for row, col in centres])
    image = (discs + rng.normal(0, 0.2, discs.shape)).astype(np.float32)
    codes = np.where(discs, Tissue.LV_BLOOD_POOL, 0).astype(np.int16)
    geometry = Geometry((2, SIZE, SIZE), np.eye(4))
    return Case(f"case{number}", {Sequence.BSSFP: image}, geometry, LabelMap(codes))


def attempt(out: Path, networks: list[str], resume: bool) -> None:
    """What a user's process does."""
    torch.set_num_threads(1)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, sys.stderr.fileno())
    cases = [disc_case(number) for number in range(5)]
    train(cases, tiny_recipe(networks), out, device="cpu", resume=resume, progress=False)


def start(out: Path, networks: list[str], resume: bool) -> multiprocessing.Process:
    """The same in a process of its own."""
    context = multiprocessing.get_context("fork")
    process = context.Process(target=attempt, args=(out, networks, resume))
    process.start()
    return process  # type: ignore[return-value]


def weights_of(out: Path) -> dict[str, str]:
    """SHA-256 of each network's weights."""
    return {
        str(path.parent.relative_to(out)): sha256_of(path)
        for path in sorted(out.rglob("w*.safetensors"))
    }


def kill_until_done(out: Path, networks: list[str], rng: random.Random, longest_s: float) -> int:
    """Kills and resumes until training ends by itself; returns the number of kills."""
    kills, resume = 0, False
    while True:
        process = start(out, networks, resume)
        process.join(rng.uniform(0.05, longest_s))
        if process.exitcode is None:
            process.kill()
            kills += 1
        process.join()
        resume = True
        if process.exitcode == 0:
            return kills
        if process.exitcode > 0:
            raise SystemExit(f"an attempt failed by itself with exit code {process.exitcode}")


def main() -> None:
    """Runs until the kills are done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--networks", nargs="+", default=["unet", "mask_rcnn"])
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole"
        began = time.monotonic()
        start(whole, arguments.networks, resume=False).join()
        duration_s = time.monotonic() - began
        expected, kills, runs, same = weights_of(whole), 0, 0, 0
        while kills < arguments.kills:
            out = Path(folder) / f"killed{runs}"
            kills += kill_until_done(out, arguments.networks, rng, duration_s / 2)
            runs += 1
            same += weights_of(out) == expected and len(expected) == len(arguments.networks)
    print(f"uninterrupted {duration_s:.1f} s; {kills} kills in {runs} runs: {same} of {runs} same")
    raise SystemExit(0 if same == runs else 1)


if __name__ == "__main__":
    main()
