"""Sensitivity against closed forms: indices, Shapley effects, and exact zeros where next to nothing moves."""

import functools
import math

import jax.numpy as jnp
import numpy as np
import pytest

from engine.answers.question import Asked
from engine.errors import UserError
from engine.modelling.records import Factor, Lever, Outcome, StaticModel
from engine.questions.futures import Futures, quantities, unobserved
from engine.questions.indices import indices
from engine.questions.sensitivity import Sensitivity
from engine.risk.estimation.flags import Reason
from engine.run_folder.finding import run_folder
from engine.study.loading import read_study
from tests.questions.assumed import bill, lake
from tests.shock_study import walk

SIDES = {"family": "uniform", "low": -math.pi, "high": math.pi}
UNIT = {"family": "uniform", "low": 0.0, "high": 1.0}
STANDARD = {"family": "normal", "mean": 0.0, "sd": 1.0}
WEIGHTS = (0.0, 1.0, 4.5, 9.0, 99.0, 99.0, 99.0, 99.0)


class Textbook(StaticModel):
    """Ishigami's function, a G-function and Borgonovo's, of inputs that share no factor."""

    factors = {
        **{f"x{k}": Factor("1") for k in (1, 2, 3)},
        **{f"g{k}": Factor("1") for k in range(8)},
        **{f"b{k}": Factor("1") for k in (1, 2, 3)},
    }
    outcomes = {name: Outcome("1", loss=True) for name in ("ishigami", "g_function", "borgonovo")}

    def evaluate(self, factors, levers):
        f = vars(factors)
        ishigami = (1 + 0.1 * f["x3"] ** 4) * jnp.sin(f["x1"]) + 7 * jnp.sin(f["x2"]) ** 2
        g = 1.0
        for k, a in enumerate(WEIGHTS):
            g = g * (jnp.abs(4 * f[f"g{k}"] - 2) + a) / (1 + a)
        return {"ishigami": ishigami, "g_function": g, "borgonovo": f["b1"] * f["b2"] + f["b3"]}


def textbook(paths, seed=3, sampler="random"):
    """The study of the textbook's functions."""
    priors = {name: SIDES if name[0] == "x" else UNIT for name in Textbook.factors}
    text = {
        "name": "textbook", "baseline": "one", "policies": {"one": {}}, "factors": priors,
        "run": {"paths": paths, "seed": seed, "sampler": sampler},
    }  # fmt: skip
    return read_study(text, "textbook.toml", model=Textbook())


FIRST = {
    "ishigami": {"x1": 0.3139051911, "x2": 0.4424111448, "x3": 0.0},
    "g_function": dict(
        zip(
            [f"g{k}" for k in range(8)],
            (0.716192169, 0.179048042, 0.0236757742, 0.00716192169, *[7.16192e-5] * 4),
            strict=True,
        )
    ),
    "borgonovo": {"b1": 3 / 19, "b2": 3 / 19, "b3": 12 / 19},
}
TOTAL = {
    "ishigami": {"x1": 0.5575888552, "x2": 0.4424111448, "x3": 0.2436836641},
    "g_function": dict(
        zip(
            [f"g{k}" for k in range(8)],
            (0.787144127, 0.242198193, 0.0343169102, 0.0104603871, *[1.04949e-4] * 4),
            strict=True,
        )
    ),
    "borgonovo": {"b1": 4 / 19, "b2": 4 / 19, "b3": 12 / 19},
}
SHAPLEY = {
    "ishigami": {"x1": 0.4357470231, "x2": 0.4424111448, "x3": 0.1218418321},
    "borgonovo": {"b1": 3.5 / 19, "b2": 3.5 / 19, "b3": 12 / 19},
}
"""First index and half of what two inputs do together."""


def asked(study, *outcome, policies=(), paths=None):
    """The answer of a study that has not been run."""
    return Sensitivity(outcome, policies).answer(Asked(study, run_folder(study), paths=paths))


@functools.cache
def answer(paths=1 << 15):
    """The answer to all of the textbook."""
    return asked(textbook(paths))


