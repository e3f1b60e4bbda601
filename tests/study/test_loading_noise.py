"""Study files: no table and no file whatever crashes the reader, and what is read says the same again."""

import tomllib

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from engine.errors import UserError
from engine.study.loading import load_study, read_study, resolved_text
from tests.reservoirs import STATIC, STUDY, Reservoir, Sum

WORDS = st.sampled_from(
    [
        "name",
        "model",
        "baseline",
        "compare",
        "run",
        "time",
        "groups",
        "factors",
        "policies",
        "events",
        "keep",
        "paths",
        "seed",
        "sampler",
        "tile",
        "first",
        "last",
        "inflow",
        "capacity",
        "will",
        "water",
        "family",
        "p05",
        "p95",
        "low",
        "group",
        "correlation",
        "kendall",
        "members",
        "ranks",
        "file",
        "theta",
        "release",
        "quota",
        "price",
        "north",
        "farm",
        "2021",
        "like",
        "before",
        "start",
        "above",
        "implementation",
        "outcome",
        "all",
        "below",
        "dry",
        "shortage",
        "save",
        "outcomes",
        "draws",
        "a/b",
        "extends",
        "",
    ]
)  # the last is the empty name
VALUES = st.recursive(
    st.one_of(
        WORDS, st.integers(), st.floats(), st.booleans(), st.dates(), st.sampled_from([0, 1, 2021, 10**400, -(10**400)])
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WORDS, inner, max_size=4)),
    max_leaves=12,
)
PLACES = st.lists(st.tuples(st.lists(WORDS, min_size=1, max_size=4), VALUES), min_size=1, max_size=4)


def placed(table, keys, value):
    for key in keys[:-1]:
        if not isinstance(table.get(key), dict):
            table[key] = {}
        table = table[key]
    table[keys[-1]] = value


@pytest.mark.slow
@settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(PLACES, st.sampled_from([STUDY, STATIC, ""]), st.sampled_from([Reservoir, Sum, None]))
def test_no_table_crashes_the_reader(changes, text, model):
    tables = tomllib.loads(text)
    for keys, value in changes:
        placed(tables, keys, value)
    try:
        study = read_study(tables, "study.toml", model=model and model())
    except UserError as error:
        assert error.problems
        assert all(problem.message for problem in error.problems)
    else:
        assert (
            read_study(tomllib.loads(resolved_text(study)), "again", model=study.model).fingerprint == study.fingerprint
        )


@settings(
    max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(max_size=80), st.integers(0, len(STUDY)))
def test_no_file_crashes_the_reader(tmp_path, noise, position):
    path = tmp_path / "s.toml"
    path.write_bytes(STUDY[:position].encode() + noise + STUDY[position:].encode())
    try:
        load_study(path, model=Reservoir())
    except UserError as error:
        assert error.problems
