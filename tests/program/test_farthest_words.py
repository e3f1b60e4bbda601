"""The farthest random words give numbers within 0 and 1, of every law and sampler."""

import jax.numpy as jnp
import numpy as np
import pytest

from engine.draws import random_words
from engine.modelling.folds import peak
from engine.modelling.records import Factor, Outcome, PathModel, Shock, StaticModel, Yearly
from engine.study.loading import read_study
from tests.user_models import outcomes, static


class Surprise(StaticModel):
    """Takes logarithms of numbers within (0, 1), on both sides."""

    factors = {name: Factor("1") for name in ("alone", "one", "two", "three", "four")}
    outcomes = {name: Outcome("1", loss=True) for name in factors}

    def evaluate(self, factors, levers):
        return {name: jnp.log(u) - jnp.log(1.0 - u) for name, u in vars(factors).items()}


class Luck(PathModel):
    """The same of shocks: the model's own law, and one that the study gives."""

    shocks = {"own": Shock(law="uniform"), "lasting": Shock(law="uniform")}
    yearly = {"odds": Yearly("1")}
    outcomes = {"odds": Outcome("1", peak("odds"))}

    def init(self, factors, levers):
        return 0.0

    def step(self, state, year, factors, shocks, levers):
        odds = [jnp.log(u) - jnp.log(1.0 - u) for u in (shocks.own, shocks.lasting)]
        return state, {"odds": odds[0] + odds[1]}


FARTHEST_WORDS = np.array([0, 1, 1000, 0x7FFFFFFF, 0x80000000, 0xFFFFFF7F, 0xFFFFFFFE, 0xFFFFFFFF], np.uint32)


@pytest.mark.parametrize(("sampler", "paths"), [("random", 256), ("antithetic", 256), ("sobol", 4096)])
def test_the_farthest_random_words_give_numbers_within_0_and_1(monkeypatch, sampler, paths):
    def farthest(key, counter):
        words, at = jnp.asarray(FARTHEST_WORDS), key[0] + counter[0]
        return words[at % 8], words[(at + 3) % 8]

    monkeypatch.setattr(random_words, "threefry2x32", farthest)
    of = {"one": "normal", "two": "normal", "three": "heavy", "four": "heavy"}
    laws = {name: {"family": "uniform", "low": 0, "high": 1} for name in Surprise.factors}
    groups = {"normal": {"correlation": 0.5}, "heavy": {"copula": "t", "df": 2.0, "kendall": 0.5}}
    laws = {name: law | ({"group": of[name]} if name in of else {}) for name, law in laws.items()}
    alone = static(Surprise(), laws, paths, groups=groups, run={"sampler": sampler})
    assert all(np.all(np.isfinite(values)) for values in outcomes(alone).values())
    tables = {
        "name": "luck",
        "run": {"paths": paths, "sampler": sampler, "tile": 256},
        "time": {"first": 1, "last": 3},
        "shocks": {"lasting": {"persistence": 0.5}},
    }
    yearly = read_study(tables, "luck.toml", model=Luck())
    assert all(np.all(np.isfinite(values)) for values in outcomes(yearly).values())
