"""The content of a structured report in, what of it can name nobody out.

Nothing stays that is not known: numbers of listed measures, codes of listed concepts, references,
coordinates, and texts of `kept_text`. All else is left out with what hangs on it, so that ages,
birth dates, comments and names of readers do not pass, whatever they are called. This is the clean
structured content option of DICOM PS3.15 (113104), taken strictly.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.sr.codedict import codes

from myoseg.cases.dicom.kept_text import REMOVED, known_meaning
from myoseg.cases.dicom.measure_codes import MEASURES

Concept = tuple[str, str]
"""Value and scheme of a code."""

CODED: Final[frozenset[Concept]] = frozenset(
    {
        ("121049", "DCM"),  # language
        ("121005", "DCM"),  # observer type
        ("121058", "DCM"),  # procedure reported
        ("121071", "DCM"),  # finding
        ("363698007", "SCT"),  # finding site
        ("276214006", "SCT"),  # finding category
        ("272741003", "SCT"),  # laterality
        ("106233006", "SCT"),  # topographical modifier
        ("370129005", "SCT"),  # measurement method
        ("121401", "DCM"),  # derivation
        ("121139", "DCM"),  # modality
        ("111000", "DCM"),  # algorithm family
    }
)
"""Concepts whose value is a code that says nothing of a person."""

_PERSON_NAME: Final[Concept] = ("121008", "DCM")
_NEEDED_TEXTS: Final[frozenset[Concept]] = frozenset(
    {("112039", "DCM"), ("111001", "DCM"), ("111003", "DCM")}
)
"""Tracking identifier, name and version of an algorithm: templates need them, so a dummy stays."""

_HEIGHT: Final[Concept] = ("121207", "DCM")
"""It may be a person's."""

_MEASURE_GROUPS: Final = ("CID7469", "CID7470", "CID7471", "CID7472", "CID3835", "CID12202")
_RELATIONS: Final = (
    *("CONTAINS", "HAS OBS CONTEXT", "HAS CONCEPT MOD", "HAS PROPERTIES", "HAS ACQ CONTEXT"),
    *("INFERRED FROM", "SELECTED FROM"),
)
_SHAPES: Final = (
    *("POINT", "MULTIPOINT", "POLYLINE", "CIRCLE", "ELLIPSE", "POLYGON", "ELLIPSOID"),
)
_TEMPLATE: Final = re.compile(r"[1-9][0-9]{0,4}")
"""Number of a template of PS3.16; a longer one may be a date or a patient's."""

_REFERENCE: Final = (
    *("ReferencedSOPClassUID", "ReferencedSOPInstanceUID", "ReferencedFrameNumber"),
    *("ReferencedSegmentNumber", "PurposeOfReferenceCodeSequence"),
)

_CHILDREN: Final = 0x0040A730

Clean = Callable[[Dataset], Dataset]
KeptText = Callable[[str], str]


def cleaned_content(items: Iterable[Dataset], clean: Clean, kept: KeptText) -> Items:
    """The content items that stay, with what of their children stays; containers of nothing go.

    Args:
        items: of a ContentSequence.
        clean: what makes of an item's codes, references and identifiers those without identity.
        kept: what stays of a text; `kept_text.REMOVED` where nothing does.
    """
    return Items(each for item in items for each in _cleaned_item(item, clean, kept))


def n_content_items(item: Dataset) -> int:
    """How many content items are below one."""
    children = item.get("ContentSequence") or ()
    return sum(1 + n_content_items(child) for child in children)


def _cleaned_item(item: Dataset, clean: Clean, kept: KeptText) -> Iterator[Dataset]:
    """One item, or none."""
    kind, relation = str(item.get("ValueType")), str(item.get("RelationshipType"))
    take, named = _KINDS.get(kind), _concept(item)
    is_nameless = kind in ("IMAGE", "SCOORD", "SCOORD3D") and "ConceptNameCodeSequence" not in item
    if take is None or relation not in _RELATIONS or not (named or is_nameless):
        return
    own = _without_children(item)
    found = take(own, named, clean, kept)
    if found is None:
        return
    found.RelationshipType, found.ValueType = relation, kind
    if named is not None:
        found.ConceptNameCodeSequence = clean(own).ConceptNameCodeSequence
    children = cleaned_content(item.get("ContentSequence") or (), clean, kept)
    if children:
        found.ContentSequence = children
    if children or kind != "CONTAINER":
        yield found


def _without_children(item: Dataset) -> Dataset:
    """What an item says itself; else each level of a deep report would be cleaned once a parent."""
    own = item[:_CHILDREN]
    own.update(item[_CHILDREN + 1 :])
    return own


