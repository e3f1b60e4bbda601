"""Whatever the run, without factors, of one policy, of four paths, every question answers or refuses in words.

On a plain run: test_questions.py; on the study that ships: tests/cli/test_one_screen.py.
"""

import functools
import json
import re
from dataclasses import replace

import jsonschema
import pytest

from engine.answers.files import texts
from engine.answers.plain import SCHEMA
from engine.errors import UserError
from engine.modelling.cells import each
from engine.modelling.records import Yearly
from engine.runs.run import run
from tests.answers.asked import ASKED, GATES, OPTIONS, Broken, Constant, Still, stored, summed
from tests.answers.words import held_to_words
from tests.pairs import in_turn
from tests.questions.explained import SUM, Sum

STUDIES = {
    "no factors": {"model": Still},
    "constant outcomes": {"model": Constant},
    "no numbers on some paths": {"model": Broken, "run": {**SUM["run"], "paths": 256, "nonfinite": 0.01}},
    "one policy": {"policies": {"old": {}}, "gates": {"paid": {**GATES["paid_0"], "policy": "old"}}},
    "four paths": {"paths": 4},
    "eight policies": {
        "policies": {"old": {}, "aided": {"aid": 2.0}, **{f"aided_{k}": {"aid": 2.0 + k} for k in range(1, 7)}}
    },
}


@pytest.fixture(scope="module")
def run_of(tmp_path_factory):
    """A run of each kind, which is made once."""
    return functools.cache(lambda kind: run(summed(**STUDIES[kind]), out=tmp_path_factory.mktemp("kind") / "run"))


@pytest.mark.parametrize(("kind", "asked"), in_turn(STUDIES, range(len(ASKED)), 1))
def test_whatever_the_run_it_answers_or_refuses_in_words(run_of, kind, asked):
    name, options = ASKED[asked]
    done = run_of(kind)
    try:
        answer = done._ask(name, **options)
    except UserError as error:
        assert str(error).strip() and error.problems
    else:
        jsonschema.validate(json.loads(json.dumps(answer.plain(), allow_nan=False)), SCHEMA)
        assert stored(done.folder, answer).plain() == answer.plain()
        if kind in ("four paths", "eight policies") and (name, options) in [*OPTIONS.items()]:
            held_to_words(answer)


class Neutral(Sum):
    """The sum with values of which neither high nor low is worse; aid lowers them."""

    yearly = {"cost": Yearly("M/yr", ("place",), loss=None)}
    outcomes = {"own": replace(Sum.outcomes["own"], loss=None)}

    def step(self, state, year, factors, shocks, levers):
        held, yearly = super().step(state, year, factors, shocks, levers)
        return held, {"cost": lowered(yearly["cost"], levers.aid)}


@each
def lowered(cost, aid):
    return cost - aid


@pytest.fixture(scope="module")
def neutral(tmp_path_factory):
    tables = {"events": {}, "headline": ["own"], "keep": {"draws": 256, "outcomes": ["own"]}}
    return run(summed(model=Neutral, **tables), out=tmp_path_factory.mktemp("neutral") / "run")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("risk", {}),
        ("risk", {"variable": "cost"}),
        ("compare", {}),
        ("compare", {"outcome": ("cost",)}),
        ("explain", {"outcome": "own"}),
    ],
)
def test_nothing_is_better_or_worse_where_neither_high_nor_low_is(neutral, name, options):
    answer = neutral._ask(name, **options)
    rows = [row for table in answer.tables for row in table.rows()]
    assert rows and not any(row.get("verdict") or row.get("measure") in ("worse", "regret") for row in rows)
    assert not {"regret", "worse", "dominance", "ranks"} & {*answer}
    assert not re.search("better|worse|worst|improve|regret", " ".join(answer.findings))


def test_brief_frames_of_many_policies_fit_a_terminal(run_of):
    """And every cell of the form that is too wide stands in the narrow one."""
    answer = run_of("eight policies").compare()
    narrowed = []
    for table in [table for table in answer.tables if table.across]:
        wide = texts(table, full=False)
        wide = texts(table) if wide.empty else wide
        wide = wide.set_index(wide.columns[0])
        if max(map(len, wide.to_string().splitlines())) > 80:
            rows = answer.frame(table.name, brief=True)
            narrowed.append(table.name)
            assert max(map(len, rows.to_string().splitlines())) <= 80, table.name
            assert {*wide.to_numpy().ravel()} - {""} <= {*rows.to_numpy().ravel()}, table.name
    assert {"events", "differences"} <= {*narrowed}