def of(rows, **labels):
    """First index, total index and Shapley effect by input, from the rows with some labels."""
    own = [row for row in rows if labels.items() <= row.items()]
    return {row["input"]: (row["alone"], row["total"], row["share"]) for row in own}


def mean_of(given, variable, policy="one"):
    """The same of an outcome under a policy."""
    return of(given["shares"].rows(), variable=variable, measure="mean", policy=policy, against="")


@pytest.mark.parametrize("variable", FIRST)
def test_indices_of_the_textbook(variable):
    own = mean_of(answer(), variable)
    for name, truth in FIRST[variable].items():
        first, total, shapley = own[name]
        assert abs(first.estimate - truth) <= 5 * first.standard_error + 1e-9
        assert abs(total.estimate - TOTAL[variable][name]) <= 5 * total.standard_error + 1e-9
        if variable in SHAPLEY:
            assert abs(shapley.estimate - SHAPLEY[variable][name]) <= 5 * shapley.standard_error


def test_an_input_that_nothing_reads_does_exactly_nothing():
    own = mean_of(answer(), "ishigami")
    for name in ("g0", "b3"):
        for one in own[name]:
            assert (one.estimate, one.low, one.high) == (0.0, 0.0, 0.0)


def test_shapley_effects_are_the_whole_and_lie_between_first_and_total():
    for variable in FIRST:
        own = mean_of(answer(), variable)
        assert abs(sum(shapley.estimate for _, _, shapley in own.values()) - 1) < 1e-9
        for first, total, shapley in own.values():
            room = 4 * (first.standard_error + total.standard_error + shapley.standard_error)
            assert first.estimate - room <= shapley.estimate <= total.estimate + room


class Choice(StaticModel):
    """A sure cost against one that is better on average and depends on a signal, noise, and a pair that moves
    together."""

    factors = {name: Factor("1") for name in ("signal", "noise", "left", "right")}
    levers = {"risky": Lever("1", low=0.0, high=1.0)}
    outcomes = {"cost": Outcome("1", loss=True)}

    def evaluate(self, factors, levers):
        risky = 0.5 + factors.signal + 2.0 * factors.noise
        return {"cost": levers.risky * risky + 0.5 * (factors.left + 2.0 * factors.right)}


def chosen(paths=1 << 16, seed=1, **run):
    """The study of the choice."""
    text = {
        "name": "choice", "baseline": "sure", "policies": {"sure": {}, "risky": {"risky": 1.0}},
        "factors": {n: STANDARD | ({"group": "pair"} if n in ("left", "right") else {}) for n in Choice.factors},
        "groups": {"pair": {"correlation": 0.5}},
        "run": {"paths": paths, "seed": seed, **run},
        "events": {"dear": {"outcome": "cost", "above": 2.0}},
    }  # fmt: skip
    return read_study(text, "choice.toml", model=Choice())


def test_a_group_is_one_player_with_what_its_members_do_together():
    given = asked(chosen())
    own = mean_of(given, "cost", "risky")
    of_pair = 0.25 * 7 / (1 + 4 + 0.25 * 7)
    for one in own["pair"]:
        assert abs(one.estimate - of_pair) < 5 * one.standard_error
    assert "left" not in own
    (known,) = given["known"].where(of="mean of cost", side="risky")
    assert abs(known["factors"].estimate - 1) < 5 * known["factors"].standard_error + 1e-9


def test_shocks_are_players_and_what_they_do_is_accident():
    given = asked(walk({}, sampler="antithetic"), paths=1 << 14)
    assert {*given["shares"]["kind"]} >= {"shock"}
    row = next(given["known"].where(variable="wind", measure="mean", against=""))
    assert row["shocks"].estimate > 0.98
    assert abs(row["factors"].estimate) < 0.02


def test_unknown_outcomes_and_halves_of_pairs_are_refused():
    with pytest.raises(UserError, match="mean 'cost'"):
        asked(bill(), "cots")
    with pytest.raises(UserError, match="expected two policies or more"):
        asked(chosen(), policies=("risky",))
    with pytest.raises(UserError, match="whole units of 2"):
        asked(lake(run={"paths": 1024, "sampler": "antithetic"}), paths=33)


