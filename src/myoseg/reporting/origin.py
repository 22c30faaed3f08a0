"""A run's `run.json` enters; what made its segmentations leaves, for the pages that show them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from myoseg.manifest import software_versions

SHOWN_DIGITS: Final = 12
"""Of a SHA-256, on a page."""


@dataclass(frozen=True)
class Origin:
    """The method that made a segmentation, and the program that drew its report.

    Attributes:
        method: in words; empty where it is not known.
        program: the version of myoseg that ran the method; empty where another program did.
        model_sha256: of the model's description, which holds the hash of all weights.
    """

    method: str = ""
    program: str = ""
    model_sha256: str = ""

    @property
    def words(self) -> str:
        """One line for a page."""
        if not self.method:
            return "made elsewhere; the method is not known"
        program = f", myoseg {self.program}" if self.program else ""
        digits = self.model_sha256[:SHOWN_DIGITS]
        return f"{self.method}{program}" + (f", weights {digits}" if digits else "")


UNKNOWN: Final = Origin()


def origin_of_model(name: str, sha256: str | None) -> Origin:
    """Of what a model of that name finds now; the name is empty where it is not known."""
    return Origin(f"model {name}".rstrip(), program_version(), sha256 or "")


def origin_of_run(folder: Path) -> Origin:
    """What the `run.json` in a folder of results says; an unknown origin without a readable one."""
    try:
        record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        return _from_manifest(record)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return UNKNOWN


def program_version() -> str:
    """Of the installed myoseg."""
    return software_versions().get("myoseg", "")


def _from_manifest(record: Any) -> Origin:
    arguments, command = record["arguments"], record["command"]
    methods = {"threshold": f"threshold {arguments.get('method')}"}
    method = methods.get(command, f"model {arguments.get('model')}")
    sha256 = record["hashes"].get("model", "")
    return Origin(method, record["versions"].get("myoseg", ""), str(sha256))
