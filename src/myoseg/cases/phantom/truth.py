"""A simulated study in, what is true of it as a record for JSON out."""

from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

import numpy as np

from myoseg.cases.phantom.infarct import Infarct
from myoseg.cases.phantom.study import Series, Study
from myoseg.cases.phantom.tissue import Material, TissueProperties

N_DIGITS = 6


def truth_record(study: Study) -> dict[str, Any]:
    """Shifts in mm, volumes in ml and all that was drawn of a study.

    Volumes are those of the geometry from base to apex, not those of any grid's labels. Shifts
    are along increasing rows and columns of the stored slices, which count from 0.
    """
    phantom = study.phantom
    return {
        "name": study.name,
        "volumes_ml": {
            tissue.name.lower(): round(volume_ml, 3)
            for tissue, volume_ml in study.volumes_ml.items()
        },
        "infarct": infarct_record(phantom.scene.infarct),
        "series": {str(s): _series_record(series) for s, series in study.series.items()},
        "acquisitions": {
            str(s): plain(acquisition) for s, acquisition in phantom.acquisitions.items()
        },
        "protocol": plain(phantom.tissues.protocol),
        "contrast": plain(phantom.tissues.contrast),
        "tissues": _tissue_records(phantom.tissues.properties),
        "artefacts": plain(phantom.artefacts),
        "heart_length_mm": plain(phantom.scene.heart.length_mm),
    }


def infarct_record(infarct: Infarct | None) -> dict[str, Any] | None:
    """The age of an infarct and its regions, without their irregularities; None of a control."""
    if infarct is None:
        return None
    regions = [
        {key: value for key, value in plain(focus).items() if not isinstance(value, dict)}
        for focus in infarct.foci
    ]
    return {"age": "acute" if infarct.acute else "chronic", "regions": regions}


def plain(value: Any) -> Any:
    """The value as JSON has it: dataclasses as records, arrays as lists, infinity as None.

    >>> plain((1, 0.123456789, float("inf")))
    [1, 0.123457, None]
    """
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Enum):
        return value.value if isinstance(value.value, str) else value.name.lower()
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, float):
        return round(value, N_DIGITS) if np.isfinite(value) else None
    return value


def _series_record(series: Series) -> dict[str, Any]:
    return {
        "shifts_mm": plain(series.shifts_mm),
        "positions_mm": plain(series.positions_mm),
        "thickness_mm": plain(series.stack.view.thickness_mm),
        "orientation": plain(series.stack.orientation),
        "padding": plain(series.stack.padding),
    }


def _tissue_records(properties: Any) -> dict[str, Any]:
    tissues: dict[Material, TissueProperties] = dict(properties)
    return {material.name.lower(): plain(tissue) for material, tissue in tissues.items()}