class Alike(StaticModel):
    """A cost to which both policies add the same, a fee that never moves, and what nothing reads."""

    factors = {name: Factor("1") for name in ("common", "own", "unread", "late")}
    levers = {"open": Lever("1", low=0.0, high=1.0)}
    outcomes = {"cost": Outcome("1", loss=True), "fee": Outcome("1", loss=True)}

    def evaluate(self, factors, levers):
        f = factors
        late = jnp.maximum(f.late - 6.0, 0.0)  # on no path that is looked at
        return {"cost": 1000.0 + 3.3 * f.common + levers.open * f.own + late, "fee": 5.0 + 1e-7 * f.own}


def alike(**run):
    """The study of both policies, with an event that happens on one path in a thousand, and one that happens on
    none."""
    text = {
        "name": "alike",
        "baseline": "shut",
        "policies": {"shut": {}, "open": {"open": 1.0}},
        "factors": dict.fromkeys(Alike.factors, STANDARD),
        "run": {"paths": 1 << 14, "seed": 1, "sampler": "random", **run},
        "events": {"dear": {"outcome": "cost", "above": 1010.2}, "never": {"outcome": "cost", "above": 1030.0}},
    }
    return read_study(text, "alike.toml", model=Alike())


def shares_of(study, variables):
    """First index, total index and Shapley effect by input, and the row of all factors and shocks.

    Both by (variable, measure, policy, against).
    """
    shares, known = indices(Futures(study, ("cost", "fee")), quantities(study, variables), unobserved)
    keys = "variable", "measure", "policy", "against"
    every = {tuple(row[key] for key in keys): row for row in known}
    return {key: of(shares, **dict(zip(keys, key, strict=True))) for key in every}, every


def ends(one):
    """Estimate and interval."""
    return one.estimate, one.low, one.high


def test_what_moves_a_number_by_no_more_than_rounding_does_exactly_nothing():
    shares, known = shares_of(alike(), ["cost", "fee", "dear"])
    nothing, everything = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    for key, own in shares.items():
        assert {*map(ends, own["unread"])} == {nothing}, key
        if key[:2] == ("fee", "mean"):
            assert {ends(one) for some in own.values() for one in some} == {nothing} and known[key]["sd"] == 0.0
        assert ends(known[key]["shocks"]) == nothing, key  # there is no shock
    gap = shares["cost", "mean", "open", "shut"]
    # what both policies have alike cancels in their difference, but for its rounding; nothing else is left beside `own`
    assert {*map(ends, gap["common"])} == {nothing} and {*map(ends, gap["own"])} == {everything}
    assert ends(known["cost", "mean", "open", "shut"]["factors"]) == everything
    assert shares["cost", "mean", "open", ""]["own"][1].low > 0.0


def test_what_is_read_and_changed_no_event_may_still_do_so():
    shares, _ = shares_of(alike(), ["dear"])
    assert ends(shares["dear", "probability", "shut", ""]["late"][0]) == (0.0, 0.0, 0.0)  # it moved the cost on no path
    few = shares["dear", "probability", "open", ""]["own"]  # to whose total index too few paths contribute
    assert [(flag.reason, flag.got) for one in few for flag in one.flags] == [
        (Reason.FEW_EFFECTIVE_EXCEEDANCES, 11)
    ] * 3
    assert np.isnan([(one.low, one.high) for one in few]).all()


@pytest.mark.parametrize(("run", "count"), [({"paths": 4}, 4), ({"paths": 58, "sampler": "antithetic"}, 29)])
def test_few_units_show_no_interval(run, count):
    shares, _ = shares_of(alike(**run), ["cost"])
    for common in shares["cost", "mean", "open", ""]["common"]:
        assert [(flag.reason, flag.got, flag.limit) for flag in common.flags] == [(Reason.FEW_IN_SAMPLE, count, 30)]
        assert math.isnan(common.low) and not math.isnan(common.estimate)
