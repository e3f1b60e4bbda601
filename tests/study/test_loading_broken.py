"""Study files: a broken table is reported alone, without errors that follow from it."""

import tomllib

import pytest

from engine.errors import UserError
from engine.modelling.records import Lever
from engine.study.loading import read_study
from tests.refusals import at
from tests.reservoirs import STUDY, Reservoir

BROKEN = [
    (
        '[regimes.weather]\nstates = ["wet", "dry"]\ntransition = 1\n[shocks.drought]\nregime = "weather"\n'
        'states = { wet = { family = "expon" }, dry = { family = "expon" } }',
        at("regimes.weather.transition", "a list", "got 1"),
    ),
    (
        '[regimes.weather]\nstates = []\ntransition = []\n[shocks.drought]\nregime = "weather"',
        at("regimes.weather.states", "at least two", "got 0"),
    ),
    ("[factors.will]\nlow = 'none'\n[policies.save]\nquota = 'will'", at("factors.will.low", "a number", "got 'none'")),
    (
        "[policies.save]\nstart = '2021'\nimplementation = 'will'",
        at("policies.save.start", "a whole number", "got '2021'"),
    ),
    (
        "[groups.water]\ncorrelation = 0.5\nagainst = 1\n[assumptions.lakes]\noff = { groups.water.against = [] }",
        at("groups.water.against", "a list", "got 1"),
    ),
]


@pytest.mark.parametrize(("text", "told"), BROKEN, ids=[told.place for _, told in BROKEN])
def test_what_is_broken_is_told_alone(text, told):
    class Bounded(Reservoir):
        levers = {**Reservoir.levers, "quota": Lever("hm3", 1.0, ("region",), low=1.0, high=2.0)}

    tables = tomllib.loads(STUDY)
    for kind, table in tomllib.loads(text).items():
        tables.setdefault(kind, {}).update(table)
    for name in ("full", "late"):
        del tables["policies"][name]
    with pytest.raises(UserError) as caught:
        read_study(tables, "study.toml", model=Bounded())
    assert [*caught.value.problems] == [told]
