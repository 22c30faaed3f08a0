import nibabel as nib
import numpy as np
import pytest

from myoseg.anatomy import Sequence
from myoseg.cases.aligned_case import aligned_case_from_images, read_aligned_case
from myoseg.cases.alignment import Alignment
from myoseg.cases.case_files import CaseFiles, case_files
from myoseg.cases.reading import read_case, read_images
from myoseg.errors import GeometryError, InputError

HALF = np.diag([3.0, 2.5, 10.0, 1.0])


def test_files_on_one_grid_are_read_as_they_always_were(tmp_path, save):
    files = case_files(lge=save(tmp_path / "a_de.nii"), t2=save(tmp_path / "a_t2.nii"))
    plain = read_case(files)
    for mode in ("auto", "off"):
        read = read_aligned_case(files, mode)
        assert read.alignment is None
        assert np.array_equal(read.case.geometry.affine, plain.geometry.affine)
        for sequence in plain.sequences:
            assert np.array_equal(read.case.images[sequence], plain.images[sequence])


def test_files_on_two_grids_come_onto_that_of_lge(tmp_path, save, caplog):
    lge, t2 = save(tmp_path / "a_de.nii"), save(tmp_path / "a_t2.nii", np.ones((3, 3, 3)), HALF)
    read = read_aligned_case(case_files(lge=lge, t2=t2), "geometry")
    assert read.alignment.reference is Sequence.LGE
    assert read.alignment.mode is Alignment.GEOMETRY
    assert read.case.geometry.shape == (3, 5, 6)
    assert (read.case.images[Sequence.T2] == 1).all()


def test_off_names_both_files(tmp_path, save):
    lge, t2 = save(tmp_path / "a_de.nii"), save(tmp_path / "a_t2.nii", np.ones((3, 3, 3)), HALF)
    with pytest.raises(GeometryError, match=r"a_t2\.nii is 3x3x3 but .*a_de\.nii is 6x5x3"):
        read_aligned_case(case_files(lge=lge, t2=t2), "off")


def test_slices_without_cover_are_logged(tmp_path, save, caplog):
    lge, t2 = save(tmp_path / "a_de.nii"), save(tmp_path / "a_t2.nii", np.ones((6, 5, 2)))
    read = read_aligned_case(case_files(lge=lge, t2=t2), "geometry")
    assert [flag.name for flag in read.alignment.flags()] == ["t2_not_covered"]
    assert "in 1 of 3 slices (3)" in caplog.text


def test_images_in_memory_are_brought_together_too():
    lge = nib.Nifti1Image(np.arange(90.0).reshape(6, 5, 3), np.diag([1.5, 1.25, 10.0, 1.0]))
    t2 = nib.Nifti1Image(np.ones((3, 3, 3)), HALF)
    read = aligned_case_from_images({Sequence.T2: t2, Sequence.LGE: lge}, "p1", "geometry")
    assert read.case.name == "p1"
    assert read.case.geometry.shape == (3, 5, 6)
    with pytest.raises(InputError, match="has no sequence"):
        aligned_case_from_images({})


def test_images_are_read_each_on_its_own_grid(tmp_path, save):
    lge, t2 = save(tmp_path / "a_de.nii"), save(tmp_path / "a_t2.nii", np.ones((3, 3, 3)), HALF)
    images = read_images(case_files(lge=lge, t2=t2))
    assert images[Sequence.LGE].geometry.shape == (3, 5, 6)
    assert images[Sequence.T2].geometry.shape == (3, 3, 3)
    with pytest.raises(InputError, match="has no sequence"):
        read_images(CaseFiles("empty", {}))
