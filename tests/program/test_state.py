"""State of every type through the years: whole numbers, conditions, arrays; and tables looked up by the year."""

import functools

import jax.numpy as jnp
import numpy as np
import pytest

from engine.modelling.cell_axis import split_cells
from engine.modelling.cells import Cells
from engine.modelling.contract import refuse_broken
from engine.modelling.folds import at_year, total
from engine.modelling.records import Factor, Lever, Outcome, PathModel, Shock, Yearly
from engine.program import devices
from engine.program.programs import program_on
from engine.study.loading import read_study
from tests.helpers import assert_close, assert_same
from tests.refusals import refuses
from tests.user_models import REGION

RATES = [0.5, 0.25, 2.0, 1.0, 4.0, 0.125, 8.0, 1.5]
LARGE = 2**24


class Kinds(PathModel):
    """A count, a flag, a table of counts, the last three shocks, and a sum that begins as a whole number."""

    dims = REGION
    factors = {"size": Factor("1")}
    shocks = {"noise": Shock(), "of": Shock(dims=("region",))}
    levers = {"bonus": Lever("1")}
    yearly = {
        "last_digits": Yearly("1"),
        "ever": Yearly("1"),
        "good_years": Yearly("1", ("region",)),
        "mean_of_three": Yearly("1"),
        "sum": Yearly("1"),
        "rate": Yearly("1"),
        "since": Yearly("1"),
    }
    outcomes = {
        "digits": Outcome("1", at_year("last_digits", 2023)),
        "flags": Outcome("1 yr", total("ever")),
        "highest": Outcome("1", lambda state: state["recent"].max()),
        "good": Outcome("1", lambda state: state["good"].over()),
    }

    def init(self, factors, levers):
        return {"count": LARGE, "ever": False, "good": Cells(REGION, [0, 0]), "recent": jnp.zeros(3), "sum": 0}

    def step(self, state, year, factors, shocks, levers):
        count = state["count"] + 1
        ever = state["ever"] | (shocks.noise > 1.0)
        good = state["good"] + (shocks.of > 0.0)
        recent = jnp.concatenate([state["recent"][1:], jnp.stack([shocks.noise + levers.bonus])])
        after = {"count": count, "ever": ever, "good": good, "recent": recent}
        after["sum"] = state["sum"] + factors.size
        return after, {
            "last_digits": count % 1000,
            "ever": ever,
            "good_years": good,
            "mean_of_three": recent.mean(),
            "sum": after["sum"],
            "rate": jnp.array(RATES)[year - 2016],
            "since": jnp.array(RATES)[year - levers.start],
        }


@functools.cache
def study():
    text = {
        "name": "kinds",
        "run": {"paths": 512, "tile": 64, "sampler": "random"},
        "time": {"first": 2016, "last": 2023},
        "factors": {"size": {"family": "uniform", "low": 0.0, "high": 1.0}},
        "baseline": "plain",
        "policies": {"plain": {}, "more": {"before": "plain", "bonus": 10.0, "start": 2020}},
    }
    return read_study(text, "kinds.toml", model=Kinds())


@functools.cache
def made(dtype=np.float32):
    return program_on(study(), devices.mesh("cpu"), dtype=dtype)


def yearly(dtype=np.float32):
    """By name, [policy, year, *dims, path]."""
    return split_cells(study().model, made(dtype).first_years(512), axis=2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_each_part_of_the_state_stays_what_it_is(dtype):
    values = yearly(dtype)
    # in single precision 2^24 + 1 would be 2^24, and the count would stand still
    digits = (LARGE + 1 + np.arange(8)) % 1000
    assert_same(values["last_digits"], np.broadcast_to(digits[:, None], (2, 8, 512)).astype(dtype))
    assert {*np.unique(values["ever"])} == {0.0, 1.0}
    assert np.all(np.diff(values["ever"], axis=1) >= 0)
    assert np.all(np.isin(np.diff(values["good_years"], axis=1), [0, 1]))
    assert 2 < values["good_years"][:, -1].mean() < 6
    rise = np.diff(values["sum"], axis=1)
    assert_close(rise, np.broadcast_to(values["sum"][:, :1], rise.shape), dtype=np.float32)
    assert 0.4 < values["sum"][:, 0].mean() < 0.6, "what begins whole and goes on broken is cut to whole numbers"


def test_the_year_is_an_index():
    values = yearly()
    assert_same(values["rate"], np.broadcast_to(np.array(RATES, np.float32)[:, None], (2, 8, 512)))
    since = np.array([RATES[:8], [*RATES[:4], *RATES[:4]]], np.float32)
    assert_same(values["since"], np.broadcast_to(since[..., None], (2, 8, 512)))


class Grows(Kinds):
    def step(self, state, year, factors, shocks, levers):
        after, values = super().step(state, year, factors, shocks, levers)
        return {**after, "recent": jnp.append(after["recent"], 0.0)}, values


class Looks(Kinds):
    def step(self, state, year, factors, shocks, levers):
        after, values = super().step(state, year, factors, shocks, levers)
        return after, {**values, "rate": np.array(RATES)[year - 2016]}


class Complex(Kinds):
    def init(self, factors, levers):
        return {**super().init(factors, levers), "recent": jnp.zeros(3, jnp.complex64)}


@pytest.mark.parametrize(
    ("model", "place", "words"),
    [
        (Grows, "step", ["state['recent']", "(3,),", "shape (4,)."]),
        (Looks, "step", ["jnp.array(...),", "NumPy array"]),
        (Complex, "init", ["state['recent']", "real number", "type complex64"]),
    ],
)
def test_what_cannot_go_from_year_to_year_is_refused(model, place, words):
    with refuses(f"model.{place}", *words):
        refuse_broken(model(), "kinds")
