import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from myoseg.anatomy import REGIONS, Tissue
from myoseg.cases.case import Geometry, LabelMap, Segmentation
from myoseg.cases.seg_nrrd import write_seg_nrrd
from myoseg.errors import OutputError

# Left-handed and oblique by a quarter turn: columns go down, rows to the left, slices forward.
AFFINE = np.array([[0, -3, 0, 5], [0, 0, 10, 6], [-2, 0, 0, 7], [0, 0, 0, 1]], dtype=float)
GEOMETRY = Geometry((2, 3, 4), AFFINE)


def segmentation(**voxels):
    codes = np.zeros((2, 3, 4), dtype=np.int16)
    for name, tissue in voxels.items():
        codes[tuple(int(digit) for digit in name[1:])] = tissue
    return Segmentation("x", LabelMap(codes), GEOMETRY)


def test_each_voxel_lies_where_the_label_map_has_it(tmp_path):
    path = tmp_path / "x.seg.nrrd"
    write_seg_nrrd(path, segmentation(v123=Tissue.SCAR, v000=Tissue.LV_BLOOD_POOL))
    image = sitk.ReadImage(str(path))
    # Column 3, row 2, slice 1 lies at RAS (5 - 6, 6 + 10, 7 - 6) = (-1, 16, 1), so LPS (1, -16, 1).
    assert image[3, 2, 1] == 5
    np.testing.assert_allclose(image.TransformIndexToPhysicalPoint((3, 2, 1)), (1, -16, 1))
    assert image[0, 0, 0] == 1
    assert sitk.GetArrayFromImage(image).sum() == 6


def test_segments_have_names_colours_and_codes_as_slicer_reads_them(tmp_path):
    path = tmp_path / "x.seg.nrrd"
    write_seg_nrrd(path, segmentation(v123=Tissue.SCAR))
    image = sitk.ReadImage(str(path))
    stored = {key: image.GetMetaData(key) for key in image.GetMetaDataKeys()}
    assert stored["Segment4_Name"] == "Scar"
    assert stored["Segment4_LabelValue"] == "5"
    assert stored["Segment4_Layer"] == "0"
    assert stored["Segment4_Extent"] == "0 3 0 2 0 1"
    assert stored["Segment4_Color"] == "1 0.309804 0.847059"
    assert stored["Segment4_Tags"] == (
        "TerminologyEntry:Segmentation category and type - myoseg"
        "~SCT^85756007^Tissue~SCT^12402003^Scar tissue~^^"
        "~Anatomic codes - myoseg~SCT^49848007^Left Ventricle Myocardium~^^|"
    )
    assert stored["Segmentation_MasterRepresentation"] == "Binary labelmap"
    assert "Segment5_Name" not in stored


def test_an_empty_label_map_has_its_segments_too(tmp_path):
    path = tmp_path / "x.seg.nrrd"
    write_seg_nrrd(path, segmentation())
    image = sitk.ReadImage(str(path))
    assert not sitk.GetArrayFromImage(image).any()
    assert image.GetMetaData("Segment0_Name") == "LV blood pool"


def test_tissues_that_were_not_told_apart_are_one_segment(tmp_path):
    labels = LabelMap(np.full((2, 3, 4), 200, dtype=np.int16), (REGIONS["myocardium"],))
    write_seg_nrrd(tmp_path / "x.seg.nrrd", Segmentation("x", labels, GEOMETRY))
    image = sitk.ReadImage(str(tmp_path / "x.seg.nrrd"))
    assert image.GetMetaData("Segment0_Name") == "Myocardium"
    assert (sitk.GetArrayFromImage(image) == 1).all()


def test_another_suffix_is_refused(tmp_path):
    with pytest.raises(OutputError, match=r"must end in \.seg\.nrrd"):
        write_seg_nrrd(tmp_path / "x.nrrd", segmentation())


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path):
    (tmp_path / "taken").write_text("a file in the way")
    with pytest.raises(OutputError):
        write_seg_nrrd(tmp_path / "taken" / "x.seg.nrrd", segmentation())
    (tmp_path / "x.seg.nrrd").mkdir()
    with pytest.raises(OutputError):
        write_seg_nrrd(tmp_path / "x.seg.nrrd", segmentation())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["taken", "x.seg.nrrd"]
