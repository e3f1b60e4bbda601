"""What goes from year to year differs by policy only where a policy has a say in it."""

import jax
import numpy as np

from engine.program.elementary import fused
from engine.program.tracing.equations import Axis, written_out
from engine.program.tracing.rules import Rules
from engine.study.loading import load_study
from tests.user_models import echo, farms


def carried(study):
    """What is carried: its leaves by path, each with what it differs by."""
    written = Rules(study, np.float32).of_years
    leaves, _ = jax.tree_util.tree_flatten_with_path(written.state)
    names = [jax.tree_util.keystr(path) for path, _ in leaves]
    return dict(zip(names, written.axes, strict=True))


def test_what_no_policy_has_a_say_in_is_carried_once():
    axes = carried(farms())
    by_policy = {name for name, axis in axes.items() if Axis.POLICY in axis}
    assert "[0]['demand']" not in by_policy
    assert {"[0]['wealth']", "[1]['imports'][0]"} <= by_policy
    assert all(Axis.PATH in axis for axis in axes.values())


def test_a_lever_in_the_initial_state_is_a_say():
    axes = carried(echo({"one": {}, "two": {"plain": 5.0}}))
    assert Axis.POLICY in axes["[0]['plain']"]
    assert Axis.POLICY not in axes["[0]['sum']"] and Axis.POLICY not in axes["[0]['lived']"]


def test_a_say_in_one_year_is_a_say_in_what_follows_from_it():
    axes = carried(load_study("rustbelt"))
    without = {name.split(".", 1)[1].split("[")[0] for name, axis in axes.items() if Axis.POLICY not in axis}
    assert without == {"environment.urban_share", "environment.exports", "industry.demand", "economy.national_path"}


def test_what_the_engine_rounds_once_is_one_equation():
    x = jax.ShapeDtypeStruct((), np.float32)
    rule = written_out(lambda x: jax.jit(lambda y: fused(y, y, np.float32(1.0)))(x), x)
    assert [equation.name for equation in rule.equations] == ["fma"]
