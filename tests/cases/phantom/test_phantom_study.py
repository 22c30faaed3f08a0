import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from myoseg.anatomy import REGIONS, Sequence, Tissue
from myoseg.cases.nifti import read_label_volume, read_volume
from myoseg.cases.phantom import SMALL, clinical, simulate_case, simulate_study
from myoseg.cases.phantom.data_set import write_studies
from myoseg.cases.phantom.orientation import is_right_handed
from myoseg.cases.phantom.simulate import render_case
from myoseg.errors import ConfigurationError, OutputError

QUICK = replace(
    SMALL, n_sub_slices=1, infarct_probability=1.0, edema_probability=1.0, supersampling=2
)
STILL = replace(QUICK, sequence_shift_mm=0.0, slice_shift_mm=0.0, mixed_orientation_probability=1.0)
RESTLESS = replace(STILL, sequence_shift_mm=6.0, slice_shift_mm=4.0)
SEED = 11


@pytest.fixture(scope="module")
def still():
    return simulate_study(SEED, STILL)


@pytest.fixture(scope="module")
def restless():
    return simulate_study(SEED, RESTLESS)


def positions_mm(geometry, mask):
    """RAS positions of the voxels of a mask."""
    slice_, row, col = np.nonzero(mask)
    return (geometry.affine @ np.stack([col, row, slice_, np.ones_like(row)]))[:3].T


def by_slice(case, region="epicardium"):
    return case.labels.mask(REGIONS[region])


def resampled(case, geometry):
    """A case's labels at the voxels of another grid, by nearest neighbour."""
    index = np.indices(geometry.shape).reshape(3, -1)[::-1]
    to_case = np.linalg.inv(case.geometry.affine) @ geometry.affine
    col, row, slice_ = to_case[:3, :3] @ index + to_case[:3, 3:]
    codes = ndimage.map_coordinates(case.labels.codes, [slice_, row, col], order=0)
    return codes.reshape(geometry.shape)


def dice(one, other):
    return 2 * (one & other).sum() / (one.sum() + other.sum())


def test_a_study_has_three_series_of_one_sequence_each_and_the_aligned_case(still):
    assert tuple(still.series) == tuple(Sequence)
    for sequence, series in still.series.items():
        case = series.case
        assert case.sequences == (sequence,)
        assert case.images[sequence].shape == case.geometry.shape == case.labels.codes.shape
        assert series.shifts_mm.shape == (case.n_slices, 2)
        assert len(series.positions_mm) == case.n_slices
        assert set(np.unique(case.labels.codes)) <= {0, *Tissue}
    assert still.aligned.sequences == tuple(Sequence)


def test_the_aligned_case_is_that_of_simulate_case(still):
    case = simulate_case(SEED, STILL)
    np.testing.assert_array_equal(still.aligned.labels.codes, case.labels.codes)
    for sequence in Sequence:
        np.testing.assert_array_equal(still.aligned.images[sequence], case.images[sequence])


def test_the_same_seed_gives_the_same_bytes(restless):
    again = simulate_study(SEED, RESTLESS)
    for sequence in Sequence:
        one, other = restless.series[sequence], again.series[sequence]
        assert one.case.images[sequence].tobytes() == other.case.images[sequence].tobytes()
        assert one.case.labels.codes.tobytes() == other.case.labels.codes.tobytes()
        assert one.shifts_mm.tobytes() == other.shifts_mm.tobytes()


def test_grids_are_right_handed_and_as_coarse_as_asked(still):
    for sequence, series in still.series.items():
        grid, ranges = series.case.geometry, STILL.grid(sequence)
        assert is_right_handed(grid)
        slice_mm, row_mm, col_mm = grid.spacing_mm
        assert ranges.slice_spacing_mm[0] <= slice_mm <= ranges.slice_spacing_mm[1]
        assert ranges.spacing_mm[0] <= row_mm <= ranges.spacing_mm[1]
        assert row_mm == pytest.approx(col_mm)


