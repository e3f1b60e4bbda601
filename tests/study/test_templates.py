"""Studies to start from: what `rustbelt init` writes is read as it is, also without its comments, and overwrites
nothing.
"""

import json
import re
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from engine import load_study
from engine.study.loading import read_study
from engine.study.schema import StudyText
from engine.study.templates import skeleton
from tests.malformed import Bill, Valley
from tests.small_files import MODELS, call, own


@pytest.fixture(autouse=True)
def inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def opened(text):
    """The tables of a skeleton, with those that are comments."""
    return tomllib.loads(re.sub(r"^# (\[|\w+ = )", r"\1", text, flags=re.MULTILINE))


def test_a_study_on_top_of_what_ships():
    ended = call("init", "mine.toml")
    assert ended.exit_code == 0, ended.stderr
    assert "rustbelt check mine.toml" in ended.stdout and "rustbelt run mine.toml" in ended.stdout
    study, shipped = load_study("mine.toml"), load_study("rustbelt")
    assert (study.name, study.policy_names, study.events) == ("mine", shipped.policy_names, shipped.events)
    assert not list(Path().glob("*.json"))
    Path("deeper").mkdir()
    assert call("init", "deeper/more.toml", "--extends", "mine.toml").exit_code == 0
    assert 'extends = "../mine.toml"' in Path("deeper/more.toml").read_text()
    assert load_study("deeper/more.toml").inputs == study.inputs


@pytest.mark.parametrize("model", [Valley, Bill])
def test_the_skeleton_of_a_model_lacks_its_priors_alone(model):
    tables = tomllib.loads(skeleton("own", model()))
    priors = {name: {"family": "fixed", "value": 1.0} for name in model.factors}
    study = read_study({**tables, "factors": priors}, "own.toml", model=model())
    assert study.policy_names == ("now",) and len(study.years) == (11 if study.is_path_model else 0)


@pytest.mark.parametrize("base", ["rustbelt", Valley(), Bill()], ids=["extends", "years", "static"])
def test_the_comments_of_a_skeleton_are_tables_of_a_study(base):
    tables = opened(skeleton("own", base))
    assert {"factors", "policies", "events"} <= tables.keys()
    StudyText.model_validate(tables)


def test_nothing_is_overwritten():
    Path("mine.toml").write_text("dear")
    ended = call("init", "mine.toml")
    assert ended.exit_code == 2 and "exists already" in ended.stderr
    assert Path("mine.toml").read_text() == "dear"


def test_what_is_written_is_valid_by_the_schema():
    assert call("init", "own.toml", *own("Pond")).exit_code == 0
    assert call("schema", "-o", "own.schema.json").exit_code == 0
    text = Path("own.toml").read_text()
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
    ("stem", "name"), [("half-fund", "half-fund"), ("a b/c", "a-b-c"), ("..", "study"), ("a..b", "a-b"), ("é x", "é-x")]
)
def test_a_study_is_named_after_its_file(stem, name):
    assert tomllib.loads(skeleton(stem, Bill()))["name"] == name
