"""A DICOM image, segmentation or report in, the same without anything that tells whose it is out.

Two rules apply, the stricter one first. DICOM's basic confidentiality profile says what becomes of
each attribute that it names (`confidentiality`). Of all others only numbers, codes and the texts of
`kept_text` stay, at any depth; private attributes and those that this version of DICOM does not
know are removed. Pixels are kept, so what is burned into them must be seen to beforehand.
"""

import re
from collections.abc import Callable
from importlib.metadata import version
from types import MappingProxyType
from typing import Any, Final

from pydicom.datadict import dictionary_has_tag, dictionary_keyword, dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence as Items
from pydicom.tag import BaseTag
from pydicom.uid import PYDICOM_IMPLEMENTATION_UID

from myoseg.cases.dicom.confidentiality import EDITION, Action, action_on
from myoseg.cases.dicom.dates import DUMMY_DATES, shifted_date
from myoseg.cases.dicom.kept_text import REMOVED, kept_text, known_meaning
from myoseg.cases.dicom.pseudonyms import SHIFTED, Dates, Identity, PseudonymKey
from myoseg.cases.dicom.results_without_identity import (
    DATES_OF_RESULTS,
    REPORTS,
    RESULTS,
    SEGMENTATIONS,
    finish_report,
    finish_segmentation,
)

TEXTS: Final = frozenset({"LO", "SH", "LT", "ST", "UT", "UC", "PN", "AE"})
NUMBERS: Final = frozenset({"FD", "FL", "SS", "US", "SL", "UL", "SV", "UV", "AT"})
DESCRIPTIONS: Final = frozenset({"SeriesDescription", "ProtocolName"})
PIXELS: Final = frozenset({"PixelData", "FloatPixelData", "DoubleFloatPixelData"})
MODIFIERS: Final = (
    "SegmentedPropertyTypeModifierCodeSequence",
    "AnatomicRegionModifierSequence",
)
_CODE_STRING: Final = re.compile(r"[A-Z0-9_ ]{0,16}")
_DECIMAL: Final = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*")
_METHOD_CODES: Final = MappingProxyType({"removed": (), "shifted": ("113107",)})
_PROFILE_CODE, _CONTENT_CODE, _DESCRIPTORS_CODE = "113100", "113104", "113105"


def deidentified(
    image: Dataset,
    key: PseudonymKey,
    dates: Dates = "removed",
    *,
    texts: frozenset[str] = frozenset(),
) -> Dataset:
    """The object under a pseudonym, ready to be written; what was given stays as it is.

    Segmentations and reports go on referring to their images if these are de-identified with the
    same key. Of their dates that of the study alone is moved: they were made on another day than
    the images, which may be known, and would tell by how much dates were moved.

    Args:
        image: read from a file, uncompressed or not; or a segmentation, or a structured report.
        key: with the same key the same patient has the same pseudonym.
        dates: whether dates are removed or, for the dates of the examination, moved back by the
            same number of days for all of a patient's.
        texts: that are known to name nobody, and stay wherever they stand.

    Raises:
        InputError: too little stays of a segmentation or a report for it to say anything.
    """
    is_result = str(image.get("SOPClassUID")) in RESULTS
    moved = DATES_OF_RESULTS if is_result else SHIFTED
    identity = Identity(key, pseudonym_of(image, key), dates, texts, moved)
    cleaned = _cleaned(image, identity)
    cleaned.PatientID = identity.pseudonym
    cleaned.PatientName = f"Deidentified^{identity.pseudonym}"
    cleaned.SpecificCharacterSet = "ISO_IR 192"
    if is_result:
        _finish_result(image, cleaned, identity)
    _state_method(cleaned, dates)
    cleaned.file_meta = _file_meta(image, cleaned)
    return cleaned


def _finish_result(original: Dataset, cleaned: Dataset, identity: Identity) -> None:
    """Sets what a segmentation or a report must have.

    Raises:
        InputError: too little stays.
    """
    if str(cleaned.SOPClassUID) in SEGMENTATIONS:
        finish_segmentation(cleaned)
    else:
        finish_report(
            original,
            cleaned,
            clean=lambda item: _cleaned(item, identity),
            kept=lambda text: _kept_text("TextValue", text, identity),
        )


def pseudonym_of(image: Dataset, key: PseudonymKey) -> str:
    """The patient's pseudonym; without a patient ID, one of the study."""
    patient_id = str(image.get("PatientID") or "").strip()
    if patient_id:
        return key.patient(patient_id, str(image.get("IssuerOfPatientID") or ""))
    return key.patient(str(image.get("StudyInstanceUID") or ""), "study")


def _cleaned(item: Dataset, identity: Identity) -> Dataset:
    cleaned = Dataset()
    if "CodeValue" in item:
        return _cleaned_code(item, identity)
    for tag in item.keys():  # noqa: SIM118 (a data set yields elements, read one by one)
        element = _read(item, tag)
        kept = None if element is None else _cleaned_element(element, identity)
        if kept is not None:
            cleaned.add(kept)
    return cleaned


