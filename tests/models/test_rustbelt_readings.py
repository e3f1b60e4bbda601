"""Both readings of every ruin: each event says what is true of it by definition, and the other one exists."""

import re
from pathlib import Path

import pytest

from engine import load_study
from tests.rustbelt_paths import MODEL, STUDY, drawn, outcome, policy, run, shocks

PAGE = (Path(__file__).parents[2] / "docs" / "rustbelt-model.md").read_text(encoding="utf-8")
EVENTS = STUDY["events"]
READINGS = [
    ("soe_insolvent", "soe_defaulted"),
    ("banks_wrecked", "banks_wrecked_reported"),
    ("jobs_demolished", "three_million_by_cuts"),
    ("three_million", "three_million_by_cuts"),
    ("region_devastated", "region_left_behind"),
]


def test_every_ruin_of_one_outcome_to_the_last_year_has_two_readings():
    whole = {name for name, event in EVENTS.items() if "outcome" in event and not name.endswith("_2020")}
    assert whole == {name for pair in READINGS for name in pair}


@pytest.mark.parametrize("pair", READINGS, ids="-".join)
def test_both_readings_say_what_is_true_of_them_by_definition(pair):
    one, other = (EVENTS[name] for name in pair)
    assert one["outcome"] != other["outcome"]
    for event in (one, other):
        said, _, by_definition = event["about"].partition("; by definition, ")
        assert said and by_definition
    (row,) = [
        row
        for row in re.findall(r"^\|.*\|$", PAGE, re.MULTILINE)
        if f"| `{pair[1]}`:" in row and f"`{pair[0]}`" in row.split("|")[2]
    ]
    assert len(row.split("|")[4].strip()) > 30


@pytest.mark.parametrize("name", [name for name in EVENTS if name.endswith("_2020")])
def test_what_is_asked_to_2020_is_asked_of_all_years_too(name):
    event, whole = EVENTS[name], EVENTS[name.removesuffix("_2020")]
    short = event["outcome"]
    assert short.endswith("_2020") and whole["outcome"].removesuffix("_last") == short.removesuffix("_2020")
    assert event.keys() == whole.keys() and "2020" in event["label"] and "2020" in event["about"]
    assert MODEL.outcomes[short].loss == MODEL.outcomes[whole["outcome"]].loss == ("above" in event)


@pytest.mark.parametrize(("lever", "more"), [("resolution_rate", 0.3), ("evergreening", 0.2)])
def test_what_lowers_one_reading_of_bankruptcy_raises_the_other(lever, more):
    factors, noise = drawn(256), shocks(256)
    base, moved = (run(policy("old", **levers), factors, noise) for levers in ({}, {lever: more}))
    first, second = (EVENTS[name]["outcome"] for name in READINGS[0])
    assert (outcome(first, moved) < outcome(first, base)).mean() > 0.95
    assert (outcome(second, moved) > outcome(second, base)).mean() > 0.95


def test_the_page_names_the_digest_of_priors_and_constants():
    study = load_study("rustbelt")
    assert f"`{study.beliefs}`" in PAGE
    assert load_study("rustbelt", paths=7).beliefs == study.beliefs
    for setting in ("constants.retirement=0.03", "factors.default_layoffs.p50=0.3"):
        assert load_study("rustbelt", settings=[setting]).beliefs != study.beliefs
