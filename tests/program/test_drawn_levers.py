"""Levers that are drawn, as the compiled program has them in force: closed forms, bit equality with numbers, no
compiling anew.
"""

import jax
import numpy as np
import pytest

from engine.modelling.cell_axis import split_cells
from engine.program import arguments
from engine.runs.replay import replay
from tests.helpers import assert_close, assert_same
from tests.user_models import echo, farms, outcomes, program

PACE = {"family": "uniform", "low": 5.0, "high": 9.0}
POLICIES = {
    "old": {"plain": "pace", "by_cell": {"north": {"rye": "share", "flax": {"2017": "pace", "2019": 5.0}}}},
    "new": {"plain": 3.0},
    "late": {"like": "new", "start": 2018, "before": "old"},
    "half": {"like": "new", "implementation": 0.25, "start": 2019, "before": "late"},
    "drawn": {"before": "old", "implementation": "share", "plain": {"2017": "share"}},
}


def echoing(policies, sampler="antithetic", pace=PACE):
    return echo(policies, {"pace": pace}, sampler=sampler)


@pytest.mark.parametrize("sampler", ["random", "antithetic"])
def test_what_is_in_force_is_what_is_drawn(sampler):
    study = echoing(POLICIES, sampler)
    trace = program(study).trace(0)
    values = split_cells(study.model, trace.yearly, axis=2)
    draws = dict(zip([item.name for item in study.inputs], trace.draws.astype(float), strict=True))
    pace, share = draws["pace"], draws["share"]
    plain = {name: values["plain"][k] for k, name in enumerate(study.policy_names)}
    assert_same(plain["old"], np.broadcast_to(trace.draws[1], plain["old"].shape))
    assert_same(plain["late"][:2], plain["old"][:2])
    assert_same(plain["late"][2:], np.full_like(plain["late"][2:], 3.0))
    assert_same(plain["half"], plain["late"])
    expected = np.stack([pace + share * (2.0 - pace)] + [pace + share * (share - pace)] * 4)
    assert_close(plain["drawn"], expected)
    cells = values["by_cell"][0]
    assert_same(cells[:, 0, 0], np.broadcast_to(trace.draws[0], cells[:, 0, 0].shape))
    ones, fives = np.ones_like(pace, np.float32), np.full_like(pace, 5.0, np.float32)
    assert_same(cells[:, 0, 2], np.stack([ones, trace.draws[1], trace.draws[1], fives, fives]))
    assert_same(cells[:, 1], np.ones_like(cells[:, 1]))


def test_a_prior_that_is_a_number_gives_the_bits_of_the_number():
    policies = {
        "number": {"quota": {"north": 4.5}, "release": 0.37},
        "named": {"quota": {"north": "kha"}, "release": "gone"},
        "later": {"like": "number", "before": "old", "start": 2018, "implementation": 0.3},
        "named_later": {"like": "named", "before": "old", "start": 2018, "implementation": 0.3},
    }
    fixed = {"kha": {"family": "fixed", "value": 4.5}, "gone": {"family": "fixed", "value": 0.37}}
    study = farms({"policies": policies, "factors": fixed})
    at = study.policy_names.index
    for values in outcomes(study).values():
        assert not np.array_equal(values[at("number")], values[at("old")])
        assert_same(values[at("named")], values[at("number")])
        assert_same(values[at("named_later")], values[at("later")])


def test_another_prior_compiles_nothing_anew():
    one, other = (echoing(POLICIES, pace={**PACE, "high": high}) for high in (9.0, 30.0))
    shapes = [jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), arguments.of(each)) for each in (one, other)]
    assert shapes[0] == shapes[1]
    moved = {**POLICIES, "new": {"plain": "pace"}, "old": {**POLICIES["old"], "plain": {"2019": "pace"}}}
    assert jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), arguments.of(echoing(moved))) == shapes[0]


def test_a_replay_shows_the_levers_in_force():
    study = echoing(POLICIES)
    story = replay(study, [0, 5])
    for name in ("plain", "by_cell"):
        assert story["levers"][name].dims == story["yearly"][name].dims
        assert_close(story["levers"][name].values, story["yearly"][name].values.astype(float))
    assert "levers" not in replay(echo({"old": {}}), 0).children