def test_slices_run_from_apex_to_base_or_from_base_to_apex():
    """Which of both follows from the in-plane orientation, since the grid is right-handed."""
    orders = set()
    for seed in range(3):
        config = replace(STILL, supersampling=1)
        study = simulate_study(seed, config)
        for series in study.series.values():
            steps = np.sign(np.diff(series.positions_mm))
            assert abs(steps.sum()) == len(steps)
            assert (steps[0] < 0) != series.stack.orientation.mirrors
            orders.add(steps[0])
    assert orders == {-1.0, 1.0}


def test_the_heart_is_at_one_place_in_the_patient_on_all_grids(still):
    """Centroids of the LV in planes across the long axis, compared where the planes nearly meet."""
    axis = still.phantom.scene.view.frame.apical
    base = still.phantom.scene.view.frame.base_mm
    centres = {}
    for sequence, series in still.series.items():
        grid = series.case.geometry
        for k, mask in enumerate(by_slice(series.case)):
            if mask.sum() > 100:
                volume = np.zeros(grid.shape, bool)
                volume[k] = mask
                centre = positions_mm(grid, volume).mean(axis=0) - base
                assert centre @ axis == pytest.approx(series.positions_mm[k], abs=1e-6)
                centres.setdefault(sequence, []).append(centre)
    n_compared = 0
    for one in centres[Sequence.BSSFP]:
        for sequence in (Sequence.LGE, Sequence.T2):
            for other in centres[sequence]:
                if abs((one - other) @ axis) < 1.5:
                    n_compared += 1
                    assert np.linalg.norm(one - other) < 2.2
    assert n_compared >= 3


@pytest.mark.parametrize("sequence", list(Sequence))
def test_truth_on_each_grid_agrees_with_the_common_truth(still, sequence):
    """The common grid's planes are laid through the series' own, so that every slice overlaps.

    The RV is a thin crescent with trabeculae, so that pixels of 2 mm cost it more.
    """
    series, scene = still.series[sequence], still.phantom.scene
    view = replace(scene.view, positions_mm=tuple(sorted(series.positions_mm)))
    phantom = replace(still.phantom, scene=replace(scene, view=view))
    common = render_case(phantom, STILL)
    codes = resampled(series.case, common.geometry)
    least = {"epicardium": 0.9, "lv_blood_pool": 0.9, "edema+scar": 0.9, "rv_blood_pool": 0.85}
    for region, value in least.items():
        tissues = [int(tissue) for tissue in REGIONS[region]]
        assert dice(np.isin(codes, tissues), by_slice(common, region)) > value


def test_shifts_move_the_truth_by_what_is_returned(still, restless):
    """Both studies are of one patient on the same grids; only the breath-holds differ."""
    for sequence in Sequence:
        calm, moved = still.series[sequence], restless.series[sequence]
        np.testing.assert_array_equal(calm.case.geometry.affine, moved.case.geometry.affine)
        assert not calm.shifts_mm.any()
        _, row_mm, col_mm = calm.case.geometry.spacing_mm
        n_compared = 0
        for k, (before, after) in enumerate(
            zip(by_slice(calm.case), by_slice(moved.case), strict=True)
        ):
            if before.sum() > 300:
                step = np.subtract(ndimage.center_of_mass(after), ndimage.center_of_mass(before))
                np.testing.assert_allclose(
                    step * (row_mm, col_mm), moved.shifts_mm[k], atol=0.3 * row_mm
                )
                n_compared += 1
        assert n_compared >= 2
        assert np.abs(moved.shifts_mm).max() > 3


def test_images_move_with_their_truth(restless):
    """Blood is brighter than the wall on each slice's own labels."""
    case = restless.series[Sequence.BSSFP].case
    image = case.images[Sequence.BSSFP]
    for k, wall in enumerate(by_slice(case, "myocardium")):
        blood = by_slice(case, "lv_blood_pool")[k]
        if blood.sum() > 100:
            assert image[k][blood].mean() > 1.4 * image[k][wall].mean()


def test_true_volumes_are_near_those_of_a_dense_stack(still):
    """LGE has the closest slices; a slice stands for its spacing."""
    case = still.series[Sequence.LGE].case
    inside = np.array(still.series[Sequence.LGE].positions_mm) > 0
    for region in ("lv_blood_pool", "myocardium"):
        counted_ml = by_slice(case, region)[inside].sum() * case.geometry.voxel_ml
        true_ml = sum(still.volumes_ml[tissue] for tissue in REGIONS[region])
        assert counted_ml == pytest.approx(true_ml, rel=0.15)


