"""A page that sets simulated slices beside real ones: `python scripts/gallery.py DATA... -o OUT`.

DATA are folders of real cases in any known layout; the page is for the eyes of those who may see
them and belongs nowhere else. Rows alternate: a real case, then a simulated one of its sequence.
"""

import argparse
import base64
import html
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float32
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from myoseg.anatomy import Sequence
from myoseg.cases.case import Volume
from myoseg.cases.layouts import find_cases, read_case
from myoseg.cases.phantom import PhantomConfig
from myoseg.cases.phantom.config import clinical
from myoseg.cases.phantom.study import simulate_study
from myoseg.files import write_text
from myoseg.reporting.view import grey_window
from myoseg.training.cascade.examples import SimulatedExamples
from myoseg.training.cascade.recipe import load_cascade_recipe

N_COLUMNS = 8
TILE_INCHES = 1.2


def main() -> None:
    """Writes OUT/index.html."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="+", type=Path, help="folders of real cases")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder of the page")
    parser.add_argument("-n", type=int, default=4, help="real cases of each folder")
    arguments = parser.parse_args()
    sections = [
        section
        for number, folder in enumerate(arguments.data)
        for section in _compared(folder, arguments.n, seed=1000 * number)
    ]
    sections.append(("What the networks of the default model learn from", _training_slices()))
    body = "\n".join(
        f'<h2>{html.escape(title)}</h2>\n<img alt="{html.escape(title)}" src="{_embedded(figure)}">'
        for title, figure in sections
    )
    style = "body{font:16px sans-serif;margin:2em;background:#111;color:#eee}img{max-width:100%}"
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Real and simulated</title>'
        f"<style>{style}</style><h1>Real and simulated slices</h1>\n{body}</html>\n"
    )
    write_text(arguments.out / "index.html", page)


def _compared(folder: Path, n_cases: int, seed: int) -> Iterator[tuple[str, Figure]]:
    """For each sequence of the folder, its cases and as many simulated ones."""
    files = find_cases(folder)
    chosen = [files[k] for k in np.linspace(0, len(files) - 1, n_cases).round().astype(int)]
    cases = [read_case(each, with_labels=False) for each in chosen]
    for sequence in Sequence:
        real = [case.images[sequence] for case in cases if sequence in case.images]
        rows = []
        for number, volume in enumerate(real):
            study = simulate_study(seed + number, clinical(PhantomConfig()))
            rows += [("real", volume), ("simulated", study.series[sequence].case.images[sequence])]
        if rows:
            yield f"{folder.name}, {sequence}", _montage(rows)


def _montage(rows: list[tuple[str, Volume]]) -> Figure:
    """A row of slices for each volume, from its first to its last."""
    figure = Figure(figsize=(N_COLUMNS * TILE_INCHES, len(rows) * TILE_INCHES), facecolor="#111")
    for row, (label, volume) in enumerate(rows):
        low, high = grey_window(volume)
        picks = np.linspace(0, len(volume) - 1, N_COLUMNS).round().astype(int)
        for column, index in enumerate(picks):
            axes = _axes(figure, len(rows), row, column)
            axes.imshow(volume[index], cmap="gray", vmin=low, vmax=high)
            if column == 0:
                axes.set_title(label, color="#eee", fontsize=7, pad=1)
    return figure


def _training_slices() -> Figure:
    """Samples of the anatomy stage, as its network sees them."""
    recipe = load_cascade_recipe()
    stage = recipe.built_stages[0]
    examples = SimulatedExamples(stage, recipe.stages[stage.name], recipe.simulation, recipe.seed)
    n_rows = 6
    figure = Figure(figsize=(N_COLUMNS * TILE_INCHES, n_rows * TILE_INCHES), facecolor="#111")
    for place in range(n_rows * N_COLUMNS):
        images = examples[place][0].numpy()
        axes = _axes(figure, n_rows, *divmod(place, N_COLUMNS))
        axes.imshow(_seen(images), cmap="gray", vmin=-0.2, vmax=1.4)
    return figure


def _seen(images: Float32[np.ndarray, "input row col"]) -> Float32[np.ndarray, "row col"]:
    """The channel that is there."""
    return np.asarray(images[np.abs(images).sum(axis=(1, 2)).argmax()])


def _axes(figure: Figure, n_rows: int, row: int, column: int) -> Axes:
    height, width = 1 / n_rows, 1 / N_COLUMNS
    axes = figure.add_axes((column * width, 1 - (row + 1) * height, 0.98 * width, 0.88 * height))
    axes.set_axis_off()
    return axes


def _embedded(figure: Figure) -> str:
    stream = io.BytesIO()
    figure.savefig(stream, dpi=120, facecolor=figure.get_facecolor())
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()


if __name__ == "__main__":
    main()