def _read(item: Dataset, tag: BaseTag) -> DataElement | None:
    """The element, if its value fits the type that DICOM gives it; a wrong one hides anything."""
    if tag.is_private or not dictionary_has_tag(tag):
        return None
    try:
        element = item[tag]
    except Exception:
        return None  # pydicom raises nearly anything on damaged elements; such are not kept.
    expected = dictionary_VR(tag)
    return element if element.VR in (expected, *expected.split(" or ")) else None


def _cleaned_element(element: DataElement, identity: Identity) -> DataElement | None:
    keyword = dictionary_keyword(element.tag)
    if identity.dates == "shifted" and keyword in identity.moved_dates:
        return _with(element, _each(element, lambda each: shifted_date(str(each), identity)))
    if keyword in DESCRIPTIONS:
        return _kept(element, identity)
    action = action_on(element.tag)
    if action is Action.REMOVE:
        return None
    if action is Action.EMPTY:
        return _with(element, Items([]) if element.VR == "SQ" else None)
    if action is Action.DUMMY:
        return _dummy(element, identity)
    return _kept(element, identity)


def _dummy(element: DataElement, identity: Identity) -> DataElement | None:
    """A value that says nothing, of the element's type; none where there can be none."""
    if element.VR in DUMMY_DATES:
        return _with(element, DUMMY_DATES[element.VR])
    if element.VR in TEXTS or element.VR == "CS":
        return _with(element, REMOVED)
    if element.VR == "UI":
        return _kept(element, identity)
    if element.VR == "SQ":
        return _with(element, Items([]))
    return None


def _kept(element: DataElement, identity: Identity) -> DataElement | None:
    """What stays of an element that the profile does not name."""
    kind, keyword = element.VR, dictionary_keyword(element.tag)
    if kind == "SQ":
        items = (_cleaned(item, identity) for item in element.value)
        return _with(element, Items(item for item in items if len(item)))
    if kind == "UI":
        return _with(element, _each(element, lambda each: identity.key.uid(str(each))))
    if kind in DUMMY_DATES:
        return _with(element, DUMMY_DATES[kind] if element.value else None)
    if kind in TEXTS:
        return _with(element, _each(element, lambda each: _kept_text(keyword, str(each), identity)))
    if kind in NUMBERS or keyword in PIXELS:
        return element
    return element if _is_harmless(element) else None


def _kept_text(keyword: str, text: str, identity: Identity) -> str:
    return text if text in identity.texts else kept_text(keyword, text)


def _is_harmless(element: DataElement) -> bool:
    """Whether a coded string or a decimal is one."""
    pattern = {"CS": _CODE_STRING, "DS": _DECIMAL, "IS": _DECIMAL}.get(element.VR)
    if pattern is None:
        return False
    values = element.value if isinstance(element.value, MultiValue) else [element.value]
    return all(each is None or pattern.fullmatch(str(each)) for each in values)


def _cleaned_code(item: Dataset, identity: Identity) -> Dataset:
    """A code of a public terminology with its published meaning; of any other, nothing.

    What modifies it, a code likewise, stays with it.
    """
    code, value = Dataset(), str(item.get("CodeValue") or "")
    scheme = str(item.get("CodingSchemeDesignator") or "")
    meaning = known_meaning(value, scheme)
    if meaning is not None:
        code.CodeValue, code.CodingSchemeDesignator = value, scheme
        code.CodeMeaning = meaning
        for keyword in MODIFIERS:
            if keyword in item and item[keyword].VR == "SQ":
                modifier = _kept(item[keyword], identity)
                if modifier is not None and modifier.value:
                    code.add(modifier)
    return code


def _each(element: DataElement, change: Callable[[Any], Any]) -> Any:
    """The change applied to a value, or to each of several; nothing stays nothing."""
    if element.value is None or element.value == "":
        return None
    if isinstance(element.value, MultiValue):
        return [change(each) for each in element.value]
    return change(element.value)


def _with(element: DataElement, value: Any) -> DataElement:
    return DataElement(element.tag, element.VR, value)


def _state_method(cleaned: Dataset, dates: Dates) -> None:
    """Says that and how identity was removed (PS3.15, section E.1.1; context group 7050)."""
    cleaned.PatientIdentityRemoved = "YES"
    cleaned.DeidentificationMethod = f"myoseg {version('myoseg')}, PS3.15 {EDITION}"
    items = []
    content = (_CONTENT_CODE,) if str(cleaned.SOPClassUID) in REPORTS else ()
    for value in (_PROFILE_CODE, *content, _DESCRIPTORS_CODE, *_METHOD_CODES[dates]):
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator = value, "DCM"
        item.CodeMeaning = known_meaning(value, "DCM")
        items.append(item)
    cleaned.DeidentificationMethodCodeSequence = Items(items)
    is_moved = dates == "shifted"
    cleaned.LongitudinalTemporalInformationModified = "MODIFIED" if is_moved else "REMOVED"


def _file_meta(image: Dataset, cleaned: Dataset) -> FileMetaDataset:
    """Made anew: the original names the station that sent the file."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = cleaned.SOPClassUID
    meta.MediaStorageSOPInstanceUID = cleaned.SOPInstanceUID
    meta.TransferSyntaxUID = image.file_meta.TransferSyntaxUID
    meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
    return meta
