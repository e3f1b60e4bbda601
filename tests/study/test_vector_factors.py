"""Factors with dimensions: one table for all labels, tables of single labels, groups, refusals; in static models and in
those with years.
"""

import numpy as np
import pytest

import engine
from engine.draws.random_words import stream_key
from engine.errors import UserError
from engine.modelling.contract import refuse_broken
from engine.modelling.folds import peak
from engine.modelling.records import Factor, Lever, Outcome, PathModel, Shock, StaticModel, Yearly
from engine.program import arguments
from engine.study.loading import read_study
from tests.helpers import assert_close, assert_same
from tests.refusals import at, refuses
from tests.user_models import outcomes, program

TOWN = {"town": ("north", "south", "new town")}
SIZE = {"size": ("s", "l")}


class Losses(StaticModel):
    """What befalls each town, and all of them."""

    dims = {**TOWN, **SIZE}
    factors = {
        "market": Factor("1"),
        "own": Factor("1", "of one town alone", dims=("town",)),
        "cell": Factor("1", dims=("town", "size")),
    }
    levers = {"share": Lever("1", default=1.0, dims=("town",))}
    outcomes = {"north": Outcome("1", loss=True), "total": Outcome("1", loss=True), "cells": Outcome("1", loss=True)}

    def evaluate(self, factors, levers):
        loss = (factors.market + factors.own) * levers.share
        return {"north": loss["north"], "total": loss.over(), "cells": factors.cell.sel(size="l").over()}


class Years(PathModel):
    """The same with years."""

    dims = TOWN
    factors = {"own": Factor("1", dims=("town",))}
    yearly = {"x": Yearly("1", ("town",))}
    outcomes = {"x": Outcome("1", peak("x"))}

    def init(self, factors, levers):
        return factors.own

    def step(self, state, year, factors, shocks, levers):
        return state + factors.own, {"x": state}


NORMAL = {"family": "normal", "mean": 0.0, "sd": 1.0}
FACTORS = {"market": NORMAL, "own": NORMAL, "cell": {"family": "uniform", "low": 0.0, "high": 1.0}}


def losses(factors=None, groups=None, paths=2048, **tables):
    text = {
        "name": "losses",
        "run": {"paths": paths, "sampler": "random", "seed": 4},
        "factors": {**FACTORS, **(factors or {})},
        "groups": groups or {},
        "policies": {"as_it_is": {}, "spared": {"share": {"south": 0.5}}},
        **tables,
    }
    return read_study(text, "losses.toml", model=Losses())


def told(*args, **kwargs):
    with pytest.raises(UserError) as refused:
        losses(*args, **kwargs)
    return refused.value.problems


def test_one_table_is_the_law_of_every_label():
    study = losses()
    names = [item.name for item in study.inputs]
    assert names[:4] == ["market", "own[north]", "own[south]", "own[new town]"] and len(names) == 10
    assert names[4:6] == ["cell[north,s]", "cell[north,l]"]
    # streams by name: no label's words depend on what other labels there are
    assert_same(arguments.of(study)["factor_keys"][1], stream_key(4, "factor:own[north]"))
    assert study.document["factors"].keys() == {"market", "own", "cell"}
    again = read_study(dict(study.document), "again.toml", model=Losses())
    assert again.fingerprint == study.fingerprint
    refuse_broken(Losses(), "losses")


def test_every_label_has_draws_of_its_own(tmp_path):
    run = engine.run(losses(), tmp_path / "run", device="cpu")
    draws = run.cube["draws"]
    own = np.stack([draws[f"own[{town}]"].values for town in TOWN["town"]])
    assert np.abs(np.corrcoef(own) - np.eye(3)).max() < 5 / np.sqrt(2048)
    values = run.cube["paths"]
    market = draws["market"].values
    assert_close(values["north"].sel(policy="as_it_is").values, market + own[0], np.float32)
    spared = market + own[0] + 0.5 * (market + own[1]) + market + own[2]
    assert_close(values["total"].sel(policy="spared").values, spared, np.float32)
    large = sum(draws[f"cell[{town},l]"].values for town in TOWN["town"])
    assert_close(values["cells"].values[0], large, np.float32)
    assert not run.verify(full=True)
    story = run.replay(5)
    assert_same(story["draws"]["own[south]"].values, own[1, 5])


