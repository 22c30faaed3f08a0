"""What the commands say of their results."""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
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


@contextmanager
def told_how_to_go_on(out: Path, n_cases: int, *, resumable: bool = True) -> Iterator[None]:
    """Says, if the user stops one of several cases, what is kept and how to go on."""
    again = "with --resume goes on with the rest" if resumable else "does all of them again"
    try:
        yield
    except KeyboardInterrupt:
        if n_cases > 1:
            typer.echo(
                f"\nStopped. What is done is whole, in {out.resolve()}; the same command {again}.",
                err=True,
            )
        raise


def progress_over(items: Iterable[Item], total: int, title: str, *, quiet: bool) -> Iterable[Item]:
    """The items, with a progress bar on the standard error stream."""
    from rich.console import Console
    from rich.progress import track

    return track(items, title, total=total, console=Console(stderr=True), disable=quiet)


def scan_progress(quiet: bool) -> Callable[[Iterable[Path], int], Iterable[Path]]:
    """A progress bar for the scan of a folder."""

    def show(paths: Iterable[Path], total: int) -> Iterable[Path]:
        return progress_over(paths, total=total, title="Reading headers", quiet=quiet)

    return show


def require_dicom(folder: Path) -> None:
    """Refuses options that a folder without DICOM files does not know."""
    from myoseg.cases.dicom.scan import holds_dicom

    if not holds_dicom(folder):
        raise typer.BadParameter(
            "give either -i FOLDER, or one or more of --bssfp, --lge and --t2: with -i these, and "
            "--phase, are for studies in DICOM, and the folder holds none"
        )
