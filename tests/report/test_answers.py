"""Sections of answers: sentences first, then charts that draw what `engine/charts` draws, then tables; in any order of
questions, also those of other packages.
"""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

import pytest

from engine.answers.answer import Answer, Subject
from engine.answers.table import table
from engine.charts.kinds import KINDS, tables_of
from engine.charts.tables.challenged import DESIGN
from engine.report import pictures
from engine.report.page import page
from engine.report.records import records_of
from engine.report.sections import every
from engine.report.words import told
from engine.risk.estimation.intervals import Estimate
from tests.backtested import backtested
from tests.challenged import SENTENCES, challenged
from tests.conditioned import bare, conditioned
from tests.helpers import assert_close
from tests.report.farms import Farms, column_of, data_of, make_study, make_tree, normal, rows_of

STUDY = make_study(Farms(), 500, ("old", "reform"), "text")
SUBJECT = Subject.of(STUDY)
TREE = make_tree(STUDY, normal(STUDY))
ANSWERS = {
    "backtest": backtested(SUBJECT),
    "challenge": challenged(SUBJECT),
    "condition": conditioned(SUBJECT, ("rain", "sun", "wind", "fixed"), ("ruin",)),
}
CHARTS = {
    "backtest": ["backtest-hindcast", "backtest-pit"],
    "challenge": ["challenge-profile", "challenge-curve"],
    "condition": ["condition-known"],
}


def records(**answers):
    """A run with these answers."""
    return records_of(STUDY, TREE, {name: answer.tree for name, answer in answers.items()})


@pytest.fixture(scope="module")
def text() -> str:
    """The page of a run with all of them."""
    return page(records(**ANSWERS)).decode()


@pytest.mark.parametrize("question", ANSWERS)
def test_a_section_has_its_sentence_first_then_its_charts_and_tables(text, question):
    own = told(STUDY, ANSWERS[question])
    section = text.partition(f'<h2 id="{question}"')[2].partition("<h2 ")[0]
    words = unescape(" ".join(re.findall(r">([^<]+)", section))).replace("\xa0", " ")
    assert re.findall(r'<figure id="([^"]*)"', section) == CHARTS[question]
    assert 0 < section.find('<p class="finding first">') < section.find("<figure") < section.find("<table")
    assert own.finding in words and "</" not in words  # nothing of the templates is escaped


@pytest.mark.parametrize("question", ANSWERS)
def test_its_first_finding_stands_among_what_turns_the_answer(text, question):
    (line,) = re.findall(rf'<a href="#{question}">[^<]*</a></dt>\s*<dd>([^<]*)', text)
    assert unescape(line).replace("\xa0", " ") == told(STUDY, ANSWERS[question]).finding


@pytest.mark.parametrize("anchor", [anchor for anchors in CHARTS.values() for anchor in anchors])
def test_a_chart_draws_the_table_of_its_kind(text, anchor):
    question, _, kind = anchor.partition("-")
    sources = {"study": STUDY, question: told(STUDY, ANSWERS[question])}
    (data,) = tables_of(kind, {name: sources[name] for name in KINDS[kind].of}, {})
    drawn = data_of(text)["charts"][anchor]
    numbers = data.select_dtypes("number")
    count = sum(max(len(column_of(one)) for one in columns.values()) for columns in drawn["datasets"].values())
    assert count >= len(data)
    for name in set(numbers) & set(rows_of(drawn)[0]):
        expected = numbers[name].dropna().to_numpy(float)
        found = [value for columns in drawn["datasets"].values() for value in column_of(columns.get(name, []))]
        assert set(found) - {None} == {float(f"{value:.6g}") for value in expected}, name


def test_a_challenge_says_what_its_shares_mean_and_its_claims_in_words(text):
    assert DESIGN in text
    for sentence in SENTENCES:
        assert sentence[1:] in text


def test_verdicts_differ_in_more_than_colour(text):
    curve = data_of(text)["charts"]["challenge-curve"]
    (point,) = [one for one in curve["layer"] if one["mark"].get("type") == "point"]
    assert point["encoding"]["color"]["scale"]["range"] == ["var(--p1)", "var(--muted)", "var(--p4)", "var(--p0)"]
    assert point["encoding"]["shape"]["scale"]["range"] == ["circle", "square", "diamond", "triangle-down"]


def test_nothing_is_drawn_of_answers_without_figures_universes_or_ranks():
    for question, answer in (
        ("backtest", backtested(SUBJECT, each=False)),
        ("challenge", challenged(SUBJECT, each=0)),
        ("condition", bare(SUBJECT)),
    ):
        (section,) = [one for one in every(records(**{question: answer}), ()) if one.anchor == question]
        assert section.pictures == () and answer.finding[:20] in section.markup


def test_an_answer_from_outside_has_its_brief_table_as_points_with_intervals():
    rows = [
        {"variable": name, "policy": policy, "unit": unit, "gap": Estimate(at, 0.1, at - 0.2, at + 0.2)}
        for name, unit, at in (("shortage", "kt", 1.0), ("gdp_index", "1", -2.0))
        for policy in STUDY.policy_names
    ]
    answer = Answer(SUBJECT, ("It is so.",), (table("gaps", "Gaps", rows, "variable", "policy"),), heading="Odd")
    text = page(records(odd=replace(answer, question="odd"))).decode()
    assert '<h2 id="odd">Odd</h2>' in text
    drawn = rows_of(data_of(text)["charts"]["odd-intervals"])
    assert {(row["row"], row["estimate"]) for row in drawn} == {
        ("Shortage, Old", 1.0), ("Shortage, Reform", 1.0), ("GDP index, Old", -2.0), ("GDP index, Reform", -2.0),
    }  # fmt: skip
    assert_close(drawn[0]["high"] - drawn[0]["low"], 0.4)
    assert len({row["panel"] for row in drawn}) == 2  # numbers of different units have no axis in common


def test_a_page_has_twenty_charts_at_most(monkeypatch):
    monkeypatch.setattr(pictures, "MOST", 7)
    sections = every(records(**ANSWERS))
    assert sum(len(one.pictures) for one in sections) == 7
    assert {"backtest", "challenge", "condition"} <= {one.anchor for one in sections}
