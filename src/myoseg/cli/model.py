"""`myoseg model`: look after trained models."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Look after trained models.", no_args_is_help=True)


@app.command("verify")
def verify(
    model: Annotated[Path, typer.Argument(help="Run folder that `myoseg train` wrote.")],
) -> None:
    """Check that every network of a model is there, whole and unaltered."""
    from myoseg.prediction.model import load_model

    table = load_model(model, device="cpu").table
    for block in table.blocks:
        typer.echo(f"{block.name}: {', '.join(block.networks)}")
    typer.echo(f"{model} is whole.")
