import logging
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myoseg.anatomy import EACH_TISSUE, Sequence
from myoseg.cases.case_files import CaseFiles, case_files
from myoseg.cases.labels import EMIDEC
from myoseg.cases.reading import case_from_files, finite, intensity_faults, read_case
from myoseg.errors import GeometryError, InputError


@given(present=st.sets(st.sampled_from(["bssfp", "lge", "t2"]), min_size=1))
def test_a_case_has_the_sequences_that_were_given(tmp_path_factory, present):
    import nibabel as nib

    folder = tmp_path_factory.mktemp("case")
    paths = {name: folder / f"p1_{name}.nii" for name in present}
    for k, path in enumerate(paths.values()):
        nib.save(
            nib.Nifti1Image(np.arange(24.0).reshape(4, 3, 2) + k, np.diag([1.0, 1, 9, 1])), path
        )
    case = case_from_files(**paths)
    assert set(case.sequences) == present
    assert case.geometry.shape == (2, 3, 4)
    assert case.labels is None


@pytest.mark.parametrize("codes", [(200, 500, 600, 1220, 2221), (3, 1, 2, 4, 5)])
def test_labels_in_either_of_the_own_codings_are_read(tmp_path, save, labels_of, codes):
    image = save(tmp_path / "p1_LGE.nii.gz")
    labels = save(tmp_path / "p1_gd.nii.gz", labels_of(*codes))
    case = case_from_files(lge=str(image), labels=str(labels))
    assert case.name == "p1_LGE"
    assert case.labels.groups == EACH_TISSUE
    assert [int((case.labels.codes == code).sum()) for code in (200, 500, 600, 1220, 2221)] == [
        1
    ] * 5
    assert case.labels.codes[0, 0, 0] == 200


def test_another_coding_can_be_named(tmp_path, save, labels_of):
    image = save(tmp_path / "p1.nii")
    labels = save(tmp_path / "l.nii", labels_of(1, 2, 3, 4))
    case = case_from_files(lge=image, labels=labels, coding=EMIDEC, name="p7")
    assert case.name == "p7"
    assert case.labels.groups == EMIDEC.groups


def test_two_grids_are_refused_with_both_files(tmp_path, save):
    one = save(tmp_path / "a_C0.nii", np.ones((6, 5, 3)))
    other = save(tmp_path / "a_T2.nii", np.ones((6, 5, 4)))
    with pytest.raises(GeometryError, match=r"a_T2\.nii is 6x5x4 but .*a_C0\.nii is 6x5x3.*10 mm"):
        case_from_files(bssfp=one, t2=other)


def test_labels_on_another_grid_are_refused_unless_they_are_left_out(tmp_path, save):
    image = save(tmp_path / "a.nii")
    labels = save(tmp_path / "b.nii", affine=np.diag([1.5, 1.25, 11.0, 1.0]))
    with pytest.raises(GeometryError, match="up to 2 mm"):
        case_from_files(lge=image, labels=labels)
    files = CaseFiles("a", {Sequence.LGE: image}, labels)
    assert read_case(files, with_labels=False).labels is None


def test_no_sequence_and_a_missing_file_are_refused(tmp_path):
    with pytest.raises(InputError, match="needs at least one of bssfp, lge, t2"):
        case_from_files()
    with pytest.raises(InputError, match=r"gone\.nii does not exist"):
        read_case(case_files(t2=tmp_path / "gone.nii"))


def test_nan_voxels_take_the_slices_lowest_value_and_are_told(tmp_path, save, caplog):
    values = np.arange(6 * 5 * 3, dtype="float32").reshape(6, 5, 3)
    lowest = values[:, :, 1].min()
    values[3, 2, 1], values[4, 2, 1] = np.nan, np.inf
    with caplog.at_level(logging.WARNING):
        case = case_from_files(lge=save(tmp_path / "x_LGE.nii.gz", values))
    image = case.images[Sequence.LGE]
    assert image[1, 2, 3] == image[1, 2, 4] == lowest
    assert "x_LGE.nii.gz: 2 voxels of slices 1 (of 3, counted from 0) are NaN" in caplog.text


def test_a_constant_slice_and_a_nan_slice_are_told_and_reading_goes_on(tmp_path, save, caplog):
    values = np.random.default_rng(0).normal(size=(6, 5, 3)).astype("float32")
    values[:, :, 0], values[:, :, 2] = 4, np.nan
    with caplog.at_level(logging.WARNING):
        case = case_from_files(lge=save(tmp_path / "x.nii", values))
    assert not case.images[Sequence.LGE][2].any()
    assert "slices 0 (of 3, counted from 0) hold one value" in caplog.text
    assert "30 voxels of slices 2" in caplog.text


def test_nan_throughout_is_refused(tmp_path, save):
    with pytest.raises(InputError, match=r"x\.nii is NaN or infinite throughout"):
        case_from_files(lge=save(tmp_path / "x.nii", np.full((6, 5, 3), np.nan, dtype="float32")))


def test_finite_volumes_are_left_as_they_are(tmp_path):
    volume = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)
    assert finite(volume, tmp_path) is volume
    assert intensity_faults(volume) == ()


def test_repairing_does_not_change_what_it_is_given(tmp_path):
    volume = np.array([[[np.nan, 2.0]]], dtype=np.float32)
    assert finite(volume, tmp_path).tolist() == [[[2.0, 2.0]]]
    assert np.isnan(volume[0, 0, 0])


def test_a_case_travels_to_other_processes(tmp_path, save):
    case = case_from_files(lge=save(tmp_path / "x.nii"))
    assert np.array_equal(
        pickle.loads(pickle.dumps(case)).images[Sequence.LGE], case.images[Sequence.LGE]
    )
