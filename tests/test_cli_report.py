"""`myoseg report`, and `myoseg predict --report`, from the command line."""

import csv
import json
import shutil

import nibabel as nib
import numpy as np
import pytest

import myoseg


@pytest.fixture
def truth(phantom_data):
    """The folder of the training cases' label maps."""
    return phantom_data / "train25_myops_gd"


@pytest.fixture
def results(phantom_data, trained_run, tmp_path, command):
    """What `myoseg predict --report` leaves."""
    out = tmp_path / "results"
    code, err = command("predict", "-i", phantom_data, "-m", trained_run, "-o", out, "--report")
    assert code == 0, err
    return out


def names_of(phantom_data):
    from myoseg.cases.layouts import find_cases

    return [files.name for files in find_cases(phantom_data)]


def text_of(path):
    return path.read_text(encoding="utf-8")


def test_predict_writes_a_page_for_each_case_and_one_for_all(results, phantom_data):
    index = text_of(results / "index.html")
    for name in names_of(phantom_data):
        page = text_of(results / f"{name}_report.html")
        assert 'data-sequence="LGE"' in page
        assert "weights" in page
        assert f'href="{name}_report.html"' in index
    with (results / "cohort.csv").open(newline="") as stream:
        assert [row["case"] for row in csv.DictReader(stream)] == names_of(phantom_data)


def test_predict_writes_no_page_unless_asked(phantom_data, trained_run, tmp_path, command):
    out = tmp_path / "out"
    assert command("predict", "-i", phantom_data, "-m", trained_run, "-o", out)[0] == 0
    assert not list(out.glob("*.html"))


def test_shards_leave_one_index_of_all_cases(phantom_data, trained_run, tmp_path, command):
    out = tmp_path / "out"
    for share in ("1/2", "2/2"):
        asked = ("-i", phantom_data, "-m", trained_run, "-o", out, "--report", "--shard", share)
        assert command("predict", *asked)[0] == 0
    index = text_of(out / "index.html")
    assert all(f'href="{name}_report.html"' in index for name in names_of(phantom_data))


def test_pages_that_are_there_are_kept_with_their_images(results, phantom_data, command):
    (results / "index.html").unlink()
    page = results / f"{names_of(phantom_data)[0]}_report.html"
    before = text_of(page)
    assert command("report", results)[0] == 0
    assert text_of(page) == before
    assert (results / "index.html").is_file()


def test_a_corrected_label_map_gets_a_new_page_and_new_measures(results, phantom_data, command):
    name = names_of(phantom_data)[0]
    path = results / f"{name}_seg.nii.gz"
    stored = nib.load(path)
    codes = np.zeros(stored.shape, np.int16)
    codes[10:20, 10:20] = 2221
    nib.save(nib.Nifti1Image(codes, stored.affine), path)
    before = text_of(results / f"{name}_report.html")
    assert command("report", results, "--images", phantom_data)[0] == 0
    assert text_of(results / f"{name}_report.html") != before
    stats = json.loads(text_of(results / f"{name}_stats.json"))
    assert stats["burden"]["scar_percent_of_myocardium"] == 100
    assert stats["quality"] is not None


def test_label_maps_made_elsewhere_are_reported_without_images(truth, tmp_path, command):
    out = tmp_path / "out"
    assert command("report", truth, "-o", out)[0] == 0
    pages = sorted(out.glob("*_report.html"))
    assert len(pages) == 4
    assert all("No images were given" in text_of(page) for page in pages)
    assert "made elsewhere" in text_of(out / "index.html")


def test_label_maps_made_elsewhere_need_an_output_folder(truth, command):
    code, err = command("report", truth)
    assert code == 1
    assert "give a folder for the reports, -o" in err


def test_one_label_map_has_one_page(phantom_data, truth, tmp_path, command):
    labels = sorted(truth.glob("*.nii.gz"))[0]
    name = labels.name.removesuffix("_gd.nii.gz")
    (lge,) = phantom_data.rglob(f"{name}_DE.nii.gz")
    assert command("report", labels, "--lge", lge, "-o", tmp_path / "out")[0] == 0
    assert 'data-sequence="LGE"' in text_of(tmp_path / "out" / f"{name}_report.html")
    assert not (tmp_path / "out" / "index.html").exists()


def test_images_of_a_folder_are_found_by_name(phantom_data, truth, tmp_path, command):
    assert command("report", truth, "--images", phantom_data, "-o", tmp_path / "out")[0] == 0
    for page in (tmp_path / "out").glob("*_report.html"):
        assert 'data-sequence="T2"' in text_of(page)


def test_images_on_another_grid_are_refused_and_the_others_go_on(
    phantom_data, truth, tmp_path, command
):
    copy = shutil.copytree(truth, tmp_path / "labels")
    path = sorted(copy.glob("*.nii.gz"))[0]
    stored = nib.load(path)
    nib.save(nib.Nifti1Image(np.asarray(stored.dataobj)[:-3], stored.affine), path)
    asked = ("report", copy, "--images", phantom_data, "-o", tmp_path / "out")
    code, err = command(*asked)
    assert code == 3
    assert "29x32x2, which is the grid of none of its images (bssfp 32x32x2" in err
    assert "resample them to one of these grids" in err
    assert len(list((tmp_path / "out").glob("*_report.html"))) == 3
    assert (tmp_path / "out" / "index.html").is_file()


