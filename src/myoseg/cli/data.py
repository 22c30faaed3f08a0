"""`myoseg data`: check, inspect, convert and simulate data sets."""

import json
from pathlib import Path
from typing import Annotated

import typer

from myoseg.cli.deidentify import deidentify
from myoseg.cli.export import export
from myoseg.cli.options import Data, Layout, Out, Quiet, Series, named_series
from myoseg.cli.results import say_where, scan_progress

app = typer.Typer(help="Check, inspect, convert and simulate data sets.", no_args_is_help=True)
app.command("export")(export)
app.command("deidentify")(deidentify)


@app.command("check")
def check(
    data: Data,
    layout: Layout = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List every case: sequences, shapes, spacing, labels and their sizes, and each problem."""
    from myoseg.cases.check import check_data

    report = check_data(data, layout)
    typer.echo(json.dumps(report.to_record(), indent=2) if as_json else report.to_text())
    raise typer.Exit(1 if report.has_errors else 0)


@app.command("inspect")
def inspect(
    folder: Annotated[Path, typer.Argument(help="Folder with DICOM files, nested and mixed.")],
    bssfp: Series = None,
    lge: Series = None,
    t2: Series = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    quiet: Quiet = False,
) -> None:
    """List the series of DICOM studies: which would be used for which sequence, and why."""
    from myoseg.cases.dicom.inspection import inspect_folder

    found = inspect_folder(folder, named_series(bssfp, lge, t2), scan_progress(quiet))
    typer.echo(json.dumps(found.to_record(), indent=2) if as_json else found.to_text())


@app.command("convert")
def convert(
    data: Data,
    out: Out,
    to: Annotated[str, typer.Option(help="Layout to write: myops, nnunet or plain.")] = "myops",
    layout: Layout = None,
) -> None:
    """Write a data set in another layout."""
    from myoseg.cases.convert import convert_cases

    convert_cases(data, out, to=to, layout=layout)
    say_where(out)


@app.command("layouts")
def layouts() -> None:
    """List the layouts that are known."""
    from myoseg.cases.layouts import LAYOUTS

    for layout in LAYOUTS:
        typer.echo(f"{layout.name:14} {layout.description}")


@app.command("phantom")
def phantom(
    out: Out,
    n_training: Annotated[int, typer.Option(min=1, help="Training cases.")] = 25,
    n_test: Annotated[int, typer.Option(min=0, help="Test cases, with labels.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first case.")] = 0,
    small: Annotated[
        bool, typer.Option("--small", help="128 x 128 pixels of 1.5 mm instead of 256 x 256.")
    ] = False,
    native_grids: Annotated[
        bool,
        typer.Option(
            "--native-grids",
            help="Write each sequence on its own grid, as scanners do, with breath-hold shifts: "
            "training and test cases alike as NAME/NAME_bssfp.nii.gz, NAME_bssfp_gd.nii.gz, ..., "
            "and NAME_truth.json.",
        ),
    ] = False,
    dicom: Annotated[
        bool,
        typer.Option(
            "--dicom",
            help="Write each study as a scanner's DICOM series, NAME/dicom, with breath-hold "
            "shifts; NAME/truth holds images and labels as NIfTI. The options below are for these.",
        ),
    ] = False,
    enhanced: Annotated[
        bool, typer.Option("--enhanced", help="Enhanced multi-frame objects, not classic ones.")
    ] = False,
    vendor: Annotated[
        str, typer.Option(help="Whose attributes: siemens, philips, ge or canon.")
    ] = "siemens",
    n_phases: Annotated[
        int, typer.Option("--phases", min=1, max=100, help="Cardiac phases of the bSSFP.")
    ] = 1,
    distractors: Annotated[
        bool,
        typer.Option("--distractors", help="Add a localiser, long axes, a map, a pair, a repeat."),
    ] = False,
    single_slices: Annotated[
        bool, typer.Option("--single-slices", help="Make each short-axis slice a series.")
    ] = False,
) -> None:
    """Simulate cases: as MyoPS 2020 has them, each on its native grids, or as DICOM studies."""
    from myoseg.cases.phantom import SMALL, PhantomConfig, clinical
    from myoseg.cases.phantom.data_set import write_phantoms, write_studies

    config, n_studies = SMALL if small else PhantomConfig(), n_training + n_test
    if dicom:
        from myoseg.cases.dicom.simulated.vendors import vendor_called
        from myoseg.cases.dicom.write_study import WritingChoices, write_dicom_studies

        choices = WritingChoices(
            enhanced=enhanced,
            vendor=vendor_called(vendor),
            n_phases=n_phases,
            distractors=distractors,
            single_slices=single_slices,
        )
        write_dicom_studies(
            out, n_studies=n_studies, seed=seed, config=clinical(config), choices=choices
        )
    elif native_grids:
        write_studies(out, n_studies=n_studies, seed=seed, config=clinical(config))
    else:
        write_phantoms(out, n_training=n_training, n_test=n_test, seed=seed, config=config)
    say_where(out)
