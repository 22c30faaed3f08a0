"""`myoseg model`: the models that come with the package, and those of one's own."""

import json
from typing import Annotated

import typer

from myoseg.cli.options import Out
from myoseg.cli.results import say_where
from myoseg.errors import ModelError

app = typer.Typer(help="List, check and copy trained models.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name that `myoseg model list` shows.")]


@app.command("list")
def list_models(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the models that come with the package."""
    from myoseg.prediction.shipped import shipped_models
    from myoseg.reporting.described_model import entry_of

    entries = [entry_of(folder) for folder in shipped_models().values()]
    if as_json:
        typer.echo(json.dumps([entry.to_record() for entry in entries], indent=2))
        return
    typer.echo("\n\n".join(entry.to_text() for entry in entries) or "No model is installed.")


@app.command("verify")
def verify(
    model: Annotated[
        str | None,
        typer.Argument(help="Shipped model or run folder; by default every shipped model."),
    ] = None,
) -> None:
    """Check that every network of a model is there, whole and unaltered, and that it answers."""
    from myoseg.prediction.shipped import shipped_models
    from myoseg.prediction.verification import verify_model

    names = [model] if model is not None else list(shipped_models())
    if not names:
        raise ModelError("no model comes with this installation; install myoseg again.")
    faults = []
    for name in names:
        try:
            table = verify_model(name).table
        except ModelError as error:
            faults.append(str(error))
            continue
        for block in table.blocks:
            typer.echo(f"{block.name}: {', '.join(block.networks)}")
        typer.echo(f"{name} is whole.")
    if faults:
        raise ModelError("; ".join(faults))


@app.command("card")
def card(name: Name) -> None:
    """Print a model's card: what it is for, how it was trained, how well it does."""
    from myoseg.prediction.description import model_folder
    from myoseg.reporting.described_model import read_model_card
    from myoseg.reporting.model_card import card_markdown

    typer.echo(card_markdown(read_model_card(model_folder(name))), nl=False)


@app.command("export")
def export(name: Name, out: Out) -> None:
    """Copy a shipped model to a folder of its own, which `-m` then takes."""
    from myoseg.prediction.shipped import export_model

    export_model(name, out)
    say_where(out)
