import json
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pydicom
import pytest
from pydicom.uid import EnhancedMRImageStorage, MRImageStorage

from myoseg.anatomy import Sequence, Tissue
from myoseg.cases.dicom.simulated.cine import SYSTOLE_ENDS, cine, contracted_heart, contraction
from myoseg.cases.dicom.simulated.vendors import EQUIPMENT, vendor_called
from myoseg.cases.dicom.write_study import WritingChoices, write_dicom_studies, write_dicom_study
from myoseg.cases.nifti import read_label_volume, read_volume
from myoseg.cases.phantom import SMALL, PhantomConfig, clinical, simulate_study
from myoseg.errors import ConfigurationError, OutputError

QUICK = replace(
    clinical(SMALL),
    n_sub_slices=1,
    supersampling=1,
    infarct_probability=1.0,
    psir_probability=0.0,
    bssfp_grid=replace(SMALL.bssfp_grid, spacing_mm=(3.0, 3.2)),
    lge_grid=replace(SMALL.lge_grid, spacing_mm=(2.8, 3.0)),
    t2_grid=replace(SMALL.t2_grid, spacing_mm=(3.2, 3.4)),
)
SEED = 5
VENDORS = tuple(EQUIPMENT)
ROLES = ("bssfp", "lge", "t2")
DISTRACTORS = ("localiser", "bssfp_4ch", "t1_map", "t2_repeat", "lge_psir", "lge_2ch")


@pytest.fixture(scope="module")
def study():
    return simulate_study(SEED, QUICK)


@pytest.fixture(scope="module")
def written(study, tmp_path_factory):
    """written(vendor, enhanced) is a study's folder and what was written, all kinds of series."""
    made = {}

    def get(vendor="siemens", enhanced=False):
        if (vendor, enhanced) not in made:
            folder = tmp_path_factory.mktemp("studies") / "study"
            choices = {"vendor": vendor, "enhanced": enhanced, "config": QUICK, "n_phases": 2}
            made[vendor, enhanced] = (
                folder,
                write_dicom_study(study, folder, seed=SEED, distractors=True, **choices),
            )
        return made[vendor, enhanced]

    return get


def datasets(folder, series):
    return [pydicom.dcmread(each) for each in sorted((folder / "dicom" / series.folder).iterdir())]


def of_role(all_series, role):
    (found,) = [each for each in all_series if each.role == role]
    return found


def ras_affine(orientation, spacing, first, last, n_slices):
    """The affine of a stack from its attributes, written anew for this test."""
    orientation, first, last = (np.array(each, float) for each in (orientation, first, last))
    lps = np.eye(4)
    lps[:3, 0] = orientation[:3] * float(spacing[1])
    lps[:3, 1] = orientation[3:] * float(spacing[0])
    lps[:3, 2] = (last - first) / (n_slices - 1)
    lps[:3, 3] = first
    return np.diag([-1, -1, 1, 1]) @ lps


def values(dataset, transformation):
    slope = float(getattr(transformation, "RescaleSlope", 1))
    return dataset.pixel_array * slope + float(
        getattr(transformation, "RescaleIntercept", 0)
    ), slope


def read_classic(instances):
    """Phase 1 of a classic series: intensities, affine, step of quantisation."""
    first = [each for each in instances if each.get("TemporalPositionIdentifier", 1) == 1]
    ends = [each.ImagePositionPatient for each in (first[0], first[-1])]
    affine = ras_affine(first[0].ImageOrientationPatient, first[0].PixelSpacing, *ends, len(first))
    images = [values(each, each) for each in first]
    return np.stack([image for image, _ in images]), affine, images[0][1]


