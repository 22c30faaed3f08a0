"""What must be known of a model before it is used: a record in, a page of Markdown out.

After Mitchell et al., "Model Cards for Model Reporting", FAT* 2019.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import ConfigDict, TypeAdapter, ValidationError

from myoseg.errors import ModelError

INTENDED_USE: Final = (
    "Research only: measuring scar, edema and ventricles in short-axis bSSFP, LGE and T2 images of "
    "adults after myocardial infarction, with a reader who looks at every result."
)
NOT_FOR: Final = (
    "diagnosis or decisions on treatment: it is no medical device",
    "patients unlike those it was tested on: children, congenital disease, cardiomyopathies, "
    "myocarditis, pregnancy, devices in the heart",
    "other parts of the body, long-axis views, and other sequences such as cine in motion, mapping "
    "or perfusion",
    "images with artefacts that nobody corrected: bands, ghosts, breathing, fold-over",
    "measuring without a look at the contours, or comparing groups scanned in different ways",
)
STRICT: Final = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class EvaluationRow:
    """One figure of how well a model does.

    Attributes:
        data_set: what was segmented.
        n: cases that the figure is of.
        region: of `anatomy.REGIONS`.
        measure: with its unit, such as "Dice" or "volume error, ml".
        value: the mean over cases.
        interval: its 95 % confidence interval; None where there is none.
        command: that gives the figure.
    """

    __pydantic_config__ = STRICT

    data_set: str
    n: int
    region: str
    measure: str
    value: float
    interval: tuple[float, float] | None = None
    command: str = ""


@dataclass(frozen=True)
class BlockRow:
    """A block of a model: what it finds and from which sequences (see `blocks.Block`)."""

    __pydantic_config__ = STRICT

    name: str
    target: tuple[str, ...]
    inputs: tuple[str, ...]
    substitutes: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


@dataclass(frozen=True)
class StageRow:
    """A network of a model, and its file.

    Attributes:
        name: of the stage.
        blocks: that it answers.
        guides: blocks of earlier stages that it reads.
        size_px: pixels along the side of the square it sees.
        channels: of its levels.
        n_steps: of training; None where it was not written down.
        batch_size: slices a step, likewise.
        weights: name of the file.
        weights_sha256: of that file.
        weights_mb: its size, in 10^6 bytes.
    """

    __pydantic_config__ = STRICT

    name: str
    blocks: tuple[str, ...]
    guides: tuple[str, ...]
    size_px: int
    channels: tuple[int, ...]
    n_steps: int | None
    batch_size: int | None
    weights: str
    weights_sha256: str
    weights_mb: float


@dataclass(frozen=True)
class CardNotes:
    """What people write of a model; stands as `card` in its `model.json`.

    Attributes:
        version: of the model, not of the program.
        date: on which it was trained, as YYYY-MM-DD.
        licence: of the weights.
        summary: one line on what it was trained on.
        intended_use: what it is for.
        not_for: what it must not be used for.
        architecture: in words.
        training_cases: what it has seen, and what it has not.
        training_command: that trains it again.
        hardware: it was trained on.
        cpu_hours: of all processes, user and system; None where not measured.
        known_failures: where it is known to be wrong.
        sources: works that it follows.
    """

    __pydantic_config__ = STRICT

    version: str = "unversioned"
    date: str = ""
    licence: str = "Apache-2.0"
    summary: str = ""
    intended_use: str = INTENDED_USE
    not_for: tuple[str, ...] = NOT_FOR
    architecture: str = ""
    training_cases: str = ""
    training_command: str = ""
    hardware: str = ""
    cpu_hours: float | None = None
    known_failures: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModelCard:
    """All that is said of a model.

    Attributes:
        name: by which it is asked for.
        notes: what people wrote of it.
        blocks: what it finds.
        stages: its networks.
        seed: of training; None where it was not written down.
        versions: of the programs that trained it.
        evaluation: how well it does.
    """

    __pydantic_config__ = STRICT

    name: str
    notes: CardNotes
    blocks: tuple[BlockRow, ...]
    stages: tuple[StageRow, ...]
    seed: int | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    evaluation: tuple[EvaluationRow, ...] = ()

    def to_record(self) -> dict[str, Any]:
        """The card as JSON values."""
        record: dict[str, Any] = _ADAPTER.dump_python(self, mode="json")
        return record

    @classmethod
    def from_record(cls, record: Mapping[str, Any], source: str = "the model card") -> "ModelCard":
        """The inverse of `to_record`; `source` names the file in an error.

        Raises:
            ModelError: a field is missing, unknown or of another type.
        """
        try:
            return _ADAPTER.validate_python(record)
        except ValidationError as error:
            faults = "; ".join(
                f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()
            )
            raise ModelError(
                f"{source} cannot be read: {faults}; correct it, or restore it from a copy."
            ) from error


_ADAPTER: Final = TypeAdapter(ModelCard)


def card_markdown(card: ModelCard) -> str:
    """The card as a page; a section of which nothing is known says so."""
    notes = card.notes
    sections = [
        f"# Model card: {card.name} {notes.version}",
        "\n".join(filter(None, (notes.summary, f"{notes.date or 'Undated'}. {notes.licence}."))),
        f"## Use\n\n{notes.intended_use}\n\nNot for:\n\n{_bullets(notes.not_for)}",
        _section("What it is", notes.architecture, _blocks_table(card), _stages_table(card)),
        _section("Training", notes.training_cases, _training_table(card)),
        _section("Evaluation", _evaluation_table(card), _commands(card)),
        _section("Known failures", _bullets(notes.known_failures)),
        _section("Files", _files_table(card)),
        _section("Sources", _bullets(notes.sources)),
    ]
    return "\n\n".join(sections) + "\n"


def _section(title: str, *paragraphs: str) -> str:
    kept = [each for each in paragraphs if each] or ["Not written down."]
    return "\n\n".join([f"## {title}", *kept])


def _bullets(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; nothing where there is no row."""
    lines = [f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in r)} |" for r in rows]
    return "\n".join(
        [f"| {' | '.join(header)} |", "|---" * len(header) + "|", *lines] if lines else []
    )


