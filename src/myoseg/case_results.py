"""A segmented case enters; its label map, statistics, preview and what else was asked for leave."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from myoseg.anatomy import Sequence
from myoseg.cases.alignment import AlignmentRecord
from myoseg.cases.case import Case, LabelMap, Segmentation
from myoseg.cases.dicom.pseudonyms import Deidentification
from myoseg.cases.layouts import CaseFiles
from myoseg.cases.nifti import write_labels, write_volume
from myoseg.errors import InputError
from myoseg.files import write_json
from myoseg.quantification.measures import Measures, measure
from myoseg.quantification.pairing import PROBABILITIES
from myoseg.quantification.volumes import statistics_record
from myoseg.reporting.origin import Origin, origin_of_run
from myoseg.reporting.preview import preview
from myoseg.reporting.raster import save_picture


def with_flags(segmentation: Segmentation, alignment: AlignmentRecord | None) -> Segmentation:
    """The segmentation with what alignment says to look at among its flags."""
    quality = segmentation.quality
    if alignment is None or quality is None:
        return segmentation
    flags = quality.flags + alignment.flags()
    return replace(segmentation, quality=replace(quality, flags=flags))


def alignment_notes(alignment: AlignmentRecord | None) -> dict[str, Any]:
    """What CASE_stats.json says of how sequences came onto one grid; nothing where they were."""
    return {} if alignment is None else {"alignment": alignment.to_record()}


def save_segmentation(
    segmentation: Segmentation,
    case: Case,
    out: Path,
    *,
    consecutive: bool = False,
    probabilities: bool = False,
    notes: Mapping[str, Any] | None = None,
    measures: Measures | None = None,
    report: Origin | None = None,
) -> None:
    """Writes CASE_stats.json, CASE_preview.png and, last, CASE_seg.nii.gz into `out`.

    Args:
        segmentation: what was found.
        case: that it was found in.
        out: the folder.
        consecutive: whether to write label codes 1 to 5.
        probabilities: whether to write probabilities/CASE_BLOCK.nii.gz too, float32.
        notes: further entries of CASE_stats.json.
        measures: of the case; by default those of its labels and its LGE.
        report: what made the segmentation, for CASE_report.html; no report where None.

    Raises:
        OutputError: a file cannot be written.
    """
    name, labels, geometry = segmentation.name, segmentation.labels, segmentation.geometry
    quality = segmentation.quality
    known = measures or measures_of(labels, case)
    record = statistics_record(name, labels, geometry, quality, measures=known)
    record |= dict(notes or {})
    write_json(out / f"{name}_stats.json", record)
    save_picture(preview(case, labels, quality).painted(), out / f"{name}_preview.png")
    if report is not None:
        # Here, since what fills in pages takes a while to import.
        from myoseg.reporting.case_report import report_path, write_case_report

        page = report_path(out, name)
        write_case_report(page, case, labels, measures=known, quality=quality, origin=report)
    for block, probability in segmentation.probabilities.items() if probabilities else ():
        write_volume(out / PROBABILITIES / f"{name}_{block}.nii.gz", probability, geometry)
    write_labels(labels_path(out, name), labels.codes, geometry, consecutive=consecutive)


def save_in_dicom(
    segmentation: Segmentation,
    measures: Measures,
    files: CaseFiles,
    out: Path,
    *,
    drawn: bool,
    deidentification: Deidentification | None = None,
) -> None:
    """Writes CASE_seg.dcm and CASE_sr.dcm.

    Args:
        segmentation: what was found.
        measures: of it.
        files: the study.
        out: the folder.
        drawn: whether contours were given.
        deidentification: as in `reporting.dicom_results.save_dicom_results`.

    Raises:
        InputError: the case is not in DICOM.
    """
    # Here, since what writes DICOM takes a while to import.
    from myoseg.cases.dicom.authorship import Authorship
    from myoseg.cases.dicom.originals import originals_of_source
    from myoseg.reporting.dicom_results import save_dicom_results

    if files.dicom is None:
        raise InputError(f"case {files.name} is not in DICOM, so no result in DICOM can be made.")
    made = Authorship("SEMIAUTOMATIC" if drawn else "AUTOMATIC", origin_of_run(out).method)
    originals = originals_of_source(files.dicom, segmentation.geometry)
    save_dicom_results(
        segmentation,
        measures,
        originals,
        out,
        authorship=made,
        deidentification=deidentification,
    )


def measures_of(labels: LabelMap, case: Case) -> Measures:
    """What is measured of labels, and of the case's LGE where it has one."""
    return measure(
        labels,
        case.geometry,
        lge=case.images.get(Sequence.LGE),
        slice_thickness_mm=case.slice_thickness_mm,
    )


def labels_path(out: Path, case: str) -> Path:
    """Where the label map of a case lies among its results."""
    return out / f"{case}_seg.nii.gz"
