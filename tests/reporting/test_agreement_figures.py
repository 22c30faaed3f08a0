import numpy as np
import pytest
from matplotlib.patches import PathPatch

from myoseg.quantification.agreement import bland_altman
from myoseg.reporting.agreement_figures import bland_altman_figure, measure_box_figure
from myoseg.reporting.figures import save_figure

FIRST, SECOND = [1.0, 2.0, 4.0, 8.0], [2.0, 2.0, 3.0, 4.0]
NAMES = ("Kim", "model")


def drawn(first=FIRST, second=SECOND, **others):
    figure = bland_altman_figure(first, second, NAMES, "Scar mass", "g", **others)
    (axes,) = figure.axes
    return figure, axes


def levels(axes):
    return [float(line.get_ydata()[0]) for line in axes.lines]


def test_each_pair_is_a_dot_at_its_mean_and_difference():
    _, axes = drawn()
    (dots,) = axes.collections
    assert np.allclose(dots.get_offsets(), [[1.5, -1], [2, 0], [3.5, 1], [6, 4]])


def test_lines_are_at_zero_the_limits_and_the_bias():
    _, axes = drawn()
    sd = np.sqrt(14 / 3)
    assert np.allclose(levels(axes), [0, 1 + 1.96 * sd, 1, 1 - 1.96 * sd])
    assert [text.get_text() for text in axes.texts] == [
        "+1.96 SD\n5.23 g",
        "bias\n1.00 g",
        "−1.96 SD\n−3.23 g",
    ]


def test_bands_are_the_intervals_of_the_limits_and_the_bias():
    _, axes = drawn()
    found = bland_altman(np.array(FIRST), np.array(SECOND))
    bands = [(patch.get_y(), patch.get_y() + patch.get_height()) for patch in axes.patches]
    assert np.allclose(bands, [found.upper_limit_ci95, found.bias_ci95, found.lower_limit_ci95])


def test_axes_say_whose_difference_it_is_and_in_which_unit():
    figure, axes = drawn()
    assert axes.get_ylabel() == "Kim − model (g)"
    assert axes.get_xlabel() == "mean of Kim and model (g)"
    assert figure.get_suptitle() == "Scar mass"
    assert axes.get_title().startswith("n = 4; bias 95 % interval")


def test_values_that_depend_on_each_other_have_no_bands():
    _, axes = drawn(independent=False)
    assert not axes.patches
    assert "several of each case" in axes.get_title()
    assert len(axes.lines) == 4


@pytest.mark.parametrize("n", [0, 1, 2])
def test_fewer_than_three_pairs_are_dots_without_limits(n):
    _, axes = drawn(FIRST[:n], SECOND[:n])
    assert len(axes.collections[0].get_offsets()) == n
    assert levels(axes) == [0]
    assert "3 pairs or more" in axes.get_title()


def test_pairs_without_a_value_are_no_dots():
    _, axes = drawn([1.0, None, 4.0, 8.0], [2.0, 2.0, float("nan"), 4.0])
    assert len(axes.collections[0].get_offsets()) == 2


def test_perfect_agreement_is_one_line_and_no_limit():
    _, axes = drawn(FIRST, FIRST)
    assert levels(axes) == [0, 0]
    assert [text.get_text() for text in axes.texts] == ["bias\n0 g"]


def test_series_of_two_lengths_are_refused():
    with pytest.raises(ValueError, match="cannot be paired"):
        drawn(FIRST, SECOND[:3])
    with pytest.raises(ValueError, match="cannot be paired"):
        measure_box_figure({"a": FIRST, "b": SECOND[:3]})


def test_a_box_and_a_dot_for_each_value_and_a_line_for_each_pair():
    values = {"Kim": [1.0, 2.0, 4.0, None], "model": [2.0, 2.0, 3.0, 4.0]}
    (axes,) = measure_box_figure(values, "Scar mass", "g").axes
    assert sum(isinstance(patch, PathPatch) for patch in axes.patches) == 2
    assert [len(dots.get_offsets()) for dots in axes.collections] == [3, 4]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["Kim\nn = 3", "model\nn = 4"]
    joined = [line for line in axes.lines if np.isclose(line.get_linewidth(), 0.6)]
    assert len(joined) == 4
    ends = np.array([line.get_ydata() for line in joined], dtype=float)
    assert np.allclose(ends[:3], [[1, 2], [2, 2], [4, 3]])


def test_a_reader_without_any_value_has_no_box_but_says_so():
    (axes,) = measure_box_figure({"Kim": [None, None], "model": [1.0, 2.0]}).axes
    assert "no value" in [text.get_text() for text in axes.texts]
    assert sum(isinstance(patch, PathPatch) for patch in axes.patches) == 1


def test_boxes_of_nothing_are_an_empty_figure():
    (axes,) = measure_box_figure({}).axes
    assert not axes.patches


@pytest.mark.parametrize("suffix", [".png", ".pdf", ".svg"])
def test_figures_can_be_written_in_each_format(tmp_path, suffix):
    save_figure(drawn()[0], tmp_path / f"one{suffix}")
    save_figure(measure_box_figure({"Kim": FIRST, "model": SECOND}), tmp_path / f"two{suffix}")
    assert all(path.stat().st_size > 1000 for path in tmp_path.iterdir())


def test_dollars_in_names_are_written_and_not_read_as_formulas(tmp_path):
    names = ("reader $_{", "model $\\x")
    for number, figure in enumerate(
        (
            bland_altman_figure(FIRST, SECOND, names, "Cost in $ and $", "$"),
            measure_box_figure(dict(zip(names, (FIRST, SECOND), strict=True)), "$_$", "$^$"),
        )
    ):
        path = tmp_path / f"{number}.png"
        save_figure(figure, path)
        assert path.stat().st_size > 1000
