"""What the commands say of their results."""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import typer

Item = TypeVar("Item")

SOME_FAILED = 3
"""Exit code where some cases of a cohort failed and the others are done."""


def start_log(quiet: bool, verbose: bool) -> None:
    """Messages go to the standard error stream: warnings, the course of things, or every detail."""
    level = logging.DEBUG if verbose else logging.WARNING if quiet else logging.INFO
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    logging.getLogger("myoseg").setLevel(level)


def say_where(path: Path) -> None:
    """Prints the folder in full, so that it can be opened from anywhere."""
    typer.echo(f"Results are in {path.resolve()}")


def close(out: Path, *, n_failed: int, n_cases: int) -> None:
    """Says what became of a cohort, and exits with the code for it."""
    if n_failed < n_cases or not n_cases:
        say_where(out)
    if n_failed:
        typer.echo(f"{n_failed} of {n_cases} cases failed; the messages above say why.", err=True)
        raise typer.Exit(1 if n_failed == n_cases else SOME_FAILED)


def progress_over(items: Iterable[Item], total: int, title: str, *, quiet: bool) -> Iterable[Item]:
    """The items, with a progress bar on the standard error stream."""
    from rich.console import Console
    from rich.progress import track

    return track(items, title, total=total, console=Console(stderr=True), disable=quiet)
