"""`myoseg data deidentify`: DICOM images and results without anything that tells whose they are."""

from pathlib import Path
from typing import Annotated

import typer

from myoseg.cli.options import Out
from myoseg.cli.results import say_where


def deidentify(
    folder: Annotated[Path, typer.Argument(help="Folder with DICOM files, nested and mixed.")],
    out: Out,
    key: Annotated[
        Path | None,
        typer.Option(
            "--key",
            help="File of at least 16 random bytes that pseudonyms and identifiers follow from: "
            "the same key gives a patient the same pseudonym again. Without it, a random key.",
        ),
    ] = None,
    shift_dates: Annotated[
        bool,
        typer.Option(
            "--shift-dates",
            help="Move the examination's dates back by a number of days of the patient's own, "
            "keeping their distances and the time of day of some, rather than remove them.",
        ),
    ] = False,
) -> None:
    """Write MR images, segmentations and reports without names, dates and identifiers of a patient.

    By the basic profile of DICOM PS3.15, annex E, and beyond: of texts that the profile does not
    name only known ones stay. Of structured reports measures, codes and references stay; comments,
    names and ages do not. Other reports, documents and screenshots are left out and counted. What
    is burned into the pixels of an image, and a face, are not looked for.
    """
    from myoseg.cases.dicom.deidentify_folder import deidentify_folder
    from myoseg.cases.dicom.pseudonyms import PseudonymKey

    secret = PseudonymKey.random() if key is None else PseudonymKey.read(key)
    result = deidentify_folder(folder, out, secret, dates="shifted" if shift_dates else "removed")
    typer.echo(result.to_text())
    if key is None:
        typer.echo("A random key was used and not kept: these pseudonyms cannot be made again.")
    if not result.n_written:
        typer.echo("Nothing was written.", err=True)
        raise typer.Exit(1)
    say_where(out)
