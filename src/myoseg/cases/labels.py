"""How data sets number tissues: label values enter, `LabelMap`s in MyoPS codes leave."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Int16, Integer, Num

from myoseg.anatomy import (
    BACKGROUND,
    CONSECUTIVE_CODES,
    MYOCARDIUM,
    PAINT_ORDER,
    Sequence,
    Tissue,
    Tissues,
    representative,
)
from myoseg.cases.case import LabelMap
from myoseg.errors import InputError

ROUNDING: Final = 1e-3
"""How far a label that is stored as a real number may lie from a whole one."""


@dataclass(frozen=True)
class LabelCoding:
    """What each label value of a data set means; 0 is always background.

    A value stands for a group of tissues where the data set does not tell them apart. `drawn_on`
    names tissues that were drawn only where a certain sequence was there.
    """

    name: str
    meanings: Mapping[int, Tissues] = field(hash=False)
    drawn_on: Mapping[Tissue, Sequence] = field(default_factory=dict, hash=False)

    @property
    def groups(self) -> tuple[Tissues, ...]:
        """The groups that the coding tells apart, in the order of their first tissue's code."""
        return tuple(sorted(set(self.meanings.values()), key=min))

    def covers(self, values: Iterable[int]) -> bool:
        """Whether the coding knows every value."""
        return set(values) <= {BACKGROUND, *self.meanings}

    def given(self, sequences: Collection[Sequence]) -> "LabelCoding":
        """The coding of a case that has only these sequences.

        >>> [len(group) for group in CODINGS["care"].given([Sequence.LGE]).groups]
        [2, 1, 1, 1]
        """
        meanings = dict(self.meanings)
        for tissue, sequence in self.drawn_on.items():
            if sequence not in sequences:
                meanings = joined_to_milder(meanings, tissue)
        return replace(self, meanings=meanings)

    def __str__(self) -> str:
        codes = ", ".join(f"{code} {name_of(group)}" for code, group in self.meanings.items())
        return f"{self.name} (0 background, {codes})"


def name_of(group: Tissues) -> str:
    """The group's tissues in words, joined by "+", the mildest first.

    >>> name_of(MYOCARDIUM)
    'normal_myocardium+edema+scar'
    """
    return "+".join(t.name.lower() for t in sorted(group, key=PAINT_ORDER.index))


def joined_to_milder(meanings: Mapping[int, Tissues], tissue: Tissue) -> dict[int, Tissues]:
    """The meanings when `tissue` was drawn as part of the next milder tissue of the myocardium.

    Edema that was not looked for lies in what was drawn as normal; scar that was not looked for
    lies in the edema, or in the normal myocardium where edema was not drawn either.
    """
    drawn = frozenset().union(*meanings.values())
    milder = PAINT_ORDER[: PAINT_ORDER.index(tissue)]
    hosts = [other for other in milder if other in MYOCARDIUM & drawn]
    if not hosts:
        return dict(meanings)
    merged = {tissue}.union(*(g for g in meanings.values() if {tissue, hosts[-1]} & g))
    return {
        code: frozenset(merged) if group & merged else group for code, group in meanings.items()
    }


_BP, _RV = frozenset({Tissue.LV_BLOOD_POOL}), frozenset({Tissue.RV_BLOOD_POOL})
_NM, _ME, _MS = (
    frozenset({Tissue.NORMAL_MYOCARDIUM}),
    frozenset({Tissue.EDEMA}),
    frozenset({Tissue.SCAR}),
)

MYOPS: Final = LabelCoding("myops", {int(tissue): frozenset({tissue}) for tissue in Tissue})
"""MyoPS 2020 (paper, section 3.1), and this program's results by default."""

CONSECUTIVE: Final = LabelCoding(
    "consecutive", {code: frozenset({tissue}) for tissue, code in CONSECUTIVE_CODES.items()}
)
"""This program's results without gaps between the codes."""

CARE: Final = LabelCoding("care", {**MYOPS.meanings, 1: _MS}, drawn_on={Tissue.EDEMA: Sequence.T2})
"""MyoPS++ and CARE: some files say 1 for scar, and edema is drawn only where there is a T2."""

MS_CMRSEG: Final = LabelCoding("ms_cmrseg", {200: MYOCARDIUM, 500: _BP, 600: _RV})
"""MS-CMRSeg 2019: the myocardium as a whole, in MyoPS's codes."""

EMIDEC: Final = LabelCoding("emidec", {1: _BP, 2: _NM | _ME, 3: _MS, 4: _MS})
"""EMIDEC: LGE alone, so edema lies in the "normal" myocardium; no-reflow (4) is infarct too."""

ACDC: Final = LabelCoding("acdc", {1: _RV, 2: MYOCARDIUM, 3: _BP})
"""ACDC: bSSFP alone, so the myocardium as a whole."""

AUTOFD: Final = LabelCoding("autofd", {1: _BP, 2: MYOCARDIUM, 4: _RV})
"""AutoFD and other sets of the Digital Heart Project."""

