"""A data set enters; a report on every case and every problem leaves, however bad the files."""

from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from myoseg.anatomy import Sequence
from myoseg.cases.case import Geometry, LabelMap
from myoseg.cases.case_files import CaseFiles, Role
from myoseg.cases.grids import require_same_grid
from myoseg.cases.labels import LabelCoding, decode_labels, first_covering, name_of, sizes
from myoseg.cases.layouts import Survey, survey_folder
from myoseg.cases.legend import in_words
from myoseg.cases.nifti import header_faults, read_label_volume, read_volume
from myoseg.cases.reading import finite, intensity_faults
from myoseg.errors import InputError


@dataclass(frozen=True)
class Problem:
    """Something found: an error keeps the case from being used, a warning does not."""

    severity: Literal["error", "warning"]
    message: str

    def __str__(self) -> str:
        return f"{self.severity}: {self.message}"


@dataclass(frozen=True)
class LabelSize:
    """How much of a case is labelled as one group of tissues."""

    group: str
    n_voxels: int
    volume_ml: float


@dataclass(frozen=True)
class CaseReport:
    """What a case holds; shape and spacing are (slice, row, col), None where nothing is readable.

    `labels` is None where there are none or they cannot be read.
    """

    name: str
    patient: str
    role: Role | None
    sequences: tuple[Sequence, ...]
    shape: tuple[int, int, int] | None
    spacing_mm: tuple[float, float, float] | None
    labels: tuple[LabelSize, ...] | None
    not_assessed: tuple[str, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class DataReport:
    """What a data set holds, case by case; `problems` are those of no single case."""

    folder: Path
    layout: str
    cases: tuple[CaseReport, ...]
    problems: tuple[Problem, ...]

    @property
    def has_errors(self) -> bool:
        """Whether some case cannot be used."""
        found = [*self.problems, *(problem for case in self.cases for problem in case.problems)]
        return any(problem.severity == "error" for problem in found)

    def to_record(self) -> dict[str, Any]:
        """The report as JSON values."""
        return asdict(self) | {
            "folder": str(self.folder),
            "cases": [asdict(case) | {"sequences": list(case.sequences)} for case in self.cases],
            "has_errors": self.has_errors,
        }

    def rows(self) -> list[tuple[str, ...]]:
        """A table with its header: one row a case, problems counted."""
        header = ("case", "role", "sequences", "cols x rows x slices", "mm", "labels", "problems")
        return [header, *(_row(case) for case in self.cases)]

    def to_text(self) -> str:
        """The table, and below it every problem."""
        rows = self.rows()
        widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
        found = [("", problem) for problem in self.problems]
        found += [(f"{case.name}: ", problem) for case in self.cases for problem in case.problems]
        title = f"{self.folder}: {len(self.cases)} cases in layout {self.layout}"
        problems = [f"{where}{problem}" for where, problem in found] or ["no problem found"]
        return "\n".join([title, "", *lines, "", *problems])


def _row(case: CaseReport) -> tuple[str, ...]:
    shape, spacing_mm = case.shape or (), case.spacing_mm or ()
    labels = [
        f"{in_words(label.group)} {label.n_voxels} ({label.volume_ml:.1f} mL)"
        for label in case.labels or ()
    ]
    return (
        case.name,
        case.role or "",
        " ".join(case.sequences),
        "x".join(str(length) for length in reversed(shape)),
        " x ".join(f"{edge:.3g}" for edge in reversed(spacing_mm)),
        ", ".join(labels) or "none",
        str(len(case.problems) or ""),
    )


def check_data(
    folder: Path, layout: str | None = None, coding: LabelCoding | None = None
) -> DataReport:
    """Reads every file of a data set, one case at a time, and reports what is wrong with it.

    Raises:
        InputError: the folder does not exist or holds no case of a known layout.
    """
    survey = survey_folder(folder, layout, coding)
    expected = {sequence for case in survey.cases for sequence in case.images}
    labelled_roles = {case.role for case in survey.cases if case.labels is not None}
    return DataReport(
        folder=folder,
        layout=survey.layout,
        cases=tuple(
            check_case(case, expected, labels_expected=case.role in labelled_roles)
            for case in survey.cases
        ),
        problems=_problems_of_folder(survey),
    )


def _problems_of_folder(survey: Survey) -> tuple[Problem, ...]:
    return (
        *(Problem("error", conflict) for conflict in survey.conflicts),
        *(
            Problem("warning", f"{path} belongs to no case; remove it or name it as its case is")
            for path in survey.unexplained
        ),
    )


def check_case(
    files: CaseFiles, expected: Collection[Sequence] = (), labels_expected: bool = False
) -> CaseReport:
    """Reads a case's files and reports what is wrong; `expected` is what other cases have."""
    findings = _Findings()
    for sequence in Sequence:
        if sequence in files.images:
            _check_image(files.images[sequence], findings)
        elif sequence in expected:
            findings.warn(f"has no {sequence}, as other cases have; what needs it is not assessed")
    labels = None
    if files.labels is not None:
        labels = _check_labels(files, files.labels, findings)
    elif labels_expected:
        findings.warn("has no labels, as other cases have")
    geometry = findings.grid[1] if findings.grid else None
    return CaseReport(
        name=files.name,
        patient=files.patient,
        role=files.role,
        sequences=tuple(sequence for sequence in Sequence if sequence in files.images),
        shape=geometry.shape if geometry else None,
        spacing_mm=geometry.spacing_mm if geometry else None,
        labels=_label_sizes(labels, geometry) if labels and geometry else None,
        not_assessed=labels.not_assessed if labels else (),
        problems=tuple(findings.problems),
    )


@dataclass
class _Findings:
    """What is known of a case while its files are read one after the other."""

    problems: list[Problem] = field(default_factory=list)
    grid: tuple[Path, Geometry] | None = None

    def warn(self, message: str) -> None:
        self.problems.append(Problem("warning", message))

    def fail(self, error: InputError) -> None:
        self.problems.append(Problem("error", str(error)))

    def compare(self, path: Path, geometry: Geometry) -> None:
        """Compares with the first readable file's grid, or takes this for the first."""
        self.grid = self.grid or (path, geometry)
        try:
            require_same_grid(path, geometry, *self.grid)
        except InputError as error:
            self.fail(error)


def _check_image(path: Path, findings: _Findings) -> None:
    try:
        volume, geometry = read_volume(path)
    except InputError as error:
        findings.fail(error)
        return
    findings.compare(path, geometry)
    try:
        finite(volume, path)
    except InputError as error:
        findings.fail(error)
    else:
        for fault in (*header_faults(path), *intensity_faults(volume)):
            findings.warn(f"{path}: {fault}")


def _check_labels(files: CaseFiles, path: Path, findings: _Findings) -> LabelMap | None:
    try:
        values, geometry = read_label_volume(path)
    except InputError as error:
        findings.fail(error)
        return None
    findings.compare(path, geometry)
    try:
        labels = decode_labels(values, first_covering(files.codings, values), path)
    except InputError as error:
        findings.fail(error)
        return None
    if not labels.codes.any():
        findings.warn(f"{path} labels no voxel at all")
    return labels


def _label_sizes(labels: LabelMap, geometry: Geometry) -> tuple[LabelSize, ...]:
    return tuple(
        LabelSize(name_of(group), n_voxels, n_voxels * geometry.voxel_ml)
        for group, n_voxels in sizes(labels).items()
    )
