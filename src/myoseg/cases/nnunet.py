"""nnU-Net data sets: a dataset.json enters and a `Layout` leaves, and back."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from myoseg.anatomy import (
    BACKGROUND,
    MYOCARDIUM,
    PAINT_ORDER,
    REGIONS,
    Sequence,
    Tissue,
    Tissues,
)
from myoseg.cases.data_sets import NNUNET, SEQUENCE_NAMES, Layout
from myoseg.cases.labels import LabelCoding, joined_to_milder, name_of
from myoseg.errors import InputError

DATASET_FILE: Final = "dataset.json"

_CHANNELS: Final = {Sequence.BSSFP: "bSSFP", Sequence.LGE: "LGE", Sequence.T2: "T2"}

_GROUP_NAMES: Final[dict[str, Tissues]] = {
    **REGIONS,
    "normal": REGIONS["normal_myocardium"],
    "myo": MYOCARDIUM,
    "lv_myocardium": MYOCARDIUM,
    "lvm": MYOCARDIUM,
    "oedema": REGIONS["edema"],
    "infarct": REGIONS["scar"],
    "infarction": REGIONS["scar"],
    "mi": REGIONS["scar"],
    "no_reflow": REGIONS["scar"],
    "mvo": REGIONS["scar"],
    "lv": REGIONS["lv_blood_pool"],
    "lv_cavity": REGIONS["lv_blood_pool"],
    "lv_blood": REGIONS["lv_blood_pool"],
    "lvbp": REGIONS["lv_blood_pool"],
    "cavity": REGIONS["lv_blood_pool"],
    "rv": REGIONS["rv_blood_pool"],
    "rv_cavity": REGIONS["rv_blood_pool"],
    "rv_blood": REGIONS["rv_blood_pool"],
    "rvbp": REGIONS["rv_blood_pool"],
}


def nnunet_layout(path: Path) -> Layout:
    """The layout that a dataset.json describes: channels are sequences, labels are named tissues.

    Raises:
        InputError: the file is missing or unreadable, or it names a channel or label that is not
            known, or regions that overlap.
    """
    record = _read(path)
    channels = record.get("channel_names", record.get("modality", {}))
    return replace(
        NNUNET,
        codings=(LabelCoding(path.as_posix(), _meanings(record.get("labels", {}), path)),),
        sequences={
            f"{int(channel):04d}": _sequence_named(name, path) for channel, name in channels.items()
        },
    )


def dataset_record(
    sequences: Iterable[Sequence], groups: Iterable[Tissues], n_training: int
) -> dict[str, Any]:
    """What dataset.json says of a data set with these channels and labels 1, 2, ... for groups."""
    return {
        "channel_names": {str(k): _CHANNELS[sequence] for k, sequence in enumerate(sequences)},
        "labels": {
            "background": BACKGROUND,
            **{name_of(group): k for k, group in enumerate(groups, start=1)},
        },
        "numTraining": n_training,
        "file_ending": ".nii.gz",
    }


def _read(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(
            f"{path} does not exist; an nnU-Net data set is the folder that holds it."
        ) from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as JSON ({error}); correct it.") from error
    fields = ("channel_names", "modality", "labels")
    if not isinstance(record, dict) or any(
        not isinstance(record.get(field, {}), dict) for field in fields
    ):
        raise InputError(f"{path} lacks channel_names and labels by name; correct it.")
    return record


def _sequence_named(name: object, path: Path) -> Sequence:
    words = re.split(r"[^a-z0-9]+", str(name).lower())
    known = {SEQUENCE_NAMES[word] for word in words if word in SEQUENCE_NAMES}
    if len(known) != 1:
        raise InputError(
            f"{path} names a channel {name!r}, which is not known as a sequence; rename it to one "
            f"of {', '.join(_CHANNELS.values())}."
        )
    return known.pop()


def _meanings(labels: Mapping[str, Any], path: Path) -> dict[int, Tissues]:
    """Tissues by label value, from nnU-Net's {name: value} or its first version's {value: name}."""
    by_value: dict[int, Tissues] = {}
    for first, second in labels.items():
        name, value = (str(second), first) if first.isdigit() else (first, second)
        if isinstance(value, list):
            raise InputError(
                f"{path} defines {name!r} as a region of several labels; give each label value one "
                "name, and regions follow from the tissues."
            )
        if not re.fullmatch(r"\d+", str(value)):
            raise InputError(f"{path} gives label {name!r} the value {value!r}; give a number.")
        if int(value) != BACKGROUND and name.lower() != "ignore":
            by_value[int(value)] = _group_named(name, path)
    return _disjoint(by_value, path)


def _group_named(name: str, path: Path) -> Tissues:
    parts = [re.sub(r"[^a-z0-9]+", "_", part.strip().lower()) for part in name.split("+")]
    unknown = [part for part in parts if part not in _GROUP_NAMES]
    if unknown:
        raise InputError(
            f"{path} names a label {name!r}, which is not known as a tissue; rename it to one of "
            f"{', '.join(t.name.lower() for t in Tissue)}, or several joined by '+'."
        )
    return frozenset().union(*(_GROUP_NAMES[part] for part in parts))


def _disjoint(by_value: Mapping[int, Tissues], path: Path) -> dict[int, Tissues]:
    """Labels of disjoint groups: a wide name means what the narrower ones leave of it.

    A myocardial tissue without a label of its own was drawn as the next milder one.
    """
    groups = set(by_value.values())
    narrowed = {
        value: group.difference(*(other for other in groups if other < group))
        for value, group in by_value.items()
    }
    distinct = set(narrowed.values())
    tissues = [tissue for group in distinct for tissue in group]
    if frozenset() in distinct or len(tissues) > len(set(tissues)):
        raise InputError(
            f"{path} has labels that overlap ({', '.join(map(name_of, groups))}); give each tissue "
            "one label."
        )
    for tissue in PAINT_ORDER:
        if tissue in MYOCARDIUM.difference(tissues):
            narrowed = joined_to_milder(narrowed, tissue)
    return narrowed
