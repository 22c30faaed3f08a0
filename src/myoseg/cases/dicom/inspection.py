"""A scanned folder enters; what is in it and what would be used leaves, as text or as a record.

Neither names a patient, a study's identifier or a date.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from myoseg.anatomy import Sequence
from myoseg.cases.dicom.candidates import Candidate
from myoseg.cases.dicom.choosing import Choice, DicomStudy, Judged
from myoseg.cases.dicom.scan import Progress, Scan, scan_folder
from myoseg.cases.dicom.study import studies_of_scan
from myoseg.cases.dicom.view import view_of

_MOST_FAULTS_SHOWN = 10


def inspect_folder(
    folder: Path,
    overrides: Mapping[Sequence, str] | None = None,
    progress: Progress | None = None,
) -> "Inspection":
    """What a folder holds; see `scan.scan_folder` and `study.studies_of_scan`.

    Raises:
        InputError: as they.
    """
    scan = scan_folder(folder, progress)
    return Inspection(scan, studies_of_scan(scan, overrides))


@dataclass(frozen=True, eq=False)
class Inspection:
    """What a folder holds, and what of each study would be used."""

    scan: Scan
    studies: Mapping[str, DicomStudy]

    def to_record(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "n_files": self.scan.n_files,
            "n_dicom": self.scan.n_dicom,
            "n_other_objects": sum(count for _, count in self.scan.others),
            "unreadable": list(self.scan.unreadable),
            "studies": {name: _study_record(study) for name, study in self.studies.items()},
        }

    def to_text(self) -> str:
        """For people: one paragraph a study."""
        n_others = sum(count for _, count in self.scan.others)
        lines = [
            f"{self.scan.n_files} files, {self.scan.n_dicom} of them DICOM"
            + (f", {n_others} of these no MR images" if n_others else "")
        ]
        faults = self.scan.unreadable
        lines += [f"cannot be read: {fault}" for fault in faults[:_MOST_FAULTS_SHOWN]]
        if len(faults) > _MOST_FAULTS_SHOWN:
            lines.append(f"cannot be read: {len(faults) - _MOST_FAULTS_SHOWN} more")
        for name, study in self.studies.items():
            lines += ["", f"{name}", *_study_lines(study)]
        return "\n".join(lines)


def _study_lines(study: DicomStudy) -> list[str]:
    used = _uses(study)
    lines = []
    for each in study.judged:
        candidate = each.candidate
        use = used.get(id(candidate))
        lines.append(f"  series {candidate.label}: {_size(candidate)}")
        lines.append(f"    {f'used as {use}' if use else f'not used: {_why_not(each)}'}")
        if use:
            lines += [f"      {reason}" for reason in study.choices[use].reasons]
        lines += [f"      note: {note}" for note in candidate.stack.notes]
    lines += [f"  no series for {s}" for s in Sequence if s not in study.choices]
    lines += [f"  look at this: {warning}" for warning in study.warnings]
    return lines


def _study_record(study: DicomStudy) -> dict[str, Any]:
    used = _uses(study)
    return {
        "series": [
            _series_record(each, used.get(id(each.candidate)), study.choices)
            for each in study.judged
        ],
        "missing": [str(s) for s in Sequence if s not in study.choices],
        "warnings": list(study.warnings),
    }


def _series_record(
    each: Judged, use: Sequence | None, choices: Mapping[Sequence, Choice]
) -> dict[str, Any]:
    candidate = each.candidate
    n_slices, n_rows, n_cols = candidate.stack.geometry.shape
    return {
        "numbers": list(candidate.numbers),
        "description": candidate.protocol.description,
        "n_slices": n_slices,
        "n_phases": candidate.stack.n_phases,
        "n_rows": n_rows,
        "n_cols": n_cols,
        "spacing_mm": [round(mm, 3) for mm in candidate.stack.geometry.spacing_mm],
        "view": str(view_of(candidate.stack.normal)),
        "component": candidate.protocol.component,
        "points": {str(s): points for s, points in each.verdict.points.items()},
        "used_as": None if use is None else str(use),
        "reasons": list(choices[use].reasons) if use else [_why_not(each)],
        "notes": list(candidate.stack.notes),
    }


def _uses(study: DicomStudy) -> dict[int, Sequence]:
    return {id(choice.candidate): sequence for sequence, choice in study.choices.items()}


def _size(candidate: Candidate) -> str:
    stack = candidate.stack
    n_slices, n_rows, n_cols = stack.geometry.shape
    slice_mm, row_mm, col_mm = stack.geometry.spacing_mm
    phases = f", {stack.n_phases} phases" if stack.n_phases > 1 else ""
    return (
        f"{n_slices} slices{phases}, {n_cols} x {n_rows} pixels, {col_mm:.3g} x {row_mm:.3g} x "
        f"{slice_mm:.3g} mm, {view_of(stack.normal)}"
    )


def _why_not(each: Judged) -> str:
    verdict, candidate = each.verdict, each.candidate
    if verdict.shut_out is not None:
        return verdict.shut_out
    if candidate.repeated_by is not None:
        return f"it was taken again as series {candidate.repeated_by}"
    if candidate.stack.fault is not None:
        return candidate.stack.fault
    best = max(Sequence, key=lambda sequence: verdict.points[sequence])
    if verdict.sequence is None:
        return f"too little speaks for any sequence (most for {best}: {verdict.points[best]})"
    if candidate.protocol.component == "phase-sensitive":
        return "it is phase-sensitive, and the magnitude is taken"
    return f"more speaks for another series as {best}"
