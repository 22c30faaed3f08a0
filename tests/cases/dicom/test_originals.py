from dataclasses import replace

import numpy as np
import pytest

from myoseg.anatomy import Sequence, Tissue
from myoseg.cases.case import Geometry, LabelMap, Segmentation
from myoseg.cases.dicom.originals import find_originals, originals_of_source
from myoseg.cases.dicom.segmentation_object import segmentation_object, write_dicom_object
from myoseg.cases.dicom.source import DicomSource
from myoseg.cases.dicom.study import find_study
from myoseg.cases.dicom.write_study import write_dicom_study
from myoseg.cases.nifti import read_label_volume
from myoseg.cases.phantom import SMALL, clinical, simulate_study
from myoseg.errors import GeometryError, InputError

QUICK = replace(
    clinical(SMALL), n_sub_slices=1, supersampling=2, infarct_probability=1.0, psir_probability=0.0
)
SEED = 5


@pytest.fixture(scope="module", params=["classic", "enhanced", "single slices"])
def study_folder(request, tmp_path_factory):
    """A simulated study with its truth: a series a sequence, or a series a slice."""
    folder = tmp_path_factory.mktemp("studies") / "study"
    kinds = {"enhanced": request.param == "enhanced", "n_phases": 2}
    kinds["single_slices"] = request.param == "single slices"
    write_dicom_study(simulate_study(SEED, QUICK), folder, seed=SEED, config=QUICK, **kinds)
    return folder


def truth(folder, sequence):
    """The labels of a sequence on its own grid."""
    (path,) = (folder / "truth").glob(f"*_{sequence}_gd.nii.gz")
    values, geometry = read_label_volume(path)
    return LabelMap(values.astype(np.int16)), geometry


@pytest.mark.parametrize("sequence", list(Sequence))
def test_the_series_of_each_label_map_is_found_among_the_others(
    study_folder, sequence, orientations, tmp_path
):
    labels, geometry = truth(study_folder, sequence)
    originals = find_originals(study_folder / "dicom", labels, geometry)
    path = tmp_path / "seg.dcm"
    write_dicom_object(path, segmentation_object(Segmentation("x", labels, geometry), originals))
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ geometry.affine
    expected = {}
    for number, tissue in enumerate(
        (Tissue.LV_BLOOD_POOL, Tissue.RV_BLOOD_POOL, Tissue.NORMAL_MYOCARDIUM, *list(Tissue)[3:]), 1
    ):
        index = np.argwhere(labels.codes == tissue)[:, ::-1]
        if len(index):
            expected[number] = index @ lps[:3, :3].T + lps[:3, 3]
    assert len(expected) == 5
    assert orientations.farthest_mm(orientations.by_hand(path), expected) < 0.01


def test_of_a_cine_the_first_phase_is_referred_to(study_folder):
    labels, geometry = truth(study_folder, Sequence.BSSFP)
    originals = find_originals(study_folder / "dicom", labels, geometry)
    assert len(originals.planes) == geometry.shape[0]
    assert len({plane.reference for plane in originals.planes}) == geometry.shape[0]
    earliest = min(plane.trigger_ms for plane in originals.planes)
    assert all(plane.trigger_ms == earliest for plane in originals.planes)


def test_a_label_map_with_turned_axes_finds_its_series(study_folder):
    labels, geometry = truth(study_folder, Sequence.LGE)
    turned = geometry.affine.copy()
    turned[:3, 3] += turned[:3, 0] * (geometry.shape[2] - 1)
    turned[:3, 0] *= -1
    mirrored = LabelMap(labels.codes[:, :, ::-1].copy())
    originals = find_originals(study_folder / "dicom", mirrored, Geometry(geometry.shape, turned))
    plain = find_originals(study_folder / "dicom", labels, geometry)
    assert [p.reference for p in originals.planes] == [p.reference for p in plain.planes]


def test_an_empty_label_map_finds_the_series_of_its_grid(study_folder):
    labels, geometry = truth(study_folder, Sequence.T2)
    empty = LabelMap(np.zeros_like(labels.codes))
    assert len(find_originals(study_folder / "dicom", empty, geometry).planes) == geometry.shape[0]


def test_a_label_map_that_was_resampled_finds_none(study_folder):
    labels, geometry = truth(study_folder, Sequence.LGE)
    moved = geometry.affine.copy()
    moved[:3, 3] += 0.4 * moved[:3, 0]
    with pytest.raises(GeometryError, match=r"no series of .* lies on the grid of the label map"):
        find_originals(study_folder / "dicom", labels, Geometry(geometry.shape, moved))


def test_a_series_that_is_named_wrongly_is_refused_with_those_there_are(study_folder):
    labels, geometry = truth(study_folder, Sequence.LGE)
    with pytest.raises(GeometryError, match=r"no series called '4711'.*there are: "):
        find_originals(study_folder / "dicom", labels, geometry, "4711")


def test_a_folder_without_dicom_holds_no_series(tmp_path):
    labels = LabelMap(np.zeros((1, 2, 2), dtype=np.int16))
    with pytest.raises(GeometryError, match="there are: none"):
        find_originals(tmp_path, labels, Geometry((1, 2, 2), np.eye(4)))


def test_a_study_that_was_read_refers_to_the_series_whose_grid_it_has(study_folder):
    study = find_study(study_folder / "dicom")
    source = DicomSource(study.choices, None)
    for sequence, choice in study.choices.items():
        stack = choice.candidate.stack
        planes = originals_of_source(source, stack.geometry).planes
        assert {plane.reference[0] for plane in planes} <= set(choice.candidate.series_uids)
        assert len(planes) == len(stack.slices), sequence
    with pytest.raises(GeometryError, match="none of the study's series"):
        originals_of_source(source, Geometry((1, 2, 2), np.eye(4)))


def test_two_studies_with_the_same_images_have_to_be_told_apart(study_folder, tmp_path):
    import pydicom

    labels, geometry = truth(study_folder, Sequence.LGE)
    for path in (study_folder / "dicom").rglob("*.dcm"):
        copy = pydicom.dcmread(path)
        for name in ("one", "two"):
            copy.StudyInstanceUID = f"{copy.StudyInstanceUID[:50]}.{len(name) + ord(name[0])}"
            target = tmp_path / name / path.parent.name / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            copy.save_as(target)
    with pytest.raises(InputError, match="name one with --series"):
        find_originals(tmp_path, labels, geometry)
