import logging
import pickle
from dataclasses import replace

import numpy as np
import pydicom
import pytest

from myoseg.anatomy import Sequence, Tissue
from myoseg.case_results import measures_of
from myoseg.cases.case import LabelMap
from myoseg.cases.dicom.case import read_dicom_case, read_study
from myoseg.cases.dicom.series import read_dicom_series
from myoseg.cases.dicom.simulated.cine import cine
from myoseg.cases.dicom.source import DicomSource
from myoseg.cases.dicom.study import find_study
from myoseg.cases.dicom.write_study import write_dicom_study
from myoseg.cases.finding import find_any_cases
from myoseg.cases.nifti import read_volume
from myoseg.cases.phantom import SMALL, clinical, simulate_study
from myoseg.cases.reading import read_case
from myoseg.errors import GeometryError, InputError

QUICK = replace(
    clinical(SMALL), n_sub_slices=1, supersampling=2, infarct_probability=1.0, psir_probability=0.0
)


def stack_of(folder, sequence, **overrides):
    return find_study(folder, overrides).choices[Sequence(sequence)].candidate.stack


@pytest.fixture
def three(tmp_path, save_series, protocols):
    """A study of three sequences on one grid; pixels are 100 x slice + phase."""
    save_series(tmp_path / "in", 5, n_phases=9, **protocols["cine"])
    save_series(tmp_path / "in", 8, **protocols["lge"])
    save_series(tmp_path / "in", 6, **protocols["t2"])
    return tmp_path / "in"


def test_without_a_phase_end_diastole_is_read(three):
    series = read_dicom_series(stack_of(three, "bssfp"))
    assert series.image.volume[:, 0, 0].tolist() == [0, 100, 200]
    assert series.phase == (1, 9)


def test_a_phase_can_be_asked_for(three):
    series = read_dicom_series(stack_of(three, "bssfp"), 4)
    assert series.image.volume[:, 0, 0].tolist() == [3, 103, 203]
    assert series.phase == (4, 9)


@pytest.mark.parametrize("phase", [-1, 10])
def test_a_phase_that_is_not_there_is_refused(three, phase):
    with pytest.raises(InputError, match="has 9 phases in a slice"):
        read_dicom_series(stack_of(three, "bssfp"), phase)


def test_a_first_phase_that_is_missing_is_told(three):
    (three / "series5" / "001000").unlink()
    series = read_dicom_series(stack_of(three, "bssfp"))
    assert any("the first phase of slices 2 comes later" in note for note in series.notes)


def test_slices_know_the_instances_they_came_from(three):
    series = read_dicom_series(stack_of(three, "lge"))
    assert [source.path.name for source in series.instances] == ["000000", "001000", "002000"]
    assert {source.series_uid for source in series.instances} == {"1.2.3.5.8"}
    assert len({source.sop_instance_uid for source in series.instances}) == 3
    assert {source.frame_number for source in series.instances} == {None}


def test_an_uneven_stack_that_is_named_is_refused_with_the_reason(tmp_path, save_series, protocols):
    for k, mm in enumerate((0, 10, 33, 70, 110, 190)):
        place = {"SeriesInstanceUID": "1.2.3.5.1", "InstanceNumber": k}
        save_series(tmp_path / str(k), 1, 1, first_mm=mm, **(protocols["lge"] | place))
    with pytest.raises(GeometryError, match=r"unevenly.*name another"):
        read_dicom_series(stack_of(tmp_path, "lge"))


def test_a_study_on_one_grid_is_a_case_as_stored(three):
    (files,) = find_any_cases(three)
    case = read_case(files)
    assert case.name == "in"
    assert case.sequences == tuple(Sequence)
    assert case.geometry.shape == (3, 5, 6)
    assert case.images[Sequence.T2][:, 0, 0].tolist() == [0, 100, 200]