CODINGS: Final[dict[str, LabelCoding]] = {
    coding.name: coding for coding in (MYOPS, CONSECUTIVE, CARE, MS_CMRSEG, EMIDEC, ACDC, AUTOFD)
}
"""The codings that are known by name."""

_GUESSED: Final = (MYOPS, CONSECUTIVE, EMIDEC, ACDC, AUTOFD)


def coding_named(name: str) -> LabelCoding:
    """The known coding of that name.

    Raises:
        InputError: there is none.
    """
    if name not in CODINGS:
        raise InputError(f"label coding {name!r} is not known; choose from {', '.join(CODINGS)}.")
    return CODINGS[name]


def guess_coding(values: Iterable[int]) -> LabelCoding:
    """The coding that a set of label values shows; give it all files' values rather than one's.

    MyoPS codes show themselves, and so do consecutive ones if scar (5) is there. Nothing but
    background is taken for MyoPS codes.

    Raises:
        InputError: the values fit several codings or none.
    """
    found = {int(value) for value in values} - {BACKGROUND}
    candidates = [coding for coding in _GUESSED if coding.covers(found)]
    if len(candidates) == 1 or (candidates and not found):
        return candidates[0]
    listed = ", ".join(str(value) for value in sorted(found)[:10])
    if candidates:
        raise InputError(
            f"label values {listed} can be read as {' or '.join(map(str, candidates))}; say which "
            "with --coding."
        )
    raise InputError(
        f"label values {listed} fit no known coding: {'; '.join(map(str, CODINGS.values()))}. "
        "Recode the files to one of these, and name it with --coding if need be."
    )


def first_covering(
    codings: tuple[LabelCoding, ...], values: Num[np.ndarray, "*axes"]
) -> LabelCoding:
    """The first coding that knows all values, or the first if none does."""
    if len(codings) == 1:
        return codings[0]
    found = [int(value) for value in np.unique(values)]
    return next((coding for coding in codings if coding.covers(found)), codings[0])


def decode_labels(
    values: Num[np.ndarray, "slice row col"], coding: LabelCoding, path: Path
) -> LabelMap:
    """Label values as a label map; `path` is named in errors.

    Raises:
        InputError: a value is not whole or not of the coding.
    """
    whole = as_whole_numbers(values, path)
    codes = np.zeros(whole.shape, dtype=np.int16)
    known = whole == BACKGROUND
    for value, group in coding.meanings.items():
        here = whole == value
        codes[here] = representative(group)
        known |= here
    if not known.all():
        raise InputError(_unknown_values(whole[~known], coding, path))
    return LabelMap(codes=codes, groups=coding.groups)


def _unknown_values(values: Integer[np.ndarray, "voxel"], coding: LabelCoding, path: Path) -> str:
    unknown, counts = np.unique(values, return_counts=True)
    listed = ", ".join(
        f"{value} ({count} voxels)" for value, count in zip(unknown[:8], counts[:8], strict=True)
    )
    more = f" and {len(unknown) - 8} further values" if len(unknown) > 8 else ""
    return (
        f"{path} has label values {listed}{more} that are not of the coding {coding}; correct the "
        "file, or choose the layout or coding that it follows."
    )


def as_whole_numbers(values: Num[np.ndarray, "*axes"], path: Path) -> Integer[np.ndarray, "*axes"]:
    """Label values as integers, whatever the type they are stored in; `path` is named in errors.

    Raises:
        InputError: a value is NaN, beyond any label code or not whole.
    """
    if np.issubdtype(values.dtype, np.integer):
        return values
    whole = np.rint(values)
    with np.errstate(invalid="ignore"):
        bad = ~(np.abs(values - whole) <= ROUNDING) | (np.abs(whole) > np.iinfo(np.int32).max)
    if bad.any():
        examples = ", ".join(f"{value:g}" for value in np.unique(values[bad])[:5])
        raise InputError(
            f"{path} has {int(bad.sum())} label values that are not whole ({examples}); it may be "
            "an image, or labels that were interpolated. Resample labels by nearest neighbour."
        )
    integers: np.ndarray = whole.astype(np.int32)
    return integers


def consecutive_codes(codes: Int16[np.ndarray, "*axes"]) -> Int16[np.ndarray, "*axes"]:
    """MyoPS codes renumbered as `anatomy.CONSECUTIVE_CODES`.

    >>> consecutive_codes(np.array([0, 500, 2221], dtype=np.int16))
    array([0, 1, 5], dtype=int16)
    """
    renumbered = np.zeros_like(codes)
    for tissue, code in CONSECUTIVE_CODES.items():
        renumbered[codes == tissue] = code
    return renumbered


def sizes(labels: LabelMap) -> dict[Tissues, int]:
    """Voxels of each group of the label map."""
    return {group: int(labels.mask(group).sum()) for group in labels.groups}
