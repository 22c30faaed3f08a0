import numpy as np
import pytest
from pydicom import Dataset

from myoseg.cases.dicom.source_planes import plane_of, planes_of
from myoseg.errors import InputError

POSITIONS = np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 11.0]])
COSINES = (np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, -1.0]))


@pytest.fixture(params=["classic_sources", "enhanced_source"])
def sources(request, orientations):
    return getattr(orientations, request.param)(POSITIONS, COSINES, (1.5, 2.5), (4, 6))


def test_a_plane_maps_columns_and_rows_into_the_patient(sources):
    first, second = planes_of(sources)
    # Column 2 lies 2 x 2.5 mm along the row direction, row 1 lies 1.5 mm along the column's.
    assert (first.to_lps @ [2, 1, 1]).tolist() == [1.0, 7.0, 1.5]
    assert (first.to_ras @ [2, 1, 1]).tolist() == [-1.0, -7.0, 1.5]
    assert (second.to_lps @ [0, 0, 1]).tolist() == [1.0, 2.0, 11.0]
    assert first.shape == (4, 6)
    assert first.thickness_mm == 6.0


def test_planes_come_in_the_order_of_time_and_number_whatever_the_order_of_files(orientations):
    sources = orientations.classic_sources(
        np.array([[0.0, 0.0, z] for z in (0, 8, 0, 8)]), COSINES, (1, 1), (4, 6)
    )
    for header, trigger in zip(sources, ("300", "300", "20", "20"), strict=True):
        header.TriggerTime = trigger
    numbers = [plane.header.InstanceNumber for plane in planes_of(sources[::-1])]
    assert numbers == [3, 4, 1, 2]


def test_frames_are_counted_from_one(orientations):
    (header,) = orientations.enhanced_source(POSITIONS, COSINES, (1, 1), (4, 6))
    assert [plane.frame for plane in planes_of([header])] == [1, 2]
    assert plane_of(header, 2).position == (1.0, 2.0, 11.0)
    with pytest.raises(InputError, match="frame 3 of image 1 of series 7"):
        plane_of(header, 3)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ImagePositionPatient", None),
        ("ImageOrientationPatient", None),
        ("PixelSpacing", None),
        ("ImageOrientationPatient", ["1", "0", "0", "1", "0", "0"]),
        ("ImageOrientationPatient", ["1", "0", "0"]),
        ("PixelSpacing", ["0", "1"]),
        ("Rows", None),
        ("SOPInstanceUID", None),
        ("StudyInstanceUID", None),
        ("SOPInstanceUID", ["1.2.3", "1.2.4"]),
    ],
)
def test_an_image_without_a_place_is_refused_by_its_number(orientations, name, value):
    header = orientations.classic_sources(POSITIONS, COSINES, (1, 1), (4, 6))[1]
    setattr(header, name, value)
    with pytest.raises(InputError, match="image 2 of series 7 does not say where it lies"):
        planes_of([header])


def test_no_source_gives_no_plane():
    assert planes_of([]) == ()
    with pytest.raises(InputError, match=r"image \? of series \?"):
        planes_of([Dataset()])
