"""The `myoseg` command: arguments in, one call of the package, exit code out.

Exit codes: 0 done; 1 failed; 2 wrong usage; 3 some cases of a cohort failed, the others are done.
"""

import json
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from myoseg.cli import data as data_commands
from myoseg.cli import model as model_commands
from myoseg.cli import node as node_commands
from myoseg.cli import pacs as pacs_commands
from myoseg.cli.agree import agree
from myoseg.cli.demo import demo
from myoseg.cli.options import (
    Config,
    Data,
    Device,
    Layout,
    Out,
    Preset,
    Quiet,
    Set,
    Verbose,
)
from myoseg.cli.predict import predict
from myoseg.cli.report import report
from myoseg.cli.results import close, say_where
from myoseg.cli.results import start_log as _start_log
from myoseg.cli.threshold import threshold
from myoseg.errors import MyosegError

if TYPE_CHECKING:
    from myoseg.training.recipe import Recipe

app = typer.Typer(
    help="Segment myocardial scar and edema from bSSFP, LGE and T2 cardiac MR. Research use only.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(data_commands.app, name="data")
app.add_typer(model_commands.app, name="model")
app.add_typer(node_commands.app, name="node")
app.add_typer(pacs_commands.app, name="pacs")
app.command()(demo)
app.command()(predict)
app.command()(threshold)
app.command()(agree)
app.command()(report)

N_FOLDS = 5


@app.callback(invoke_without_command=True)
def root(
    show_version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Segment myocardial scar and edema from bSSFP, LGE and T2 cardiac MR. Research use only."""
    if show_version:
        from myoseg import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.command()
def train(
    out: Out,
    data: Annotated[
        Path | None,
        typer.Argument(help="Folder of a data set; not needed by `--preset default`."),
    ] = None,
    preset: Preset = "physiological",
    config: Config = None,
    changes: Set = None,
    fold: Annotated[
        int | None, typer.Option(min=0, help="Hold out this fold for validation.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue a stopped run.")] = False,
    n_workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            min=0,
            help="Processes that prepare slices; by default none, or up to 8 beside a GPU.",
            show_default=False,
        ),
    ] = None,
    layout: Layout = None,
    device: Device = "auto",
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Train every block of a preset's table on a data set; stopped runs can be resumed.

    `--preset default` trains the model that comes with the package: on simulated slices, or on a
    data set if one is given.
    """
    _start_log(quiet, verbose)
    from myoseg.training.load import load_any_recipe

    recipe = load_any_recipe(config if config is not None else preset, changes or ())
    from myoseg.api import train as train_on

    run = train_on(
        data,
        out,
        recipe=recipe,
        layout=layout,
        device=device,
        fold=fold,
        resume=resume,
        progress=not quiet,
        n_workers=n_workers,
    )
    say_where(run)


@app.command()
def evaluate(
    predicted: Annotated[Path, typer.Argument(help="Folder of predicted label maps.")],
    truth: Annotated[Path, typer.Argument(help="Folder of true label maps, or a data set.")],
    out: Out,
    coding: Annotated[
        str | None, typer.Option(help="Label coding of the truth, where it cannot be told.")
    ] = None,
    predicted_coding: Annotated[
        str | None, typer.Option(help="The same of the predictions.")
    ] = None,
    inside: Annotated[
        str | None,
        typer.Option(help="Count only what is predicted inside this true region: myocardium."),
    ] = None,
    slices_with: Annotated[
        str | None,
        typer.Option(help="Count only slices in which this true region has a pixel."),
    ] = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Compare two sets of label maps: Dice, Jaccard, distances and volumes by case and region."""
    _start_log(quiet, verbose)
    from myoseg.quantification.evaluate import evaluate as compare

    evaluation = compare(
        predicted,
        truth,
        out,
        predicted_coding=predicted_coding,
        true_coding=coding,
        inside=inside,
        slices_with=slices_with,
    )
    n_failed = len(evaluation.failures)
    close(out, n_failed=n_failed, n_cases=n_failed + evaluation.n_cases)


@app.command()
def reproduce(
    data: Data,
    out: Out,
    preset: Preset = "paper",
    config: Config = None,
    changes: Set = None,
    folds: Annotated[
        int, typer.Option(min=2, help="Folds of the cross-validation without a labelled test set.")
    ] = N_FOLDS,
    layout: Layout = None,
    device: Device = "auto",
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Run the paper's experiment: three methods, Table 1, Figures 3 to 5.

    Typed again, the same command goes on where it was stopped.
    """
    _start_log(quiet, verbose)
    recipe = _recipe(preset, config, changes)
    from myoseg.reproduction.experiment import reproduce as run_experiment

    say_where(
        run_experiment(
            data,
            recipe,
            out,
            layout=layout,
            n_folds=folds,
            device=device,
            progress=not quiet,
        )
    )


@app.command()
def info(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Versions, devices and presets of this installation."""
    from myoseg.manifest import environment_record
    from myoseg.training.recipe import preset_names

    record = {**environment_record(), "presets": list(preset_names())}
    if as_json:
        typer.echo(json.dumps(record, indent=2))
        return
    versions = record.pop("versions")
    for key, value in (versions | record).items():
        typer.echo(f"{key:28} {', '.join(value) if isinstance(value, list) else value}")


def _recipe(preset: str, config: Path | None, changes: list[str] | None) -> "Recipe":
    from myoseg.training.recipe import load_recipe

    return load_recipe(config if config is not None else preset, changes or ())


def main() -> None:
    """Runs the command; an error that the user can act on is one line, without a traceback."""
    try:
        app(prog_name="myoseg")
    except MyosegError as error:
        logging.getLogger(__name__).debug("traceback", exc_info=error)
        sys.stderr.write(f"myoseg: {error}\n")
        sys.exit(error.exit_code)
