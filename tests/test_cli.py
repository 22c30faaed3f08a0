import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from myoseg.anatomy import Sequence
from myoseg.cases.layouts import find_cases
from myoseg.files import sha256_of

OBLIQUE = np.array(
    [
        [4.2, -0.5, 3.0, -80.0],
        [0.6, 4.1, -4.0, 12.5],
        [-0.2, 0.7, 9.0, 101.0],
        [0.0, 0.0, 0.0, 1.0],
    ]
)
SHAPE = (27, 30, 3)


WALL_CODES = (200, 1220, 2221)


@pytest.fixture
def write(tmp_path):
    """Writes a volume of noise, or what is given, into the folder `in`."""

    def make(name, values=None, affine=OBLIQUE):
        if values is None:
            values = np.random.default_rng(len(name)).normal(100, 20, SHAPE).astype(np.float32)
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        nib.Nifti1Image(values, affine).to_filename(path)
        return path

    return make


@pytest.fixture
def predict(cli, trained_run, tmp_path):
    """Predicts into `out`."""

    def run(*arguments):
        return cli(
            "predict", "-q", "-d", "cpu", "-m", trained_run, "-o", tmp_path / "out", *arguments
        )

    return run


def written(folder: Path) -> list[str]:
    """Files below a folder, hidden ones too, but for the record of the run."""
    return sorted(path.name for path in folder.rglob("*") if path.name != "run.json")


COMMANDS = [
    ("demo",),
    ("predict",),
    ("train",),
    ("evaluate",),
    ("agree",),
    ("threshold",),
    ("reproduce",),
    ("info",),
    ("data",),
    ("data", "check"),
    ("data", "convert"),
    ("data", "layouts"),
    ("data", "phantom"),
    ("model",),
    ("model", "list"),
    ("model", "verify"),
    ("model", "card"),
    ("model", "export"),
]


def test_help_names_each_command(cli):
    done = cli("--help")
    assert done.code == 0
    for command in COMMANDS:
        assert command[-1] in done.out or len(command) > 1
    assert "Research use only" in done.out


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_each_command_explains_itself(cli, command):
    for flag in ("--help", "-h"):
        done = cli(*command, flag)
        assert done.code == 0
        assert "Usage: myoseg " + " ".join(command) in done.out


