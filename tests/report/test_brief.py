"""The first two pages: what they say in the words of the study, how long their sentences are, what stands side by side.

Of the study that ships: tests/cli/test_one_screen.py.
"""

from __future__ import annotations

import re

import numpy as np
import pytest

from engine.answers.answer import Subject
from engine.report.sentences import amounts
from engine.study.components import Event
from tests.conditioned import conditioned
from tests.report.farms import Farms, made, make_study, normal, page_of
from tests.report.wording import assert_short, brief, sentences


def test_names_without_labels_are_words():
    model = Farms()
    model.outcomes = {"grain_shortage": Farms.outcomes["shortage"], "gdp_index": Farms.outcomes["gdp_index"]}
    events = (
        Event(name="grain_gone", outcome="grain_shortage", above=1.0),
        Event(name="growth_gone", outcome="gdp_index", below=-1.0),
    )
    events = (*events, Event(name="all_gone", all=["grain_gone", "growth_gone"]))
    text = made(make_study(model, 2000, ("old_way", "new_way"), events=events, labels={}))
    assert [sentence for sentence in sentences(text) if re.search(r"[a-z]_[a-z]", sentence)] == []
    said = " ".join(sentences(text))
    assert "New way is better than old way in the mean of grain shortage [kt]" in said
    assert "“All gone” requires all of these in the same future: grain gone and growth gone." in said


@pytest.mark.parametrize("policies", [("old", "new"), ("a", "b", "c", "d")])
def test_a_sentence_of_the_first_pages_has_at_most_25_words(policies):
    assert_short(page_of(2000, policies))


def test_the_first_pages_have_no_command_and_say_in_one_line_what_was_not_asked():
    text = brief(page_of(2000, ("old", "new")))
    assert "<code>" not in text and "rustbelt " not in text
    assert (
        len(
            re.findall(
                "This run has no answers to these questions: differences between policies; return levels; ", text
            )
        )
        == 1
    )
    assert (
        "results given the observed figures" not in text and "forecasts compared with observations" not in text
    )  # nothing was observed


def test_what_gets_worse_is_said_by_name_and_how_much():
    text = brief(page_of(2000, ("old", "new")))
    assert '<h3 id="worse">' in text
    assert re.search(r"new lowers the mean of GDP index from −?[\d.]+ to −[\d.]+\.", text)


def test_policies_are_columns_and_no_more_than_three():
    study = make_study(Farms(), 4000, tuple(f"plan_{k}" for k in range(6)))
    text = brief(made(study, normal(study, 0.2)))
    heads = re.findall(r"<th scope=\"col\"[^>]*>(.*?)</th>", text[text.index('class="board') :])
    assert heads == ["Plan 0", "Plan 4", "Plan 4 less plan 0", "Plan 5", "Plan 5 less plan 0"]
    assert "3 more policies" in text


def test_numbers_before_the_facts_stand_beside_those_given_them():
    study = make_study(Farms(), 500, ("old", "new"))
    answer = conditioned(Subject.of(study), ("rain", "sun"), ("ruin",))
    text = brief(made(study, answers={"condition": answer.tree}))
    heads = re.findall(r"<th scope=\"col\"[^>]*>(.*?)</th>", text[text.index('class="board') :])
    assert heads[:2] == ["Old, before conditioning", "Old, after"]
    screen = text[text.index("<h3>Before and after conditioning</h3>") : text.index('id="numbers"')]
    row = next(row for row in answer["risk"].rows() if row["policy"] == "old")
    earlier, now = amounts("probability", row["before"], row["given"])
    cells = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", screen)
    assert cells[1:3] == ["before", "after"] and cells[3:6] == ["Old", earlier, now]


def test_a_run_without_events_shows_how_bad_its_first_outcome_gets_once():
    text = made(make_study(Farms(), 4000, ("old", "new"), events=()))
    assert re.findall(r'<figure id="([^"]*)"', brief(text)) == ["overview-shortage"]
    assert np.all([text.count(f'<figure id="{name}"') == 1 for name in ("overview-shortage", "exceedance-gdp_index")])
