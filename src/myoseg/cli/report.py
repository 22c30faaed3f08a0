"""`myoseg report`: pages for a reader, from label maps of any origin."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from myoseg.cli.options import Layout, Quiet, Verbose
from myoseg.cli.results import close, progress_over, start_log

log = logging.getLogger(__name__)


def report(
    labels: Annotated[
        Path,
        typer.Argument(
            help="A label map, or a folder of them: what `myoseg predict` wrote, or another "
            "program's or a reader's."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "-o", "--out", help="Output folder; by default that of what `myoseg predict` wrote."
        ),
    ] = None,
    bssfp: Annotated[Path | None, typer.Option(help="The bSSFP volume of one case.")] = None,
    lge: Annotated[Path | None, typer.Option(help="The LGE volume of one case.")] = None,
    t2: Annotated[Path | None, typer.Option(help="The T2 volume of one case.")] = None,
    images: Annotated[
        Path | None, typer.Option(help="Folder of the images, of a case or of a data set.")
    ] = None,
    coding: Annotated[
        str | None, typer.Option(help="Label coding of the label maps, where it cannot be told.")
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(help="Folder of true label maps, with which the cohort is compared."),
    ] = None,
    truth_coding: Annotated[str | None, typer.Option(help="Their coding, likewise.")] = None,
    insertion: Annotated[
        Path | None,
        typer.Option(
            help="Table (CSV) of the RV's insertion points as a reader set them: case, "
            "anterior_x_mm, anterior_y_mm, anterior_z_mm, inferior_x_mm, ...; RAS."
        ),
    ] = None,
    numbered: Annotated[
        bool,
        typer.Option(
            "--numbered", help="Call the cases case_0001 and so on, in the order of their names."
        ),
    ] = False,
    layout: Layout = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Write a page for each case, CASE_report.html, and one for a cohort, index.html.

    Pages need no other file and no network. Without images, the page of a case that is there
    already is kept, unless its label map has changed since.
    """
    start_log(quiet, verbose)
    one_by_one = bssfp is not None or lge is not None or t2 is not None
    if one_by_one and images is not None:
        raise typer.BadParameter("give either --images, or --bssfp, --lge and --t2")
    if labels.is_dir() and one_by_one:
        raise typer.BadParameter("--bssfp, --lge and --t2 go with one label map; give --images")
    if layout is not None and images is None:
        raise typer.BadParameter("--layout goes with --images")
    if truth is not None and not labels.is_dir():
        raise typer.BadParameter("--truth goes with a folder of label maps")
    if truth_coding is not None and truth is None:
        raise typer.BadParameter("--truth-coding goes with --truth")
    if numbered and out is None:
        raise typer.BadParameter("--numbered needs a folder of its own, -o")
    from myoseg.cases.layouts import case_files, find_cases
    from myoseg.quantification.insertion_files import read_insertions
    from myoseg.reporting.cohort_report import write_cohort_report
    from myoseg.reporting.cohort_truth import compared_with_truth
    from myoseg.reporting.origin import origin_of_run
    from myoseg.reporting.report_cases import (
        files_to_report,
        has_report,
        output_folder,
        report_cases,
    )

    files = files_to_report(labels, coding)
    folder = output_folder(files, out)
    by_name = {each.name: each for each in find_cases(images, layout)} if images else {}
    if one_by_one:
        by_name = {files[0].case: case_files(bssfp, lge, t2, name=files[0].case)}
    if images is not None:
        _say_missing([file.case for file in files if file.case not in by_name])
    points = read_insertions(insertion) if insertion else {}
    unknown = sorted(points.keys() - {file.case for file in files})
    if unknown:
        log.warning("%s: no label map is called %s", insertion, ", ".join(unknown[:5]))
    names = {f.case: f"case_{n:04d}" for n, f in enumerate(files, start=1)} if numbered else {}
    left = [
        f for f in files if by_name or numbered or f.case in points or not has_report(f, folder)
    ]
    if len(left) < len(files):
        log.info("%d of %d reports are there already", len(files) - len(left), len(files))
    outcomes = report_cases(left, by_name, folder, names, points)
    watched = progress_over(outcomes, total=len(left), title="Reporting", quiet=quiet)
    n_failed = sum(outcome.error is not None for outcome in watched)
    if labels.is_dir() and n_failed < len(files):
        compared = compared_with_truth(files, truth, truth_coding, names) if truth else None
        write_cohort_report(folder, compared, origin_of_run(files[0].path.parent))
    close(folder, n_failed=n_failed, n_cases=len(files))


def _say_missing(names: list[str]) -> None:
    if names:
        shown = ", ".join(names[:5]) + (" ..." if len(names) > 5 else "")
        log.warning("%d cases have no images and are shown without: %s", len(names), shown)
