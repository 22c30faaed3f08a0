import pytest

from myoseg.errors import InputError
from myoseg.quantification.insertion import InsertionPoints
from myoseg.quantification.insertion_files import COLUMNS, read_insertions

HEADER = ",".join(COLUMNS)


def table(tmp_path, *lines):
    path = tmp_path / "points.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_table_gives_the_points_of_each_case(tmp_path):
    path = table(tmp_path, f"{HEADER},note", "a,1,2,3,4,5,-6.5,by eye", "b,0,0,0,1,1,1,")
    assert read_insertions(path) == {
        "a": InsertionPoints((1.0, 2.0, 3.0), (4.0, 5.0, -6.5)),
        "b": InsertionPoints((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    }


def test_a_table_without_lines_gives_none(tmp_path):
    assert read_insertions(table(tmp_path, HEADER)) == {}


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (("case,x", "a,1"), r"points\.csv has no column anterior_x_mm"),
        ((HEADER, "a,1,2,3,4,5,six"), r"line 2: \['4', '5', 'six'\] are not three numbers"),
        ((HEADER, "a,1,2,3,4,5"), "line 2"),
        ((HEADER, "a,1,2,3,4,5,6", "a,1,2,3,4,5,6"), "line 3: a is there twice"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(tmp_path, lines, told):
    with pytest.raises(InputError, match=told):
        read_insertions(table(tmp_path, *lines))


def test_a_table_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.csv cannot be read"):
        read_insertions(tmp_path / "none.csv")
