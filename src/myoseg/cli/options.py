"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[Path, typer.Argument(help="Folder of a data set.")]
Out = Annotated[Path, typer.Option("-o", "--out", help="Output folder.")]
Layout = Annotated[
    str | None,
    typer.Option(
        help="How the folder is laid out (`myoseg data layouts` lists them); found by itself "
        "where not given."
    ),
]
Model = Annotated[
    str,
    typer.Option(
        "-m",
        "--model",
        help="Name of a shipped model (`myoseg model list`), or run folder of `myoseg train`.",
    ),
]
Device = Annotated[str, typer.Option("-d", "--device", help="auto, cpu, gpu, gpu:N or mps.")]
Engine = Annotated[
    str,
    typer.Option(
        help="What runs the networks: openvino on a CPU, pytorch anywhere, or auto for the faster."
    ),
]
Precision = Annotated[
    str,
    typer.Option(
        help="auto (float32), float32, or bfloat16: faster where the processor has it, less exact."
    ),
]
Threads = Annotated[
    int | None, typer.Option(help="Threads that run the networks; all cores where not given.")
]
Preset = Annotated[
    str, typer.Option("--preset", help="paper, physiological, quick, demo or default.")
]
Config = Annotated[Path | None, typer.Option(help="A configuration file in the form of a preset.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a setting: networks.unet.epochs=20."),
]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Only warnings, no progress bars.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Every detail, and tracebacks.")]
Consecutive = Annotated[
    bool, typer.Option("--consecutive", help="Write label codes 1 to 5 instead of MyoPS codes.")
]
