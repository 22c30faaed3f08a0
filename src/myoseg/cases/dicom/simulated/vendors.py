"""A role and a vendor in, the attributes that this vendor's scanners describe such a series by out.

Sequence names of Siemens are those of its product sequences (tfi: TrueFISP, tfl: TurboFLASH, tir:
turbo inversion recovery) with the number of echoes; Philips writes the technique in private group
2001, GE the pulse sequence in private group 0019. What is chosen here
is in docs/dicom.md with its sources.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final, NamedTuple

from myoseg.cases.dicom.simulated.series import Attributes, Timing, Vendor
from myoseg.errors import ConfigurationError

PHILIPS_IMAGING: Final = "Philips Imaging DD 001"
GE_ACQUISITION: Final = "GEMS_ACQU_01"
SEGMENT_LINES: Final = 13
"""Lines of k-space in one heart beat: Siemens writes TR of a cine for all of them together."""


class Equipment(NamedTuple):
    """Manufacturer and a model of it."""

    manufacturer: str
    model: str


EQUIPMENT: Final[Mapping[Vendor, Equipment]] = MappingProxyType(
    {
        "siemens": Equipment("SIEMENS", "Avanto"),
        "philips": Equipment("Philips Medical Systems", "Achieva"),
        "ge": Equipment("GE MEDICAL SYSTEMS", "Signa HDxt"),
        "canon": Equipment("CANON_MEC", "Vantage Titan"),
    }
)


class Wording(NamedTuple):
    """What differs between vendors: description, sequence name, and the coded values."""

    description: str
    sequence_name: str | None
    scanning: tuple[str, ...]
    variant: tuple[str, ...]
    options: tuple[str, ...]
    technique: str


_SIEMENS: Final[Mapping[str, Wording]] = MappingProxyType(
    {
        "bssfp": Wording(
            "cine_trufi_retro_sax", "*tfi2d1_13", ("GR",), ("SK", "OSP"), ("CG",), "trufi"
        ),
        "lge": Wording(
            "de_tfl_psir_sax_MAG",
            "*tfl2d1_25",
            ("GR", "IR"),
            ("SK", "SP", "MP"),
            ("IR", "CG"),
            "tfl",
        ),
        "psir": Wording(
            "de_tfl_psir_sax_PSIR",
            "*tfl2d1_25",
            ("GR", "IR"),
            ("SK", "SP", "MP"),
            ("IR", "CG"),
            "tfl",
        ),
        "stir": Wording(
            "t2_tirm_db_sax",
            "*tir2d1_23",
            ("SE", "IR"),
            ("SK", "SP", "MP"),
            ("IR", "CG"),
            "tir",
        ),
        "t2_prepared": Wording(
            "t2prep_trufi_sax", "*tfi2d1_61", ("GR",), ("SK", "MP"), ("CG",), "trufi"
        ),
        "localiser": Wording("localizer", "*tfi2d1_103", ("GR",), ("SK",), ("CG",), "trufi"),
        "t1_map": Wording(
            "t1map_molli_sax_MOCO_T1", "*tfi2d1_84", ("GR", "IR"), ("SK", "MP"), ("IR", "CG"), "tfi"
        ),
    }
)
_PHILIPS: Final[Mapping[str, Wording]] = MappingProxyType(
    {
        "bssfp": Wording("sBTFE_BH_SA", None, ("GR",), ("SS",), ("CG", "FC"), "BTFE"),
        "lge": Wording("IR_TFE_LGE_SA", None, ("GR", "IR"), ("SK", "MP"), ("CG", "FC"), "T1TFE"),
        "psir": Wording("PSIR_TFE_SA", None, ("GR", "IR"), ("SK", "MP"), ("CG", "FC"), "T1TFE"),
        "stir": Wording("STIR_BB_SA", None, ("IR",), ("SK",), ("CG",), "TIR"),
        "t2_prepared": Wording("T2prep_BTFE_SA", None, ("GR",), ("SS", "MP"), ("CG",), "BTFE"),
        "localiser": Wording("survey", None, ("GR",), ("SS",), ("CG",), "BTFE"),
        "t1_map": Wording("T1map_MOLLI_SA", None, ("GR", "IR"), ("SS", "MP"), ("CG",), "BTFE"),
    }
)
_GE: Final[Mapping[str, Wording]] = MappingProxyType(
    {
        "bssfp": Wording(
            "SA FIESTA CINE", None, ("GR",), ("SS", "SK"), ("FAST_GEMS", "CG"), "fiesta"
        ),
        "lge": Wording("SA MDE", None, ("GR", "IR"), ("SS", "SK"), ("FAST_GEMS", "CG"), "mde"),
        "psir": Wording("SA PS MDE", None, ("GR", "IR"), ("SS", "SK"), ("FAST_GEMS", "CG"), "mde"),
        "stir": Wording("SA TRIPLE IR", None, ("SE", "IR"), ("SK",), ("FAST_GEMS", "CG"), "fse-xl"),
        "t2_prepared": Wording(
            "SA T2 PREP FIESTA", None, ("GR",), ("SS", "MP"), ("FAST_GEMS", "CG"), "fiesta"
        ),
        "localiser": Wording("3-PLANE LOC", None, ("GR",), ("SS",), ("FAST_GEMS", "CG"), "fiesta"),
        "t1_map": Wording(
            "SA T1 MAP MOLLI", None, ("GR", "IR"), ("SS", "MP"), ("FAST_GEMS", "CG"), "fiesta"
        ),
    }
)
_CANON: Final[Mapping[str, Wording]] = MappingProxyType(
    {
        "bssfp": Wording("SA Cine SSFP", "SSFP_ecg", ("GR",), ("SS",), ("CG",), "SSFP"),
        "lge": Wording("SA LGE FFE IR", "FFE_IR_ecg", ("GR", "IR"), ("SP", "MP"), ("CG",), "FFE"),
        "psir": Wording("SA LGE PSIR", "FFE_PSIR_ecg", ("GR", "IR"), ("SP", "MP"), ("CG",), "FFE"),
        "stir": Wording("SA T2 BB STIR", "FSE_IR_ecg", ("SE", "IR"), ("SK",), ("CG",), "FSE"),
        "t2_prepared": Wording(
            "SA T2prep SSFP", "SSFP_T2P", ("GR",), ("SS", "MP"), ("CG",), "SSFP"
        ),
        "localiser": Wording("Locator", "FE_loc", ("GR",), ("SS",), ("CG",), "FE"),
        "t1_map": Wording("SA T1 map", "SSFP_IR", ("GR", "IR"), ("SS", "MP"), ("CG",), "SSFP"),
    }
)
_WORDINGS: Final[Mapping[Vendor, Mapping[str, Wording]]] = MappingProxyType(
    {"siemens": _SIEMENS, "philips": _PHILIPS, "ge": _GE, "canon": _CANON}
)
KINDS: Final = tuple(_SIEMENS)
"""What can be described: bssfp, lge, psir, stir, t2_prepared, localiser, t1_map."""


def vendor_called(name: str) -> Vendor:
    """The vendor of this name.

    Raises:
        ConfigurationError: there is none.
    """
    for vendor in EQUIPMENT:
        if vendor == name.lower():
            return vendor
    raise ConfigurationError(f"vendor is {name}; give {', '.join(EQUIPMENT)}.")


def describe(kind: str, vendor: Vendor, timing: Timing) -> Attributes:
    """How the vendor describes a series of one of `KINDS` with this timing."""
    wording = _WORDINGS[vendor][kind]
    return Attributes(
        description=wording.description,
        sequence_name=wording.sequence_name,
        pulse_sequence=wording.sequence_name or wording.technique,
        scanning_sequence=wording.scanning,
        sequence_variant=wording.variant,
        scan_options=wording.options,
        image_type=_image_type(kind, vendor),
        timing=replace(timing, tr_ms=_written_tr_ms(kind, vendor, timing)),
        private=MappingProxyType(_private(vendor, wording.technique)),
    )


def in_view(attributes: Attributes, view: str) -> Attributes:
    """The same acquisition in another view: its description names it instead of the short axis."""
    words = attributes.description
    for short_axis in ("_sax", "_SA", "SA "):
        words = words.replace(short_axis, "")
    return replace(attributes, description=f"{words}_{view}".replace("__", "_"))


def _written_tr_ms(kind: str, vendor: Vendor, timing: Timing) -> float:
    """Siemens writes the time of a segment of a cine, and of LGE the heart beat."""
    if vendor == "siemens" and kind == "bssfp":
        return timing.tr_ms * SEGMENT_LINES
    return timing.tr_ms


def _image_type(kind: str, vendor: Vendor) -> tuple[str, ...]:
    if kind == "t1_map":
        of_map = {
            "siemens": ("DERIVED", "PRIMARY", "T1 MAP", "ND", "MOCO"),
            "philips": ("DERIVED", "PRIMARY", "T1 MAP", "T1", "UNSPECIFIED"),
        }
        return of_map.get(vendor, ("DERIVED", "SECONDARY", "T1 MAP"))
    last = {
        "siemens": ("P" if kind == "psir" else "M", "ND", "NORM"),
        "philips": ("R_IR", "R") if kind == "psir" else ("M_FFE", "M"),
        "ge": ("OTHER",),
        "canon": ("OTHER",),
    }[vendor]
    return ("ORIGINAL", "PRIMARY", *last)


def _private(vendor: Vendor, technique: str) -> dict[tuple[int, str, int, str], str]:
    if vendor == "philips":
        return {(0x2001, PHILIPS_IMAGING, 0x20, "LO"): technique}
    if vendor == "ge":
        return {(0x0019, GE_ACQUISITION, 0x9C, "LO"): technique}
    return {}
