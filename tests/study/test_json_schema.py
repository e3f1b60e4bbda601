"""The JSON schema of study files accepts what the engine accepts, and refuses wrong keys and types."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from engine.study.json_schema import as_json_schema
from engine.study.schema import NAMED, SECTIONS, LawTable
from tests.malformed import BASES, LAWS
from tests.reservoirs import STATIC, STUDY
from tests.small_files import BRIDGE, POND, call
from tests.study.test_study_page import EXAMPLES

ROOT = Path(__file__).parents[2]
SCHEMA = as_json_schema()
CHECK = Draft202012Validator(SCHEMA)


def wrong(tables, schema=CHECK):
    return [f"{'.'.join(map(str, error.path))}: {error.message}"[:300] for error in schema.iter_errors(tables)]


def test_it_is_a_schema():
    Draft202012Validator.check_schema(SCHEMA)
    assert "2020-12" in SCHEMA["$schema"]
    assert not re.search('"(null|default|required)"', json.dumps(SCHEMA))


FRAGMENT = 'name = "s"\nextends = "rustbelt"\n'


@pytest.mark.parametrize(
    "text",
    [
        (ROOT / "configs" / "rustbelt.toml").read_text(),
        STUDY, STATIC, BRIDGE, POND,
        *(example if "name =" in example.splitlines()[0] else FRAGMENT + example for example in EXAMPLES),
    ],
    ids=lambda text: text.strip()[:30].replace("\n", " "),
)  # fmt: skip
def test_it_takes_what_the_engine_takes(text):
    assert wrong(tomllib.loads(text)) == []


@pytest.mark.parametrize("name", BASES)
def test_it_takes_every_kind_of_table(name):
    assert wrong(BASES[name]) == []


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.get("family", "experts"))
def test_it_takes_every_way_to_state_a_law(law):
    assert wrong({"name": "s", "factors": {"x": law}, "shocks": {"y": law, "z": {"rate": 1.0, "size": law}}}) == []


BAD = [
    ("seed = 7", "sead = 7", "'sead' was unexpected"),
    ("seed = 7", 'seed = "seven"', "run.seed: 'seven' is not of type 'integer'"),
    ("paths = 1000", "paths = 0", "run.paths: 0 is less than the minimum of 1"),
    ("p95 = 4.0", 'p95 = "4"', "factors.inflow.p95: '4' is not of type 'number'"),
    ("p95 = 4.0", "p95 = 2020-01-01", "factors.inflow.p95"),
    ("correlation = -0.5", "corelation = -0.5", "groups.water: "),
    ('implementation = "will"', "implementation = true", "policies.save.implementation"),
    ("below = 2", "belwo = 2", "'belwo' was unexpected"),
    ("[groups]", "[lever_groups]\nx = { lable = 'X', levers = ['price'] }\n[groups]", "lever_groups.x: "),
]


@pytest.mark.parametrize(("old", "new", "told"), BAD)
def test_it_refuses_what_an_editor_can_see(old, new, told):
    assert old in STUDY
    found = wrong(tomllib.loads(STUDY.replace(old, new, 1)))
    assert any(told in one for one in found), found


def test_a_study_that_extends_another_may_leave_out_what_that_says():
    text = (
        'extends = "rustbelt"\ntime = { last = 2040 }\n[lever_groups]\nfirms = { label = "Firms"'
        " }\n[factors.steel_recovery_years]\np05 = 2\np95 = 9\n"
    )
    assert wrong(tomllib.loads(text)) == []


def test_every_key_is_described():
    for table in [LawTable, *SECTIONS.values(), *NAMED.values()]:
        known = SCHEMA["$defs"][table.__name__]["properties"]
        for key in table.model_fields:
            assert known[key]["description"], key
    assert all("description" in entry for entry in SCHEMA["properties"].values())


def test_the_command_prints_and_writes_it(tmp_path):
    assert json.loads(call("schema").stdout) == SCHEMA
    file = tmp_path / "study.schema.json"
    ended = call("schema", "-o", file)
    assert ended.exit_code == 0 and "#:schema ./study.schema.json" in ended.stdout
    assert json.loads(file.read_text()) == SCHEMA
    assert call("schema", "-o", tmp_path / "none" / "x.json").exit_code == 2
