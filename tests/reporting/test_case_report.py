"""The page of one case."""

import base64
import hashlib
import re
from html import escape, unescape

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myoseg.anatomy import MYOCARDIUM, Sequence, Tissue
from myoseg.cases.case import Case, Geometry, LabelMap
from myoseg.cases.quality import Flag, Quality
from myoseg.errors import OutputError
from myoseg.quantification.measures import measure
from myoseg.reporting.case_report import (
    case_report,
    report_path,
    sha256_of_labels,
    shows_labels,
    write_case_report,
)
from myoseg.reporting.origin import Origin, origin_of_model
from myoseg.reporting.palette import COLOURS

WILD = """<b>&"'</b><script>alert(1)</script>"""
ANATOMY_ONLY = (
    frozenset({Tissue.LV_BLOOD_POOL}),
    frozenset({Tissue.RV_BLOOD_POOL}),
    MYOCARDIUM,
)


@pytest.fixture
def report_of(ring_case, ring_labels, page_of):
    """Makes the page of the heart of rings, taken apart."""

    def make(sequences=tuple(Sequence), n_slices=4, labels=None, **more):
        labels = labels or ring_labels(n_slices)
        return page_of(case_report(ring_case(sequences, n_slices), labels, **more))

    return make


def pictures(page):
    return [each for each in page.all("img") if "data-sequence" in each]


def test_every_slice_is_shown_in_every_sequence(report_of):
    page = report_of(n_slices=4)
    shown = [(each["data-sequence"], each["alt"].split(";")[0]) for each in pictures(page)]
    for number in range(1, 5):
        for title in ("bSSFP", "LGE", "T2"):
            assert any(s == title and f"slice {number} of 4" in alt for s, alt in shown)
    assert len(shown) == 12


def test_a_sequence_that_is_missing_is_missing_and_named(report_of):
    page = report_of([Sequence.LGE])
    assert {each["data-sequence"] for each in pictures(page)} == {"LGE"}
    assert "Not given: bSSFP, T2." in page.text


def test_without_images_the_outlines_are_shown_alone(ring_labels, page_of):
    labels = ring_labels()
    page = page_of(case_report(Case("ring", {}, Geometry(labels.codes.shape, np.eye(4))), labels))
    assert pictures(page) == []
    assert "No images were given" in page.text
    drawn = [each for each in page.all("svg") if each.get("role") == "img"]
    assert len([each for each in drawn if "slice" in each.get("aria-label", "")]) == 2
    assert not re.search(
        "<script", case_report(Case("r", {}, Geometry((2, 48, 40), np.eye(4))), labels)
    )


def test_each_tissue_of_a_slice_is_outlined_in_its_colour_over_a_dark_rim(report_of):
    page = report_of(n_slices=1)
    lines = [each for each in page.all("path") if each.get("class", "").startswith("line")]
    rims = [each for each in page.all("path") if each.get("class", "").startswith("rim")]
    assert {each["stroke"] for each in lines} == set(COLOURS.values())
    assert [each["d"] for each in lines] == [each["d"] for each in rims]


def test_outlines_can_be_hidden_without_a_script(report_of, ring_case, ring_labels):
    boxes = [each["id"] for each in report_of().all("input") if each["id"].startswith("show-")]
    assert len(boxes) == len(COLOURS)
    html = case_report(ring_case(), ring_labels())
    for number in range(1, len(COLOURS) + 1):
        assert f"main:has(#show-{number}:not(:checked)) .o{number} {{ display: none; }}" in html


def test_it_says_what_it_is_of_and_what_made_it(report_of):
    page = report_of(origin=origin_of_model("default", "0123456789abcdef" * 4))
    for words in (
        "ring",
        "bSSFP, LGE, T2",
        "4, 10 mm apart",
        "40 × 48, 1 × 1 mm",
        "model default",
        "weights 0123456789ab",
        "For research use only",
        "is not recommended as an endpoint",
    ):
        assert words in page.text
    assert "made elsewhere" in report_of(origin=Origin()).text


def test_it_says_why_to_look_at_the_case(report_of):
    flags = (Flag("open_ring", "the ring is open in slice 2"),)
    page = report_of(quality=Quality(0.625, {}, {}, flags))
    assert "Look at this case" in page.text
    assert "The ring is open in slice 2." in page.text
    assert "0.62 of 1" in page.text
    assert "Confidence" not in report_of().text


