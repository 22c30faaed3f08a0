"""`myoseg demo`: one simulated study with the shipped model, then the paper's experiment."""

from pathlib import Path
from typing import Annotated

import typer

from myoseg.cli.options import Device, Out, Quiet, Verbose
from myoseg.cli.results import say_where, start_log


def demo(
    out: Out = Path("demo"),
    seed: Annotated[int, typer.Option(min=0, help="Seed of the simulated cases.")] = 0,
    study_only: Annotated[
        bool, typer.Option("--study-only", help="Stop after the one study; train nothing.")
    ] = False,
    device: Device = "auto",
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Segment a simulated study with the shipped model, then run the paper's experiment small.

    The study is simulated, segmented, measured, scored against its truth and drawn, in about a
    minute. The experiment trains the paper's three methods on simulated cases and compares them.
    """
    start_log(quiet, verbose)
    from myoseg.reproduction.study import in_plain_words, run_study

    typer.echo(in_plain_words(run_study(out / "study", seed=seed, device=device)))
    if study_only:
        return
    from myoseg.reproduction.demo import run_demo

    typer.echo("Now the paper's three methods, trained and compared on simulated cases ...")
    say_where(run_demo(out, seed=seed, device=device, progress=not quiet))
