"""A study's candidates enter; the series for each sequence leaves, with reasons and doubts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from myoseg.anatomy import Sequence
from myoseg.cases.dicom.candidates import Candidate
from myoseg.cases.dicom.rules import Verdict, judge
from myoseg.errors import InputError


@dataclass(frozen=True, eq=False)
class Judged:
    """A candidate with what the rules make of it."""

    candidate: Candidate
    verdict: Verdict


@dataclass(frozen=True, eq=False)
class Choice:
    """The stack that is used for a sequence.

    Attributes:
        candidate: the stack.
        reasons: why, strongest first.
        named: whether the user named it.
    """

    candidate: Candidate
    reasons: tuple[str, ...]
    named: bool = False


@dataclass(frozen=True, eq=False)
class DicomStudy:
    """A study, what it holds, and what of it is used.

    Attributes:
        uid: of the study; not to be shown.
        judged: every stack, by series number.
        choices: by sequence; a sequence that was not found is missing.
        warnings: what a user should look at, one sentence each.
    """

    uid: str = field(repr=False)
    judged: tuple[Judged, ...]
    choices: Mapping[Sequence, Choice]
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "choices", MappingProxyType(dict(self.choices)))

    def __reduce__(self) -> tuple[type["DicomStudy"], tuple[object, ...]]:
        """Lets a study travel to another process, which its read-only mapping would not."""
        return DicomStudy, (self.uid, self.judged, dict(self.choices), self.warnings)


def choose_series(
    uid: str, candidates: Iterable[Candidate], overrides: Mapping[Sequence, str] | None = None
) -> DicomStudy:
    """Chooses for each sequence the stack for which most speaks.

    Stacks that were taken again later are passed over, and of a magnitude and a phase-sensitive
    image the magnitude is taken. Of stacks with equal points the one with more slices is taken,
    then the one taken last, and a warning says so.

    Args:
        uid: of the study.
        candidates: the stacks.
        overrides: for a sequence the number, the description or the identifier of a series that is
            to be used, whatever the rules say.

    Raises:
        InputError: an override names no series, or several.
    """
    judged = tuple(Judged(candidate, judge(candidate)) for candidate in candidates)
    named = {
        sequence: _named(judged, sequence, wanted) for sequence, wanted in (overrides or {}).items()
    }
    taken = {id(choice.candidate) for choice in named.values()}
    choices, warnings = {}, []
    for sequence in Sequence:
        if sequence in named:
            choices[sequence] = named[sequence]
            continue
        fit = [
            each
            for each in judged
            if each.verdict.sequence is sequence and id(each.candidate) not in taken
        ]
        if fit:
            choices[sequence], doubts = _best(fit, sequence)
            warnings += doubts
    for sequence, choice in choices.items():
        stack = choice.candidate.stack
        told = (*stack.notes, *((stack.fault,) if stack.fault else ()))
        warnings += [f"{sequence}: series {choice.candidate.number}: {note}" for note in told]
    return DicomStudy(uid, judged, choices, tuple(warnings))


def _best(fit: list[Judged], sequence: Sequence) -> tuple[Choice, list[str]]:
    usable = [each for each in fit if each.candidate.repeated_by is None] or fit
    usable = [each for each in usable if each.candidate.stack.fault is None] or usable
    ranked = sorted(usable, key=lambda each: _rank(each, sequence), reverse=True)
    best = ranked[0]
    points = best.verdict.points[sequence]
    rivals = [
        each.candidate.label
        for each in ranked[1:]
        if each.verdict.points[sequence] >= points
        and each.candidate.protocol.component == best.candidate.protocol.component
    ]
    doubts = []
    if rivals:
        doubts.append(
            f"{sequence}: as much speaks for series {', '.join(rivals)} as for "
            f"{best.candidate.label}, which is used; name another with --{sequence} if need be"
        )
    return Choice(best.candidate, best.verdict.reasons[sequence]), doubts


def _rank(each: Judged, sequence: Sequence) -> tuple[int, int, tuple[float, int]]:
    candidate = each.candidate
    return each.verdict.points[sequence], len(candidate.stack.slices), candidate.taken_last


def _named(judged: tuple[Judged, ...], sequence: Sequence, wanted: str) -> Choice:
    """The series that the user named, by number or identifier, else by description."""
    text = wanted.strip()
    exact = [each for each in judged if _is_called(each.candidate, text)]
    found = exact or [
        each
        for each in judged
        if text and text.lower() in each.candidate.protocol.description.lower()
    ]
    if not found:
        known = "; ".join(each.candidate.label for each in judged) or "none"
        raise InputError(f"no series is called {wanted!r} for {sequence}; there are: {known}.")
    one_series = len({each.candidate.series_uids for each in found}) == 1
    if len(found) > 1 and not one_series:
        labels = "; ".join(each.candidate.label for each in found)
        raise InputError(
            f"{wanted!r} names several series for {sequence}: {labels}; give a series number."
        )
    best = max(found, key=lambda each: _rank(each, sequence))
    return Choice(best.candidate, (f"named as {wanted!r}",), named=True)


def _is_called(candidate: Candidate, text: str) -> bool:
    if text.isdecimal() and int(text) in candidate.numbers:
        return True
    if text in candidate.series_uids:
        return True
    return text.lower() == candidate.protocol.description.lower()