def test_its_measures_are_those_of_the_labels(report_of, ring_case, ring_labels):
    case, labels = ring_case(n_slices=4), ring_labels(4)
    burden = measure(labels, case.geometry, lge=case.images[Sequence.LGE]).burden
    page = report_of(n_slices=4)
    assert burden.scar_mass_g is not None
    assert f"{burden.scar_mass_g:.1f} g" in page.text
    assert f"{burden.scar_percent_of_myocardium:.1f} % of LV myocardium" in page.text


def test_what_was_not_assessed_has_no_number(ring_labels, report_of):
    codes = np.where(np.isin(ring_labels(4).codes, [1220, 2221]), 200, ring_labels(4).codes)
    page = report_of([Sequence.BSSFP], labels=LabelMap(codes.astype(np.int16), ANATOMY_ONLY))
    assert "Scar not assessed" in page.text
    assert "Edema and scar not assessed" in page.text
    assert "Not assessed normal myocardium, edema, scar" in page.text
    assert "0 % of LV myocardium" not in page.text


def test_an_empty_label_map_is_said_to_be_empty(ring_labels, report_of):
    page = report_of(labels=LabelMap(ring_labels(4).codes * 0))
    assert "Nothing is labelled." in page.text
    assert "There is no myocardium" in page.text
    assert "The segments cannot be told" in page.text
    assert not [each for each in page.all("path") if each.get("class", "").startswith("line")]


def test_one_slice_is_enough(report_of):
    page = report_of(n_slices=1)
    assert len(pictures(page)) == 3
    assert "one slice only" in page.text


def test_a_grid_without_a_known_spacing_is_warned_of(ring_labels, page_of):
    labels = ring_labels()
    page = page_of(case_report(Case("r", {}, Geometry(labels.codes.shape, np.eye(4))), labels))
    assert "said to be 1 x 1 x 1 mm" in page.text


def test_any_name_is_shown_as_it_is_and_runs_nothing(ring_labels, page_of):
    labels = ring_labels()
    case = Case(WILD, {}, Geometry(labels.codes.shape, np.diag([-1.0, -1.0, 8.0, 1.0])))
    page = page_of(case_report(case, labels, origin=Origin(WILD)))
    assert WILD in page.text
    assert page.all("script") == []
    # Slices' numbers and letters at borders are bold; the name adds no element.
    assert len(page.all("b")) == 2 * (1 + 5)


@given(name=st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=30))
def test_every_name_is_on_the_page_letter_by_letter(name):
    labels = LabelMap(np.zeros((1, 4, 4), np.int16))
    case = Case(name, {}, Geometry((1, 4, 4), np.diag([-1.0, -1.0, 8.0, 1.0])))
    assert f"<h1>{escape(name, quote=False)}</h1>" in case_report(case, labels).replace(
        "&#34;", '"'
    ).replace("&#39;", "'")


def test_it_asks_for_nothing_outside_itself(report_of):
    addresses = report_of().addresses
    assert len(addresses) > 12
    assert {each.split(":")[0] for each in addresses if not each.startswith("#")} == {"data"}


def test_only_its_own_script_may_run(ring_case, ring_labels):
    html = case_report(ring_case(), ring_labels())
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', html)
    policy = unescape(policy)
    assert policy.startswith("default-src 'none';")
    assert f"sha256-{digest}" in policy
    assert "unsafe-inline" not in policy.split("script-src")[1]


def test_it_can_be_read_without_seeing_it(report_of):
    page = report_of()
    assert page.all("html", lang="en")
    assert all(each.get("alt") for each in page.all("img"))
    assert all(each.get("scope") in ("col", "row") for each in page.all("th"))


def test_a_report_tells_whose_labels_it_shows(ring_case, ring_labels, tmp_path):
    case, labels, path = ring_case(), ring_labels(), report_path(tmp_path, "ring")
    assert path.name == "ring_report.html"
    assert not shows_labels(path, labels)
    write_case_report(path, case, labels)
    assert shows_labels(path, labels)
    changed = labels.codes.copy()
    changed[0, 0, 0] = Tissue.SCAR
    assert not shows_labels(path, LabelMap(changed))
    assert sha256_of_labels(labels) != sha256_of_labels(LabelMap(changed))


def test_the_same_case_has_the_same_page(ring_case, ring_labels):
    assert case_report(ring_case(), ring_labels()) == case_report(ring_case(), ring_labels())


def test_a_report_that_cannot_be_written_is_an_error_and_leaves_nothing(
    ring_case, ring_labels, tmp_path
):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write"):
        write_case_report(tmp_path / "file" / "a.html", ring_case(), ring_labels())
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
