"""The page on study files: every key stands in it, says what the schema says, and is in an example; all examples are
read.
"""

import re
import tomllib
from pathlib import Path

import pytest

from engine import Constant, Factor, Lever, Outcome, PathModel, Shock, Yearly, load_study, total
from engine.draws.distributions.families import known_families
from engine.modelling.contract import refuse_broken
from engine.modelling.declaration import POLICY_KEYS
from engine.study.json_schema import as_json_schema
from engine.study.schema import NAMED, SECTIONS, LawTable, StudyText, Truncation, WeightedLaw
from engine.study.tables.challenge import Reading
from tests.reservoirs import read

PAGE = (Path(__file__).parents[2] / "docs" / "study-file.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE, flags=re.DOTALL)
LAW = set(LawTable.model_fields)
SCHEMA = as_json_schema()
PERCENT = re.compile(r"p\d\d")
ITEM = re.compile(r"^\* (`[\w.]+`(?:, `[\w.]+`)*): (.+)$", re.MULTILINE)


def rows():
    """Keys of the page's lists, each with what its item says, without quotes."""
    found = {}
    for keys_of_item, meaning in ITEM.findall(PAGE):
        for key in re.findall(r"`([\w.]+)`", keys_of_item):
            found.setdefault(key, []).append(meaning.replace("`", ""))
    return found


def described(table):
    """What each key of a table says."""
    known = (SCHEMA if table is StudyText else SCHEMA["$defs"][table.__name__])["properties"]
    return {key: known[key].get("description", "") for key in table.model_fields}


def keys():
    """Every key that a study file may have, as the page names it, with what the schema says of it."""
    yield from described(StudyText).items()
    for table, schema in SECTIONS.items():
        yield from ((f"{table}.{key}", text) for key, text in described(schema).items())
    for table, schema in NAMED.items():
        own = {
            key: text for key, text in described(schema).items() if key not in LAW or table not in ("factors", "shocks")
        }
        yield from ((f"{table}.NAME.{key}", text) for key, text in own.items())
    yield from ((f"challenge.readings.NAME.{key}", text) for key, text in described(Reading).items())
    yield from ((key, text) for key, text in described(WeightedLaw).items())


@pytest.mark.parametrize(("key", "text"), [*keys()], ids=[key for key, _ in keys()])
def test_the_page_says_of_every_key_what_the_schema_says(key, text):
    assert text and key in rows(), key
    if PERCENT.fullmatch(key):
        text = "the quantile of so many per cent"
    assert any(said.startswith(text) for said in rows()[key]), rows()[key]


def test_nested_tables_have_no_keys_that_the_page_leaves_out():
    assert set(described(Truncation)) == {"low", "high"}
    assert set(described(WeightedLaw)) - LAW == {"weight"}
    assert "`truncate`: bounds of a truncated law: `low`, `high` or both" in PAGE


def test_families_of_the_page_are_known():
    table = PAGE[PAGE.index("| family | its parameters") :].partition("\n\n")[0]
    named = set(re.findall(r'`"([\w-]+)"`', table))
    assert named <= set(known_families())
    assert {"fixed", "metalog", "pert", "integers", "negative-binomial", "mixture", "gamma"} <= named


def used(example):
    """Keys of an example, as the page names them."""
    for table, content in tomllib.loads(example).items():
        yield table
        if table in SECTIONS:
            yield from (f"{table}.{key}" for key in content)
            readings = content.get("readings", {}) if table == "challenge" else {}
            yield from (f"challenge.readings.NAME.{key}" for one in readings.values() for key in one)
        elif table in NAMED:
            for entry in (one for one in content.values() if isinstance(one, dict)):
                yield from (f"{table}.NAME.{key}" for key in entry)
                yield from _of_law(entry)


def _of_law(entry):
    yield from (key for key in entry if key in LAW or key == "weight")
    inner = [*entry.get("parts", ()), *entry.get("experts", ()), entry.get("size"), entry.get("truncate")]
    states = entry.get("states")
    inner += states.values() if isinstance(states, dict) else []
    for law in filter(None, inner):
        yield from _of_law(law)


RARE = {"run.tile", "run.program"}
"""Keys without an example: they are to be left alone."""


def test_every_key_stands_in_an_example():
    shown = {key for example in EXAMPLES for key in used(example)}
    assert {key for key, _ in keys()} - shown == RARE


def model_of(example):
    """A model with the factors and shocks that an example speaks of, whatever they are."""
    tables = tomllib.loads(example)
    groups = [*tables.get("groups", {}).values()]
    names = {*tables.get("factors", {}), *(name for group in groups for name in group.get("members", ()))}
    names |= {table["rate"] for table in tables.get("shocks", {}).values() if isinstance(table.get("rate"), str)}

    policies = [table for table in tables.get("policies", {}).values() if isinstance(table, dict)]
    named = {key for table in policies for key in table} - {*POLICY_KEYS, *tables.get("triggers", {})}

    class Spoken(PathModel):
        factors = {name: Factor("1") for name in sorted(names)}
        constants = {name: Constant(1.0, "1", "") for name in tables.get("constants", {})}
        shocks = {name: Shock() for name in tables.get("shocks", {})}
        levers = {name: Lever("1") for name in sorted({"lever", *named})}
        yearly = {"loss": Yearly("1", observed=True)}
        outcomes = {"damage": Outcome("1", total("loss"), loss=True)}

        def init(self, factors, levers):
            return 0.0

        def step(self, state, year, factors, shocks, levers):
            return state, {"loss": state}

    return Spoken()


@pytest.mark.parametrize("example", EXAMPLES[1:], ids=lambda example: example[:24].replace("\n", " "))
def test_examples_of_the_page_are_read(tmp_path, example):
    tables = tomllib.loads(example)
    if not tables:
        assert example.startswith("#:schema")
        return
    (tmp_path / "observed.csv").write_text(
        "series,time,variable,value,unit,source,confidence\nLoss,2021,loss,0.3,1,report,read\n"
    )
    path, text = tmp_path / "study.toml", example
    if "extends" in tables:
        path.write_text(text)
        assert load_study(path).name == tables["name"]
        return
    model = model_of(example)
    missing = [name for name in model.factors if name not in tables.get("factors", {})]
    text = 'name = "s"\ntime = { first = 2020, last = 2022 }\n' + text
    text += "".join(f'\n[factors.{name}]\nfamily = "uniform"\nlow = 0\nhigh = 1\n' for name in missing)
    followed = tables.get("observed", {}).get("policy", "now")
    path.write_text(text + f"\n[policies.{followed}]\n" * (followed not in tables.get("policies", {})))
    study = load_study(path, model=model)
    refuse_broken(study.model, study.model_name)
    assert {item.name for item in study.inputs} == set(model.factors)
    assert set(study.shocks.moving) == set(model.shocks)


def test_the_example_of_the_documentation_is_read():
    whole = EXAMPLES[0]
    study = read(whole)
    for key in StudyText.model_fields.keys() - {"extends"}:
        assert re.search(rf"^\[?{key}\b", whole, flags=re.MULTILINE), key
    assert study.policy_names == ("keep", "save", "late")
    assert set(study.shocks.moving) == {"drought"}
    assert study.model.constants["evaporation"].value == 0.08
