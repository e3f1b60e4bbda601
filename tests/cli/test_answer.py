"""`rustbelt answer`: which policy, how sure, what would change it, in a terminal; and `report --ask`."""

from __future__ import annotations

import re

import engine
from engine.report.brief import WORDS, first_screen
from engine.report.records import stored
from tests.small_files import MODELS, call, own, ran


def test_it_prints_the_first_screen_of_the_report(bridge_run):
    ended = ran("answer", bridge_run, *own("Bridge"))
    opened = engine.open_run(bridge_run, engine.load_model_file(f"{MODELS}:Bridge"))
    parts = first_screen(stored(bridge_run, opened.study, opened.cube))
    printed = " ".join(ended.stdout.split())
    for heading, sentences, _ in parts:
        assert " ".join([heading, *sentences]) in printed
    assert sum(len(" ".join([heading, *said]).split()) for heading, said, _ in parts) <= WORDS
    assert len(ended.stdout.splitlines()) <= 24 and "rustbelt " not in printed
    wrong = call("answer", bridge_run, *own("Bridge"), "--variable", "margni")
    assert wrong.exit_code == 2 and "mean 'margin'" in wrong.output


def test_it_prints_numbers_before_the_facts_beside_those_given_them(bridge_run, monkeypatch):
    from engine.report import brief

    table = (("Loss [kt]", "before", "after"), ("Old", "10.0", "7.0"), ("New plan", "6.0", "5.0"))
    monkeypatch.setattr(brief, "first_screen", lambda of: (("Known", (), table),))
    ended = ran("answer", bridge_run, *own("Bridge"))
    assert [re.split(" {3,}", line) for line in ended.stdout.splitlines()[-3:]] == [[*row] for row in table]


def test_a_report_asks_what_it_lacks_and_says_how_long_that_takes(bridge_run, tmp_path, monkeypatch):
    from engine.report import brief
    from engine.runs import missing

    monkeypatch.setattr(missing, "missing_questions", lambda of: [*brief.missing_questions(of)][:2])
    ended = ran("report", bridge_run, *own("Bridge"), "--ask", "-o", tmp_path / "page.html")
    assert "Differences between policies (1 of 2 questions, about" in ended.stderr and "(2 of 2" in ended.stderr
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert '<h2 id="compare"' in text and '<h2 id="extremes"' in text
    opened = engine.open_run(bridge_run, engine.load_model_file(f"{MODELS}:Bridge"))
    assert opened.verify() == []
