"""The report in a browser, Debian's Chromium without a window: what it draws, that it loads nothing, fits, and is
accessible.

Skipped where there is no Chromium (CHROMIUM, or one on the PATH) or no playwright; axe-core's `axe.min.js` is named by
AXE.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from engine.answers.answer import Subject
from engine.charts.theme import COLOURS, ON_DARK
from engine.report import printing
from tests.backtested import backtested
from tests.challenged import challenged
from tests.conditioned import conditioned
from tests.report.farms import EVIL, Farms, Plain, made, make_study, normal

CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
AXE = Path(os.environ.get("AXE", "node_modules/axe-core/axe.min.js"))
WIDTHS = {"wide": (1440, 900), "phone": (390, 844)}
SCHEMES = ("light", "dark")
LONG = tuple(f"{'policy_of_a_very_long_name_' * 3}"[:57] + f"_{k:02d}" for k in range(20))
SMALLEST = (
    "Math.min(...[...document.querySelectorAll('.plot svg')].map((one) => one.getBoundingClientRect().width /"
    " one.getAttribute('width')))"
)
"""The smallest scale at which a chart of the page is shown; 1 is the size at which its text is legible."""
WATCH = (
    "() => { window.refused = []; document.addEventListener('securitypolicyviolation', (e) =>"
    " refused.push(e.blockedURI)); }"
)

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: name one by CHROMIUM")]


def _with_nan() -> str:
    study = make_study(Farms(), 1000, ("old", "new"))
    values = normal(study)
    values[0, 1, :10] = np.nan
    return made(study, values)


PAGES = {
    "two": lambda: made(make_study(Farms(), 4000, ("old", "new"))),
    "hostile": lambda: made(make_study(Farms(), 500, ("old", "new"), text=EVIL)),
    "observed": lambda: made(
        make_study(Farms(), 500, ("old", "new")),
        answers={"backtest": backtested(Subject.of(make_study(Farms(), 500, ("old", "new")))).tree},
    ),
    "known": lambda: made(
        (study := make_study(Farms(), 500, ("old", "new"))),
        answers={"condition": conditioned(Subject.of(study), ("rain", "sun", "fixed"), ()).tree},
    ),
    "challenged": lambda: made(
        make_study(Farms(), 500, ("old", "new")),
        answers={"challenge": challenged(Subject.of(make_study(Farms(), 500, ("old", "new")))).tree},
    ),
    "static": lambda: made(make_study(Plain(), 1000, ("only",))),
    "one path": lambda: made(make_study(Farms(), 1, ("old", "new"))),
    "not finite": _with_nan,
    "eight": lambda: made(make_study(Farms(), 2000, tuple(f"policy_{k}" for k in range(8)))),
    "twenty": lambda: made(make_study(Farms(), 2000, LONG)),
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A file for each page; REPORT names one more, of a real run."""
    folder = tmp_path_factory.mktemp("pages")
    for name, build in PAGES.items():
        (folder / f"{name}.html").write_text(build(), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def browser():
    """A browser without a window."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


class Seen:
    """A page that is open, and what it complained of and asked for on the way."""

    def __init__(self, browser, file: Path, width: str = "wide", scheme: str = "light"):
        size = dict(zip(("width", "height"), WIDTHS[width], strict=True))
        self.context = browser.new_context(viewport=size, color_scheme=scheme)
        self.page, self.said, self.asked = self.context.new_page(), [], []
        self.page.add_init_script(f"({WATCH})()")
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.said.append(dialog.message), dialog.dismiss()))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.protocol = self.context.new_cdp_session(self.page)
        self.page.goto(file.as_uri())
        self.drawn_at_load = self.value("document.querySelectorAll('.plot svg').length")
        self.page.locator("html[data-drawn]").wait_for(state="attached", timeout=60_000)

    def value(self, expression: str):
        """What an expression gives: by the protocol, for the page lets nothing be evaluated."""
        asked = {"expression": expression, "awaitPromise": True, "returnByValue": True}
        found = self.protocol.send("Runtime.evaluate", asked)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_draws_all_loads_nothing_fits_and_is_accessible(browser, pages, name, width, scheme):
    seen = Seen(browser, pages / f"{name}.html", width, scheme)
    try:
        assert seen.said == [] and seen.value("refused") == []
        assert [url for url in seen.asked if not url.startswith(("file:", "data:"))] == []
        charts = seen.value("document.querySelectorAll('.plot').length")
        assert charts and seen.drawn_at_load == charts  # so that it prints whole at once
        assert seen.value("document.querySelectorAll('.plot svg').length") == charts
        assert seen.value("document.documentElement.scrollWidth <= innerWidth")
        # names of 57 characters in a legend and in heads of columns do not fit a phone
        assert seen.value(SMALLEST) > 0.8 or (name == "twenty" and width == "phone")
        assert seen.value("getComputedStyle(document.body).backgroundColor") == (
            "rgb(255, 255, 255)" if scheme == "light" else "rgb(20, 23, 26)"
        )
        if not AXE.is_file():
            pytest.skip("no axe-core: all but accessibility holds")
        seen.value(AXE.read_text(encoding="utf-8") + "; 0")
        run = "axe.run(document).then((found) => found.violations.map((v) => v.id + ': ' + v.nodes[0].html))"
        assert seen.value(run) == []
    finally:
        seen.context.close()


def test_a_chart_whose_table_begins_with_numbers_has_all_rows(browser, pages):
    """The table of the specification curve begins with the ranks of its universes."""
    seen = Seen(browser, pages / "challenged.html")
    try:
        points = "document.querySelectorAll('[data-chart=challenge-curve] .mark-symbol path').length"
        assert seen.value(points) > 100
    finally:
        seen.context.close()


def test_the_switch_takes_a_policy_from_every_chart(browser, pages):
    seen = Seen(browser, pages / "two.html")
    lines = (
        "[...document.querySelectorAll('[data-chart^=exceedance] svg .mark-line path')].filter((p) =>"
        " p.getAttribute('d')).length"
    )
    before = seen.value(lines)
    seen.page.locator(".switch input").nth(1).focus()
    seen.page.keyboard.press("Space")
    seen.page.wait_for_timeout(500)
    assert seen.value(lines) == before / 2
    seen.page.keyboard.press("Space")
    seen.page.wait_for_timeout(500)
    assert seen.value(lines) == before and seen.said == []
    seen.context.close()


@pytest.mark.parametrize(("name", "chart"), [("two", "exceedance-gdp_index"), ("hostile", "differences-shortage")])
def test_a_pointer_is_told_values_with_their_interval(browser, pages, name, chart):
    seen = Seen(browser, pages / f"{name}.html")
    plot = seen.page.locator(f"[data-chart='{chart}'] svg")
    plot.scroll_into_view_if_needed()
    spot = seen.value(
        f"(() => {{ const marks = [...document.querySelectorAll(`[data-chart='{chart}'] svg .mark-symbol path,"
        f" [data-chart='{chart}'] svg .mark-rect path`)].filter((mark) => mark.getBoundingClientRect().height > 2);"
        " const box = marks[marks.length >> 1].getBoundingClientRect();"
        " return [box.x + box.width / 2, box.y + box.height / 2]; })()"
    )
    seen.page.mouse.move(spot[0] - 1, spot[1])
    seen.page.mouse.move(*spot)
    seen.page.locator("#vg-tooltip-element.visible").wait_for(timeout=5000)
    said = seen.page.locator("#vg-tooltip-element").inner_text()
    assert "policy" in said and "share" in said and "undefined" not in said and seen.said == []
    assert seen.value("document.querySelectorAll('#vg-tooltip-element img').length") == 0
    seen.context.close()


def test_the_keyboard_reaches_the_skip_link_first_and_then_everything(browser, pages):
    seen = Seen(browser, pages / "two.html")
    seen.page.keyboard.press("Tab")
    assert seen.value("document.activeElement.className") == "skip"
    reached = set()
    for _ in range(200):
        seen.page.keyboard.press("Tab")
        reached.add(seen.value("document.activeElement.tagName + '.' + (document.activeElement.type || '')"))
    assert {"INPUT.checkbox", "A.", "SUMMARY.", "DIV."} <= reached
    seen.context.close()


@pytest.mark.parametrize(("name", "policies"), [("static", 1), ("two", 2), ("eight", 8), ("twenty", 20)])
def test_bands_are_seen_with_any_number_of_policies_and_in_print(browser, pages, name, policies, tmp_path):
    seen = Seen(browser, pages / f"{name}.html")
    areas = (
        "[...document.querySelectorAll('{} svg .mark-area path')].filter((p) => p.getAttribute('d') &&"
        " +p.getAttribute('opacity') > .05).length"
    )
    chart = "[data-chart^=exceedance]" if name != "static" else "[data-chart^=overview]"
    assert seen.value(areas.format(chart)) == policies
    if name != "static":
        assert seen.value(areas.format("[data-chart=fan-gdp]")) == 2 * policies
    seen.page.pdf(path=tmp_path / "page.pdf", prefer_css_page_size=True)
    if shutil.which("pdftotext"):
        told = subprocess.run(
            ["pdftotext", tmp_path / "page.pdf", "-"], capture_output=True, text=True, check=True
        ).stdout
        sheets = told.split("\f")[:-1]
        assert all(f"{k + 1}/{len(sheets)}" in "".join(sheet.split()) for k, sheet in enumerate(sheets))
    seen.context.close()


def test_a_dark_screen_prints_light(browser, pages, tmp_path):
    seen = Seen(browser, pages / "two.html", scheme="dark")
    colour = "getComputedStyle(document.documentElement).getPropertyValue('--p0')"
    assert seen.value(colour) == ON_DARK[0]
    seen.page.emulate_media(media="print", color_scheme="dark")
    assert seen.value("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert seen.value(colour) == COLOURS[0]
    seen.page.pdf(path=tmp_path / "page.pdf", prefer_css_page_size=True)
    assert (tmp_path / "page.pdf").stat().st_size > 10_000
    seen.context.close()


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="no pdftotext")
@pytest.mark.parametrize("name", ["two", "eight", "one path", "static"])
def test_what_is_for_those_who_decide_is_two_sheets(pages, name, tmp_path, monkeypatch):
    monkeypatch.setenv("CHROMIUM", str(CHROMIUM))
    place = tmp_path / "page.pdf"
    place.write_bytes(printing.pdf((pages / f"{name}.html").read_bytes()))
    told = subprocess.run(["pdftotext", place, "-"], capture_output=True, text=True, check=True).stdout
    first, second, third, *_ = told.split("\f")
    assert "The answer" in first and "The numbers" in second and "Findings" in second
    assert third.strip().startswith("Appendix")