def test_help_and_version_load_no_torch():
    script = (
        "import sys\nfrom myoseg.cli import main\nsys.argv = ['myoseg', sys.argv[1]]\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert not stop.code\n"
        "heavy = {'torch', 'lightning', 'nibabel', 'numpy', 'matplotlib'}\n"
        "print('loaded', *sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    for flag in ("--help", "--version"):
        command = [sys.executable, "-c", script, flag]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stderr.strip() == "loaded"


def test_the_version_is_printed(cli):
    import myoseg

    assert cli("--version").out == myoseg.__version__


def test_info_prints_versions_devices_and_presets(cli):
    record = json.loads(cli("info", "--json").out)
    assert record["presets"] == ["default", "demo", "paper", "physiological", "quick"]
    assert "torch" in record["versions"]
    assert "torch" in cli("info").out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["predict", "-o", "out"], "give either -i FOLDER, or one or more of"),
        (["predict", "-o", "out", "-m", "run"], "give either -i FOLDER, or one or more of"),
        (
            ["predict", "-o", "out", "-m", "run", "-i", "a", "--lge", "b.nii"],
            "give either -i FOLDER, or one or more of",
        ),
        (
            ["predict", "-o", "out", "-m", "run", "-i", "a", "--name", "b"],
            "--name goes with --bssfp, --lge and --t2",
        ),
        (
            ["predict", "-o", "out", "-m", "run", "--lge", "a.nii", "--layout", "myops"],
            "--layout goes with -i",
        ),
        (
            ["predict", "-o", "out", "-i", "a", "--coding", "autofd"],
            "--coding goes with --contours",
        ),
        (
            ["predict", "-o", "out", "--lge", "a.nii", "--align", "most"],
            "there is no alignment 'most'",
        ),
        (["train", "data"], "Missing option '-o'"),
        (
            ["train", "data", "-o", "run", "--fold", "-1"],
            "'--fold': Input should be greater than or equal to 0",
        ),
        (
            ["reproduce", "data", "-o", "out", "--folds", "1"],
            "'--folds': Input should be greater than or equal to 2",
        ),
        (
            ["data", "phantom", "-o", "out", "--n-training", "many"],
            "'--n-training': Input should be a valid integer",
        ),
    ],
)
def test_wrong_usage_is_2_and_says_what_is_wrong(cli, arguments, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = cli(*arguments)
    assert done.code == 2
    assert words in done.err
    assert written(tmp_path) == []


def test_no_arguments_print_the_help(cli):
    assert "Usage: myoseg" in cli().out + cli().err


# Predicting


@pytest.mark.parametrize(
    ("sequences", "not_assessed"),
    [
        (["bssfp", "lge", "t2"], []),
        (["bssfp"], ["normal_myocardium", "edema", "scar", "edema+scar"]),
        (["lge"], ["lv_blood_pool", "rv_blood_pool", "normal_myocardium", "edema", "edema+scar"]),
        (["t2"], ["lv_blood_pool", "scar", "edema"]),
        (["bssfp", "t2"], ["edema", "scar"]),
    ],
    ids="+".join,
)
def test_any_sequences_give_a_mask_on_their_own_grid(
    predict, write, tmp_path, sequences, not_assessed
):
    pairs = [(f"--{name}", write(f"one_{name}.nii.gz")) for name in sequences]
    done = predict(*(part for pair in pairs for part in pair), "--name", "one")
    assert done.code == 0
    assert f"Results are in {(tmp_path / 'out').resolve()}" in done.out
    mask = nib.load(tmp_path / "out" / "one_seg.nii.gz")
    assert mask.shape == SHAPE
    np.testing.assert_allclose(mask.affine, OBLIQUE, atol=1e-5)
    stats = json.loads((tmp_path / "out" / "one_stats.json").read_text())
    assert set(not_assessed) <= set(stats["not_assessed"])
    assert bool(not_assessed) == bool(stats["not_assessed"])
    for region in not_assessed:
        assert stats["volumes_ml"][region] is None
    assert ("one: not assessed: " in done.err) == bool(not_assessed)
    names = [f"one_{kind}" for kind in ("preview.png", "seg.nii.gz", "stats.json")]
    assert written(tmp_path / "out") == [*names, "quality.csv"]


@pytest.mark.usefixtures("shipped_default")
def test_probabilities_are_saved_and_not_taken_for_predictions(cli, phantom_data, tmp_path):
    out = tmp_path / "out"
    done = cli("predict", "-q", "-d", "cpu", "-i", phantom_data, "-o", out, "--save-probs")
    assert done.code == 0
    stored = [nib.load(path) for path in sorted((out / "probabilities").iterdir())]
    assert len(stored) == 6 * 5
    for image in stored:
        assert image.get_data_dtype() == np.float32
        assert 0 <= np.asarray(image.dataobj).min() <= np.asarray(image.dataobj).max() <= 1
    assert json.loads((out / "run.json").read_text())["arguments"]["save_probs"]
    assert cli("evaluate", out, phantom_data, "-o", tmp_path / "scores").code == 0
    record = json.loads((tmp_path / "scores" / "metrics.json").read_text())
    assert (record["n_cases"], record["without_truth"]) == (6, [])
    assert record["quality_correlation"]["tissues"]["scar"]["n"] <= 6


@pytest.mark.usefixtures("shipped_default")
def test_a_cohorts_quality_is_listed_with_the_least_confident_case_first(
    cli, phantom_data, tmp_path
):
    out = tmp_path / "out"
    done = cli("predict", "-q", "-d", "cpu", "-i", phantom_data, "-o", out)
    lines = (out / "quality.csv").read_text().splitlines()
    assert lines[0].startswith("case,confidence,flags,expected_dice_lv_blood_pool,")
    rows = [line.split(",") for line in lines[1:]]
    assert len(rows) == 6
    confidences = [float(row[1]) for row in rows]
    assert confidences == sorted(confidences)
    for name, _, flags, *_ in rows:
        stats = json.loads((out / f"{name}_stats.json").read_text())
        assert "; ".join(flag["name"] for flag in stats["quality"]["flags"]) == flags
        assert (f"{name}: look at this case: " in done.err) == bool(flags)
    assert not (out / "probabilities").exists()


@pytest.mark.usefixtures("shipped_default")
def test_scar_is_found_inside_contours_that_were_drawn_by_hand(cli, phantom_data, tmp_path):
    out = tmp_path / "out"
    done = cli(
        "predict", "-q", "-d", "cpu", "-i", phantom_data, "-o", out, "--contours", phantom_data
    )
    assert done.code == 0
    truths = sorted(phantom_data.rglob("*_gd.nii.gz"))
    assert len(truths) == 6
    for path in truths:
        true = np.asarray(nib.load(path).dataobj)
        case = path.name.removesuffix("_gd.nii.gz")
        found = np.asarray(nib.load(out / f"{case}_seg.nii.gz").dataobj)
        for code in (500, 600):
            np.testing.assert_array_equal(found == code, true == code)
        np.testing.assert_array_equal(np.isin(found, WALL_CODES), np.isin(true, WALL_CODES))
    assert json.loads((out / "run.json").read_text())["arguments"]["contours"] == "given"


@pytest.mark.usefixtures("shipped_default")
def test_a_case_without_contours_fails_alone(cli, phantom_data, tmp_path):
    contours = tmp_path / "contours"
    contours.mkdir()
    drawn = sorted(phantom_data.rglob("*_gd.nii.gz"))[0]
    shutil.copy(drawn, contours)
    out = tmp_path / "out"
    done = cli("predict", "-q", "-d", "cpu", "-i", phantom_data, "-o", out, "--contours", contours)
    assert done.code == 3
    assert "has no contours; draw them, or leave the case out" in done.err
    assert len(list(out.glob("*_seg.nii.gz"))) == 1


@pytest.mark.usefixtures("shipped_default")
def test_contours_of_more_than_one_reading_want_their_coding(cli, phantom_data, tmp_path):
    """1, 2 and 4 stand for a pool, a wall and an RV in AutoFD, for other things elsewhere."""
    contours, out = tmp_path / "contours", tmp_path / "out"
    contours.mkdir()
    drawn = sorted(phantom_data.rglob("*_gd.nii.gz"))[0]
    image = nib.load(drawn)
    codes = np.asarray(image.dataobj)
    numbered = np.select([codes == 500, np.isin(codes, WALL_CODES), codes == 600], [1, 2, 4])
    file = nib.Nifti1Image(numbered.astype(np.int16), image.affine)
    nib.save(file, contours / drawn.name)
    command = ("predict", "-q", "-d", "cpu", "-i", phantom_data, "-o", out, "--contours", contours)
    unsaid = cli(*command)
    assert (unsaid.code, "say which with --coding" in unsaid.err) == (1, True)
    assert cli(*command, "--coding", "autofd").code == 3
    case = drawn.name.removesuffix("_gd.nii.gz")
    found = np.asarray(nib.load(out / f"{case}_seg.nii.gz").dataobj)
    np.testing.assert_array_equal(found == 500, codes == 500)


def test_contours_guide_no_model_of_the_paper(predict, phantom_data):
    done = predict("-i", phantom_data, "--layout", "myops", "--contours", phantom_data)
    assert done.code == 1
    assert "contours can guide the shipped model and others of its kind only" in done.err


def test_the_default_model_is_trained_without_data_and_goes_on(cli, tmp_path):
    tiny = [
        f"stages.{stage}.{setting}"
        for stage in ("anatomy", "pathology")
        for setting in (
            "size_px=32",
            "channels=[4, 8]",
            "schedule.n_steps=1",
            "schedule.batch_size=2",
        )
    ]
    settings = [part for change in tiny for part in ("--set", change)]
    arguments = (
        "train",
        "-q",
        "-d",
        "cpu",
        "-o",
        tmp_path / "run",
        "--preset",
        "default",
        *settings,
    )
    assert cli(*arguments).code == 0
    assert cli("model", "verify", tmp_path / "run").code == 0
    again = cli(*arguments)
    assert (again.code, "--resume" in again.err) == (1, True)
    assert cli(*arguments, "--resume").code == 0


def test_the_papers_methods_are_not_trained_without_data(cli, tmp_path):
    done = cli("train", "-q", "-o", tmp_path / "run", "--preset", "quick")
    assert done.code == 1
    assert "recipe quick is trained on a data set; give its folder" in done.err
    assert not (tmp_path / "run").exists()


def test_all_three_networks_predict(cli, smallest_settings, phantom_data, write, tmp_path):
    """One block of three voters, trained, verified and used."""
    block = "{name: lvms, inputs: [lge], target: [scar], networks: [%s]}"
    block %= "unet, mask_rcnn, unet_plus_plus"
    changes = (*smallest_settings, f"table={{name: scar, blocks: [{block}]}}")
    run = tmp_path / "run"
    settings = [part for change in changes for part in ("--set", change)]
    done = cli("train", phantom_data, "-o", run, "-q", "-d", "cpu", "--preset", "demo", *settings)
    assert (done.code, done.out) == (0, f"Results are in {run.resolve()}")
    verified = cli("model", "verify", run)
    assert verified.code == 0
    assert "lvms: unet, mask_rcnn, unet_plus_plus" in verified.out
    lge = write("a.nii.gz")
    assert cli("predict", "-q", "-o", tmp_path / "out", "-m", run, "--lge", lge).code == 0
    assert nib.load(tmp_path / "out" / "a_seg.nii.gz").shape == SHAPE


def test_a_cohort_is_predicted_and_evaluated(predict, cli, phantom_data, tmp_path):
    assert predict("-i", phantom_data, "--layout", "myops").code == 0
    out = tmp_path / "out"
    assert len(list(out.glob("*_seg.nii.gz"))) == 6
    manifest = json.loads((out / "run.json").read_text())
    assert manifest["command"] == "predict"
    assert len(manifest["hashes"]["model"]) == 64
    done = cli("evaluate", out, phantom_data, "-o", tmp_path / "scores")
    assert done.code == 0
    assert json.loads((tmp_path / "scores" / "metrics.json").read_text())["n_cases"] == 6
    assert (tmp_path / "scores" / "metrics.csv").is_file()


def test_a_stopped_cohort_goes_on_and_shares_make_up_the_whole(predict, phantom_data, tmp_path):
    """Two shares, one of them stopped before its last case: a second call does the rest alone."""
    whole = ("-i", phantom_data, "--layout", "myops")
    out = tmp_path / "out"
    assert predict(*whole, "--shard", "1/2").code == 0
    assert len(list(out.glob("*_seg.nii.gz"))) == 3
    assert predict(*whole, "--shard", "2/2").code == 0
    done = sorted(out.glob("*_seg.nii.gz"))
    assert len(done) == 6
    before = {path: path.stat().st_mtime_ns for path in done}
    done[-1].unlink()
    resumed = predict(*whole, "--resume")
    assert (resumed.code, sorted(out.glob("*_seg.nii.gz"))) == (0, done)
    assert [path for path in done if path.stat().st_mtime_ns != before[path]] == done[-1:]
    assert (out / "quality.csv").read_text().count("\n") == 7
    assert predict(*whole, "--resume").code == 0
    refused = predict(*whole, "--resume", "--consecutive")
    assert (refused.code, "were made with other consecutive" in refused.err) == (1, True)


def test_the_shipped_model_predicts_where_none_is_named(cli, shipped_default, write, tmp_path):
    lge = write("a.nii.gz")
    done = cli("predict", "-q", "-d", "cpu", "-o", tmp_path / "out", "--lge", lge)
    assert done.code == 0
    manifest = json.loads((tmp_path / "out" / "run.json").read_text())
    assert manifest["arguments"]["model"] == "default"
    assert manifest["hashes"]["model"] == sha256_of(shipped_default / "model.json")
    refused = cli("predict", "-m", "best", "-o", tmp_path / "other", "--lge", lge)
    assert (refused.code, "shipped model: default." in refused.err) == (1, True)
    assert not (tmp_path / "other").exists()


def test_some_blocks_alone_and_consecutive_codes(predict, write, tmp_path):
    arguments = ("--bssfp", write("a.nii.gz"), "--block", "lv_epicardium", "--consecutive")
    assert predict(*arguments).code == 0
    stats = json.loads((tmp_path / "out" / "a_stats.json").read_text())
    assert "lv_blood_pool" in stats["not_assessed"]
    mask = np.asarray(nib.load(tmp_path / "out" / "a_seg.nii.gz").dataobj)
    assert set(np.unique(mask)) <= {0, 1, 2, 3, 4, 5}


def truncated(write, tmp_path):
    path = write("cut.nii.gz")
    path.write_bytes(path.read_bytes()[:-5000])
    return ["--lge", path], "cut.nii.gz is cut short or damaged", "copy or export it again"


def missing(write, tmp_path):
    return ["--lge", tmp_path / "nope.nii.gz"], "nope.nii.gz does not exist", "give the path of"


def a_folder(write, tmp_path):
    (tmp_path / "in").mkdir()
    return ["--lge", tmp_path / "in"], "is a folder, not a file", "give the path of"


def no_nifti(write, tmp_path):
    path = tmp_path / "text.nii.gz"
    path.write_text("no image")
    return ["--lge", path], "text.nii.gz is no readable NIfTI file", "copy it again, or convert"


def all_nan(write, tmp_path):
    path = write("nan.nii.gz", np.full(SHAPE, np.nan, np.float32))
    return ["--lge", path], "nan.nii.gz is NaN or infinite throughout", "export the series again"


def two_grids(write, tmp_path):
    moved = OBLIQUE + np.array([[0, 0, 0, 9.0], *[[0.0] * 4] * 3])
    arguments = ["--lge", write("a_de.nii.gz"), "--t2", write("a_t2.nii.gz", affine=moved)]
    arguments += ["--align", "off"]
    return arguments, "corners lie up to 9 mm apart", "resample both to one grid"


def two_shapes(write, tmp_path):
    short = np.ones((*SHAPE[:2], 2), np.float32)
    arguments = ["--lge", write("a_de.nii.gz"), "--t2", write("a_t2.nii.gz", short)]
    arguments += ["--align", "off"]
    return arguments, "a_t2.nii.gz is 27x30x2 but", "resample both to one grid"


def four_dimensions(write, tmp_path):
    path = write("cine.nii.gz", np.ones((*SHAPE, 2), np.float32))
    return ["--bssfp", path], "cine.nii.gz is 4-D (27x30x3x2)", "save the one frame"


def no_slices(write, tmp_path):
    path = write("none.nii.gz", np.ones((27, 30, 0), np.float32))
    return ["--lge", path], "none.nii.gz is 27x30x0 and holds no slice", "export it again"


BAD_CASES = [
    *(truncated, missing, a_folder, no_nifti, all_nan, two_grids, two_shapes),
    *(four_dimensions, no_slices),
]


@pytest.mark.parametrize("bad_case", BAD_CASES, ids=lambda each: each.__name__)
def test_a_case_that_cannot_be_read_is_1_and_leaves_nothing(predict, write, tmp_path, bad_case):
    arguments, fault, remedy = bad_case(write, tmp_path)
    done = predict(*arguments)
    assert done.code == 1
    assert fault in done.err
    assert remedy in done.err
    assert "1 of 1 cases failed" in done.err
    assert "Traceback" not in done.err
    assert written(tmp_path / "out") == []


def test_a_slice_of_nan_and_a_slice_of_one_value_are_warned_of_and_gone_on_with(
    predict, write, tmp_path
):
    values = np.random.default_rng(0).normal(100, 20, SHAPE).astype(np.float32)
    values[..., 0], values[..., 1] = np.nan, 7
    done = predict("--lge", write("odd.nii.gz", values))
    assert done.code == 0
    assert "odd.nii.gz: 810 voxels of slices 0 (of 3, counted from 0) are NaN" in done.err
    assert "slices 1 (of 3, counted from 0) hold one value throughout" in done.err
    assert (tmp_path / "out" / "odd_seg.nii.gz").is_file()


def test_one_bad_case_of_a_cohort_is_3_and_the_others_are_done(predict, write, tmp_path):
    write("a_lge.nii.gz")
    write("b_lge.nii.gz")
    bad = write("bad_lge.nii.gz")
    bad.write_bytes(bad.read_bytes()[:100])
    done = predict("-i", tmp_path / "in")
    assert done.code == 3
    assert "ERROR: bad: " in done.err
    assert "1 of 3 cases failed; the messages above say why" in done.err
    names = [
        f"{case}_{kind}" for case in "ab" for kind in ("preview.png", "seg.nii.gz", "stats.json")
    ]
    assert written(tmp_path / "out") == [*names, "quality.csv"]


def test_a_folder_without_cases_is_refused_with_the_names_looked_for(predict, tmp_path):
    (tmp_path / "in").mkdir()
    done = predict("-i", tmp_path / "in")
    assert done.code == 1
    assert "no case found in" in done.err
    assert "give the sequences one by one" in done.err
    assert "is a file; give a folder" in predict("-i", __file__).err
    assert "does not exist; give a folder" in predict("-i", tmp_path / "nowhere").err
    assert not (tmp_path / "out").exists()


def test_an_unknown_layout_block_or_device_is_refused_with_those_there_are(
    predict, write, tmp_path
):
    path = write("a_lge.nii.gz")
    done = predict("-i", tmp_path / "in", "--layout", "myopz")
    assert (done.code, "layout 'myopz' is not known; choose from" in done.err) == (1, True)
    done = predict("--lge", path, "--block", "scars")
    assert (done.code, "no block scars; its blocks are lv_blood_pool" in done.err) == (1, True)
    done = predict("--lge", path, "-d", "tpu")
    assert (done.code, "device 'tpu' is not on this machine; it has" in done.err) == (1, True)
    assert not (tmp_path / "out").exists()


def test_a_file_in_place_of_the_output_folder_is_refused(predict, write, tmp_path):
    (tmp_path / "out").write_text("mine")
    done = predict("--lge", write("a.nii.gz"))
    assert done.code == 1
    assert "myoseg: cannot write" in done.err
    assert "choose another output folder" in done.err
    assert (tmp_path / "out").read_text() == "mine"


@pytest.mark.parametrize("nth", [1, 2, 3], ids=["run.json", "stats", "mask"])
def test_a_disk_that_fills_up_leaves_whole_files_and_no_mask(
    predict, write, tmp_path, monkeypatch, nth
):
    """Of the run's files, the nth to be flushed finds no space."""
    flushes = iter(range(1, 10))

    def fsync(_):
        if next(flushes) >= nth:
            raise OSError(errno.ENOSPC, "No space left on device")

    path = write("a.nii.gz")
    monkeypatch.setattr(os, "fsync", fsync)
    done = predict("--lge", path)
    assert done.code == 1
    assert "No space left on device; free some space" in done.err
    assert set(written(tmp_path / "out")) <= {"a_stats.json", "a_preview.png"}
    for name in (tmp_path / "out").glob("*.json"):
        json.loads(name.read_text())


# Models


def altered(run):
    weights = run / "lvms" / "unet" / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    return "weights.safetensors is not the file that network.json describes", "restore both"


def gone(run):
    shutil.rmtree(run)
    return "no folder and no shipped model has that name", "Give the run folder"


def unfinished(run):
    record = json.loads((run / "model.json").read_text())
    record["members"][0]["finished"] = False
    (run / "model.json").write_text(json.dumps(record))
    return "is not finished: lv_blood_pool/unet to go", "--resume"


def of_another_format(run):
    record = json.loads((run / "model.json").read_text())
    (run / "model.json").write_text(json.dumps(record | {"format": 99}))
    return "model.json is of format 99", "use the version that trained it"


def network_of_another_format(run):
    card = run / "lvms" / "unet" / "network.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | {"format": 99}))
    return "network.json: the network is of format 99", "use the version that trained it"


@pytest.mark.parametrize(
    "spoil", [altered, gone, unfinished, of_another_format, network_of_another_format]
)
def test_a_model_that_is_not_whole_is_refused(cli, trained_run, write, tmp_path, spoil):
    run = shutil.copytree(trained_run, tmp_path / "run")
    fault, remedy = spoil(run)
    path = write("a.nii.gz")
    for done in (
        cli("predict", "-m", run, "-o", tmp_path / "out", "--lge", path),
        cli("model", "verify", run),
    ):
        assert done.code == 1
        assert done.err.startswith("myoseg: ")
        assert fault in done.err
        assert remedy in done.err
    assert not (tmp_path / "out").exists()


def test_a_whole_model_is_verified(cli, trained_run):
    done = cli("model", "verify", trained_run)
    assert done.code == 0
    assert "lvms: unet" in done.out
    assert "is whole" in done.out


def test_shipped_models_are_listed(cli, shipped_default):
    assert "default 0.0.1" in cli("model", "list").out
    (entry,) = json.loads(cli("model", "list", "--json").out)
    assert entry["sequences"] == ["bssfp", "lge", "t2"]
    assert entry["sha256"] == sha256_of(shipped_default / "model.json")
    assert cli("model", "card", "default").out.startswith("# Model card: default 0.0.1")


def test_every_shipped_model_is_verified_where_none_is_named(cli, shipped_default):
    done = cli("model", "verify")
    assert (done.code, "default is whole." in done.out) == (0, True)
    shutil.copytree(shipped_default, shipped_default.parent / "zweites")
    weights = shipped_default / "pathology.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    done = cli("model", "verify")
    assert (done.code, "zweites is whole." in done.out) == (1, True)
    assert "pathology.safetensors is not the file that model.json describes" in done.err
    shutil.rmtree(shipped_default.parent)
    assert "no model comes with this installation" in cli("model", "verify").err


def test_a_shipped_model_is_exported_as_it_is(cli, shipped_default, tmp_path):
    assert cli("model", "export", "default", "-o", tmp_path / "mine").code == 0
    for path in shipped_default.iterdir():
        assert (tmp_path / "mine" / path.name).read_bytes() == path.read_bytes()
    refused = cli("model", "export", "default", "-o", tmp_path / "mine")
    assert (refused.code, "is no empty folder; give a new one" in refused.err) == (1, True)
    unknown = cli("model", "export", "best", "-o", tmp_path / "other")
    assert (unknown.code, "'best'; give one of: default." in unknown.err) == (1, True)
    assert not (tmp_path / "other").exists()


# Configurations


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--preset", "phisiological"], "did you mean physiological? use one of default, demo"),
        (["--config", "nowhere.yaml"], "nowhere.yaml is neither a preset nor a recipe file"),
        (["--set", "networks.unet.epoch=3"], "epoch is not a setting; did you mean epochs?"),
        (["--set", "networks.unet.epochs=0"], "networks.unet.epochs is 0; it must be"),
        (["--set", "networks.unet.epochs"], "write it as networks.unet.epochs=3"),
        (["--set", "seed=[1"], "setting seed"),
        (["--set", "table=papr"], "did you mean paper?"),
        (["-d", "tpu"], "device 'tpu' is not on this machine"),
        (["--layout", "myopz"], "layout 'myopz' is not known; choose from"),
        (["--fold", "9"], "fold"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_refused(
    cli, phantom_data, tmp_path, arguments, words
):
    done = cli("train", phantom_data, "-o", tmp_path / "run", *arguments)
    assert done.code == 1
    assert done.err.startswith(("myoseg: ", "WARNING", "INFO"))
    assert words in done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "run").exists()


def test_a_configuration_that_is_no_yaml_is_refused_by_name(cli, phantom_data, tmp_path):
    recipe = tmp_path / "mine.yaml"
    recipe.write_text("networks: [unet")
    done = cli("train", phantom_data, "-o", tmp_path / "run", "--config", recipe)
    assert done.code == 1
    assert "mine.yaml" in done.err
    assert not (tmp_path / "run").exists()


# Labels


@pytest.fixture
def wrong_labels(phantom_data, tmp_path):
    """The data set with a value in one label file that no coding has."""
    data = shutil.copytree(phantom_data, tmp_path / "data")
    labels = next(each for each in find_cases(data) if each.role != "test").labels
    image = nib.load(labels)
    codes = np.asarray(image.dataobj).copy()
    codes[0, 0, 0] = 77
    nib.Nifti1Image(codes, image.affine).to_filename(labels)
    return data, labels


def test_unknown_labels_are_refused_by_training(cli, wrong_labels, tmp_path):
    data, labels = wrong_labels
    done = cli("train", data, "-o", tmp_path / "run", "--preset", "demo", "-d", "cpu")
    assert done.code == 1
    assert labels.name in done.err
    assert "77" in done.err
    assert not (tmp_path / "run").exists()


def test_unknown_labels_of_one_case_are_3_in_an_evaluation(
    cli, wrong_labels, phantom_data, tmp_path
):
    data, labels = wrong_labels
    done = cli("evaluate", phantom_data, data, "-o", tmp_path / "scores")
    assert done.code == 3
    assert labels.name in done.err
    assert "77" in done.err
    assert "1 of 6 cases failed" in done.err
    assert json.loads((tmp_path / "scores" / "metrics.json").read_text())["n_cases"] == 5


def test_slices_without_a_true_region_can_be_left_out_of_an_evaluation(cli, write, tmp_path):
    true = np.zeros(SHAPE, np.int16)
    true[2, 2, 0] = 2221
    write("true/a_gd.nii.gz", true)
    write("pred/a_seg.nii.gz", np.full(SHAPE, 2221, np.int16))
    folders = (tmp_path / "in" / "pred", tmp_path / "in" / "true")
    done = cli("evaluate", *folders, "-o", tmp_path / "out", "--slices-with", "scar")
    assert done.code == 0
    record = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert record["slices_with"] == "scar"
    n_pixels = SHAPE[0] * SHAPE[1]
    assert record["tissues"]["scar"]["dice"]["mean"] == pytest.approx(2 / (1 + n_pixels))
    done = cli("evaluate", *folders, "-o", tmp_path / "out", "--slices-with", "heart")
    assert (done.code, "no region 'heart'" in done.err) == (1, True)
    done = cli("evaluate", *folders, "-o", tmp_path / "out", "--slices-with", "edema")
    assert (done.code, "no slice with edema" in done.err) == (1, True)


def test_an_evaluation_into_a_file_is_refused(cli, phantom_data, tmp_path):
    (tmp_path / "scores").write_text("mine")
    done = cli("evaluate", phantom_data, phantom_data, "-o", tmp_path / "scores")
    assert done.code == 1
    assert "cannot write" in done.err
    assert (tmp_path / "scores").read_text() == "mine"


def test_an_evaluation_of_nothing_is_refused(cli, phantom_data, tmp_path):
    (tmp_path / "empty").mkdir()
    done = cli("evaluate", tmp_path / "empty", phantom_data, "-o", tmp_path / "scores")
    assert (done.code, "holds no label file" in done.err) == (1, True)
    assert not (tmp_path / "scores").exists()


def test_a_threshold_needs_no_model_and_can_be_scored(cli, write, tmp_path):
    x, y = np.mgrid[: SHAPE[0], : SHAPE[1]] - 14
    radius = np.hypot(x, y)
    wall = np.repeat(((radius >= 6) & (radius < 12))[..., None], SHAPE[2], axis=2)
    scar = wall & (x > 5)[..., None]
    image = np.random.default_rng(0).normal(20, 2, SHAPE) + 100 * scar
    write("a_LGE.nii.gz", image.astype(np.float32))
    write("a_gd.nii.gz", np.where(scar, 2221, 200 * wall).astype(np.int16))
    data, out = tmp_path / "in", tmp_path / "out"
    asked = ("--method", "5sd", "--min-island", "3", "--report")
    done = cli("threshold", "-q", "-i", data, "-o", out, *asked)
    assert (done.code, done.err) == (0, "")
    assert "threshold 5sd" in (out / "a_report.html").read_text(encoding="utf-8")
    assert 'href="a_report.html"' in (out / "index.html").read_text(encoding="utf-8")
    manifest = json.loads((out / "run.json").read_text())
    assert (manifest["command"], manifest["arguments"]["method"]) == ("threshold", "5sd")
    assert cli("evaluate", out, data, "-o", tmp_path / "scores").code == 0
    record = json.loads((tmp_path / "scores" / "metrics.json").read_text())
    assert record["tissues"]["scar"]["dice"]["mean"] == 1


def test_a_threshold_takes_the_reader_s_remote_myocardium(cli, write, tmp_path):
    x, y = np.mgrid[: SHAPE[0], : SHAPE[1]] - 14
    wall = np.repeat((np.hypot(x, y) < 12)[..., None], SHAPE[2], axis=2)
    write("a_LGE.nii.gz", np.where(wall & (x > 5)[..., None], 100, 20).astype(np.float32))
    write("a_gd.nii.gz", (200 * wall).astype(np.int16))
    remote = write("remote/remote.nii.gz", (wall & (x < 0)[..., None]).astype(np.int16))
    remote = shutil.move(remote, tmp_path / "remote.nii.gz")
    data, out = tmp_path / "in", tmp_path / "out"
    command = ("threshold", "-q", "-i", data, "-o", out, "--method", "5sd", "--remote")
    assert cli(*command, remote).code == 0
    record = json.loads((out / "a_stats.json").read_text())
    assert record["threshold"]["remote"] == "given"
    assert record["threshold"]["slices"][0]["remote_mean"] == 20
    missing = cli(*command, tmp_path / "nothing")
    assert (missing.code, "is not a folder" in missing.err) == (1, True)


def test_an_unknown_threshold_is_refused_with_those_there_are(cli, write, tmp_path):
    write("a_LGE.nii.gz")
    done = cli("threshold", "-i", tmp_path / "in", "-o", tmp_path / "out", "--method", "4sd")
    assert (done.code, "choose from 2sd, 3sd, 5sd" in done.err) == (1, True)
    assert not (tmp_path / "out").exists()


# Training and data


def test_a_run_is_resumed_and_not_overwritten(
    cli, phantom_data, trained_run, unet_settings, tmp_path
):
    run = shutil.copytree(trained_run, tmp_path / "run")
    settings = [part for change in unet_settings for part in ("--set", change)]
    command = ("train", phantom_data, "-o", run, "-q", "-d", "cpu", "--preset", "demo", *settings)
    refused = cli(*command)
    assert refused.code == 1
    assert "is not empty; continue the run in it with --resume" in refused.err
    assert cli(*command, "--resume").code == 0
    other = cli(*command, "--resume", "--set", "seed=5")
    assert other.code == 1
    assert "seed was 0 and is 5" in other.err


def test_studies_are_simulated_on_their_native_grids(cli, tmp_path):
    studies = tmp_path / "studies"
    arguments = ("--n-training", 1, "--n-test", 0, "--seed", 3, "--small", "--native-grids")
    assert cli("data", "phantom", "-o", studies, *arguments).code == 0
    assert [folder.name for folder in studies.iterdir()] == ["phantom_00003"]
    names = {path.name for path in (studies / "phantom_00003").iterdir()}
    assert {"phantom_00003_lge.nii.gz", "phantom_00003_lge_gd.nii.gz"} < names
    assert "phantom_00003_truth.json" in names
    assert "not empty; give a new folder" in cli("data", "phantom", "-o", studies, *arguments).err


def test_studies_are_simulated_as_dicom(cli, tmp_path):
    studies = tmp_path / "studies"
    arguments = ("--n-training", 1, "--n-test", 0, "--seed", 3, "--small", "--dicom")
    choices = ("--enhanced", "--vendor", "GE", "--phases", 2)
    assert cli("data", "phantom", "-o", studies, *arguments, *choices).code == 0
    (study,) = studies.iterdir()
    assert [each.name for each in sorted((study / "dicom").iterdir())] == [
        "S0100",
        "S0200",
        "S0300",
    ]
    assert (study / "truth" / "phantom_00003_truth.json").is_file()
    wrong = cli("data", "phantom", "-o", tmp_path / "x", *arguments, "--vendor", "acme")
    assert wrong.code == 1
    assert "vendor is acme; give siemens, philips, ge, canon" in wrong.err


def test_data_sets_are_simulated_checked_converted_and_listed(cli, tmp_path):
    data = tmp_path / "simulated"
    arguments = ("--n-training", 1, "--n-test", 1, "--small")
    assert cli("data", "phantom", "-o", data, *arguments).code == 0
    assert "not empty; give a new folder" in cli("data", "phantom", "-o", data, *arguments).err
    checked = cli("data", "check", data)
    assert checked.code == 0
    assert "myops_training_101" in checked.out
    assert len(json.loads(cli("data", "check", data, "--json").out)["cases"]) == 2
    assert cli("data", "convert", data, "-o", tmp_path / "plain", "--to", "plain").code == 0
    assert {files.name for files in find_cases(tmp_path / "plain")} == {
        files.name for files in find_cases(data)
    }
    refused = cli("data", "convert", data, "-o", tmp_path / "other", "--to", "dicom")
    assert (refused.code, "dicom" in refused.err) == (1, True)
    assert not (tmp_path / "other").exists()
    assert "myops " in cli("data", "layouts").out


def test_a_data_set_with_a_fault_fails_its_check(cli, write, tmp_path):
    path = write("a_lge.nii.gz")
    path.write_bytes(path.read_bytes()[:100])
    done = cli("data", "check", tmp_path / "in")
    assert done.code == 1
    assert "a_lge.nii.gz" in done.out


def test_reproduce_and_demo_hand_on_what_was_asked(cli, monkeypatch, tmp_path):
    asked = {}

    def reproduce(data, recipe, out, **arguments):
        asked.update(data=data, name=recipe.name, seed=recipe.seed, **arguments)
        return out

    def run_demo(out, **arguments):
        asked.update(out=out, **arguments)
        return out

    monkeypatch.setattr("myoseg.reproduction.experiment.reproduce", reproduce)

    def run_study(out, **arguments):
        asked.update(study=out, study_seed=arguments["seed"])

    monkeypatch.setattr("myoseg.reproduction.demo.run_demo", run_demo)
    monkeypatch.setattr("myoseg.reproduction.study.run_study", run_study)
    monkeypatch.setattr("myoseg.reproduction.study.in_plain_words", lambda _: "Found it.")
    done = cli("reproduce", "data", "-o", tmp_path, "--set", "seed=3", "--folds", "4", "-d", "cpu")
    assert done.code == 0
    assert asked == {
        "data": Path("data"),
        "name": "paper",
        "seed": 3,
        "layout": None,
        "n_folds": 4,
        "device": "cpu",
        "progress": True,
    }
    asked.clear()
    done = cli("demo", "-o", tmp_path / "d", "--seed", "2", "-q")
    assert (done.code, done.out.startswith("Found it.")) == (0, True)
    study = {"study": tmp_path / "d" / "study", "study_seed": 2}
    experiment = {"out": tmp_path / "d", "seed": 2, "device": "auto", "progress": False}
    assert asked == study | experiment
    asked.clear()
    assert cli("demo", "-o", tmp_path / "d", "--seed", "2", "--study-only").code == 0
    assert asked == study


def test_progress_is_shown_on_stderr_and_details_where_asked_for(cli, write, trained_run, tmp_path):
    command = ("predict", "-m", trained_run, "-o", tmp_path / "out", "-d", "cpu")
    shown = cli(*command, "--lge", write("a.nii.gz"))
    assert "Segmenting" in shown.err
    assert "Segmenting" not in shown.out
    failed = cli("model", "verify", tmp_path / "nowhere")
    assert "Traceback" not in failed.err


def test_every_sequence_has_its_option(cli):
    done = cli("predict", "--help")
    for sequence in Sequence:
        assert f"--{sequence}" in done.out
