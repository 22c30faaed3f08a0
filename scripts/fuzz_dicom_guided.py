"""As `fuzz_dicom.py`, guided by coverage: `python scripts/fuzz_dicom_guided.py --seconds 600`.

Needs atheris (`pip install atheris`; no dependency of ours). Each input is one altered file in a
folder. What reached new branches of this package's DICOM modules is altered further, by structure
as `fuzz_dicom.by_structure` does, or by bytes as libFuzzer does. Exceptions other than
this package's own are printed and counted, and do not end the run; a process that dies or hangs for
two minutes does. `--keep FOLDER` keeps inputs that fail, `--corpus FOLDER` those that reached more.
"""

import argparse
import logging
import os
import shutil
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from pathlib import Path
from typing import Final

import atheris
import numpy as np

with atheris.instrument_imports(include=["myoseg.cases.dicom"]):
    from fuzz_dicom import MEMORY, answer_of_fork, by_structure, exercise, sound_files

    from myoseg.cases.dicom import decoding

LARGEST_BYTES: Final = 1 << 16
STRUCTURED: Final = 0.5
TOLD_EVERY: Final = 100


class Guided:
    """What libFuzzer calls."""

    def __init__(self, place: Path, keep: Path | None) -> None:
        self.counts, self.failures = Counter[str](), Counter[str]()
        self._place, self._keep = place, keep

    def run(self, content: bytes) -> None:
        """One input through all that reads DICOM."""
        shutil.rmtree(self._place, ignore_errors=True)
        (self._place / "in").mkdir(parents=True)
        (self._place / "in" / "altered").write_bytes(content)
        try:
            self.counts["inputs"] += 1
            self.counts += exercise(self._place)
        except Exception:
            self._failed()
        if self.counts["inputs"] % TOLD_EVERY == 0:
            told = ", ".join(f"{what}: {n}" for what, n in sorted(self.counts.items()))
            print(f"{told}, kinds of failures: {len(self.failures)}", flush=True)

    def _failed(self) -> None:
        lines = traceback.format_exc().strip().splitlines()
        words = f"{lines[-1][:200]} | {' '.join(lines[-3:-1])[:300]}"
        self.failures[words] += 1
        if self.failures[words] == 1:
            print("failed:", words, flush=True)
            if self._keep is not None:
                kept = self._keep / str(len(self.failures))
                shutil.copytree(self._place / "in", kept, dirs_exist_ok=True)


def mutated(content: bytes, most_bytes: int, seed: int) -> bytes:
    """An input altered by structure, or by bytes."""
    rng = np.random.default_rng(seed)
    made = content
    if rng.random() < STRUCTURED:
        try:
            made = by_structure(content, rng)
        except Exception:
            made = content  # pydicom cannot read it any more; libFuzzer goes on with its bytes.
    if made == content or len(made) > most_bytes:
        made = atheris.Mutate(content, most_bytes)
    return bytes(made)


def main() -> None:
    """Runs libFuzzer in a process of its own; failures and counts are printed meanwhile."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1, help="of libFuzzer; 0 for another each time")
    parser.add_argument("--keep", type=Path, help="where inputs that fail are kept")
    parser.add_argument("--corpus", type=Path, help="where inputs that reached more are kept")
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    decoding.answer_of_process = answer_of_fork
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name:
        corpus, seeds = asked.corpus or Path(name) / "corpus", Path(name) / "seeds"
        for folder in (corpus, seeds):
            folder.mkdir(parents=True, exist_ok=True)
        for number, (_, content) in enumerate(sound_files(Path(name) / "sound")):
            if len(content) <= LARGEST_BYTES:
                (seeds / str(number)).write_bytes(content)
        guided = Guided(Path(name) / "work", asked.keep)
        limits = (f"-max_total_time={asked.seconds}", "-timeout=120", f"-max_len={LARGEST_BYTES}")
        options = (*limits, f"-seed={asked.seed}", "-rss_limit_mb=4096", "-print_final_stats=1")
        arguments = [sys.argv[0], *options, str(corpus), str(seeds)]
        child = os.fork()
        if child == 0:
            # It ends the process by itself; the folder is removed by the other one.
            atheris.Setup(arguments, guided.run, custom_mutator=mutated)
            atheris.Fuzz()
            os._exit(0)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
