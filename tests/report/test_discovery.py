"""The report of a run that was asked for boxes."""

import re
from types import SimpleNamespace

import pytest

import engine
from engine.report.words import translator
from tests.report.wording import report
from tests.small_files import BRIDGE, MODELS, write


def words(page: bytes) -> str:
    """The text of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.decode()))


@pytest.mark.slow
def test_it_says_where_such_futures_lie(tmp_path):
    model = engine.load_model_file(f"{MODELS}:Bridge")
    run = engine.run(str(write(tmp_path, BRIDGE)), tmp_path / "run", model, device="cpu")
    assert b'<h2 id="discover"' not in report(run.folder, run.study, run.cube)
    answer = run.discover("collapse under weak")
    text = words(report(run.folder, run.study, run.cube))
    assert "ollapse under weak" in text
    assert "box 1" in text and "load above " in text
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


def test_no_name_is_looked_for_within_what_is_in_words():
    """A lever whose name begins with that of a policy keeps its words."""
    study = SimpleNamespace(
        words=lambda name: name.replace("_", " "),
        model=SimpleNamespace(outcomes={}, yearly={}, levers={"old_rate": 1}, shocks={"rain": 1}),
        events_by_name={},
        inputs=(),
        shock_streams={"rain": ("rain[north]",)},
        groups={"policy": 1, "south": 1},
        shocks=SimpleNamespace(groups={}, regimes={}),
        lever_groups={"state_firms": ("old_rate",), "south": ("old_rate",)},
        assumptions=(SimpleNamespace(name="exit"),),
    )
    study.phrase = lambda kind, name: LABELS.get((kind, name), {"old": "as it was"}.get(name, name.replace("_", " ")))
    study.title = lambda kind, name: {"old": "As it was"}.get(name, name.replace("_", " ").capitalize())
    spoken = translator(study, ("old", "reform"))
    assert spoken("old rate above 3, under old") == "old rate above 3, under as it was"
    assert spoken("old_rate, 2020") == "Old rate, 2020" and spoken("old") == "As it was"
    # a sentence that begins with names is no label
    assert spoken("old_rate, old and reform differ") == "Old rate, as it was and reform differ"
    # a name that is a word of English is one by itself alone; with "off" or "doubled" behind it, it is an assumption
    assert spoken("policy") == "Delivery of plans" and spoken("the policy with no exit") == "the policy with no exit"
    assert spoken("old with exit off") == "as it was with plant exit off" and spoken("exit off") == "Plant exit off"
    assert spoken("rain[north] in 2020") == "wet year[north] in 2020" and spoken("rain falls") == "rain falls"
    assert spoken("of state_firms") == "of debt of firms"
    # a group of factors and one of levers that have a name and not a label in common
    assert spoken("south") == "south"


def test_a_yearly_variable_is_told_from_the_outcome_that_is_called_as_it_is():
    """Two outcomes that are called alike keep their names."""
    labels = {"cuts": "layoffs", "all_cuts": "layoffs", "left": "gone", "away": "gone", "jobs": "jobs"}
    study = SimpleNamespace(
        words=lambda name: name.replace("_", " "),
        model=SimpleNamespace(
            outcomes={"all_cuts": 1, "left": 1, "away": 1}, yearly={"cuts": 1, "jobs": 1}, levers={}, shocks={}
        ),
        events_by_name={},
        inputs=(),
        shock_streams={},
        groups={},
        shocks=SimpleNamespace(groups={}, regimes={}),
        lever_groups={},
        assumptions=(),
    )
    study.phrase = lambda kind, name: labels[name]
    study.title = lambda kind, name: labels[name].capitalize()
    spoken = translator(study, ())
    assert spoken("years of cuts, all places") == "years of yearly layoffs, all places"
    assert [*map(spoken, ("cuts", "all_cuts", "jobs", "left", "away"))] == [
        "Yearly layoffs",
        "Layoffs",
        "Jobs",
        "left",
        "away",
    ]