def test_the_truth_gives_agreement_and_dice(results, truth, command):
    assert command("report", results, "--truth", truth)[0] == 0
    index = text_of(results / "index.html")
    assert "Agreement with the truth" in index
    assert "Dice scar" in index


def test_cases_can_be_numbered_so_that_no_page_names_them(
    results, phantom_data, truth, tmp_path, command
):
    pages = tmp_path / "pages"
    asked = ("--images", phantom_data, "--truth", truth, "--numbered", "-o", pages)
    assert command("report", results, *asked)[0] == 0
    kinds = ("report.html", "stats.json")
    numbered = {f"case_{number:04d}_{kind}" for number in range(1, 7) for kind in kinds}
    assert {path.name for path in pages.iterdir()} == numbered | {"index.html", "cohort.csv"}
    for path in pages.iterdir():
        assert not any(name in text_of(path) for name in names_of(phantom_data))
    assert "Dice scar" in text_of(pages / "index.html")
    assert "weights" in text_of(pages / "index.html")


def test_a_truth_of_other_cases_is_refused(results, truth, tmp_path, command):
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(sorted(truth.glob("*.nii.gz"))[0], other / "nobody_gd.nii.gz")
    code, err = command("report", results, "--truth", other)
    assert code == 1
    assert "name the files alike" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--lge", "x.nii.gz", "--images", "y"), "give either --images"),
        (("--layout", "plain"), "goes with --images"),
        (("--truth-coding", "myops"), "goes with --truth"),
        (("--lge", "x.nii.gz"), "go with one label map"),
    ],
)
def test_options_that_do_not_fit_are_wrong_usage(truth, tmp_path, command, arguments, words):
    code, err = command("report", truth, "-o", tmp_path / "out", *arguments)
    assert code == 2
    assert words in err


def test_numbers_need_a_folder_of_their_own(results, command):
    code, err = command("report", results, "--numbered")
    assert code == 2
    assert "-o" in err


@pytest.mark.parametrize("name", ["nothing.nii.gz", "notes.txt"])
def test_what_is_no_label_map_is_refused(tmp_path, command, name):
    (tmp_path / "notes.txt").touch()
    code, err = command("report", tmp_path / name, "-o", tmp_path / "out")
    assert code == 1
    assert "is no label map" in err


def test_labels_in_an_unknown_code_are_refused(tmp_path, command):
    volume = np.zeros((8, 8, 2), np.int16)
    volume[2:4, 2:4] = 77
    nib.save(nib.Nifti1Image(volume, np.diag([2.0, 2.0, 8.0, 1.0])), tmp_path / "a_seg.nii.gz")
    code, err = command("report", tmp_path / "a_seg.nii.gz", "-o", tmp_path / "out")
    assert code == 1
    assert "77" in err
    assert not (tmp_path / "out").exists()


def test_a_result_of_the_interface_writes_the_same_page(trained_run, phantom_data, tmp_path):
    case = myoseg.phantom(seed=1)
    images = {str(s): np.ascontiguousarray(v.T[::8, ::8]) for s, v in case.images.items()}
    affine = case.geometry.affine @ np.diag([8.0, 8.0, 1.0, 1.0])
    result = myoseg.segment(**images, affine=affine, model=trained_run, name="mine", device="cpu")
    result.save(tmp_path / "out", report=True)
    result.report(tmp_path / "page.html")
    saved = text_of(tmp_path / "out" / "mine_report.html")
    assert saved == text_of(tmp_path / "page.html")
    assert f"model {trained_run.name}" in saved


def test_insertion_points_that_a_reader_set_divide_the_wall(truth, tmp_path, command):
    """They stand in the statistics as given; a case that is not there is named."""
    labels = next(iter(sorted(truth.glob("*.nii.gz"))))
    assert command("report", labels, "-o", tmp_path / "found")[0] == 0
    found = json.loads(text_of(next((tmp_path / "found").glob("*_stats.json"))))["segments"]
    set_by_hand = tmp_path / "points.csv"
    name = next((tmp_path / "found").glob("*_stats.json")).name.removesuffix("_stats.json")
    columns = [f"{end}_{axis}_mm" for end in ("anterior", "inferior") for axis in "xyz"]
    first = found["insertion"]["slices"][0]
    values = [*first["inferior_mm"], *first["anterior_mm"]]
    lines = [",".join(["case", *columns]), ",".join([name, *map(str, values)])]
    set_by_hand.write_text("\n".join(lines) + "\nnobody,0,0,0,0,0,0\n", encoding="utf-8")
    code, err = command("report", labels, "-o", tmp_path / "set", "--insertion", set_by_hand)
    assert code == 0, err
    assert "no label map is called nobody" in err
    given = json.loads(text_of(tmp_path / "set" / f"{name}_stats.json"))["segments"]
    assert given["insertion"]["source"] != found["insertion"]["source"]