def test_a_phase_is_of_the_cine_alone(three):
    (files,) = find_any_cases(three, phase=2)
    case = read_case(files)
    assert case.images[Sequence.BSSFP][0, 0, 0] == 1
    assert case.images[Sequence.LGE][0, 0, 0] == 0


def test_a_study_without_a_sequence_is_refused_with_the_remedy(tmp_path, save_series):
    save_series(tmp_path / "in", 1, SeriesDescription="localizer")
    (files,) = find_any_cases(tmp_path / "in")
    with pytest.raises(InputError, match="myoseg data inspect"):
        read_case(files)


def test_cases_in_dicom_travel_to_other_processes(three):
    (files,) = find_any_cases(three)
    case = read_case(pickle.loads(pickle.dumps(files)))
    assert case.geometry.shape == (3, 5, 6)


def test_nifti_comes_before_dicom_unless_series_are_named(three, save, tmp_path):
    save(three / "p1_LGE.nii.gz")
    assert find_any_cases(three)[0].dicom is None
    assert find_any_cases(three, series={Sequence.LGE: "6"})[0].dicom is not None


def test_a_folder_of_neither_is_refused_as_a_data_set(tmp_path):
    (tmp_path / "x.txt").touch()
    with pytest.raises(InputError, match="no case found"):
        find_any_cases(tmp_path)


def test_a_layout_does_not_go_with_series(three):
    with pytest.raises(InputError, match="a layout is of NIfTI"):
        find_any_cases(three, "plain", series={Sequence.LGE: "6"})


def test_the_log_names_no_patient_and_no_identifier(tmp_path, three, caplog, save_instance):
    save_instance(three / "bad", Rows=0)
    caplog.set_level(logging.DEBUG)
    for files in find_any_cases(three):
        read_case(files)
    assert caplog.text
    for secret in ("Meier", "Anna", "P0815", "1.2.3.4", "1.2.3.5"):
        assert secret not in caplog.text


@pytest.fixture(scope="module")
def simulated():
    return simulate_study(5, QUICK)


@pytest.mark.parametrize(
    ("vendor", "enhanced", "single"),
    [
        ("siemens", False, False),
        ("philips", True, False),
        ("ge", False, True),
        ("canon", False, False),
    ],
)
def test_a_simulated_study_comes_back_as_its_truth(tmp_path, simulated, vendor, enhanced, single):
    written = write_dicom_study(
        simulated,
        tmp_path / "study",
        seed=5,
        vendor=vendor,
        enhanced=enhanced,
        single_slices=single,
        distractors=True,
        n_phases=2,
        config=QUICK,
    )
    role = {each.series_uid: each.role for each in written}
    study = find_study(tmp_path / "study" / "dicom")
    assert set(study.choices) == set(Sequence)
    for sequence, choice in study.choices.items():
        wanted = "t2_repeat" if sequence is Sequence.T2 else str(sequence)
        assert {role[uid] for uid in choice.candidate.series_uids} == {wanted}
        read = read_dicom_series(choice.candidate.stack).image
        (path,) = (tmp_path / "study" / "truth").rglob(f"*_{sequence}.nii.gz")
        truth, grid = read_volume(path)
        # From each voxel of the truth through patient space to a voxel of what was read.
        to_read = np.linalg.inv(read.geometry.affine) @ grid.affine
        indices = np.indices(truth.shape[::-1]).reshape(3, -1)
        landed = to_read[:3, :3] @ indices + to_read[:3, 3:]
        col, row, slice_ = np.rint(landed).astype(int)
        assert np.abs(landed - np.rint(landed)).max() < 0.01
        assert sorted(read.geometry.shape) == sorted(truth.shape)
        if wanted != "t2_repeat":
            one_level = 2.0 if vendor == "philips" else 1e-3
            apart = read.volume[slice_, row, col] - truth[indices[2], indices[1], indices[0]]
            assert np.abs(apart).max() <= one_level


