"""`myoseg data export`: a label map as DICOM SEG, with a structured report, or for 3D Slicer."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from myoseg.cli.options import (
    Deidentify,
    Key,
    Out,
    Quiet,
    ShiftDates,
    Verbose,
    deidentification_of,
)
from myoseg.cli.results import progress_over, say_where, start_log

if TYPE_CHECKING:
    from myoseg.cases.dicom.authorship import Authorship, Origin


class Format(StrEnum):
    """What a label map can be exported to."""

    SEG = "seg"
    SR = "sr"
    NRRD = "nrrd"


class Drawn(StrEnum):
    """How a label map came about."""

    AUTOMATIC = "automatic"
    SEMIAUTOMATIC = "semiautomatic"
    MANUAL = "manual"


def export(
    labels: Annotated[Path, typer.Argument(help="A label map: CASE_seg.nii.gz.")],
    out: Out,
    to: Annotated[
        Format,
        typer.Option(
            help="seg: CASE_seg.dcm; sr: that and CASE_sr.dcm, the measurements; nrrd: "
            "CASE.seg.nrrd for 3D Slicer."
        ),
    ] = Format.SEG,
    source: Annotated[
        Path | None,
        typer.Option(help="Folder of the DICOM study that was segmented; needed by seg and sr."),
    ] = None,
    series: Annotated[
        str | None,
        typer.Option(help="Number, description or UID of the series, where several may be meant."),
    ] = None,
    coding: Annotated[
        str | None, typer.Option(help="Label coding of the label map, where it cannot be told.")
    ] = None,
    drawn: Annotated[
        Drawn | None,
        typer.Option(help="How the labels came about, where no run.json beside them says so."),
    ] = None,
    deidentify: Deidentify = False,
    key: Key = None,
    shift_dates: ShiftDates = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Write a label map for other programs, on the original images and with their identity.

    Labels are not resampled: the label map must lie on the grid of one of the series. Files carry
    the patient's name and identifiers as the images do, so that an archive files them together;
    with --deidentify they carry none.
    """
    start_log(quiet, verbose)
    if (source is None) != (to is Format.NRRD):
        raise typer.BadParameter("--source goes with seg and sr, and both need it")
    if series is not None and source is None:
        raise typer.BadParameter("--series goes with --source")
    if deidentify and source is None:
        raise typer.BadParameter("--deidentify goes with seg and sr; nrrd holds no identity")
    deidentification = deidentification_of(deidentify, key, shift_dates)
    from myoseg.cases.case import Segmentation
    from myoseg.quantification.decoding import read_label_map
    from myoseg.reporting.report_cases import files_to_report

    if labels.is_dir():
        raise typer.BadParameter("give one label map, not a folder")
    file = files_to_report(labels, coding)[0]
    found, geometry = read_label_map(file)
    segmentation = Segmentation(file.case, found, geometry)
    if source is None:
        from myoseg.cases.seg_nrrd import SUFFIX, write_seg_nrrd

        write_seg_nrrd(out / f"{file.case}{SUFFIX}", segmentation)
    else:
        from myoseg.cases.dicom.originals import find_originals
        from myoseg.quantification.measures import measure
        from myoseg.reporting.dicom_results import save_dicom_results

        made = _authorship(labels.parent, drawn)
        originals = find_originals(
            source,
            found,
            geometry,
            series,
            lambda paths, total: progress_over(paths, total, "Reading headers", quiet=quiet),
        )
        thickness_mm = originals.slice_thickness_mm
        measures = (
            measure(found, geometry, slice_thickness_mm=thickness_mm) if to is Format.SR else None
        )
        save_dicom_results(
            segmentation,
            measures,
            originals,
            out,
            authorship=made,
            deidentification=deidentification,
        )
    say_where(out)


def _authorship(folder: Path, drawn: Drawn | None) -> "Authorship":
    """As the user says, or as the run that wrote the label map recorded."""
    from myoseg.cases.dicom.authorship import Authorship
    from myoseg.reporting.origin import UNKNOWN, origin_of_run

    origin = origin_of_run(folder)
    if drawn is None and origin == UNKNOWN:
        raise typer.BadParameter(
            "no run.json beside the label map says how it came about: give --drawn automatic, "
            "semiautomatic or manual"
        )
    kind = cast("Origin", (drawn or Drawn.AUTOMATIC).value.upper())
    return Authorship(kind, origin.method)
