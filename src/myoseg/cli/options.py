"""Arguments and options that several commands share."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from myoseg.anatomy import Sequence
    from myoseg.cases.dicom.pseudonyms import Deidentification

Data = Annotated[Path, typer.Argument(help="Folder of a data set.")]
Out = Annotated[Path, typer.Option("-o", "--out", help="Output folder.")]
Align = Annotated[
    str,
    typer.Option(
        metavar="auto|off|geometry|full",
        help="How sequences on different grids come onto one: by where the files say that slices "
        "lie (geometry), with each slice also moved to where the patient lay (full), or not (off). "
        "auto is off where all share a grid, else full.",
    ),
]

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
Bssfp = Annotated[
    str | None,
    typer.Option(
        metavar="FILE|SERIES",
        help="The bSSFP volume of one case; with a folder in DICOM, the series to use: its number, "
        "description or identifier.",
    ),
]
Lge = Annotated[
    str | None,
    typer.Option(metavar="FILE|SERIES", help="The LGE volume of one case, or series likewise."),
]
T2 = Annotated[
    str | None,
    typer.Option(metavar="FILE|SERIES", help="The T2 volume of one case, or series likewise."),
]
Series = Annotated[
    str | None,
    typer.Option(
        metavar="SERIES", help="Use this series for the sequence: number, description, identifier."
    ),
]
Phase = Annotated[
    int | None,
    typer.Option(
        min=1, help="Phase of a cine in DICOM, in order of time; end-diastole where not given."
    ),
]

Deidentify = Annotated[
    bool,
    typer.Option(
        "--deidentify",
        help="Write results in DICOM without identity, by the basic profile of PS3.15, as `myoseg "
        "data deidentify` writes the images with the same --key: they still belong together.",
    ),
]
Key = Annotated[
    Path | None,
    typer.Option(
        "--key",
        help="With --deidentify: file of at least 16 random bytes that pseudonyms and identifiers "
        "follow from; that of the images.",
    ),
]
ShiftDates = Annotated[
    bool,
    typer.Option(
        "--shift-dates",
        help="With --deidentify: move the study's date back as the images' is, not remove it.",
    ),
]


def named_series(bssfp: str | None, lge: str | None, t2: str | None) -> "dict[Sequence, str]":
    """What was given for each sequence."""
    from myoseg.anatomy import Sequence

    given = {Sequence.BSSFP: bssfp, Sequence.LGE: lge, Sequence.T2: t2}
    return {sequence: name for sequence, name in given.items() if name is not None}


def series_record(series: "Mapping[Sequence, str]") -> dict[str, str]:
    """What was given, for `run.json`: numbers as they are, else a hash, since names may tell."""
    return {
        str(sequence): name if name.isdecimal() else hashlib.sha256(name.encode()).hexdigest()[:12]
        for sequence, name in series.items()
    }


def deidentification_of(
    deidentify: bool, key: Path | None, shift_dates: bool
) -> "Deidentification | None":
    """How results lose their identity; None where they keep it.

    Raises:
        BadParameter: the key is missing, or options are given that mean nothing without another.
        ConfigurationError: the key cannot be read.
    """
    if not deidentify:
        if key is not None or shift_dates:
            raise typer.BadParameter("--key and --shift-dates go with --deidentify")
        return None
    if key is None:
        raise typer.BadParameter(
            "--deidentify needs --key, the one with which `myoseg data deidentify` writes the "
            "images; make one with: head -c 32 /dev/urandom > KEY"
        )
    from myoseg.cases.dicom.pseudonyms import Deidentification, PseudonymKey

    return Deidentification(PseudonymKey.read(key), "shifted" if shift_dates else "removed")


def require_alignment(name: str) -> None:
    """Refuses an alignment that there is not.

    Raises:
        BadParameter: there is none of that name.
    """
    names = ("auto", "off", "geometry", "full")
    if name not in names:
        raise typer.BadParameter(f"there is no alignment {name!r}; give one of {', '.join(names)}")
