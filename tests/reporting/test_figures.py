import numpy as np
import pytest
from matplotlib import image as matplotlib_image
from matplotlib.figure import Figure

from myoseg.errors import OutputError
from myoseg.reporting.figures import figure3_boxplots, percentages, save_figure

DICE = {"a": 0.2, "b": 0.4, "c": 0.6, "d": None}


@pytest.fixture
def scores(scored):
    one = scored(DICE) + scored({"a": 0.5, "b": 0.7}, region="edema+scar")
    return {"u": one, "pw": one, "p": one}


def tick_labels(axes):
    return [label.get_text() for label in axes.get_xticklabels()]


def test_figure_3_has_a_box_for_each_measure_region_and_method(scores):
    figure = figure3_boxplots(scores)
    assert [axes.get_title().strip() for axes in figure.axes] == ["Dice", "Jaccard"]
    for axes in figure.axes:
        assert len(axes.patches) == 6
        assert tick_labels(axes) == [
            *("u\nn=3", "pw\nn=3", "p\nn=3"),
            *("u\nn=2", "pw\nn=2", "p\nn=2"),
        ]


def test_values_are_in_per_cent_and_cases_without_one_left_out(scored):
    assert np.allclose(percentages(scored(DICE), "scar", "dice"), [20, 40, 60])
    assert percentages(scored(DICE), "edema", "dice").size == 0


def test_a_method_without_any_value_has_no_box_but_says_so(scored):
    figure = figure3_boxplots({"mine": scored({"a": None})})
    assert not figure.axes[0].patches
    assert "no value" in [text.get_text() for text in figure.axes[0].texts]
    assert figure.axes[-1].get_legend() is None, "the paper has no such method"


def test_saved_figures_are_pictures_of_their_size(tmp_path):
    save_figure(Figure(figsize=(2, 1)), tmp_path / "new" / "figure.png")
    assert matplotlib_image.imread(tmp_path / "new" / "figure.png").shape[:2] == (150, 300)
    save_figure(Figure(figsize=(2, 1)), tmp_path / "figure.pdf")
    assert (tmp_path / "figure.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("name", ["figure.png", "figure.pdf"])
def test_the_same_figure_gives_the_same_bytes(tmp_path, scores, name):
    for folder in ("one", "two"):
        save_figure(figure3_boxplots(scores), tmp_path / folder / name)
    assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_figure_that_cannot_be_written_is_an_error_and_leaves_nothing(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write"):
        save_figure(Figure(), tmp_path / "file" / "figure.png")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
