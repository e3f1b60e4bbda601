"""The first two pages: what they say in the words of the study, how long their sentences are, and how sure they say it
is.

Of the study that ships: tests/cli/test_one_screen.py.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from engine.report.sections.certainty import up
from engine.study.components import Event
from tests.report.farms import Farms, made, make_study, normal
from tests.report.wording import assert_short, brief, sentences


def test_names_without_labels_are_words():
    model = Farms()
    model.outcomes = {"grain_shortage": Farms.outcomes["shortage"], "gdp_index": Farms.outcomes["gdp_index"]}
    events = (Event("grain_gone", "", "grain_shortage", above=1.0), Event("growth_gone", "", "gdp_index", below=-1.0))
    events = (*events, Event("all_gone", "", all_of=("grain_gone", "growth_gone")))
    text = made(make_study(model, 2000, ("old_way", "new_way"), events=events, labels={}))
    assert [sentence for sentence in sentences(text) if re.search(r"[a-z]_[a-z]", sentence)] == []
    assert "“All gone” is" in text and "under new way" in text
    assert "grain gone and growth gone" in " ".join(sentences(text))


@pytest.mark.parametrize("policies", [("old", "new"), ("a", "b", "c", "d")])
def test_a_sentence_of_the_first_pages_has_at_most_25_words(policies):
    assert_short(made(make_study(Farms(), 4000, policies)))


def test_what_gets_worse_is_said_by_name_and_how_much():
    study = make_study(Farms(), 4000, ("old", "new"), headline=("shortage", "gdp_index"))
    text = brief(made(study))
    assert '<h3 id="worse">' in text
    assert re.search(r"GDP index would be .* under new", text)


def test_policies_are_columns_and_no_more_than_three():
    study = make_study(Farms(), 4000, tuple(f"plan_{k}" for k in range(6)))
    text = brief(made(study, normal(study, 0.2)))
    heads = re.findall(r"<th scope=\"col\"[^>]*>(.*?)</th>", text[text.index('class="board') :])
    assert heads[1:] == ["Plan 0", "Plan 4", "Plan 4 less plan 0", "Plan 5", "Plan 5 less plan 0"]
    assert "3 more policies" in text


def test_what_is_withheld_is_counted_and_how_many_futures_would_do():
    study = make_study(Farms(), 2000, ("old", "new"), headline=("shortage",))
    text = brief(made(study))
    assert "3 of the 9 numbers" in text
    (enough,) = re.findall(r"about ([\d,]+) would be enough", text)
    enough = int(enough.replace(",", ""))
    later = replace(study, paths=enough, document={"name": "farms", "run": {"paths": enough, "seed": 1}})
    assert "No number above" in brief(made(later, normal(later)))


def test_a_run_without_events_shows_how_bad_its_first_outcome_gets_once():
    text = made(make_study(Farms(), 4000, ("old", "new"), events=()))
    assert re.findall(r'<figure id="([^"]*)"', brief(text)) == ["tail-0"]
    assert np.all([text.count(f'<figure id="tail-{k}"') == 1 for k in range(2)])


@pytest.mark.parametrize(
    ("size", "said"), [(0.81, 0.9), (0.5, 0.5), (0.0301, 0.04), (9.2, 10.0), (12.0, 20.0), (0.0, 0.0)]
)
def test_how_well_a_number_is_known_is_never_rounded_down(size, said):
    assert up(size) == pytest.approx(said, rel=1e-12) and up(size) >= size
