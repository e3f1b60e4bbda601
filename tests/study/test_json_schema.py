"""The JSON schema of study files: it takes what the engine takes, completes its names, and refuses what an editor can
see is wrong.
"""

import json
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from engine.draws.distributions.families import known_families
from engine.modelling import catalogue
from engine.study.json_schema import DRAFT, study_schema
from engine.study.schema import NAMED, SECTIONS, LawTable
from tests.malformed import BASES, LAWS
from tests.reservoirs import STATIC, STUDY, Reservoir
from tests.small_files import BRIDGE, POND, call
from tests.study.test_study_page import EXAMPLES

ROOT = Path(__file__).parents[2]
SCHEMA = study_schema()
CHECK = Draft202012Validator(SCHEMA)


def wrong(tables, schema=CHECK):
    return [f"{'.'.join(map(str, error.path))}: {error.message}"[:300] for error in schema.iter_errors(tables)]


def test_it_is_a_schema():
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == DRAFT
    assert "null" not in json.dumps(SCHEMA)


def test_no_table_is_offered_that_would_take_the_place_of_one_of_the_study_that_is_extended():
    assert [key for key, one in SCHEMA["properties"].items() if "default" in one] == ["question", "author"]


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
    ('name = "reservoir"', 'naem = "reservoir"', "'name' is a required property"),
    ("seed = 7", "sead = 7", "'sead' was unexpected"),
    ("seed = 7", 'seed = "seven"', "run.seed: 'seven' is not of type 'integer'"),
    ("paths = 1000", "paths = 0", "run.paths: 0 is less than the minimum of 1"),
    ('"random"', '"soboll"', "run.sampler: 'soboll' is not one of"),
    ("seed = 7", 'precision = "float16"', "run.precision: 'float16' is not one of"),
    ("seed = 7", 'program = "looop"', "run.program: 'looop' is not one of"),
    ("[groups]", "[observed]\nseen = ['prior']\n[groups]", "observed.seen.0: 'prior' is not one of"),
    ("[groups]", "[[observed.rows]]\nserie = 'x'\n[groups]", "observed.rows.0: 'serie' is not one of"),
    ("[groups]", "[assumptions]\nx = { of = { will = 1 } }\n[groups]", "assumptions.x: "),
    ("[groups]", "[assumptions]\nx = { about = 'x' }\n[groups]", "assumptions.x: 'off' is a required property"),
    ("first = 2020, ", "", "time: 'first' is a required property"),
    ('family = "lognormal"', 'family = "log-normal"', "factors.inflow.family: 'log-normal' is not one of"),
    ('family = "lognormal"\n', "", "factors.inflow: "),
    ("p95 = 4.0", "p55 = 4.0", "'p55' was unexpected"),
    ("p95 = 4.0", 'p95 = "4"', "factors.inflow.p95: '4' is not of type 'number'"),
    ("p95 = 4.0", "p95 = 2020-01-01", "factors.inflow.p95"),
    ("p95 = 4.0", "truncate = {}", "factors.inflow.truncate"),
    ("p95 = 4.0", 'transform = ["sin"]', "factors.inflow.transform.0"),
    ("p95 = 4.0", 'pool = "both"', "factors.inflow.pool"),
    ("p95 = 4.0", "experts = [{ p05 = 1, wieght = 2 }]", "'wieght' was unexpected"),
    ("correlation = -0.5", "corelation = -0.5", "groups.water: "),
    ("correlation = -0.5", 'copula = "gausian"', "groups.water.copula: 'gausian' is not one of"),
    ("release = 0.1", 'release = "0.1"', "policies.save.release"),
    ("release = 0.1", "release = {}", "policies.save.release"),
    ('implementation = "will"', "implementation = 1.5", "policies.save.implementation"),
    ("below = 2", "belwo = 2", "'belwo' was unexpected"),
    ("[groups]", '[keep]\noutcomes = "most"\n[groups]', "keep.outcomes"),
    ("[groups]", "[regimes.r]\nstates = ['a', 'b']\n[groups]", "regimes.r: 'transition' is a required property"),
    ("[groups]", "[lever_groups]\nx = { label = 'X' }\n[groups]", "lever_groups.x: 'levers' is a required property"),
    ("[groups]", "[lever_groups]\nx = { lable = 'X', levers = ['price'] }\n[groups]", "lever_groups.x: "),
    ("[groups]", "[shocks.drought]\nsize = { family = 'norml' }\n[groups]", "shocks.drought.size.family"),
]


@pytest.mark.parametrize(("old", "new", "told"), BAD)
def test_it_refuses_what_an_editor_can_see(old, new, told):
    assert old in STUDY
    found = wrong(tomllib.loads(STUDY.replace(old, new, 1)))
    assert any(told in one for one in found), found


def test_a_study_that_extends_another_may_leave_out_what_that_says():
    text = (
        'extends = "rustbelt"\ntime = { last = 2040 }\n[lever_groups]\nfirms = { label = "Firms"'
        " }\n[factors.steel_recovery_years]\np05 = 2\np95 = 9\n[regimes.r]\nstart = [1, 0]\n"
    )
    assert wrong(tomllib.loads(text)) == []


def test_names_are_completed():
    tables = SCHEMA["$defs"]
    assert tables["FactorTable"]["properties"]["family"]["enum"] == [*known_families()]
    assert {"loc", "scale", "a", "mu", "df"} <= tables["LawTable"]["properties"].keys()
    shipped = [*map(catalogue.named, catalogue.SHIPPED)]
    levers, factors, outcomes = (
        {name for model in shipped for name in getattr(model, table)} for table in ("levers", "factors", "outcomes")
    )
    assert levers <= tables["PolicyTable"]["properties"].keys()
    assert factors == SCHEMA["properties"]["factors"]["properties"].keys()
    assert outcomes == {*tables["EventTable"]["properties"]["outcome"]["examples"]}
    own = study_schema(Reservoir())
    assert "quota" in own["$defs"]["PolicyTable"]["properties"]
    assert set(own["properties"]["shocks"]["properties"]) == {"drought"}
    assert wrong(tomllib.loads(STUDY), Draft202012Validator(own)) == []


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
