"""Which cases of a cohort one process does: its share, and of that what is not done yet."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from myoseg.case_results import labels_path
from myoseg.cases.layouts import CaseFiles
from myoseg.errors import ConfigurationError, OutputError


@dataclass(frozen=True)
class Share:
    """One of `n_shares` parts of a cohort that differ by one case at most; `number` is from 1.

    Raises:
        ConfigurationError: there is no such part.
    """

    number: int
    n_shares: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.n_shares:
            raise ConfigurationError(
                f"there is no share {self.number} of {self.n_shares}; give 1/{self.n_shares} to "
                f"{self.n_shares}/{self.n_shares}."
            )

    @classmethod
    def parse(cls, text: str) -> "Share":
        """The share that is written I/N.

        Raises:
            ConfigurationError: the text is not of that form, or there is no such part.
        """
        number, slash, n_shares = text.partition("/")
        if not (slash and number.isdecimal() and n_shares.isdecimal() and int(n_shares)):
            raise ConfigurationError(f"{text!r} is no share of a cohort; give I/N, such as 2/8.")
        return cls(int(number), int(n_shares))

    def of(self, files: Sequence[CaseFiles]) -> list[CaseFiles]:
        """This part of the cases, which all processes must give in the same order."""
        return list(files[self.number - 1 :: self.n_shares])


def not_done(files: Sequence[CaseFiles], out: Path) -> list[CaseFiles]:
    """The cases whose label map, which is written last, is not in `out`."""
    return [each for each in files if not labels_path(out, each.name).is_file()]


def require_same_run(out: Path, manifest: Mapping[str, Any]) -> None:
    """Refuses to go on in a folder whose results were made otherwise.

    Args:
        out: the folder; it may be empty or missing.
        manifest: of the run that is to go on, see `manifest.run_manifest`.

    Raises:
        ConfigurationError: what is there came from another model or other options.
        OutputError: results are there, but not what made them.
    """
    record = out / "run.json"
    if not record.is_file():
        if any(out.glob("*_seg.nii.gz")):
            raise OutputError(
                f"{out} holds label maps but no run.json that says how they were made; give "
                "another folder."
            )
        return
    try:
        before = json.loads(record.read_text(encoding="utf-8"))
        made = {key: dict(before[key]) for key in ("hashes", "arguments")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OutputError(
            f"{record} cannot be read: {error!r}; restore it, or give another folder."
        ) from error
    for key, values in made.items():
        now = manifest[key]
        changed = [name for name in sorted({*values, *now}) if values.get(name) != now.get(name)]
        if changed:
            raise ConfigurationError(
                f"the results in {out} were made with other {', '.join(changed)}; go on with the "
                "same, or give another folder."
            )
