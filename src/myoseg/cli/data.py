"""`myoseg data`: check, convert and simulate data sets."""

import json
from typing import Annotated

import typer

from myoseg.cli.options import Data, Layout, Out
from myoseg.cli.results import say_where

app = typer.Typer(help="Check, convert and simulate data sets.", no_args_is_help=True)


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
) -> None:
    """Simulate cases and write them in the layout of MyoPS 2020, or each on its native grids."""
    from myoseg.cases.phantom import SMALL, PhantomConfig, clinical
    from myoseg.cases.phantom.data_set import write_phantoms, write_studies

    config = SMALL if small else PhantomConfig()
    if native_grids:
        n_studies = n_training + n_test
        write_studies(out, n_studies=n_studies, seed=seed, config=clinical(config))
    else:
        write_phantoms(out, n_training=n_training, n_test=n_test, seed=seed, config=config)
    say_where(out)
