"""Whatever the run, without factors, of one policy, of four paths, every question answers or refuses in words."""

import functools
import json

import jsonschema
import pytest

from engine.answers.plain import SCHEMA
from engine.errors import UserError
from engine.runs.run import run
from tests.answers.asked import ASKED, GATES, Broken, Constant, Still, stored, summed
from tests.pairs import in_turn
from tests.questions.explained import SUM

STUDIES = {
    "no factors": {"model": Still},
    "constant outcomes": {"model": Constant},
    "no numbers on some paths": {"model": Broken, "run": {**SUM["run"], "paths": 256, "nonfinite": 0.01}},
    "one policy": {"policies": {"old": {}}, "gates": {"paid": {**GATES["paid_0"], "policy": "old"}}},
    "four paths": {"paths": 4},
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
