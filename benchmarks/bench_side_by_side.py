"""The default model's networks: side by side with half the cores each, or one after the other."""

import argparse
import csv
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch

from myoseg.processor import n_cores
from myoseg.training.cascade import fit
from myoseg.training.cascade.fit import train_cascade
from myoseg.training.cascade.recipe import load_cascade_recipe


@dataclass(frozen=True)
class Form:
    """How long each way is taken.

    Attributes:
        window: steps between two lines of the curve.
        n_windows: of which the first warms up and is not counted.
    """

    window: int
    n_windows: int


SHORT, FULL = Form(window=6, n_windows=4), Form(window=20, n_windows=9)


def main() -> None:
    """Prints seconds a step of both networks, each way, and how many times faster the one is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="more steps")
    form = FULL if parser.parse_args().full else SHORT
    torch.set_num_threads(n_cores())
    seconds = {name: _seconds_a_step(name, form) for name in ("in turn", "side by side")}
    in_turn = sum(map(median, seconds["in turn"].values()))
    together = max(map(median, seconds["side by side"].values()))
    print(f"\n## A step of both networks of the default model, {n_cores()} cores\n")
    print("| | anatomy, s | pathology, s | both, s | times faster |\n|---|---|---|---|---|")
    for name, both in (("in turn", in_turn), ("side by side", together)):
        each = " | ".join(
            f"{median(values):.3f} ({min(values):.3f}-{max(values):.3f})"
            for values in seconds[name].values()
        )
        print(f"| {name} | {each} | {both:.3f} | {in_turn / both:.2f} |")


def _seconds_a_step(name: str, form: Form) -> dict[str, list[float]]:
    """By stage, of each window of steps."""
    stages = ("anatomy", "pathology")
    changes = [
        change
        for stage in stages
        for change in (
            f"stages.{stage}.schedule.n_steps={form.window * form.n_windows}",
            f"stages.{stage}.schedule.saved_every={form.window}",
        )
    ]
    fit.n_cores = n_cores if name == "side by side" else lambda: 1
    with tempfile.TemporaryDirectory() as folder:
        run = train_cascade(
            load_cascade_recipe("default", changes),
            Path(folder) / "run",
            device="cpu",
            progress=False,
            n_workers=0,
        )
        found = {}
        for stage in stages:
            with (run / stage / "curve.csv").open(encoding="utf-8") as stream:
                rows = list(csv.DictReader(stream))[1:]
            found[stage] = [float(row["seconds"]) / form.window for row in rows]
        return found


if __name__ == "__main__":
    main()