def read_enhanced(instance):
    shared = instance.SharedFunctionalGroupsSequence[0]
    frames = instance.PerFrameFunctionalGroupsSequence
    chosen = [
        index
        for index, frame in enumerate(frames)
        if frame.FrameContentSequence[0].TemporalPositionIndex == 1
    ]
    ends = [
        frames[index].PlanePositionSequence[0].ImagePositionPatient
        for index in (chosen[0], chosen[-1])
    ]
    affine = ras_affine(
        shared.PlaneOrientationSequence[0].ImageOrientationPatient,
        shared.PixelMeasuresSequence[0].PixelSpacing,
        *ends,
        len(chosen),
    )
    image, slope = values(instance, shared.PixelValueTransformationSequence[0])
    return image[chosen], affine, slope


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("enhanced", [False, True])
@pytest.mark.parametrize("role", ROLES)
def test_image_and_grid_are_those_of_the_nifti_file(written, study, vendor, enhanced, role):
    folder, series = written(vendor, enhanced)
    instances = datasets(folder, of_role(series, role))
    image, affine, step = read_enhanced(*instances) if enhanced else read_classic(instances)
    truth, geometry = read_volume(folder / "truth" / f"{study.name}_{role}.nii.gz")
    assert image.shape == truth.shape
    corners = np.array([[c, r, k, 1] for c in (0, 99) for r in (0, 99) for k in (0, 9)]).T
    np.testing.assert_allclose(affine @ corners, geometry.affine @ corners, atol=1e-3)
    assert np.abs(image - truth).max() <= step / 2 * (1 + 1e-6) if vendor == "philips" else True
    if vendor != "philips":
        np.testing.assert_array_equal(image, truth)


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("enhanced", [False, True])
def test_dciodvfy_finds_no_error(written, vendor, enhanced):
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy is not installed (Debian's dicom3tools)")
    folder, series = written(vendor, enhanced)
    assert {each.role for each in series} == {*ROLES, *DISTRACTORS}
    for each in series:
        file = min((folder / "dicom" / each.folder).iterdir())
        found = subprocess.run(["dciodvfy", file], capture_output=True, text=True, check=False)
        said = (found.stdout + found.stderr).splitlines()
        assert any("MRImage" in line for line in said), "it names the kind of object it checked"
        assert [line for line in said if line.startswith("Error")] == [], each.role


def test_each_series_has_its_identifier_and_its_instances_theirs(written):
    folder, series = written("ge")
    seen = set()
    for each in series:
        instances = datasets(folder, each)
        assert {instance.SeriesInstanceUID for instance in instances} == {each.series_uid}
        assert len(instances) == each.n_files
        numbers = [instance.InstanceNumber for instance in instances]
        assert numbers == list(range(1, each.n_files + 1))
        uids = {instance.SOPInstanceUID for instance in instances}
        assert not uids & seen
        seen |= uids
        assert len(uids) == each.n_files
        assert all(instance.SOPClassUID == MRImageStorage for instance in instances)
        assert len({instance.StudyInstanceUID for instance in instances}) == 1
    assert len({each.series_uid for each in series}) == len(series)


def test_an_enhanced_series_is_one_object(written):
    folder, series = written("siemens", enhanced=True)
    bssfp = of_role(series, "bssfp")
    (instance,) = datasets(folder, bssfp)
    assert instance.SOPClassUID == EnhancedMRImageStorage
    shape = instance.pixel_array.shape
    assert shape[0] == instance.NumberOfFrames == len(instance.PerFrameFunctionalGroupsSequence)


def test_the_patient_is_marked_as_simulated(written):
    folder, series = written()
    instance = datasets(folder, series[0])[0]
    assert instance.PatientName == f"Simulated^{SEED:05d}"
    assert instance.PatientIdentityRemoved == "YES"
    assert "simulated" in instance.PatientComments.lower()
    assert instance.PatientBirthDate == ""


def test_attributes_tell_the_sequences_apart(written):
    folder, series = written("siemens")
    bssfp, lge = (datasets(folder, of_role(series, role))[0] for role in ("bssfp", "lge"))
    assert bssfp.SequenceName.startswith("*tfi2d1")
    assert "InversionTime" not in bssfp
    assert lge.SequenceName.startswith("*tfl2d1")
    assert 150 < lge.InversionTime < 450
    assert "IR" in lge.ScanningSequence
    t1_map = datasets(folder, of_role(series, "t1_map"))[0]
    assert t1_map.ImageType[0] == "DERIVED"


def test_vendors_write_what_is_theirs(written):
    for vendor, private in (("philips", (0x2001, 0x1020)), ("ge", (0x0019, 0x109C))):
        folder, series = written(vendor)
        lge = datasets(folder, of_role(series, "lge"))[0]
        assert lge.Manufacturer == EQUIPMENT[vendor].manufacturer
        assert private in lge
        assert "SequenceName" not in lge


def test_phases_have_times_and_shrink_toward_systole(study):
    images = cine(study, 4, QUICK)
    truth = study.series[Sequence.BSSFP].case
    np.testing.assert_array_equal(images[0], truth.images[Sequence.BSSFP])
    pool = truth.labels.codes == Tissue.LV_BLOOD_POOL
    wall = np.isin(truth.labels.codes, [Tissue.NORMAL_MYOCARDIUM, Tissue.EDEMA])
    assert pool.any()
    bright = 0.5 * (images[0][pool].mean() + images[0][wall].mean())
    areas = [float((image[pool] > bright).mean()) for image in images]
    assert min(areas) < 0.85 * areas[0]


def test_a_contracted_heart_keeps_its_wall_at_the_base(study):
    heart = study.phantom.scene.heart
    smaller = contracted_heart(heart, 1.0)
    areas = [
        (each.cavity_radius_mm + each.wall_mm) ** 2 - each.cavity_radius_mm**2
        for each in (heart, smaller)
    ]
    assert areas[0] == pytest.approx(areas[1])
    assert smaller.cavity_radius_mm == pytest.approx(0.72 * heart.cavity_radius_mm)
    unchanged = contracted_heart(heart, 0.0)
    assert unchanged.wall_mm == pytest.approx(heart.wall_mm)


def test_contraction_is_none_at_the_r_wave_and_full_at_end_systole():
    assert contraction(0.0) == 0
    assert contraction(1.0) == pytest.approx(0)
    assert contraction(SYSTOLE_ENDS) == pytest.approx(1)
    assert 0 < contraction(0.2) < 1
    assert 0 < contraction(0.7) < 1


def test_trigger_times_rise_within_a_slice(written):
    folder, series = written()
    instances = datasets(folder, of_role(series, "bssfp"))
    first = [each for each in instances if each.AcquisitionNumber == 1]
    times = [float(each.TriggerTime) for each in first]
    assert times == sorted(set(times))
    assert len(times) == 2
    assert len({tuple(each.ImagePositionPatient) for each in first}) == 1


def test_the_pair_and_the_repeat_lie_where_the_originals_do(written):
    folder, series = written()
    for role, other in (("lge", "lge_psir"), ("t2", "t2_repeat")):
        one, two = (datasets(folder, of_role(series, each)) for each in (role, other))
        assert [a.ImagePositionPatient for a in one] == [b.ImagePositionPatient for b in two]
        assert any(a.PixelData != b.PixelData for a, b in zip(one, two, strict=True))


def test_long_axes_and_localisers_are_not_short_axes(written, study):
    folder, series = written()
    axis = study.phantom.scene.view.frame.apical * [-1, -1, 1]

    def tilt_deg(instance):
        orientation = np.array(instance.ImageOrientationPatient, float)
        cosine = abs(np.cross(orientation[:3], orientation[3:]) @ axis)
        return np.degrees(np.arccos(min(cosine, 1)))

    for role in ROLES:
        assert tilt_deg(datasets(folder, of_role(series, role))[0]) < 0.1
    for role in ("bssfp_4ch", "lge_2ch"):
        assert tilt_deg(datasets(folder, of_role(series, role))[0]) > 89
    planes = datasets(folder, of_role(series, "localiser"))
    assert len({tuple(each.ImageOrientationPatient) for each in planes}) == 3
    assert all(each.pixel_array.std() > 1 for each in planes)


def test_a_long_axis_view_shows_the_heart_whose_truth_is_known(written, study):
    """Where the short axis has the pool's middle, the cut through the axis is bright: blood."""
    folder, series = written()
    instance = datasets(folder, of_role(series, "bssfp_4ch"))[0]
    frame, heart = study.phantom.scene.view.frame, study.phantom.scene.heart
    drift = heart.drift[0] * 0.4 * heart.length_mm
    point = frame.base_mm + 0.4 * heart.length_mm * frame.apical + drift * frame.lateral
    offset = point * [-1, -1, 1] - np.array(instance.ImagePositionPatient, float)
    orientation = np.array(instance.ImageOrientationPatient, float)
    spacing = np.array(instance.PixelSpacing, float)
    col, row = orientation[:3] @ offset / spacing[1], orientation[3:] @ offset / spacing[0]
    image = instance.pixel_array
    pool = image[round(row) - 2 : round(row) + 3, round(col) - 2 : round(col) + 3]
    assert pool.mean() > np.median(image)


def test_a_map_holds_milliseconds(written):
    folder, series = written("siemens")
    image = datasets(folder, of_role(series, "t1_map"))[1].pixel_array
    tissue = image[image > 0]
    assert 500 < np.median(tissue) < 1500


def test_the_truth_lies_beside_with_labels_and_the_roles(written, study):
    folder, series = written()
    codes, _ = read_label_volume(folder / "truth" / f"{study.name}_lge_gd.nii.gz")
    np.testing.assert_array_equal(codes, study.series[Sequence.LGE].case.labels.codes)
    record = json.loads((folder / "truth" / f"{study.name}_series.json").read_text())
    assert [each["role"] for each in record["series"]] == [each.role for each in series]


def test_single_slices_are_series_that_make_the_same_stack(study, tmp_path):
    whole = write_dicom_study(study, tmp_path / "whole", seed=SEED, config=QUICK)
    parts = write_dicom_study(
        study, tmp_path / "parts", seed=SEED, config=QUICK, single_slices=True
    )
    for role in ROLES:
        stack = datasets(tmp_path / "whole", of_role(whole, role))
        slices = [datasets(tmp_path / "parts", each)[0] for each in parts if each.role == role]
        assert len({each.SeriesInstanceUID for each in slices}) == len(stack)
        for one, other in zip(stack, slices, strict=True):
            assert one.ImagePositionPatient == other.ImagePositionPatient
            assert one.PixelData == other.PixelData


def test_the_same_seed_gives_the_same_bytes(study, tmp_path):
    for name in ("one", "two"):
        write_dicom_study(study, tmp_path / name, seed=SEED, config=QUICK)
    one, two = (sorted((tmp_path / name / "dicom").rglob("*.dcm")) for name in ("one", "two"))
    assert [a.read_bytes() for a in one] == [b.read_bytes() for b in two]


def test_seeds_and_vendors_share_no_identifier(study, tmp_path):
    found = []
    for name, seed, vendor in (("a", 1, "ge"), ("b", 2, "ge"), ("c", 1, "canon")):
        series = write_dicom_study(study, tmp_path / name, seed=seed, vendor=vendor, config=QUICK)
        found.append({each.series_uid for each in series})
    assert not found[0] & found[1]
    assert not found[0] & found[2]


def test_wrong_choices_are_refused_with_the_remedy(study, tmp_path):
    with pytest.raises(ConfigurationError, match="give 1 to 100"):
        write_dicom_study(study, tmp_path / "x", seed=1, n_phases=0)
    with pytest.raises(ConfigurationError, match="acme; give siemens, philips, ge, canon"):
        vendor_called("acme")
    assert vendor_called("GE") == "ge"
    assert not (tmp_path / "x").exists()


def test_many_studies_go_into_an_empty_folder_only(tmp_path):
    tiny = replace(QUICK, infarct_probability=0.0)
    out = tmp_path / "studies"
    choices = WritingChoices()
    write_dicom_studies(out, n_studies=2, seed=7, config=tiny, choices=choices)
    assert sorted(each.name for each in out.iterdir()) == ["phantom_00007", "phantom_00008"]
    with pytest.raises(OutputError, match="not empty"):
        write_dicom_studies(out, n_studies=1, seed=7, config=PhantomConfig(), choices=choices)