def test_padding_is_black_and_outside_the_labels():
    study = simulate_study(3, replace(QUICK, padding_probability=1.0, supersampling=1))
    for sequence, series in study.series.items():
        _, rows, cols = series.case.geometry.shape
        assert rows == cols
        assert sum(series.stack.padding) == series.stack.matrix[1] - series.stack.matrix[0]
        upright = series.case.images[sequence]
        upright = upright.swapaxes(1, 2) if series.stack.orientation.transposed else upright
        black = ~upright.any(axis=(0, 2))
        assert black.sum() >= sum(series.stack.padding)


def test_phase_sensitive_lge_has_air_at_mid_grey():
    study = simulate_study(SEED, replace(QUICK, psir_probability=1.0, padding_probability=0.0))
    image = study.series[Sequence.LGE].case.images[Sequence.LGE]
    zero = study.phantom.acquisitions[Sequence.LGE].offset
    assert image.min() < 0.8 * zero
    counts, edges = np.histogram(image, bins=64)
    mode = edges[counts.argmax()] + np.diff(edges)[0] / 2
    assert mode == pytest.approx(zero, rel=0.1)


def test_studies_are_written_with_truth_and_read_back(tmp_path):
    write_studies(tmp_path / "out", n_studies=1, seed=4, config=clinical(QUICK))
    study = simulate_study(4, clinical(QUICK))
    folder = tmp_path / "out" / study.name
    assert {path.name for path in folder.iterdir()} == {
        f"{study.name}_{ending}"
        for ending in (
            *(f"{sequence}.nii.gz" for sequence in Sequence),
            *(f"{sequence}_gd.nii.gz" for sequence in Sequence),
            "truth.json",
        )
    }
    truth = json.loads((folder / f"{study.name}_truth.json").read_text())
    for sequence, series in study.series.items():
        image, grid = read_volume(folder / f"{study.name}_{sequence}.nii.gz")
        codes, _ = read_label_volume(folder / f"{study.name}_{sequence}_gd.nii.gz")
        np.testing.assert_array_equal(image, series.case.images[sequence])
        np.testing.assert_array_equal(codes, series.case.labels.codes)
        np.testing.assert_allclose(grid.affine, series.case.geometry.affine, atol=1e-4)
        np.testing.assert_allclose(truth["series"][sequence]["shifts_mm"], series.shifts_mm, 1e-4)
    assert truth["infarct"]["age"] == "acute"
    assert truth["infarct"]["regions"][0]["territory"] in {"lad", "rcx", "rca"}
    assert 0 < truth["infarct"]["regions"][0]["transmurality"] <= 1
    assert truth["volumes_ml"]["scar"] > 0
    assert truth["protocol"]["t2"] in {"stir", "t2-prepared"}


def test_a_control_has_no_infarct_in_its_truth(tmp_path):
    control = replace(QUICK, infarct_probability=0.0, supersampling=1)
    write_studies(tmp_path / "out", n_studies=1, seed=0, config=control)
    truth = json.loads((tmp_path / "out/phantom_00000/phantom_00000_truth.json").read_text())
    assert truth["infarct"] is None
    assert truth["volumes_ml"]["scar"] == truth["volumes_ml"]["edema"] == 0


def test_a_study_that_cannot_be_written_leaves_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OutputError("cannot write: no space left")

    monkeypatch.setattr("myoseg.cases.phantom.data_set.write_labels", full)
    with pytest.raises(OutputError, match="no space left"):
        write_studies(tmp_path / "out", n_studies=1, seed=0, config=replace(QUICK, supersampling=1))
    assert not any((tmp_path / "out").iterdir())


def test_studies_are_not_written_among_other_files(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(OutputError, match="not empty; give a new folder"):
        write_studies(tmp_path, n_studies=1, seed=0, config=QUICK)


def test_a_negative_seed_is_refused():
    with pytest.raises(ConfigurationError, match="seed is -1; give 0 or more"):
        simulate_study(-1, QUICK)
