"""The report of a run whose claims were argued against: charts that hold the answer's numbers, and what is heard of
them.
"""

import re
from dataclasses import replace

import pytest

from engine.answers import registry
from engine.answers.answer import Subject
from engine.charts.universes import DESIGN, LEDGERS, VERDICTS, called
from engine.formatting import begun
from engine.report.page import page
from engine.report.run_records import records_of
from engine.report.sections import any_answer, certainty, challenge_charts, claims
from tests.challenged import CLAIMS, DEPARTURES, SENTENCES, challenged
from tests.helpers import assert_close
from tests.report.farms import Farms, Reader, data_of, make_study, make_tree, normal

SHOWN = tuple(begun(text) for text in SENTENCES)


@pytest.fixture
def run(monkeypatch):
    """A run that was asked, of a version that has the question."""
    home = ("engine.questions.challenge.question:Challenge", "Argue against the study's own headline.")
    monkeypatch.setattr(registry, "QUESTIONS", {**registry.QUESTIONS, "challenge": home})
    study = make_study(Farms(), 500, ("old", "reform"), "text")
    return records_of(study, make_tree(study, normal(study)), {"challenge": challenged(Subject.of(study)).tree})


def drawn(run):
    """The charts of its section by their address."""
    return {chart.anchor: chart for chart in challenge_charts.charts(run, any_answer.answer_of(run, "challenge"))}


def rows_of(chart):
    """The data of a chart as rows."""
    return [dict(zip(chart.columns, row, strict=True)) for row in zip(*chart.columns.values(), strict=True)]


def test_its_section_has_the_profile_of_all_claims_and_the_curve_of_the_first_in_each_ledger(run):
    made = page(run).decode()
    read = Reader(made)
    figures = [one["id"] for one in read.of("figure") if one["id"].startswith("challenge")]
    assert figures == ["challenge-profile", *(f"challenge-{ledger}" for ledger in LEDGERS)]
    text = re.sub(r"\s+", " ", " ".join(read.words))
    assert '<h2 id="challenge"' in made and DESIGN in text
    assert "Every universe" in text
    heard = {one["data-chart"]: one["aria-label"] for one in read.of("div") if "data-chart" in one}
    assert SHOWN[0] in heard["challenge-profile"] and "90 % of universes" in heard["challenge-profile"]
    assert heard["challenge-specification"].startswith(SHOWN[0])
    assert "number 161," in heard["challenge-specification"]
    for chart in drawn(run).values():  # a key of policies would say what these colours do not mean
        figure = made.partition(f'id="{chart.anchor}"')[2].partition("</figure>")[0]
        assert 'class="legend"' not in figure
        spec = data_of(made)["charts"][chart.anchor]["spec"]
        assert spec["width"] == "container" and spec["height"] == chart.height


def test_what_becomes_of_claims_stands_once_with_what_the_answer_rests_on(run):
    """The numbers of the profile stand below its chart."""
    made, finding = page(run).decode(), "That reform is better than old in region_devastated holds"
    parts = dict(re.findall(r'<h2 id="(assumptions|challenge)">(.*?)(?=<h2 )', made, re.DOTALL))
    assert "each claim" in parts["assumptions"] and finding in parts["assumptions"]
    assert "Every universe" in parts["challenge"] and finding not in parts["challenge"]
    assert "how many universes" not in made
    assert claims.rests(replace(run, answers={})) is claims.universes(replace(run, answers={})) is None


def test_its_first_finding_stands_among_what_turns_the_answer(run):
    markup = str(certainty.turns(run).markup)
    (line,) = re.findall(r'<a href="#challenge">[^<]*</a></dt>\s*<dd>([^<]*)', markup)
    assert "reform is better" in line


@pytest.mark.parametrize("ledger", LEDGERS)
def test_a_curve_has_every_universe_sorted(run, ledger):
    chart, answer = drawn(run)[f"challenge-{ledger}"], any_answer.answer_of(run, "challenge")
    expected = sorted(answer["curve"].where(claim=CLAIMS[0], ledger=ledger), key=lambda row: row["difference"].estimate)
    points = rows_of(chart)
    assert [point["x"] for point in points] == [*range(1, len(expected) + 1)]
    assert [point["verdict"] for point in points] == [called(row["verdict"]) for row in expected]
    assert [float(f"{row['difference'].estimate:.5g}") for row in expected] == [point["y"] for point in points]
    assert [point["stated"] for point in points] == [row["departures"] == 0 for row in expected]
    assert sum(point["low"] is not None for point in points) in (151, 152)  # every second, and that as stated
    counts = {name: sum(row["verdict"] == name for row in expected) for name in VERDICTS}
    assert all(f"{called(name)} in {count}" in chart.finding for name, count in counts.items())
    assert any("drag of zombies off" in row[-1] for row in chart.rows)
    assert ("nothing: as stated" in {row[-1] for row in chart.rows}) and len(chart.rows) in (9, 10)


def test_a_profile_has_bars_of_shares_that_fill_it(run):
    chart, answer = drawn(run)["challenge-profile"], any_answer.answer_of(run, "challenge")
    points = rows_of(chart)
    assert len(points) == 2 * 2 * len(DEPARTURES) * len(VERDICTS)
    widths = [point["x2"] - point["x"] for point in points]
    stated = [row for row in answer["profile"].rows() if row["universes"]]
    told = {
        (row["claim"], row["ledger"], str(row["departures"]), called(name)): row[name]
        for row in stated
        for name in VERDICTS
    }
    claims = dict(zip(SHOWN, CLAIMS, strict=True))
    for point, width in zip(points, widths, strict=True):
        share = told[claims[point["claim"]], point["ledger"], point["departures"], point["verdict"]]
        assert abs(width - share) < 1e-4
    ends = [point["x2"] - point["x2"] // 1.32 * 1.32 for point in points[len(VERDICTS) - 1 :: len(VERDICTS)]]
    assert_close(sum(ends), float(len(ends)))
    assert [" ".join(lines) for lines, _ in chart.options["names"]] == [*SHOWN]


def test_verdicts_differ_in_more_than_colour(run):
    for chart in drawn(run).values():
        text = str(chart.specification(("old", "reform")))
        scales = re.findall(
            r"'domain': \['holds', 'undecided', 'no longer happens', 'reversed'\], 'range': (\[[^]]*\])", text
        )
        assert {
            "['var(--p1)', 'var(--muted)', 'var(--p4)', 'var(--p0)']",
            "['circle', 'square', 'diamond', 'triangle-down']",
        } == set(scales)


def test_nothing_is_drawn_of_an_answer_without_universes(run):
    study = run.study
    bare = records_of(study, run.tree, {"challenge": challenged(Subject.of(study), each=0).tree})
    assert drawn(bare) == {}
