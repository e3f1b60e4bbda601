"""Studies to start from: what `rustbelt init` writes is taken as it is, runs, and overwrites nothing."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from engine import Factor, Lever, Outcome, StaticModel, at_year, load_study, peak
from engine.models.rustbelt.model import Rustbelt
from engine.study.loading import read_study
from engine.study.templates import study_name, study_of, study_on_top
from tests.malformed import Bill, Valley
from tests.reservoirs import Reservoir, Sum
from tests.small_files import MODELS, call, own


@pytest.fixture(autouse=True)
def inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_study_on_top_of_what_ships():
    ended = call("init", "mine.toml")
    assert ended.exit_code == 0, ended.stderr
    assert "rustbelt check mine.toml" in ended.stdout and "rustbelt run mine.toml" in ended.stdout
    study, shipped = load_study("mine.toml"), load_study("rustbelt")
    assert (study.name, study.policy_names) == ("mine", ("old", "reform", "mine"))
    changed = [one.name for one, was in zip(study.inputs, shipped.inputs, strict=True) if one.marginal != was.marginal]
    assert changed == ["steel_recovery_years"]
    assert [event.name for event in study.events][-1] == "my_event"
    assert set(tomllib.loads(Path("mine.toml").read_text())) == {
        "name",
        "extends",
        "question",
        "factors",
        "policies",
        "events",
    }
    assert call("check", "mine.toml").exit_code == 0
    assert not list(Path().glob("*.json"))


@pytest.mark.slow
def test_a_study_on_top_of_one_that_stands_elsewhere():
    assert call("init", "mine.toml").exit_code == 0
    Path("deeper").mkdir()
    assert call("init", "deeper/more.toml", "--extends", "mine.toml").exit_code == 0
    assert 'extends = "../mine.toml"' in Path("deeper/more.toml").read_text()
    study = load_study("deeper/more.toml")
    assert study.policy_names == ("old", "reform", "mine", "mine_2")
    assert [event.name for event in study.events][-2:] == ["my_event", "my_event_2"]
    assert call("check", "deeper/more.toml").exit_code == 0


@pytest.mark.parametrize("name", ["Bridge", "Pond"])
def test_the_skeleton_for_a_model_runs_at_once(name):
    ended = call("init", "own.toml", *own(name))
    assert ended.exit_code == 0, ended.stderr
    first, second = re.findall(r"^  rustbelt (.*?)(?: +#.*)?$", ended.stdout, flags=re.MULTILINE)
    assert first == f"check own.toml --model {MODELS}:{name}"
    assert call(*first.split()).exit_code == 0
    ran = call(*second.split(), "--paths", 512, "--quiet")
    assert ran.exit_code == 0, ran.stderr


def parts(text):
    """Names of tables of a skeleton, also of those that are comments."""
    return set(re.findall(r"^#? ?\[(\w+\.\w+)\]", text, flags=re.MULTILINE))


@pytest.mark.parametrize("model", [Rustbelt, Reservoir, Sum, Valley, Bill])
def test_the_skeleton_names_every_part(model):
    text = study_of("own", model(), None)
    study = read_study(tomllib.loads(text), "own.toml", model=model())
    assert [item.name for item in study.inputs] == [*model.factors]
    assert all(item.source.startswith("TO FILL IN") for item in study.inputs)
    assert {f"factors.{name}" for name in model.factors} <= parts(text)
    assert {f"shocks.{name}" for name in getattr(model, "shocks", {})} <= parts(text)
    (policy,) = study.policies
    assert {name: float(policy.levers[name].flat[0]) for name in model.levers} == {
        name: lever.default for name, lever in model.levers.items()
    }
    assert all(f"#   {name}: " in text for name in model.outcomes)


@pytest.mark.parametrize("model", [Rustbelt, Reservoir, Valley])
def test_what_the_skeleton_has_as_comments_is_right_too(model):
    text = study_of("own", model(), None)
    opened = re.sub(r"^# (\[(?:shocks|policies|groups)|\w+ = )", r"\1", text, flags=re.MULTILINE)
    study = read_study(tomllib.loads(opened), "own.toml", model=model())
    assert study.policy_names == ("now", "other")
    assert set(study.shocks.moving) == set(model.shocks)
    assert set(study.groups) == {"mine"}


class Odd(StaticModel):
    """Words that would break a comment or a string."""

    dims = {"place": ('a "b"', "c\nd")}
    factors = {"x": Factor('1"\n[run]', about="line\nbreak ] # = \x07"), "y": Factor("share"), "z": Factor("%")}
    levers = {"l": Lever("1", 0.1, ("place",), about="two\nlines")}
    outcomes = {"o": Outcome("1\n", about='"""')}

    def evaluate(self, factors, levers):
        return {"o": factors.x}


def test_words_of_a_model_break_nothing():
    study = read_study(tomllib.loads(study_of('a"b', Odd(), "s.json")) | {"name": "s"}, "s", model=Odd())
    assert study.policy_names == ("now",)
    assert study.inputs[1].marginal.support == (0.0, 1.0)


class Late(Reservoir):
    outcomes = {"then": Outcome("hm3", at_year("stock", 2055)), "peak": Outcome("hm3", peak("stock"), loss=True)}


def test_the_horizon_holds_what_outcomes_look_at():
    study = read_study(tomllib.loads(study_of("s", Late())), "s", model=Late())
    assert 2055 in study.years


def test_a_study_without_much_to_build_on():
    below = read_study({"name": "s", "factors": {k: {"family": "fixed", "value": 1.0} for k in "xy"}}, "s", model=Sum())
    text = study_on_top("more", "s.toml", below)
    assert set(tomllib.loads(text)) == {"name", "extends", "question", "policies", "events"}


def test_nothing_is_overwritten():
    Path("mine.toml").write_text("dear")
    ended = call("init", "mine.toml")
    assert ended.exit_code == 2 and "is there already" in ended.stderr
    Path("other.schema.json").write_text("{}")
    ended = call("init", "other.toml", "--schema")
    assert ended.exit_code == 2 and "other.schema.json: 1 problem" in ended.stderr
    assert Path("mine.toml").read_text() == "dear" and not Path("other.toml").exists()


def test_the_schema_is_written_if_it_is_asked_for():
    assert call("init", "own.toml", *own("Pond"), "--schema").exit_code == 0
    text = Path("own.toml").read_text()
    assert text.startswith("#:schema ./own.schema.json\n")
    Draft202012Validator(json.loads(Path("own.schema.json").read_text())).validate(tomllib.loads(text))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["study"], "mean 'study.toml'"),
        (["none/study.toml"], "cannot be"),
        (["s.toml", "--extends", "rustbet"], "ship: rustbelt"),
        (["s.toml", "--model", "none.py:X"], "'none.py' is none"),
        (["s.toml", "--extends", "rustbelt", "--model", f"{MODELS}:Pond"], "unknown factor 'steel_recovery_years'"),
    ],
)
def test_what_cannot_be_written_is_said(words, told):
    ended = call("init", *words)
    assert ended.exit_code == 2 and "Traceback" not in ended.output
    assert told in ended.stderr
    assert not list(Path().rglob("*.toml"))


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("half-fund", "half-fund"),
        ("a b/c", "a-b-c"),
        ("..", "study"),
        ("a..b", "a.b"),
        ("é x", "é-x"),
        ("-" * 9, "study"),
    ],
)
def test_a_study_is_named_after_its_file(stem, name):
    assert study_name(stem) == name
