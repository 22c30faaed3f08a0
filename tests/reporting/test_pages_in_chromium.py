"""The pages in a browser: they ask for nothing, report no error, and their scripts work."""

import csv
import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from html import escape, unescape

import numpy as np
import pytest
from PIL import Image

from myoseg.anatomy import Sequence
from myoseg.cases.case import Geometry
from myoseg.files import write_json
from myoseg.quantification.volumes import statistics_record
from myoseg.reporting.case_report import write_case_report
from myoseg.reporting.cohort_report import write_cohort_report

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
OF_THE_BROWSER = re.compile(r"https?://([\w-]+\.)*(google|googleapis|gvt1|gstatic)\.com/")
"""What Chromium itself asks for, whatever page it shows."""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")


@dataclass(frozen=True)
class Visit:
    """What a page is once its script ran, what it asked for, and what the console said."""

    document: str
    requests: list[str]
    console: list[str]


@pytest.fixture
def run_chromium(tmp_path):
    """Runs the browser on a file, away from the network, with a profile of its own."""

    def run(path, *arguments):
        command = [
            *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update"),
            *("--host-resolver-rules=MAP * ~NOTFOUND", "--disable-dev-shm-usage"),
            *(f"--user-data-dir={tmp_path / 'profile'}", "--enable-logging=stderr"),
            *("--virtual-time-budget=3000", *arguments, path.resolve().as_uri()),
        ]
        environment = {**os.environ, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
        return subprocess.run(
            command, capture_output=True, text=True, timeout=120, check=True, env=environment
        )

    return run


@pytest.fixture
def visit(run_chromium, tmp_path):
    """Opens a file and tells what came of it."""

    def open_page(path):
        log = tmp_path / "net.json"
        done = run_chromium(path, f"--log-net-log={log}", "--dump-dom")
        events = json.loads(log.read_text(encoding="utf-8"))["events"]
        asked = {str(event.get("params", {}).get("url", "")) for event in events}
        return Visit(
            document=done.stdout,
            requests=sorted(
                url for url in asked if url.startswith("http") and not OF_THE_BROWSER.match(url)
            ),
            console=[line for line in done.stderr.splitlines() if "CONSOLE" in line],
        )

    return open_page


@pytest.fixture
def case_page(ring_case, ring_labels, tmp_path):
    path = tmp_path / "ring_report.html"
    write_case_report(path, ring_case(n_slices=6), ring_labels(6))
    return path


@pytest.fixture
def cohort_page(ring_labels, tmp_path):
    labels = ring_labels(6)
    geometry = Geometry(labels.codes.shape, np.diag([-1.0, -1.0, 10.0, 1.0]))
    for name in ("one", "two"):
        write_json(tmp_path / f"{name}_stats.json", statistics_record(name, labels, geometry))
    return write_cohort_report(tmp_path)


def test_what_a_page_asks_for_and_what_it_reports_would_be_seen(visit, tmp_path):
    page = tmp_path / "page.html"
    page.write_text('<!doctype html><img src="https://example.org/a.png"><script>no()</script>')
    seen = visit(page)
    assert seen.requests == ["https://example.org/a.png"]
    assert any("no is not defined" in line for line in seen.console)


def test_a_case_report_asks_for_nothing_and_reports_no_error(visit, case_page):
    seen = visit(case_page)
    assert seen.requests == []
    assert seen.console == []
    # Made by the script: two sliders for each sequence.
    assert seen.document.count('type="range"') == 2 * len(Sequence)


def test_a_cohort_report_asks_for_nothing_and_reports_no_error(visit, cohort_page):
    seen = visit(cohort_page)
    assert seen.requests == []
    assert seen.console == []
    assert "2 of 2 cases" in seen.document


@pytest.fixture
def after(visit, tmp_path):
    """Does something on a page by a script of the test, and gives what that returns."""

    def act(path, script):
        html = re.sub('<meta http-equiv="Content-Security-Policy"[^>]*>', "", path.read_text())
        ran = f"<script>document.title = JSON.stringify((() => {{{script}}})())</script></body>"
        (tmp_path / "acted.html").write_text(html.replace("</body>", ran))
        document = visit(tmp_path / "acted.html").document
        return json.loads(unescape(re.findall("<title>(.*?)</title>", document)[0]))

    return act


NAMES = "[...table.tBodies[0].rows].filter(r => !r.hidden).map(r => r.cells[0].textContent)"


@pytest.fixture
def cases_page(tmp_path):
    """A cohort of known scars; the second has none that is known, the third a warning."""
    for name, scar_g in (("a", 10.0), ("b", None), ("c", 9.0), ('=d,"', 0.0)):
        record = {"case": name, "burden": {"scar_mass_g": scar_g}, "flags": ["odd"] * (name == "c")}
        write_json(tmp_path / f"{len(name)}{name[0]}_stats.json", record)
    return write_cohort_report(tmp_path)


def test_cases_are_sorted_by_number_and_those_without_one_stand_last(after, cases_page):
    click = "document.querySelectorAll('.cases thead button')[1].click();"
    assert after(cases_page, f"{click} return {NAMES}") == ['=d,"', "c", "a", "b"]
    assert after(cases_page, f"{click}{click} return {NAMES}") == ["a", "c", '=d,"', "b"]


def test_cases_are_filtered_by_name_and_by_warning(after, cases_page):
    write = "const find = document.querySelector('input[type=search]'); find.value = 'ODD';"
    write += "find.dispatchEvent(new Event('input'));"
    assert after(cases_page, f"{write} return {NAMES}") == ["c"]
    tick = "document.querySelector('.tools input[type=checkbox]').click();"
    assert after(cases_page, f"{tick} return {NAMES}") == ["c"]


def test_the_downloaded_table_holds_what_is_shown_and_no_formula(after, cases_page):
    catch = "let text; window.Blob = class { constructor(parts) { text = parts.join(''); } };"
    catch += "URL.createObjectURL = () => '#';"
    click = "[...document.querySelectorAll('button')].find(b => b.textContent.startsWith('Down'))"
    table = after(cases_page, f"{catch}{click}.click(); return text")
    rows = list(csv.reader(table.splitlines()))
    assert rows[0] == ["case", "scar_mass_g", "warnings"]
    assert sorted(rows[1:]) == [
        ["'=d,\"", "0", ""],
        ["a", "10", ""],
        ["b", "", ""],
        ["c", "9", "Odd."],
    ]


def test_an_outline_that_is_switched_off_is_gone(after, case_page):
    hide = "document.getElementById('show-1').click();"
    shown = "return getComputedStyle(document.querySelector('.line.o1')).display"
    assert after(case_page, shown) != "none"
    assert after(case_page, f"{hide} {shown}") == "none"


def test_a_slider_changes_the_pictures_of_its_sequence_alone(after, case_page):
    slide = "const slider = document.querySelector('th[data-sequence=LGE] input');"
    slide += "slider.value = 2; slider.dispatchEvent(new Event('input'));"
    look = "return ['LGE', 'T2'].map(s => getComputedStyle(document.querySelector("
    look += "`img[data-sequence=${s}]`)).filter)"
    changed, same = after(case_page, slide + look)
    assert "brightness(2)" in changed
    assert "brightness(1)" in same


@pytest.mark.parametrize("width_px", [375, 1280])
def test_pages_are_no_wider_than_the_window(visit, case_page, cohort_page, tmp_path, width_px):
    """In a frame, since a window has a least width."""
    measure = "const r = f.contentDocument.documentElement;"
    measure += "document.title = [r.clientWidth, r.scrollWidth].join(' ')"
    for page in (case_page, cohort_page):
        frame = f'<iframe id="f" style="width: {width_px}px; border: 0; height: 900px"'
        frame += f' srcdoc="{escape(page.read_text(encoding="utf-8"))}"'
        (tmp_path / "framed.html").write_text(
            f'<!doctype html><title></title>{frame} onload="{measure}"></iframe>'
        )
        document = visit(tmp_path / "framed.html").document
        (found,) = re.findall(r"^.*?<title>(\d+) (\d+)</title>", document, re.DOTALL)
        assert found[0] == found[1]
        assert width_px - 20 < int(found[0]) <= width_px


def test_pictures_and_outlines_are_painted(run_chromium, case_page, tmp_path):
    picture = tmp_path / "shot.png"
    run_chromium(case_page, f"--screenshot={picture}", "--window-size=1280,5000")
    pixels = np.asarray(Image.open(picture).convert("RGB")).astype(int)
    scar = np.abs(pixels - (0xFF, 0x4F, 0xD8)).sum(axis=2) < 30
    assert scar.sum() > 200


def test_pages_can_be_printed(run_chromium, case_page, cohort_page, tmp_path):
    for page in (case_page, cohort_page):
        printed = tmp_path / f"{page.stem}.pdf"
        run_chromium(page, f"--print-to-pdf={printed}")
        assert printed.read_bytes().startswith(b"%PDF")
        assert printed.stat().st_size > 20_000
