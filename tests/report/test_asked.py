"""The report of a run that was asked questions: their answers in the words of the study."""

import re
from types import SimpleNamespace

import pytest

from engine.formatting import rounded
from engine.report.words import translator
from engine.runs.run import open_run, run
from engine.study.loading import read_study
from tests.questions.assumed import BILL, bill
from tests.questions.explained import SUM, Sum
from tests.report.wording import report

KEEP = {"outcomes": "all", "draws": 0, "yearly": 0}


def page_of(done) -> str:
    """The page of a run."""
    return report(done.folder, done.study, done.cube).decode()


def words(page: str) -> str:
    """The text of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_policies_compared_and_assumptions_have_the_words_of_the_study(tmp_path):
    stated = BILL["assumptions"]
    study = bill(
        policies={"old": {"label": "As it was"}, "reform": {"cut": 1.0}},
        keep=KEEP,
        assumptions=stated | {"exit": {**stated["exit"], "label": "Plant exit"}},
    )
    done = run(study, out=tmp_path / "run")
    answer = done.compare()
    assert re.search(r"Under reform, the mean of cost is lower by 0\.5.* than under as it was", answer.finding)
    done.challenge(only="assumptions")
    page = page_of(done)
    text = words(page)
    assert "clearly better in 1 and clearly worse in 1 of 3 outcomes." in text
    assert "less as it was" in text and "Stochastic dominance over as it was" in text
    assert '<h2 id="compare"' in page and '<figure id="thresholds' in page
    assert f"Differences between policies {answer.finding[:40]}" in text.split("Findings")[-1]
    assert "This run has no answers to these questions: return levels; what the worst futures have in common" in text
    assert "with plant exit doubled" in text and "same in all" in text
    row = text.partition("in other structures")[2][:300]
    assert re.search(r"Ruin flips .*plant exit doubled", row), row


def test_of_three_policies_or_more_every_one_is_held_against_every_other(tmp_path):
    policies = {
        "old": {"label": "As it was"},
        "half": {"cut": 0.1},
        "reform": {"cut": 0.3},
        "more": {"cut": 1.0, "label": "More of it"},
    }
    done = run(bill(policies=policies, headline=["cost", "even"], keep=KEEP), out=tmp_path / "run")
    said = done.compare().findings
    appendix = words(page_of(done).split('<h2 id="compare"')[1])
    for text in said:
        assert text in appendix, text


def explained(folder, paths):
    """The page of a run of a sum with labels that was asked what its worst futures have in common."""
    more = {
        "policies": {"old": {"label": "As it was"}, "aided": {"aid": 2.0}},
        "keep": {"outcomes": ["cost"]},
        "factors": {**SUM["factors"], "a": {**SUM["factors"]["a"], "label": "Price of a"}},
        "groups": {"pair": {**SUM["groups"]["pair"], "label": "Twins"}},
        "shocks": {"noise": {"label": "Weather"}},
    }
    study = read_study({**SUM, **more, "run": {**SUM["run"], "paths": paths}}, "sum.toml", model=Sum())
    done = run(study, out=folder / "run")
    return done.explain("cost"), words(page_of(done))


def test_what_the_worst_have_in_common_is_in_the_words_of_the_study(tmp_path):
    given, text = explained(tmp_path, 1 << 14)
    (distance,), worst = given["point"]["distance"], given["worst"]["path"][0]
    for said in (
        "the mean of price of a is",
        f"passes VaR99 {rounded(distance, None)} ",
        "share [%] Twins 7",
        "score draw Price of a [M]",
        "weather[north] in 2021",
        "run --path PATH --model",
    ):
        assert said in text, said
    assert "noise[" not in text and re.search(rf"\b{worst}\b", text)


@pytest.mark.slow
def test_why_nothing_has_an_interval_is_what_the_explanation_says(tmp_path):
    """Of fewer paths still: tests/answers/test_any_run.py."""
    _, text = explained(tmp_path, 2000)
    assert "too few" in text and "0 exceedances, 0 needed" not in text


@pytest.mark.slow
def test_boxes_are_said_where_they_lie(bridge_run):
    done = open_run(bridge_run)
    assert '<h2 id="discover"' not in page_of(done)
    answer = done.discover("collapse under weak")
    text = words(page_of(done))
    assert "ollapse under weak" in text and "box 1" in text and "load above " in text
    first = next(row for row in answer["boxes"].rows() if row["number"] == 1)
    assert f"{100 * first['coverage'].estimate:.3g}"[:3] in text


LABELS = {
    ("groups", "policy"): "delivery of plans",
    ("groups", "south"): "the south",
    ("lever_groups", "south"): "help for the south",
    ("lever_groups", "state_firms"): "debt of firms",
    ("assumptions", "exit"): "plant exit",
    ("shocks", "rain[north]"): "wet year[north]",
}


def study_of(phrase, title, **more):
    """A study that has nothing but names."""
    empty = {"outcomes": {}, "yearly": {}, "levers": {}, "shocks": {}} | more.pop("model", {})
    given = {"events_by_name": {}, "inputs": (), "shock_streams": {}, "groups": {}, "lever_groups": {}}
    return SimpleNamespace(
        words=lambda name: name.replace("_", " "),
        phrase=phrase,
        title=title,
        model=SimpleNamespace(**empty),
        shocks=SimpleNamespace(groups={}),
        **{**given, "assumptions": (), **more},
    )


def test_no_name_is_looked_for_within_what_is_in_words():
    """A lever whose name begins with that of a policy keeps its words."""
    spoken = translator(
        study_of(
            lambda kind, name: LABELS.get((kind, name), {"old": "as it was"}.get(name, name.replace("_", " "))),
            lambda kind, name: {"old": "As it was"}.get(name, name.replace("_", " ").capitalize()),
            model={"levers": {"old_rate": 1}, "shocks": {"rain": 1}},
            shock_streams={"rain": ("rain[north]",)},
            groups={"policy": 1, "south": 1},
            lever_groups={"state_firms": ("old_rate",), "south": ("old_rate",)},
            assumptions=(SimpleNamespace(name="exit"),),
        ),
        ("old", "reform"),
    )
    for text, said in {
        "old rate above 3, under old": "old rate above 3, under as it was",
        "old_rate, 2020": "Old rate, 2020",
        "old": "As it was",
        # a sentence that begins with names is no label
        "old_rate, old and reform differ": "Old rate, as it was and reform differ",
        # a name that is a word of English is one by itself alone; with "off" or "doubled" behind it, an assumption
        "policy": "Delivery of plans",
        "the policy with no exit": "the policy with no exit",
        "old with exit off": "as it was with plant exit off",
        "exit off": "Plant exit off",
        "rain[north] in 2020": "wet year[north] in 2020",
        "rain falls": "rain falls",
        "of state_firms": "of debt of firms",
        # a group of factors and one of levers that have a name and not a label in common
        "south": "south",
    }.items():
        assert spoken(text) == said


def test_a_yearly_variable_is_told_from_the_outcome_that_is_called_as_it_is():
    """Two outcomes that are called alike keep their names."""
    labels = {"cuts": "layoffs", "all_cuts": "layoffs", "left": "gone", "away": "gone", "jobs": "jobs"}
    model = {"outcomes": {"all_cuts": 1, "left": 1, "away": 1}, "yearly": {"cuts": 1, "jobs": 1}}
    spoken = translator(
        study_of(lambda kind, name: labels[name], lambda kind, name: labels[name].capitalize(), model=model), ()
    )
    assert spoken("years of cuts, all places") == "years of yearly layoffs, all places"
    said = ["Yearly layoffs", "Layoffs", "Jobs", "left", "away"]
    assert [*map(spoken, ("cuts", "all_cuts", "jobs", "left", "away"))] == said
