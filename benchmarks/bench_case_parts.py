"""Where a case's time goes, files to files: each part's share, the default model loaded.

Seconds of the process on one thread, so that other work on the machine weighs little. Evaluation
against a truth stands beside the parts of `myoseg predict`, of which it is none.
"""

import argparse
import logging
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from interleaved import use_one_thread
from myoseg.case_results import save_segmentation
from myoseg.cases.layouts import find_cases, read_case
from myoseg.cases.phantom import PhantomConfig
from myoseg.cases.phantom.data_set import write_phantoms
from myoseg.prediction.decoder import decode_labels
from myoseg.prediction.model import load_model
from myoseg.prediction.quality import assess
from myoseg.prediction.segment import clean_masks, segment
from myoseg.quantification.scores import score_case

CASE = PhantomConfig(matrix=(256, 256), spacing_mm=(1.25, 1.25), n_slices=(10, 10))
PREDICTION = "reading", "blocks' probabilities", "post-processing", "decoding", "quality", "saving"


def main() -> None:
    """Prints one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="more rounds")
    rounds = 15 if parser.parse_args().full else 2
    logging.disable(logging.WARNING)
    use_one_thread()
    with tempfile.TemporaryDirectory() as folder:
        seconds = _measured(Path(folder), rounds + 1)
    whole = sum(median(seconds[part][1:]) for part in PREDICTION)
    print("\n## A case of 10 slices of 256 x 256, three sequences, one thread\n")
    print("| part | median ms | lowest - highest | share |\n|---|---|---|---|")
    for part, values in seconds.items():
        counted = values[1:]
        spread = f"{min(counted) * 1e3:.1f} - {max(counted) * 1e3:.1f}"
        share = median(counted) / whole
        print(f"| {part} | {median(counted) * 1e3:.1f} | {spread} | {100 * share:.1f} % |")


def _measured(folder: Path, rounds: int) -> dict[str, list[float]]:
    """Seconds of each part in each round."""
    write_phantoms(folder / "cases", n_training=0, n_test=1, seed=0, config=CASE)
    (files,) = find_cases(folder / "cases")
    model = load_model("default", "cpu", n_threads=1)
    seconds: dict[str, list[float]] = {part: [] for part in (*PREDICTION, "evaluation")}

    def timed(part: str, work: Callable[[], Any]) -> Any:
        began = time.process_time()
        result = work()
        seconds[part].append(time.process_time() - began)
        return result

    for _ in range(rounds):
        case = timed("reading", lambda: read_case(files, with_labels=False))
        table = model.table.restricted_to(case.sequences)
        found = timed(
            "blocks' probabilities", lambda c=case, t=table: model.block_probabilities(c, t)
        )
        masks = timed(
            "post-processing",
            lambda t=table, f=found: np.stack(
                [clean_masks(f.mean[b.name], b) for b in t.blocks], 1
            ),
        )
        timed("decoding", lambda t=table, m=masks: [decode_labels(each, t.decoder) for each in m])
        whole = segment(case, model)
        timed("quality", lambda c=case, w=whole, f=found: assess(w.labels, c.geometry, f))
        timed("saving", lambda c=case, w=whole: save_segmentation(w, c, folder / "out"))
        timed("evaluation", lambda w=whole: score_case("case", w.labels, w.labels, w.geometry))
    return seconds


if __name__ == "__main__":
    main()
