import re
from math import atan2, degrees, hypot
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.patches import Wedge

from myoseg.reporting.bullseye import bullseye_figure, bullseye_svg, sectors
from myoseg.reporting.figures import save_figure

SVG = "{http://www.w3.org/2000/svg}"
VALUES = {segment: 5.0 * segment for segment in range(1, 18)}


def place_of(segment):
    return next(sector for sector in sectors() if sector.segment == segment).middle


def texts_of(svg):
    return [text.text for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def fills_of(svg):
    """The fill of each segment by number, from the titles."""
    found = {}
    for group in ElementTree.fromstring(svg).iter(f"{SVG}g"):
        title = group.find(f"{SVG}title")
        if title is not None:
            found[int(re.match(r"segment (\d+)", title.text)[1])] = group[1].get("fill")
    return found


@pytest.mark.parametrize(
    ("segment", "x", "y"),
    [
        (1, 0, 1),
        (4, 0, -1),
        (7, 0, 1),
        (10, 0, -1),
        (13, 0, 1),
        (14, -1, 0),
        (15, 0, -1),
        (16, 1, 0),
    ],
)
def test_anterior_is_up_septal_left_inferior_down_and_lateral_right(segment, x, y):
    found = place_of(segment)
    radius = hypot(*found)
    assert np.allclose(found, (radius * x, radius * y), atol=1e-9)


@pytest.mark.parametrize(
    ("segment", "angle"), [(2, 150), (3, -150), (5, -30), (6, 30), (8, 150), (9, -150), (11, -30)]
)
def test_the_septum_lies_at_the_left_and_the_free_wall_at_the_right(segment, angle):
    x, y = place_of(segment)
    assert np.isclose(degrees(atan2(y, x)), angle)


def test_sectors_fill_the_disc_once():
    areas = [(s.outer**2 - s.inner**2) * (s.stop - s.start) / 360 for s in sectors()]
    assert np.isclose(sum(areas), 1)
    rings = {segment: hypot(*place_of(segment)) for segment in (1, 7, 13, 17)}
    assert rings[1] > rings[7] > rings[13] > rings[17] == 0
    names = [sector.name for sector in sectors()]
    assert (names[0], names[8], names[13]) == (
        "basal anterior",
        "mid inferoseptal",
        "apical septal",
    )


def test_the_svg_names_each_segment_with_its_value_and_shows_both():
    svg = bullseye_svg({**VALUES, 3: 12.4}, title="Scar <LGE>", unit="%")
    titles = [title.text for title in ElementTree.fromstring(svg).iter(f"{SVG}title")]
    assert titles[2] == "segment 3, basal inferoseptal: 12 %"
    assert titles[16] == "segment 17, apex: 85 %"
    texts = texts_of(svg)
    assert "12" in texts
    assert {"Scar <LGE>", "anterior", "septal", "inferior", "lateral", "100"} <= set(texts)


def test_without_the_apex_among_the_segments_the_middle_stays_empty():
    sixteen = dict.fromkeys(range(1, 17), 1.0)
    assert set(fills_of(bullseye_svg(sixteen))) == set(range(1, 17))
    assert set(fills_of(bullseye_svg({**sixteen, 17: None}))) == set(range(1, 18))


@pytest.mark.parametrize("nothing", [None, float("nan")])
def test_a_segment_without_a_value_is_hatched_and_says_so(nothing):
    svg = bullseye_svg({**VALUES, 13: nothing})
    fills = fills_of(svg)
    assert fills[13].startswith("url(#hatch-")
    assert fills[12].startswith("#")
    assert "segment 13, apical anterior: no value" in svg
    wedges = [
        p
        for p in bullseye_figure({**VALUES, 13: nothing}).axes[0].patches
        if isinstance(p, Wedge) and p.get_hatch()
    ]
    assert len(wedges) == 1


def test_no_value_at_all_is_hatch_all_over():
    assert all(fill.startswith("url(") for fill in fills_of(bullseye_svg({})).values())


def test_values_beyond_the_limits_take_the_colour_of_the_nearer():
    svg = bullseye_svg({1: -5.0, 2: 0.0, 3: 100.0, 4: 180.0})
    fills = fills_of(svg)
    assert fills[1] == fills[2] != fills[3] == fills[4]
    assert {"−5", "180"} <= set(texts_of(svg))


@given(st.lists(st.floats(0, 100), min_size=2, max_size=2))
def test_more_is_never_lighter(values):
    low, high = sorted(values)
    fills = fills_of(bullseye_svg({1: low, 2: high}))
    lightness = [
        sum(w * int(fills[s][i : i + 2], 16) for w, i in ((0.3, 1), (0.59, 3), (0.11, 5)))
        for s in (1, 2)
    ]
    assert lightness[1] <= lightness[0] + 1


@given(st.floats(0, 100))
def test_numbers_stand_out_from_their_segment(value):
    """A contrast of 4.5 to 1, as WCAG 2 asks of small text."""
    group = next(
        g
        for g in ElementTree.fromstring(bullseye_svg({1: value})).iter(f"{SVG}g")
        if g.find(f"{SVG}title") is not None
    )
    light, dark = sorted(map(luminance, (group[1].get("fill"), group[2].get("fill"))), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return float(np.dot((0.2126, 0.7152, 0.0722), linear))


def test_two_pictures_in_a_page_share_no_identifier_and_the_same_one_is_the_same():
    one, other = bullseye_svg({1: 1.0}), bullseye_svg({1: 2.0})
    ids = [re.search(r'id="([^"]+)"', svg)[1] for svg in (one, other)]
    assert ids[0] != ids[1]
    assert one == bullseye_svg({1: 1.0})


def test_the_svg_asks_for_nothing_outside_itself():
    svg = bullseye_svg(VALUES)
    assert "href" not in svg
    assert re.findall(r"url\(([^)#]*)#", svg) in ([], [""] * svg.count("url("))
    assert svg.count("http") == 1, "the name space alone"


def test_small_ranges_are_written_with_a_decimal():
    assert {"0.5", "1.0"} <= set(texts_of(bullseye_svg({1: 0.5}, limits=(0.0, 1.0))))


def test_the_figure_has_the_same_numbers_as_the_svg():
    figure = bullseye_figure({**VALUES, 13: None}, title="Scar", unit="%")
    drawn = sorted(text.get_text() for text in figure.axes[0].texts)
    assert drawn == sorted(text for text in texts_of(bullseye_svg({**VALUES, 13: None}, unit="%")))
    assert figure.get_suptitle() == "Scar"


def test_the_same_figure_gives_the_same_bytes(tmp_path):
    for name in ("one.png", "two.png"):
        save_figure(bullseye_figure(VALUES), tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


@pytest.mark.parametrize("draw", [bullseye_figure, bullseye_svg])
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"values": {0: 1.0}}, r"segments 1 to 17, and no \[0\]"),
        ({"values": {18: 1.0, 3: 1.0}}, r"no \[18\]"),
        ({"values": {}, "limits": (5.0, 5.0)}, "not in order"),
    ],
)
def test_what_cannot_be_drawn_is_refused(draw, arguments, words):
    with pytest.raises(ValueError, match=words):
        draw(**arguments)


def test_dollars_in_a_title_are_written_and_not_read_as_a_formula(tmp_path):
    save_figure(bullseye_figure(VALUES, title="$\\x$"), tmp_path / "a.png")
    assert (tmp_path / "a.png").is_file()


def test_a_colour_map_that_there_is_not_is_refused():
    with pytest.raises((ValueError, KeyError), match="rainbowish"):
        bullseye_svg({}, colours="rainbowish")
