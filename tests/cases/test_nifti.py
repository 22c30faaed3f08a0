import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from myoseg.cases.case import Geometry
from myoseg.cases.grids import same_grid
from myoseg.cases.nifti import (
    header_faults,
    read_geometry,
    read_label_volume,
    read_volume,
    write_labels,
    write_volume,
)
from myoseg.errors import InputError, OutputError

SHORT_AXIS = np.diag([1.5, 1.25, 10.0, 1.0])


@st.composite
def oblique_geometries(draw):
    shape = draw(st.tuples(*[st.integers(1, 5)] * 3))
    angles = draw(st.tuples(*[st.floats(-180, 180)] * 3))
    spacing_mm = draw(st.tuples(*[st.floats(0.5, 20)] * 3))
    mirrored = draw(st.tuples(*[st.sampled_from([-1, 1])] * 3))
    affine = np.eye(4)
    rotation = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    affine[:3, :3] = rotation * np.multiply(spacing_mm, mirrored)
    affine[:3, 3] = draw(st.tuples(*[st.floats(-300, 300)] * 3))
    return Geometry(shape, affine)


@given(
    geometry=oblique_geometries(),
    suffix=st.sampled_from([".nii", ".nii.gz"]),
    seed=st.integers(0, 99),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_labels_come_back_as_written_on_any_oblique_grid(tmp_path, geometry, suffix, seed):
    codes = np.random.default_rng(seed).choice([0, 200, 500, 600, 1220, 2221], geometry.shape)
    codes = codes.astype(np.int16)
    write_labels(tmp_path / f"x{suffix}", codes, geometry)
    values, read = read_label_volume(tmp_path / f"x{suffix}")
    assert np.array_equal(values, codes)
    assert np.allclose(read.affine, geometry.affine, rtol=1e-6, atol=1e-4)
    assert same_grid(read, geometry)


@given(geometry=oblique_geometries())
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_again_from_what_was_read_has_the_same_affine_to_the_bit(
    tmp_path, geometry
):
    image = np.zeros(geometry.shape, dtype=np.float32)
    write_volume(tmp_path / "a.nii", image, geometry)
    first = read_geometry(tmp_path / "a.nii")
    write_volume(tmp_path / "b.nii", image, first)
    assert np.array_equal(read_geometry(tmp_path / "b.nii").affine, first.affine)


def test_axes_are_reversed_so_that_the_first_is_the_slice(tmp_path, save):
    stored = np.zeros((4, 3, 2))
    stored[1, 2, 0] = 7
    volume, geometry = read_volume(save(tmp_path / "x.nii.gz", stored))
    assert volume.shape == geometry.shape == (2, 3, 4)
    assert volume[0, 2, 1] == 7
    assert volume.dtype == np.float32
    assert volume.flags.c_contiguous
    assert geometry.spacing_mm == (10.0, 1.25, 1.5)


@pytest.mark.parametrize(
    "dtype", ["uint8", "int16", ">i2", "int32", "uint16", "float32", "float64", ">f4"]
)
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_every_real_storage_reads_the_same(tmp_path, save, dtype, suffix):
    stored = np.arange(60).reshape(5, 4, 3)
    path = tmp_path / f"x{suffix}"
    header = nib.Nifti1Header(endianness=">" if dtype.startswith(">") else "<")
    header.set_data_dtype(dtype)
    nib.save(nib.Nifti1Image(stored.astype(dtype), SHORT_AXIS, header), path)
    assert np.array_equal(read_volume(path)[0], stored.T)
    assert np.array_equal(read_label_volume(path)[0], stored.T)


def test_intensity_scaling_of_the_header_is_applied(tmp_path):
    image = nib.Nifti1Image(np.full((3, 3, 2), 4, dtype=np.int16), SHORT_AXIS)
    image.header.set_slope_inter(0.5, 10)
    nib.save(image, tmp_path / "x.nii")
    stored = int(np.asarray(nib.load(tmp_path / "x.nii").dataobj.get_unscaled())[0, 0, 0])
    assert (read_volume(tmp_path / "x.nii")[0] == 0.5 * stored + 10).all()


@pytest.mark.parametrize(
    ("stored", "shape"),
    [
        ((6, 5), (1, 5, 6)),
        ((6, 5, 1), (1, 5, 6)),
        ((6, 5, 3, 1), (3, 5, 6)),
        ((6, 5, 3, 1, 1), (3, 5, 6)),
    ],
)
def test_trailing_axes_of_length_one_and_missing_slice_axes_are_no_matter(
    tmp_path, save, stored, shape
):
    volume, geometry = read_volume(save(tmp_path / "x.nii.gz", np.ones(stored)))
    assert volume.shape == geometry.shape == shape


def _set_sform(path: Path, affine: np.ndarray) -> Path:
    """Overwrites the header's srow_x, srow_y and srow_z, which nibabel would refuse to."""
    content = bytearray(path.read_bytes())
    content[280:328] = affine[:3].astype("<f4").tobytes()
    path.write_bytes(content)
    return path


def test_a_single_slice_without_thickness_is_given_one_along_its_normal(tmp_path, save):
    path = save(tmp_path / "x.nii", np.ones((6, 5, 1)))
    geometry = read_geometry(_set_sform(path, np.diag([1.5, 1.5, 0, 1])))
    assert np.array_equal(geometry.affine[:3, 2], [0, 0, 1])


@pytest.mark.parametrize("side", [100, 256, 300])
def test_matrices_below_and_above_256_are_kept(tmp_path, save, side):
    assert read_volume(save(tmp_path / "x.nii", np.ones((side, side, 1))))[0].shape == (
        1,
        side,
        side,
    )


def test_equal_volumes_give_equal_bytes(tmp_path):
    geometry = Geometry((2, 3, 4), SHORT_AXIS)
    for name in ("a.nii.gz", "b.nii.gz"):
        write_labels(tmp_path / name, np.full((2, 3, 4), 200, dtype=np.int16), geometry)
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


def test_written_labels_are_int16_in_millimetres_with_both_transforms(tmp_path):
    write_labels(
        tmp_path / "x.nii.gz", np.zeros((2, 3, 4), np.int16), Geometry((2, 3, 4), SHORT_AXIS)
    )
    image = nib.load(tmp_path / "x.nii.gz")
    assert image.get_data_dtype() == np.int16
    assert image.header.get_xyzt_units()[0] == "mm"
    assert (image.header["sform_code"], image.header["qform_code"]) == (1, 1)
    assert np.allclose(image.get_qform(), SHORT_AXIS)
    assert np.asarray(image.dataobj).max() == 0


def test_a_sheared_affine_is_kept_in_the_sform_alone(tmp_path):
    sheared = SHORT_AXIS.copy()
    sheared[0, 2] = 3.0
    write_volume(tmp_path / "x.nii", np.zeros((9, 3, 4), np.float32), Geometry((9, 3, 4), sheared))
    image = nib.load(tmp_path / "x.nii")
    assert image.header["qform_code"] == 0
    assert np.array_equal(image.affine, sheared)


def test_consecutive_codes_follow_the_abstract_of_the_paper(tmp_path):
    codes = np.array([[[0, 500, 600, 200, 1220, 2221]]], dtype=np.int16)
    write_labels(tmp_path / "x.nii", codes, Geometry((1, 1, 6), SHORT_AXIS), consecutive=True)
    assert read_label_volume(tmp_path / "x.nii")[0].ravel().tolist() == [0, 1, 2, 3, 4, 5]


def _truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-400])


