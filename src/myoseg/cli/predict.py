"""`myoseg predict`: a case or a cohort segmented by a model."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from myoseg.cli.options import (
    T2,
    Align,
    Bssfp,
    Consecutive,
    Deidentify,
    Device,
    Engine,
    Key,
    Layout,
    Lge,
    Model,
    Out,
    Phase,
    Precision,
    Quiet,
    ShiftDates,
    Threads,
    Verbose,
    deidentification_of,
    named_series,
    require_alignment,
    series_record,
)
from myoseg.cli.results import (
    close,
    progress_over,
    require_dicom,
    scan_progress,
    start_log,
    told_how_to_go_on,
)
from myoseg.prediction.shipped import DEFAULT

if TYPE_CHECKING:
    from myoseg.cases.layouts import CaseFiles

log = logging.getLogger(__name__)


def predict(
    out: Out,
    model: Model = DEFAULT,
    data: Annotated[
        Path | None,
        typer.Option(
            "-i", "--input", help="Folder of a case, of a data set, or of studies in DICOM."
        ),
    ] = None,
    bssfp: Bssfp = None,
    lge: Lge = None,
    t2: T2 = None,
    phase: Phase = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the one case; by default from its file.")
    ] = None,
    layout: Layout = None,
    align: Align = "auto",
    device: Device = "auto",
    engine: Engine = "auto",
    precision: Precision = "auto",
    threads: Threads = None,
    blocks: Annotated[
        list[str] | None,
        typer.Option("--block", help="Use only this block of the model; may be repeated."),
    ] = None,
    consecutive: Consecutive = False,
    contours: Annotated[
        Path | None,
        typer.Option(
            help="Folder of label files whose anatomy is taken as given; scar and edema are found "
            "inside it. May be the data set itself."
        ),
    ] = None,
    coding: Annotated[
        str | None, typer.Option(help="Label coding of the contours, where it cannot be told.")
    ] = None,
    save_probs: Annotated[
        bool,
        typer.Option(
            "--save-probs",
            help="Write probabilities/CASE_BLOCK.nii.gz for each block; masks are cut at .5.",
        ),
    ] = False,
    report: Annotated[
        bool,
        typer.Option(
            "--report", help="Write a page for each case, and index.html for all of them."
        ),
    ] = False,
    dicom: Annotated[
        bool,
        typer.Option(
            "--dicom",
            help="Of studies in DICOM, write CASE_seg.dcm and CASE_sr.dcm too: segmentation and "
            "measurements on the original images, with the patient's identity.",
        ),
    ] = False,
    deidentify: Deidentify = False,
    key: Key = None,
    shift_dates: ShiftDates = False,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on in the output folder: cases done there are left out."),
    ] = False,
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="I/N",
            help="Do only the I-th of N equal parts of the cases, as one of N processes or "
            "machines that write into the same folder.",
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            "-j", "--jobs", min=1, help="Cases at once, each in a process; they share the cores."
        ),
    ] = None,
    ray: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Use the Ray cluster at HOST:PORT, auto, or local; --jobs is then the number of "
            "its workers. Needs the package ray, and the same folders on every node.",
        ),
    ] = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Segment a case or a cohort; missing sequences leave their tissues 'not assessed'."""
    start_log(quiet, verbose)
    series = named_series(bssfp, lge, t2)
    if data is None and not series:
        raise typer.BadParameter("give either -i FOLDER, or one or more of --bssfp, --lge and --t2")
    if phase is not None and data is None:
        raise typer.BadParameter("--phase goes with -i and a folder in DICOM")
    if data is not None and (series or phase is not None):
        require_dicom(data)
    if name is not None and data is not None:
        raise typer.BadParameter("--name goes with --bssfp, --lge and --t2, not with -i")
    if layout is not None and data is None:
        raise typer.BadParameter("--layout goes with -i")
    if ray is not None:
        if device not in ("auto", "cpu"):
            raise typer.BadParameter("workers on a Ray cluster compute on CPUs; leave --device out")
        device = "cpu"
    require_alignment(align)
    if deidentify and not dicom:
        raise typer.BadParameter(
            "--deidentify goes with --dicom; what else is written holds no identity"
        )
    deidentification = deidentification_of(deidentify, key, shift_dates)
    if coding is not None and contours is None:
        raise typer.BadParameter("--coding goes with --contours")
    from myoseg.cases.case_files import case_files
    from myoseg.cases.finding import find_any_cases
    from myoseg.cohort import PredictOptions, predict_cohort
    from myoseg.cohort_part import Share, not_done, require_same_run
    from myoseg.cohort_processes import predict_in_processes
    from myoseg.cohort_ray import predict_on_ray, workers_that_fit
    from myoseg.files import sha256_of, write_json
    from myoseg.given_contours import contours_of
    from myoseg.manifest import run_manifest
    from myoseg.prediction.description import DESCRIPTION, model_folder
    from myoseg.prediction.engines.engine import choose_engine
    from myoseg.prediction.model import ModelSource
    from myoseg.quantification.confidence import write_quality_table

    files = (
        find_any_cases(
            data,
            layout,
            series=series,
            phase=phase,
            must_be_dicom=dicom,
            progress=scan_progress(quiet),
        )
        if data is not None
        else [case_files(bssfp=bssfp, lge=lge, t2=t2, name=name)]
    )
    if shard is not None:
        share = Share.parse(shard).of(files)
        log.info("share %s holds %d of %d cases", shard, len(share), len(files))
        files = share
    if dicom and any(each.dicom is None for each in files):
        raise typer.BadParameter("--dicom goes with -i and a folder of studies in DICOM")
    folder = model_folder(model)
    choice = choose_engine(engine, device, precision, threads)
    source = ModelSource(folder, device, engine, precision, threads, tuple(blocks or ()))
    is_apart = ray is not None or (jobs is not None and jobs > 1)
    if is_apart:
        source.require_sound()  # the workers load it
    loaded = None if is_apart else source.load()
    drawn = contours_of(files, contours, coding) if contours and files else None
    manifest = run_manifest(
        "predict",
        device=device,
        seed=None,
        hashes={"model": sha256_of(folder / DESCRIPTION)},
        arguments={
            "model": folder.resolve().name,
            "blocks": blocks or [],
            "consecutive": consecutive,
            "layout": layout,
            "series": series_record(series) if data is not None else {},
            "phase": phase,
            "align": align,
            "save_probs": save_probs,
            "dicom": dicom,
            "deidentified": None if deidentification is None else deidentification.to_record(),
            "contours": None if contours is None else "given",
            "coding": coding,
            "precision": choice.precision,
        },
    ) | {"engine": choice.to_record()}
    if resume or shard is not None:
        require_same_run(out, manifest)
    if ray is not None:
        workers_that_fit(source, ray)
    done: list[CaseFiles] = []
    if resume:
        left = not_done(files, out)
        to_do = {each.name for each in left}
        done = [each for each in files if each.name not in to_do]
        log.info("%d of %d cases are done already", len(files) - len(left), len(files))
        files = left
    write_json(out / "run.json", manifest)
    options = PredictOptions(consecutive, save_probs, drawn, report, dicom, align, deidentification)
    if ray is not None:
        outcomes = predict_on_ray(files, source, out, options, ray, jobs)
    elif loaded is None:
        outcomes = predict_in_processes(files, source, out, options, jobs or 1)
    else:
        outcomes = predict_cohort(files, loaded, out, options)
    with told_how_to_go_on(out, len(files)):
        failed = [
            outcome
            for outcome in progress_over(
                outcomes, total=len(files), title="Segmenting", quiet=quiet
            )
            if outcome.error is not None
        ]
    if len(failed) < len(files) or not files:
        write_quality_table(out)
        if report:
            from myoseg.reporting.cohort_report import write_cohort_report
            from myoseg.reporting.report_cases import report_done

            unpaged = [each for each in report_done(done, out) if each.error is not None]
            write_cohort_report(out)
            close(out, n_failed=len(failed) + len(unpaged), n_cases=len(files) + len(unpaged))
            return
    close(out, n_failed=len(failed), n_cases=len(files))