def test_sequences_on_grids_of_their_own_are_brought_onto_the_lge(tmp_path, simulated):
    write_dicom_study(simulated, tmp_path / "study", seed=5, config=QUICK)
    source = DicomSource(dict(find_study(tmp_path / "study").choices), alignment="geometry")
    read = read_dicom_case("x", source)
    lge = read.series[Sequence.LGE].image
    assert read.aligned.record.reference is Sequence.LGE
    assert read.case.geometry is lge.geometry
    assert np.array_equal(read.case.images[Sequence.LGE], lge.volume)
    assert set(read.case.sequences) == set(Sequence)
    with pytest.raises(GeometryError):
        read_dicom_case("x", replace(source, alignment="off"))


@pytest.mark.parametrize("enhanced", [False, True])
def test_every_phase_of_a_simulated_cine_is_the_one_that_was_asked_for(
    tmp_path, simulated, enhanced
):
    """Each phase's image is known; that of another differs by far more than a level."""
    n_phases = 4
    truth = cine(simulated, n_phases, QUICK)
    grid = simulated.series[Sequence.BSSFP].case.geometry
    write_dicom_study(
        simulated, tmp_path / "s", seed=5, enhanced=enhanced, n_phases=n_phases, config=QUICK
    )
    for number in (None, *range(1, n_phases + 1)):
        (files,) = find_any_cases(tmp_path / "s" / "dicom", phase=number)
        read = read_study(files.dicom)[Sequence.BSSFP]
        assert read.phase == (number or 1, n_phases)
        found = on_grid_of(grid, read.image)
        apart = [float(np.abs(found - each).max()) for each in truth]
        assert int(np.argmin(apart)) == (number or 1) - 1
        assert apart[(number or 1) - 1] <= 1
        assert sorted(apart)[1] > 20


def on_grid_of(grid, image):
    """What was read, voxel by voxel of another order of the same grid."""
    to_read = np.linalg.inv(image.geometry.affine) @ grid.affine
    indices = np.indices(grid.shape[::-1]).reshape(3, -1)
    col, row, slice_ = np.rint(to_read[:3, :3] @ indices + to_read[:3, 3:]).astype(int)
    found = np.empty(grid.shape, np.float32)
    found[indices[2], indices[1], indices[0]] = image.volume[slice_, row, col]
    return found


def test_the_thickness_of_slices_comes_with_the_case(three):
    (files,) = find_any_cases(three)
    assert read_case(files).slice_thickness_mm == 8.0
    assert read_dicom_series(stack_of(three, "lge")).slice_thickness_mm == 8.0


def test_slices_of_differing_or_unknown_thickness_have_none(tmp_path, save_series, protocols):
    for folder, thickness in (("differing", "7"), ("unknown", None)):
        paths = save_series(tmp_path / folder, 8, **protocols["lge"])
        image = pydicom.dcmread(paths[1])
        image.SliceThickness = thickness
        image.save_as(paths[1])
        assert read_dicom_series(stack_of(tmp_path / folder, "lge")).slice_thickness_mm is None


def test_gap_and_thickness_stand_beside_volumes_and_change_none(three):
    """Slices 8 mm thick and 10 mm apart: 30 pixels of 1.5 x 1.25 x 10 mm are .5625 ml."""
    (files,) = find_any_cases(three)
    case = read_case(files)
    codes = np.full(case.geometry.shape, int(Tissue.LV_BLOOD_POOL), np.int16)
    codes[1:] = 0
    burden = measures_of(LabelMap(codes), case).burden
    extent = burden.extent
    assert (extent.slice_distance_mm, extent.slice_thickness_mm, extent.gap_mm) == pytest.approx(
        (10.0, 8.0, 2.0)
    )
    assert burden.lv_blood_pool_volume_ml == pytest.approx(0.5625)
    assert "8.0 mm thick, and the 2.0 mm between" in extent.extrapolation