def _as_text(path: Path) -> None:
    path.write_text("no image", encoding="utf-8")


def _cut_in_header(path: Path) -> None:
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[:200]))


def _empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [_truncated, _as_text, _cut_in_header, _empty])
def test_damaged_files_are_named_with_a_remedy(tmp_path, save, damage):
    noise = np.random.default_rng(0).integers(0, 999, (20, 20, 3))
    path = save(tmp_path / "case101_LGE.nii.gz", noise)
    damage(path)
    with pytest.raises(InputError, match=r"case101_LGE\.nii\.gz.*(copy|convert)"):
        read_volume(path)


@given(where=st.integers(20, 2000), bit=st.integers(0, 7))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_one_flipped_bit_in_compressed_values_is_never_read_as_other_values(
    tmp_path, save, where, bit
):
    noise = np.random.default_rng(0).integers(0, 999, (20, 20, 3))
    path = save(tmp_path / "x.nii.gz", noise)
    content = bytearray(path.read_bytes())
    content[where % (len(content) - 20) + 20] ^= 1 << bit
    path.write_bytes(content)
    try:
        volume, _ = read_volume(path)
    except InputError:
        return
    assert np.array_equal(volume, noise.T)


def test_a_truncated_uncompressed_file_is_named(tmp_path, save):
    path = save(tmp_path / "x.nii")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"x\.nii is cut short"):
        read_volume(path)


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        (np.ones((4, 4, 3, 30)), r"4-D \(4x4x3x30\).*one frame"),
        (np.ones((4, 4, 0)), r"4x4x0 and holds no slice"),
        (np.ones(7), r"7 and holds no slice"),
        (np.ones((4, 4, 3), dtype=np.complex64), "stores complex64 values"),
        (np.zeros((4, 4, 3), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")]), "stores .* values"),
    ],
)
def test_volumes_of_another_kind_are_refused(tmp_path, values, fault):
    path = tmp_path / "x.nii"
    nib.save(nib.Nifti1Image(values, SHORT_AXIS), path)
    with pytest.raises(InputError, match=fault) as caught:
        read_volume(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("bad", [np.diag([1.0, 1.0, 0, 1]), np.diag([1.0, np.nan, 1, 1])])
def test_an_affine_that_maps_no_grid_is_refused(tmp_path, save, bad):
    with pytest.raises(InputError, match="maps no grid"):
        read_volume(_set_sform(save(tmp_path / "x.nii"), bad))


def test_missing_files_folders_and_other_formats_are_refused(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_volume(tmp_path / "none.nii")
    with pytest.raises(InputError, match="is a folder"):
        read_volume(tmp_path)
    nib.save(nib.Spm99AnalyzeImage(np.zeros((3, 3, 3), np.int16), np.eye(4)), tmp_path / "x.img")
    with pytest.raises(InputError, match="no NIfTI"):
        read_volume(tmp_path / "x.img")


def test_labels_that_are_not_whole_are_refused(tmp_path, save):
    with pytest.raises(InputError, match=r"not whole \(0.5\)"):
        read_label_volume(save(tmp_path / "x.nii", np.full((3, 3, 2), 0.5, dtype="float32")))


def test_an_output_name_that_is_no_nifti_is_refused(tmp_path):
    with pytest.raises(OutputError, match=r"\.nii\.gz"):
        write_labels(
            tmp_path / "x.png", np.zeros((1, 2, 2), np.int16), Geometry((1, 2, 2), np.eye(4))
        )


def test_a_volume_that_does_not_fit_its_grid_is_a_defect(tmp_path):
    with pytest.raises(ValueError, match="does not fit"):
        write_labels(
            tmp_path / "x.nii", np.zeros((1, 2, 2), np.int16), Geometry((1, 2, 3), np.eye(4))
        )


def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch):
    def fail(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OutputError, match="No space left"):
        write_labels(
            tmp_path / "x.nii", np.zeros((1, 2, 2), np.int16), Geometry((1, 2, 2), np.eye(4))
        )
    assert not list(tmp_path.iterdir())


def _saved(path: Path, shape=(6, 5, 3), sform=SHORT_AXIS, codes=(1, 1), qform=None) -> Path:
    image = nib.Nifti1Image(np.ones(shape, np.int16), sform)
    image.set_sform(sform, codes[0])
    image.set_qform(sform if qform is None else qform, codes[1])
    nib.save(image, path)
    return path


def test_a_usual_header_is_without_fault(tmp_path):
    assert header_faults(_saved(tmp_path / "x.nii")) == ()


def test_doubtful_headers_are_described(tmp_path):
    moved = SHORT_AXIS.copy()
    moved[0, 3] = 4.0
    (fault,) = header_faults(_saved(tmp_path / "a.nii", qform=moved))
    assert fault == "sform and qform disagree by up to 4 mm; sform is used"
    assert "assumed" in header_faults(_saved(tmp_path / "b.nii", codes=(0, 0)))[0]
    assert "trust no mL" in header_faults(_saved(tmp_path / "c.nii", sform=np.eye(4)))[0]
    thin = np.diag([1.5, 1.5, 0.75, 1])
    assert "slice axis" in header_faults(_saved(tmp_path / "d.nii", sform=thin))[0]
    huge = np.diag([15.0, 15, 80, 1])
    assert "15 x 15 x 80 mm" in header_faults(_saved(tmp_path / "e.nii", sform=huge))[0]


def test_a_qform_that_is_no_rotation_is_described(tmp_path):
    path = _saved(tmp_path / "x.nii")
    content = bytearray(path.read_bytes())
    content[256:268] = np.float32([2, 2, 2]).tobytes()
    path.write_bytes(content)
    assert header_faults(path) == ("the qform is no rotation; sform is used",)


def test_a_stated_spacing_that_is_not_the_affines_is_described(tmp_path):
    path = _saved(tmp_path / "x.nii", codes=(2, 0))
    content = bytearray(path.read_bytes())
    content[80:84] = np.float32(3.0).tobytes()
    path.write_bytes(content)
    (fault,) = header_faults(path)
    assert "3 x 1.25 x 10 mm" in fault
    assert read_geometry(path).spacing_mm == (10.0, 1.25, 1.5)


@pytest.mark.real_scans
def test_real_scans_are_written_back_on_their_own_grid(shared_data, tmp_path):
    for path in sorted(shared_data.glob("*/**/*.nii.gz"))[::40]:
        volume, geometry = read_volume(path)
        write_volume(tmp_path / "x.nii.gz", volume, geometry)
        ours, theirs = nib.load(tmp_path / "x.nii.gz"), nib.load(path)
        assert np.array_equal(ours.affine, theirs.affine)
        assert np.array_equal(ours.get_fdata(), theirs.get_fdata())
