"""A text of a header in, what of it may stay because it cannot name anybody out.

Nothing stays that is not listed here: words of cardiac MR of a description, the names of vendors
and of their sequences, what this program itself writes of any patient, codes of public
terminologies with their published meaning.
"""

import re
from functools import lru_cache
from importlib.metadata import version
from typing import Final

from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from myoseg.anatomy import REGIONS
from myoseg.cases.dicom.authorship import PROGRAM, RESEARCH_ONLY
from myoseg.cases.dicom.codes import AHA_SEGMENTS, PRIVATE_SCHEME
from myoseg.cases.dicom.measure_codes import MEASURES, OBSTRUCTION, PRIVATE_SCHEME_NAME, UNITS
from myoseg.cases.legend import title_of

REMOVED: Final = "REMOVED"
MAX_MEANING: Final = 64
CODING_SCHEMES: Final = ("SCT", "DCM", "UCUM")

_CARDIAC_WORDS: Final = (
    "2ch 3ch 4ch 2cv 3cv 4cv sa sax short axis la lax long ax cor sag tra apex apical base basal "
    "mid cine retro trig trufi truefisp tfi fiesta btfe bffe sbtfe ssfp bssfp balanced tfl tir "
    "tirm tse fse haste flash ffe tfe t1tfe fgre fe se gr ir lge de delayed late enhancement psir "
    "ps mag magnitude phase mde irtfe ti scout look locker t1 t2 t1w t2w pd stir db bb dark black "
    "bright blood fat sat fs spir spair prep t2prep triple double map maps t1map t2map molli "
    "shmolli moco pre post contrast gad rest stress perf perfusion flow localizer localiser loc "
    "locator survey plane 3plane bh fb ecg ipat grappa sense asset single shot rep repeat edema "
    "oedema heart cardiac lv rv ecv"
)
WORDS: Final = frozenset(_CARDIAC_WORDS.split())
"""Words of descriptions of cardiac series; a description keeps these and nothing else."""

_DESCRIPTIONS: Final = frozenset({"SeriesDescription", "ProtocolName"})

_LIBRARY: Final = "highdicom"
_OWN_TEXTS: Final = frozenset(
    {
        *(PROGRAM, f"{PROGRAM} model default", PRIVATE_SCHEME_NAME, RESEARCH_ONLY),
        *(f"{RESEARCH_ONLY}.", f"LV and RV tissues. {RESEARCH_ONLY}"),
        *(f"{PROGRAM} segmentation. {RESEARCH_ONLY}", f"{PROGRAM} measurements. {RESEARCH_ONLY}"),
        *(_LIBRARY, "Highdicom open-source contributors"),
        *("Referenced Segment Number", "Segment Number", "Image Position (Patient)"),
        *("Image Position Patient", "Stack ID", "In-Stack Position Number", "Frame Number"),
    }
)
"""What this program and the library that it writes with say wherever they say it."""

_TISSUES: Final = "|".join(
    re.escape(name)
    for name in (
        *(title_of(region) for region in REGIONS.values()),
        *("LV myocardium", "edema and scar", OBSTRUCTION.meaning),
    )
)
_OWN_NAME: Final = re.compile(rf"(Segment \d{{1,2}}, )?({_TISSUES})", re.IGNORECASE)
"""Of a segment or a group of measures."""

_VENDORS: Final = (
    r"siemens( healthineers| healthcare gmbh)?|philips( medical systems| healthcare)?|"
    r"ge medical systems|ge healthcare|canon(_mec)?|toshiba(_mec)?|hitachi|fujifilm|"
    r"uih|united imaging|bruker"
)
_SIEMENS_SEQUENCE: Final = (
    r"\*?(tfi|tfl|tir|tse|tseb|tsebr|fl|fi|h|hb|ci|se|de|cv)[0-3]d\d{1,2}(r{0,2}s?)(_?\d{1,3})?"
    r"(r{0,2}\d{0,2}|ir|ns|ab|rs|st)?"
)
_PATTERNS: Final = {
    "Manufacturer": re.compile(_VENDORS, re.IGNORECASE),
    "SequenceName": re.compile(_SIEMENS_SEQUENCE, re.IGNORECASE),
    "PulseSequenceName": re.compile(
        rf"{_SIEMENS_SEQUENCE}|(s?b?tfe|b?ffe|t1tfe|tir|fiesta|mde|fse-xl|ssfp|ffe|fse|fe)",
        re.IGNORECASE,
    ),
    "ImagedNucleus": re.compile("1H"),
    "StackID": re.compile(r"\d{1,3}"),
    "RescaleType": re.compile("US|OD|HU"),
    "CodingSchemeDesignator": re.compile(rf"SCT|SRT|DCM|UCUM|LN|RFC5646|{PRIVATE_SCHEME}"),
}


_LANGUAGES: Final = (
    Code("en", "RFC5646", "English"),
    Code("en-US", "RFC5646", "English (United States)"),
    Code("en-GB", "RFC5646", "English (United Kingdom)"),
)


def kept_text(keyword: str, text: str) -> str:
    """What stays of an attribute's value; `REMOVED` where nothing may.

    >>> kept_text("SeriesDescription", "cine_trufi_sax Smith 4.5.1950")
    'cine trufi sax'
    >>> kept_text("SequenceName", "*tfi2d1_13"), kept_text("SequenceName", "Smith")
    ('*tfi2d1_13', 'REMOVED')
    """
    if is_own_text(text):
        return text
    if keyword in _DESCRIPTIONS:
        words = re.split(r"[^a-z0-9]+", text.lower())
        return " ".join(word for word in words if word in WORDS) or REMOVED
    pattern = _PATTERNS.get(keyword)
    return text if pattern is not None and pattern.fullmatch(text) else REMOVED


def is_own_text(text: str) -> bool:
    """Whether a text is one that this program writes of any patient."""
    return text in _OWN_TEXTS or text in _versions() or bool(_OWN_NAME.fullmatch(text))


@lru_cache(maxsize=1)
def _versions() -> frozenset[str]:
    """Of this program and of the library; looking them up reads files each time."""
    return frozenset({version(PROGRAM), version(_LIBRARY)})


def known_meaning(value: str, scheme: str) -> str | None:
    """The meaning of a code as published, or as this program's; None where it is neither."""
    return _meanings().get((value, scheme))


@lru_cache(maxsize=1)
def _meanings() -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for scheme in CODING_SCHEMES:
        for code in getattr(codes, scheme).concepts.values():
            found[code.value, code.scheme_designator] = code.meaning[:MAX_MEANING]
    for code in (*UNITS, *MEASURES, OBSTRUCTION, *AHA_SEGMENTS, *_LANGUAGES):
        found.setdefault((code.value, code.scheme_designator), code.meaning)
    return found
