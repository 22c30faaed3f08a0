"""Nested values with tensors in, one safetensors file out, and back: never a pickle.

Everything that is not a tensor is JSON in the file's header, so that state and tensors are one
file, which appears whole or not at all.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from myoseg.errors import ModelError
from myoseg.files import written_whole

_HEADER: Final = "state"


def write_state(path: Path, state: Any) -> None:
    """Writes nested mappings, lists and tuples of tensors, numbers, texts and None.

    Raises:
        TypeError: some value is of another type.
        OutputError: the file cannot be written; a former one is still there.
    """
    tensors: dict[str, Tensor] = {}
    header = {_HEADER: json.dumps(_pack(state, tensors))}
    with written_whole(path) as aside:
        safetensors.torch.save_file(tensors, aside, metadata=header)
        with aside.open("rb+") as stream:
            os.fsync(stream.fileno())


def read_state(path: Path) -> Any:
    """The inverse of `write_state`, with tensors on the CPU.

    Raises:
        ModelError: the file is missing, damaged or something else.
    """
    try:
        with safe_open(path, framework="pt") as stream:
            packed = json.loads(stream.metadata()[_HEADER])
            tensors = {name: stream.get_tensor(name).clone() for name in stream.keys()}  # noqa: SIM118
        return _unpack(packed, tensors)
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"the training state {path} cannot be read: {error}; restore it from a copy, or delete "
            "its folder to train that network from the start."
        ) from error


def _pack(value: Any, tensors: dict[str, Tensor]) -> Any:
    """JSON values for `value`; its tensors go to `tensors`."""
    if isinstance(value, Tensor):
        name = str(len(tensors))
        copy = value.detach().cpu().clone(memory_format=torch.contiguous_format)
        tensors[name] = copy
        return {"tensor": name}
    if isinstance(value, Mapping):
        return {"items": [[_pack(key, tensors), _pack(value[key], tensors)] for key in value]}
    if isinstance(value, list | tuple):
        return {type(value).__name__: [_pack(item, tensors) for item in value]}
    if value is None or type(value) in (bool, int, float, str):
        return value
    raise TypeError(f"{type(value).__name__} cannot be kept in a training state")


def _unpack(packed: Any, tensors: Mapping[str, Tensor]) -> Any:
    if not isinstance(packed, dict):
        return packed
    ((kind, content),) = packed.items()
    if kind == "tensor":
        return tensors[content]
    if kind == "items":
        return {_unpack(key, tensors): _unpack(value, tensors) for key, value in content}
    items = [_unpack(item, tensors) for item in content]
    return tuple(items) if kind == "tuple" else items
