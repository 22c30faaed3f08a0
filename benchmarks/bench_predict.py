"""One case from files to files: the default model against nnU-Net v2 `2d` with five folds.

nnU-Net plans for simulated cases of the same size and gets random weights: what it computes does
not depend on them. Both use as many threads. Needs `pip install "myoseg[bench]"`.
"""

import argparse
import json
import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from interleaved import print_table, time_in_turn
from myoseg.cases.layouts import find_cases
from myoseg.cases.phantom import PhantomConfig
from myoseg.cases.phantom.data_set import write_phantoms
from myoseg.cohort import predict_cohort
from myoseg.prediction.model import load_model

DATASET = "Dataset001_Heart"
N_FOLDS = 5
CASE = PhantomConfig(matrix=(256, 256), spacing_mm=(1.25, 1.25), n_slices=(10, 10))


def main() -> None:
    """Prints two tables: both programs warm, and both as whole processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--full", action="store_true", help="more rounds")
    asked = parser.parse_args()
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        _compare(Path(folder), asked.threads, full=asked.full)


def _compare(folder: Path, n_threads: int, full: bool) -> None:
    os.environ |= {
        "nnUNet_raw": str(folder / "raw"),
        "nnUNet_preprocessed": str(folder / "preprocessed"),
        "nnUNet_results": str(folder / "results"),
        "OMP_NUM_THREADS": str(n_threads),
        "nnUNet_def_n_proc": "1",
    }
    write_phantoms(folder / "cases", n_training=5, n_test=1, seed=0, config=CASE)
    model = _nnunet_model(folder)
    case = find_cases(folder / "cases")[0]
    given = folder / "given"
    for made in (given, folder / "theirs"):
        made.mkdir()
    for channel, path in enumerate(case.images.values()):
        (given / f"{case.name}_{channel:04d}.nii.gz").symlink_to(path.resolve())

    import torch
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

    torch.set_num_threads(n_threads)
    predictor = nnUNetPredictor(device=torch.device("cpu"), allow_tqdm=False)
    predictor.initialize_from_trained_model_folder(str(model), range(N_FOLDS))
    ours = load_model("default", "cpu", n_threads=n_threads)

    def nnunet() -> None:
        predictor.predict_from_files_sequential(
            str(given),
            str(folder / "theirs"),
            overwrite=True,
            folder_with_segs_from_prev_stage=None,
        )

    def myoseg() -> None:
        (outcome,) = predict_cohort([case], ours, folder / "ours")
        if outcome.error:
            raise SystemExit(outcome.error)

    names = "myoseg predict", "nnU-Net v2 2d, five folds, its test-time augmentation"
    rounds, most = (5, {}) if full else (3, {names[1]: 1})
    both = dict(zip(names, (myoseg, nnunet), strict=True))
    warm = time_in_turn(both, rounds, {names[0]: 5}, most_rounds=most)
    title = f"One case of 10 slices of 256 x 256, three sequences, {n_threads} threads"
    print_table(f"{title}, files to files, model loaded", warm, names[0])

    images = [f"--{name}={path}" for name, path in case.images.items()]
    commands = {
        names[0]: [
            *(_script("myoseg"), "predict", *images, "-o", str(folder / "cold"), "-q"),
            *("--threads", str(n_threads)),
        ],
        names[1]: [
            *(_script("nnUNetv2_predict_from_modelfolder"), "-i", str(given), "-m", str(model)),
            *("-o", str(folder / "cold_theirs"), "-device", "cpu", "-npp", "1", "-nps", "1"),
            *("-f", *map(str, range(N_FOLDS))),
        ],
    }
    cold = time_in_turn(
        {
            name: lambda command=command: subprocess.run(command, check=True, capture_output=True)
            for name, command in commands.items()
        },
        rounds,
        {},
        most_rounds=most,
        warmed_up=full,
    )
    print_table(f"{title}, the whole command", cold, names[0])


def _nnunet_model(folder: Path) -> Path:
    """A model folder of nnU-Net's own plan, with random weights in every fold."""
    subprocess.run(
        [
            *(_script("myoseg"), "data", "convert", str(folder / "cases"), "--to", "nnunet"),
            *("-o", str(folder / "raw" / DATASET)),
        ],
        check=True,
    )
    subprocess.run(
        [_script("nnUNetv2_plan_and_preprocess"), "-d", "1", "-c", "2d", "-np", "1", "-npfp", "1"],
        check=True,
        capture_output=True,
    )
    import torch
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

    plans = json.loads((folder / "preprocessed" / DATASET / "nnUNetPlans.json").read_text())
    dataset = json.loads((folder / "raw" / DATASET / "dataset.json").read_text())
    for fold in range(N_FOLDS):
        asked = plans | {"continue_training": False}
        trainer = nnUNetTrainer(asked, "2d", fold, dataset, device=torch.device("cpu"))
        trainer.initialize()
        out = Path(trainer.output_folder)
        out.mkdir(parents=True, exist_ok=True)
        trainer.save_checkpoint(str(out / "checkpoint_final.pth"))
    model = out.parent
    (model / "plans.json").write_text(json.dumps(plans))
    (model / "dataset.json").write_text(json.dumps(dataset))
    return model


def _script(name: str) -> str:
    return str(Path(sys.executable).parent / name)


if __name__ == "__main__":
    main()