def test_a_label_may_have_a_table_of_its_own():
    study = losses({"own[south]": {"family": "fixed", "value": 7.0}})
    laws = {item.name: item.marginal for item in study.inputs}
    assert laws["own[south]"].mean() == 7.0 and laws["own[north]"].mean() == 0.0
    assert [item.name for item in study.gathered_inputs] == [
        "market",
        "own[north]",
        "own[south]",
        "own[new town]",
        "cell[6 labels]",
    ]
    again = read_study(dict(study.document), "again.toml", model=Losses())
    assert again.fingerprint == study.fingerprint
    alone = {f"own[{town}]": NORMAL for town in TOWN["town"]}
    text = {name: law for name, law in FACTORS.items() if name != "own"}
    whole = {"name": "e", "run": {"paths": 16}, "factors": text | alone, "policies": {"as_it_is": {}}}
    every = read_study(whole, "e.toml", model=Losses())
    assert "own" in every.document["factors"], "three tables that are alike are one"


def test_labels_move_together():
    study = losses({"own": {**NORMAL, "group": "towns"}}, {"towns": {"correlation": 0.6}})
    assert study.groups["towns"].members == ("own[north]", "own[south]", "own[new town]")
    assert study.groups["towns"].gathered_members == ["own[3 labels]"]
    named = losses(groups={"towns": {"correlation": 0.6, "members": ["own", "market"]}})
    assert len(named.groups["towns"].members) == 4
    spread = [float(np.std(outcomes(one)["total"][0])) for one in (study, losses())]
    # variance of the sum of three, and of 3 times the market: 3 + 6 r + 9
    assert spread[0] == pytest.approx(np.sqrt(12 + 6 * 0.6), rel=0.08)
    assert spread[1] == pytest.approx(np.sqrt(12), rel=0.08)


def test_they_are_drawn_in_models_with_years_too():
    text = {"name": "y", "run": {"paths": 512}, "time": {"first": 1, "last": 3}, "factors": {"own": NORMAL}}
    values = outcomes(read_study(text, "y.toml", model=Years()))["x"]
    assert values.shape == (1, 512) and np.std(values) > 0
    refuse_broken(Years(), "years")


def test_what_is_wrong_with_them_is_said():
    assert at("factors.own[sout]", "label 'sout'", "'south'") in told({"own[sout]": NORMAL})
    assert at("factors.market[north]", "'market'", "no dimensions") in told({"market[north]": NORMAL})
    text = {"name": "losses", "run": {"paths": 16}, "factors": {"market": NORMAL, "cell": NORMAL}}
    with refuses("factors.own", "[factors.own]", "each town"):
        read_study(text, "losses.toml", model=Losses())
    spared = {"as_it_is": {}, "spared": {"implementation": "own"}}
    assert at("policies.spared.implementation", "factor 'own'") in told(policies=spared)


class Slashed(Losses):
    dims = {"town": ("../x", "b", "c"), **SIZE}


class Shocked(Losses):
    shocks = {"noise": Shock(dims=("town",))}
    yearly = {"x": Yearly("1")}


@pytest.mark.parametrize(
    ("model", "problems"),
    [
        (Slashed, [at("model.factors.own", "'town'", "'../x'")]),
        (Shocked, [at("model.shocks.noise", "static model", "Factor(unit, dims=(...))"), at("model.yearly.x")]),
    ],
)
def test_models_that_cannot_be_are_refused_with_what_to_do(model, problems):
    text = {"name": "losses", "run": {"paths": 16}, "factors": FACTORS}
    with pytest.raises(UserError) as refused:
        read_study(text, "losses.toml", model=model())
    for problem in problems:
        assert problem in refused.value.problems


def test_a_label_has_the_same_draws_whether_all_are_drawn_at_once_or_one_by_one():
    laws = {"own": {"family": "beta", "a": 2, "b": 3}, "cell": {"family": "uniform", "low": -1.0, "high": 3.0}}
    together = losses(laws)
    assert [len(run) for run in together.runs] == [1, 3, 6]
    apart = losses(laws | {"own[south]": NORMAL, "cell[south,s]": NORMAL})
    assert [len(run) for run in apart.runs] == [1, 1, 1, 1, 2, 1, 3]
    assert len(losses(laws | {"own": {**laws["own"], "group": "g"}}, {"g": {"correlation": 0.1}}).runs) == 5
    for study in (together, apart):
        assert [place for run in study.runs for place in run] == list(range(10))
    draws = [program(study).draws(study.block(0)) for study in (together, apart)]
    same = [k for k, item in enumerate(apart.inputs) if item.name not in ("own[south]", "cell[south,s]")]
    assert_same(draws[0][same], draws[1][same])