def _concept(item: Dataset) -> Concept | None:
    """The concept's code, if it is one that is known."""
    return _known_code(item.get("ConceptNameCodeSequence"))


def _known_code(sequence: Items | None) -> Concept | None:
    if not sequence or len(sequence) != 1:
        return None
    code = sequence[0]
    value, scheme = str(code.get("CodeValue")), str(code.get("CodingSchemeDesignator"))
    return (value, scheme) if known_meaning(value, scheme) is not None else None


def _container(item: Dataset, named: Concept | None, clean: Clean, kept: KeptText) -> Dataset:
    found = Dataset()
    is_separate = item.get("ContinuityOfContent") == "SEPARATE"
    found.ContinuityOfContent = "SEPARATE" if is_separate else "CONTINUOUS"
    templates = item.get("ContentTemplateSequence")
    number = str(templates[0].get("TemplateIdentifier")) if templates else ""
    if _TEMPLATE.fullmatch(number):
        template = Dataset()
        template.MappingResource = "DCMR"
        template.TemplateIdentifier = number
        found.ContentTemplateSequence = Items([template])
    return found


def _number(item: Dataset, named: Concept | None, clean: Clean, kept: KeptText) -> Dataset | None:
    """A measure with its unit; not an age, a weight or a number of another kind."""
    values = item.get("MeasuredValueSequence")
    if named not in _measures() or not values:
        return None
    if _known_code(values[0].get("MeasurementUnitsCodeSequence")) is None:
        return None
    found, value = Dataset(), Dataset()
    for name in ("NumericValue", "FloatingPointValue", "MeasurementUnitsCodeSequence"):
        _take(value, clean(values[0]), name)
    if "NumericValue" not in value:
        return None
    found.MeasuredValueSequence = Items([value])
    return found


def _code(item: Dataset, named: Concept | None, clean: Clean, kept: KeptText) -> Dataset | None:
    if named not in CODED or _known_code(item.get("ConceptCodeSequence")) is None:
        return None
    found = Dataset()
    found.ConceptCodeSequence = clean(item).ConceptCodeSequence
    return found


def _text(item: Dataset, named: Concept | None, clean: Clean, kept: KeptText) -> Dataset | None:
    text = kept(str(item.get("TextValue") or ""))
    if text == REMOVED and named not in _NEEDED_TEXTS:
        return None
    found = Dataset()
    found.TextValue = text
    return found


def _person(item: Dataset, named: Concept | None, clean: Clean, kept: KeptText) -> Dataset | None:
    """A reader whose name is taken out; of other persons nothing stays."""
    if named != _PERSON_NAME:
        return None
    found = Dataset()
    found.PersonName = REMOVED
    return found


def _identifier(
    item: Dataset, named: Concept | None, clean: Clean, kept: KeptText
) -> Dataset | None:
    found = Dataset()
    _take(found, clean(item), "UID")
    return found if "UID" in found else None


def _reference(
    item: Dataset, named: Concept | None, clean: Clean, kept: KeptText
) -> Dataset | None:
    references = clean(item).get("ReferencedSOPSequence")
    if not references:
        return None
    reference = Dataset()
    for name in _REFERENCE:
        _take(reference, references[0], name)
    found = Dataset()
    found.ReferencedSOPSequence = Items([reference])
    return found


def _shape(item: Dataset, named: Concept | None, clean: Clean, kept: KeptText) -> Dataset | None:
    if item.get("GraphicType") not in _SHAPES:
        return None
    found, cleaned = Dataset(), clean(item)
    for name in ("GraphicType", "GraphicData", "ReferencedFrameOfReferenceUID"):
        _take(found, cleaned, name)
    return found if "GraphicData" in found else None


_KINDS: Final = MappingProxyType(
    {
        "CONTAINER": _container,
        "NUM": _number,
        "CODE": _code,
        "TEXT": _text,
        "PNAME": _person,
        "UIDREF": _identifier,
        "IMAGE": _reference,
        "COMPOSITE": _reference,
        "SCOORD": _shape,
        "SCOORD3D": _shape,
    }
)
"""By value type; dates, times, waveforms and items that stand for others by number do not stay."""


def _take(found: Dataset, item: Dataset, name: str) -> None:
    if name in item:
        found[name] = item[name]


@lru_cache(maxsize=1)
def _measures() -> frozenset[Concept]:
    """This program's measures, and those of sizes, volumes and intensities in PS3.16."""
    public = (code for group in _MEASURE_GROUPS for code in getattr(codes, group).concepts.values())
    listed = frozenset((code.value, code.scheme_designator) for code in (*MEASURES, *public))
    return listed - {_HEIGHT}
