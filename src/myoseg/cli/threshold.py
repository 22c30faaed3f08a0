"""`myoseg threshold`: scar or edema by a classical threshold inside given contours."""

from pathlib import Path
from typing import Annotated

import typer

from myoseg.cli.options import (
    Align,
    Consecutive,
    Layout,
    Out,
    Phase,
    Quiet,
    Series,
    Verbose,
    named_series,
    require_alignment,
    series_record,
)
from myoseg.cli.results import (
    close,
    progress_over,
    scan_progress,
    start_log,
    told_how_to_go_on,
)


def threshold(
    data: Annotated[
        Path,
        typer.Option(
            "-i", "--input", help="Folder of a case, of a data set, or of studies in DICOM."
        ),
    ],
    out: Out,
    method: Annotated[
        str,
        typer.Option(help="2sd, 3sd, 5sd, 6sd, fwhm, otsu or half_way on LGE; t2_2sd on T2."),
    ],
    contours: Annotated[
        Path | None,
        typer.Option(
            help="Folder of label files that hold the myocardium, named as the cases; by default "
            "the data set's own, of which studies in DICOM have none."
        ),
    ] = None,
    coding: Annotated[
        str | None, typer.Option(help="Label coding of the contours, where it cannot be told.")
    ] = None,
    remote: Annotated[
        Path | None,
        typer.Option(
            help="Mask of remote myocardium of the only case, or folder of masks named as the "
            "cases; found by itself where not given."
        ),
    ] = None,
    min_island: Annotated[
        int, typer.Option(min=0, help="Drop islands of fewer pixels than this in a slice.")
    ] = 0,
    fill_holes: Annotated[
        bool, typer.Option("--fill-holes", help="Add wall that what is found encloses.")
    ] = False,
    report: Annotated[
        bool,
        typer.Option(
            "--report", help="Write a page for each case, and index.html for all of them."
        ),
    ] = False,
    bssfp: Series = None,
    lge: Series = None,
    t2: Series = None,
    phase: Phase = None,
    layout: Layout = None,
    align: Align = "auto",
    consecutive: Consecutive = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Find scar or edema in a given myocardium by a threshold, without a model."""
    start_log(quiet, verbose)
    require_alignment(align)
    series = named_series(bssfp, lge, t2)
    if series or phase is not None:
        _require_dicom(data)
    from myoseg.cases.finding import find_any_cases
    from myoseg.cohort import threshold_cohort
    from myoseg.files import write_json
    from myoseg.given_contours import contours_of
    from myoseg.manifest import run_manifest
    from myoseg.quantification.islands import Cleaning
    from myoseg.quantification.remote_files import remote_files
    from myoseg.quantification.threshold_methods import method_named

    chosen = method_named(method)
    files = find_any_cases(data, layout, series=series, phase=phase, progress=scan_progress(quiet))
    walls = contours_of(files, contours, coding)
    remotes = {} if remote is None else remote_files([each.name for each in files], remote)
    arguments = {
        "method": method,
        "contours": "given" if contours else "own",
        "coding": coding,
        "remote": "given" if remote else "found",
        "min_island": min_island,
        "fill_holes": fill_holes,
        "layout": layout,
        "series": series_record(series),
        "phase": phase,
        "align": align,
        "consecutive": consecutive,
    }
    manifest = run_manifest("threshold", device="cpu", seed=None, hashes={}, arguments=arguments)
    write_json(out / "run.json", manifest)
    cleaning = Cleaning(min_island, fill_holes)
    outcomes = threshold_cohort(
        files,
        walls,
        chosen,
        out,
        cleaning=cleaning,
        consecutive=consecutive,
        remotes=remotes,
        report=report,
        align=align,
    )
    shown = progress_over(outcomes, total=len(files), title="Thresholding", quiet=quiet)
    with told_how_to_go_on(out, len(files), resumable=False):
        failed = [outcome for outcome in shown if outcome.error is not None]
    if report and len(failed) < len(files):
        from myoseg.reporting.cohort_report import write_cohort_report

        write_cohort_report(out)
    close(out, n_failed=len(failed), n_cases=len(files))


def _require_dicom(folder: Path) -> None:
    from myoseg.cases.dicom.scan import holds_dicom

    if not holds_dicom(folder):
        raise typer.BadParameter(
            "--bssfp, --lge, --t2 and --phase name series of studies in DICOM, and the folder "
            "holds none"
        )