def _blocks_table(card: ModelCard) -> str:
    header = ("block", "finds", "reads", "or the first of", "and if there")
    return _table(
        header,
        [
            (b.name, *map(", ".join, (b.target, b.inputs, b.substitutes, b.optional)))
            for b in card.blocks
        ],
    )


def _stages_table(card: ModelCard) -> str:
    header = ("network", "answers", "guided by", "sees, pixels", "channels")
    rows = [
        (
            stage.name,
            ", ".join(stage.blocks),
            ", ".join(stage.guides),
            f"{stage.size_px} x {stage.size_px}",
            ", ".join(map(str, stage.channels)),
        )
        for stage in card.stages
    ]
    return _table(header, rows)


def _training_table(card: ModelCard) -> str:
    notes = card.notes
    steps = [
        (f"steps x batch, {s.name}", f"{s.n_steps} x {s.batch_size}")
        for s in card.stages
        if s.n_steps is not None
    ]
    rows: list[tuple[str, object]] = [
        ("command", f"`{notes.training_command}`" if notes.training_command else ""),
        ("seed", "" if card.seed is None else card.seed),
        *steps,
        ("hardware", notes.hardware),
        ("CPU hours", "" if notes.cpu_hours is None else notes.cpu_hours),
        ("versions", ", ".join(f"{name} {version}" for name, version in card.versions.items())),
    ]
    return _table(("what", "value"), [row for row in rows if row[1] != ""])


def _evaluation_table(card: ModelCard) -> str:
    header = ("data set", "n", "region", "measure", "mean", "95 % interval")
    rows = [
        (e.data_set, e.n, e.region, e.measure, f"{e.value:.3f}", _interval(e.interval))
        for e in card.evaluation
    ]
    return _table(header, rows)


def _interval(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f"{interval[0]:.3f} to {interval[1]:.3f}"


def _commands(card: ModelCard) -> str:
    commands = dict.fromkeys(row.command for row in card.evaluation if row.command)
    return "\n".join(["```sh", *commands, "```"]) if commands else ""


def _files_table(card: ModelCard) -> str:
    rows = [(s.weights, f"{s.weights_mb:.2f}", f"`{s.weights_sha256}`") for s in card.stages]
    return _table(("file", "MB", "SHA-256"), rows)
