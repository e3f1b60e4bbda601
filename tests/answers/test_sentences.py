"""Every question answers in sentences that a person says, and on one screen."""

import io
import re

import pytest
from rich.console import Console

from engine.answers import registry
from engine.answers.frames import texts
from engine.cli.show.answers import LINES, print_answer
from engine.errors import UserError
from engine.runs.run import run
from engine.study.loading import load_study
from tests.answers.asked import OPTIONS, summed

KEPT = [*registry.OURS]


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A run that is asked everything."""
    return run(summed(), out=tmp_path_factory.mktemp("answers") / "run")


@pytest.mark.parametrize("name", KEPT)
@pytest.mark.parametrize("kind", ["as it is", "four paths", "eight policies"])
def test_sentences_are_short_and_in_words(name, kind, done, tmp_path):
    """At most 25 words, the first on a screen of 80 columns and 24 lines, no name with an underscore, no word of the trade."""
    if kind == "as it is":
        held_to_words(done.ask(name, **OPTIONS[name]))
        return
    study = summed(paths=4) if kind == "four paths" else summed(policies=EIGHT)
    try:
        held_to_words(run(study, out=tmp_path / "run").ask(name, **OPTIONS[name]))
    except UserError as error:
        assert error.problems


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """A run of the shipped study, of few paths."""
    return run(load_study("rustbelt", paths=2048), out=tmp_path_factory.mktemp("shipped") / "run")


@pytest.mark.slow
@pytest.mark.parametrize("name", KEPT)
def test_sentences_on_the_shipped_study_are_in_its_words(name, shipped):
    held_to_words(shipped.ask(name, **SHIPPED[name]))


def held_to_words(answer):
    """Fails where a sentence is long or of the trade, or the answer takes more than a screen."""
    for text in answer.findings:
        assert text.endswith(".") and text[0] == text[0].upper(), text
        assert len(re.findall(r"\S*\w\S*", text)) <= 25, text
        assert not re.search(TRADE, text), text
    console = Console(width=80, record=True, file=io.StringIO())
    print_answer(console, answer, full=False)
    lines = [line for line in console.export_text().splitlines() if "rustbelt " not in line]
    assert len(lines) <= LINES and max(map(len, lines)) <= 80


TRADE = r"_|\bVaR|\bES\d|k-hat|\bnats\b|first order|second order|normal score|scrambled|variance|quantile|\bnan\b|Sobol|Shapley"
"""Words that nobody needs to know who reads a sentence."""
EIGHT = {"old": {}, "aided": {"aid": 2.0}, **{f"aided_{k}": {"aid": 2.0 + k} for k in range(1, 7)}}
SHIPPED = {
    "discover": {"where": "reform worse than old in displaced_person_years"},
    "assumptions": {"outcome": ("jobs_demolished", "total_bill")},
    "explain": {"outcome": "displaced_person_years", "policy": "reform"},
    "attribute": {"start": "old", "end": "reform", "outcome": ("all_four",)},
    "sensitivity": {"outcome": ("capital_shortfall_peak",), "paths": 8192},
    "flip": {"outcome": "jobs_demolished", "policies": ("reform", "old")},
    "challenge": {"claim": ("reform better than old in region_devastated",)},
    "backtest": {},
    "extremes": {},
    "condition": {"until": 2018},
    "compare": {},
    "risk": {},
}
"""What the shipped study is asked here."""


@pytest.mark.slow
@pytest.mark.parametrize(
    "asked",
    [
        {"variable": "growth"},
        {"level": 95},
        {"given": "capital_shortfall_peak > 5"},
        {"variable": "all_four"},
    ],
)
def test_sentences_of_risk_are_in_the_words_of_the_study(shipped, asked):
    answer = shipped.ask("risk", **asked)
    held_to_words(answer)
    assert "under old policies" in answer.finding


def test_brief_frames_of_many_policies_fit_a_terminal(tmp_path):
    """And every cell of the form that is too wide stands in the narrow one."""
    answer = run(summed(policies=EIGHT), out=tmp_path / "run").compare()
    narrowed = []
    for table in [table for table in answer.tables if table.across]:
        wide = texts(table, full=False)
        wide = (texts(table) if wide.empty else wide).set_index(table.title)
        if max(map(len, wide.to_string().splitlines())) > 80:
            rows = answer.frame(table.name, brief=True)
            narrowed.append(table.name)
            assert max(map(len, rows.to_string().splitlines())) <= 80, table.name
            assert {*wide.to_numpy().ravel()} - {""} <= {*rows.to_numpy().ravel()}, table.name
    assert {"events", "differences"} <= {*narrowed}
