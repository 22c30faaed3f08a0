import json

import nibabel as nib
import numpy as np
import pytest

from myoseg.anatomy import MYOCARDIUM, Sequence, Tissue
from myoseg.cases.case import Case, Geometry, LabelMap
from myoseg.cases.convert import compact, convert_cases, write_myops_case
from myoseg.cases.layouts import find_cases, read_case
from myoseg.errors import ConfigurationError, InputError, OutputError

OBLIQUE = np.array(
    [[1.2, 0.3, 0.5, -80], [-0.3, 1.2, 0.8, 20], [0.1, -0.2, 9.9, 5], [0, 0, 0, 1.0]]
)


@pytest.fixture
def plain(tmp_path, save, labels_of):
    folder = tmp_path / "plain"
    for name in ("b", "a"):
        for k, sequence in enumerate(("C0", "LGE", "T2")):
            save(folder / f"{name}_{sequence}.nii.gz", np.arange(90).reshape(6, 5, 3) + k, OBLIQUE)
        save(folder / f"{name}_gd.nii.gz", labels_of(200, 500, 600, 1220, 2221), OBLIQUE)
    return folder


@pytest.mark.parametrize("to", ["myops", "nnunet", "plain"])
def test_converted_cases_are_read_back_as_they_were(tmp_path, plain, to):
    names = convert_cases(plain, tmp_path / "out", to)
    assert len(names) == 2
    originals = {files.name: read_case(files) for files in find_cases(plain)}
    former = json.loads((tmp_path / "out" / "names.json").read_text())
    for files in find_cases(tmp_path / "out"):
        assert files.layout == to
        case, original = read_case(files), originals[former[files.name]]
        assert np.allclose(case.geometry.affine, original.geometry.affine, atol=1e-5)
        assert np.array_equal(case.labels.codes, original.labels.codes)
        assert case.labels.groups == original.labels.groups
        for sequence in Sequence:
            assert np.array_equal(case.images[sequence], original.images[sequence])
    assert not list(tmp_path.glob(".*"))


def test_myops_numbers_follow_the_order_of_names(tmp_path, plain):
    assert convert_cases(plain, tmp_path / "out") == ("myops_training_101", "myops_training_102")
    names = json.loads((tmp_path / "out" / "names.json").read_text())
    assert names == {"myops_training_101": "a", "myops_training_102": "b"}


def test_groups_that_were_not_told_apart_survive_as_nnunet_and_nowhere_else(
    tmp_path, save, labels_of
):
    save(tmp_path / "emidec" / "P1" / "Images" / "P1.nii.gz")
    save(tmp_path / "emidec" / "P1" / "Contours" / "P1.nii.gz", labels_of(1, 2, 3, 4))
    for to in ("myops", "plain"):
        with pytest.raises(InputError, match="convert to nnunet"):
            convert_cases(tmp_path / "emidec", tmp_path / "out", to)
    assert not (tmp_path / "out").exists()
    convert_cases(tmp_path / "emidec", tmp_path / "out", "nnunet")
    (files,) = find_cases(tmp_path / "out")
    labels = read_case(files).labels
    assert not labels.assesses(frozenset({Tissue.EDEMA}))
    assert labels.mask(frozenset({Tissue.SCAR})).sum() == 2
    assert labels.mask(MYOCARDIUM).sum() == 3
    stored = np.asarray(nib.load(files.labels).dataobj)
    assert np.unique(stored).tolist() == [0, 1, 2, 3]


def test_missing_channels_are_told(tmp_path, save, caplog):
    save(tmp_path / "in" / "a_C0.nii.gz")
    save(tmp_path / "in" / "b_T2.nii.gz")
    convert_cases(tmp_path / "in", tmp_path / "out", "nnunet")
    assert "which these cases lack: a, b" in caplog.text
    assert [set(files.images) for files in find_cases(tmp_path / "out")] == [
        {Sequence.BSSFP},
        {Sequence.T2},
    ]


def test_labels_that_differ_in_what_they_tell_apart_are_refused(tmp_path, save, labels_of):
    for case, sequences in (("Case1001", ("LGE", "T2")), ("Case1002", ("LGE",))):
        for sequence in sequences:
            save(tmp_path / "in" / case / f"{case}_{sequence}.nii.gz")
        save(tmp_path / "in" / case / f"{case}_gd.nii.gz", labels_of(200))
    with pytest.raises(
        InputError, match="Case1001 and Case1002 do not tell the same tissues apart"
    ):
        convert_cases(tmp_path / "in", tmp_path / "out", "nnunet")


def test_a_failing_case_leaves_no_folder(tmp_path, plain):
    (plain / "b_T2.nii.gz").write_bytes(b"")
    with pytest.raises(InputError, match=r"b_T2\.nii\.gz"):
        convert_cases(plain, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["plain"]


def test_full_folders_unknown_layouts_and_unwritable_places_are_refused(tmp_path, plain):
    with pytest.raises(OutputError, match="is no empty folder"):
        convert_cases(plain, plain)
    with pytest.raises(ConfigurationError, match="choose from myops, nnunet, plain"):
        convert_cases(plain, tmp_path / "out", "bids")
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write"):
        convert_cases(plain, tmp_path / "file" / "out")


def test_an_empty_folder_may_be_filled(tmp_path, plain):
    (tmp_path / "out").mkdir()
    convert_cases(plain, tmp_path / "out")
    assert (tmp_path / "out" / "train25" / "myops_training_101_C0.nii.gz").is_file()


def _case(labels: bool = True) -> Case:
    geometry = Geometry((2, 3, 4), np.diag([1.25, 1.25, 10.0, 1.0]))
    codes = np.zeros((2, 3, 4), np.int16)
    codes[0, 1, 2] = 2221
    image = np.linspace(0, 1, 24, dtype=np.float32).reshape(2, 3, 4)
    images = {Sequence.BSSFP: image, Sequence.T2: image * 2}
    return Case("sim", images, geometry, LabelMap(codes) if labels else None)


@pytest.mark.parametrize(
    ("role", "number", "names"),
    [
        (
            "train",
            101,
            [
                "train25/myops_training_101_C0.nii.gz",
                "train25/myops_training_101_T2.nii.gz",
                "train25_myops_gd/myops_training_101_gd.nii.gz",
            ],
        ),
        (
            "test",
            201,
            [
                "test20/myops_test_201_C0.nii.gz",
                "test20/myops_test_201_T2.nii.gz",
                "test20_gd/myops_test_201_gd.nii.gz",
            ],
        ),
    ],
)
def test_a_simulated_case_is_written_and_found_as_myops_names_it(tmp_path, role, number, names):
    written = write_myops_case(_case(), tmp_path, number, role)
    assert [path.relative_to(tmp_path).as_posix() for path in written] == names
    (files,) = find_cases(tmp_path)
    assert (files.layout, files.role) == ("myops", role)
    case = read_case(files)
    assert np.array_equal(case.labels.codes, _case().labels.codes)
    assert np.array_equal(case.images[Sequence.T2], _case().images[Sequence.T2])


def test_a_case_without_labels_is_written_without(tmp_path):
    assert len(write_myops_case(_case(labels=False), tmp_path, 201, "test")) == 2
    assert not (tmp_path / "test20_gd").exists()


@pytest.mark.parametrize(
    ("value", "dtype"), [(3.0, np.int16), (0.5, np.float32), (70000.0, np.float32)]
)
def test_images_are_stored_as_int16_where_that_loses_nothing(value, dtype):
    assert compact(np.full((1, 2, 2), value, dtype=np.float32)).dtype == dtype
