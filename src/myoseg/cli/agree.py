"""`myoseg agree`: how well two sets of segmentations of the same cases agree."""

from pathlib import Path
from typing import Annotated

import typer

from myoseg.cli.options import Out, Quiet, Verbose
from myoseg.cli.results import close, progress_over, start_log


def agree(
    first: Annotated[Path, typer.Argument(help="Folder of label maps, of whatever origin.")],
    second: Annotated[Path, typer.Argument(help="Folder of label maps of the same cases.")],
    out: Out,
    names: Annotated[
        tuple[str, str],
        typer.Option(metavar="FIRST SECOND", help='What to call the two: "reader 1" "reader 2".'),
    ] = ("first", "second"),
    first_coding: Annotated[
        str | None, typer.Option(help="Label coding of the first, where it cannot be told.")
    ] = None,
    second_coding: Annotated[str | None, typer.Option(help="The same of the second.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the bootstrap intervals.")] = 0,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Compare two readers or methods: bias and limits, ICC, concordance, Dice, by measure.

    Volumes, masses, percentages and segments of every case that both hold; neither is taken for
    the truth.
    """
    start_log(quiet, verbose)
    from myoseg.files import write_json
    from myoseg.manifest import run_manifest
    from myoseg.reporting.agreement_report import agree as compare

    found = compare(
        first,
        second,
        out,
        names=names,
        first_coding=first_coding,
        second_coding=second_coding,
        seed=seed,
        watch=lambda cases, n: progress_over(cases, total=n, title="Measuring", quiet=quiet),
    )
    arguments = {"names": names, "first_coding": first_coding, "second_coding": second_coding}
    manifest = run_manifest("agree", device="cpu", seed=seed, hashes={}, arguments=arguments)
    write_json(out / "run.json", manifest)
    n_failed = len(found.failures)
    close(out, n_failed=n_failed, n_cases=n_failed + found.n_cases)
