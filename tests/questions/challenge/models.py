"""A bill that is linear in what is drawn, so that every difference of its means under any choices is known by hand."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.modelling.records import Factor, Lever, Outcome, StaticModel
from engine.questions.challenge.challenge import Result
from engine.questions.challenge.choices import Universe
from engine.study.loading import read_study
from engine.study.study import Study

TERMS = ("a", "b", "c", "d")
SPREAD = 0.1
"""Standard deviation of each term, and of each of the pair."""
OWN, BEHIND = 0.2, -1.0
"""Standard deviation of what the new policy costs by itself; the mean cost under new less that under old, as stated."""
CLAIM = "new better than old in cost"


class Balance(StaticModel):
    """Both policies cost what is common; the new one its own, its terms and its tolls besides, less what it gains."""

    factors = {name: Factor("1") for name in ("common", "own", "left", "right", *TERMS)}
    levers = {name: Lever("1", low=-9.0, high=9.0) for name in ("new", "toll", "gain")}
    outcomes = {"cost": Outcome("1", loss=True), "late": Outcome("1", loss=True), "none": Outcome("1")}

    def evaluate(self, factors, levers):
        """Cost; half of it, later; and nothing."""
        f = factors
        cost = f.common + levers.new * (f.own + f.a + f.b + f.c + f.d + f.left + f.right)
        cost = cost + levers.toll - levers.gain
        return {"cost": cost, "late": 0.5 * cost, "none": 0.0 * cost}


def normal(mean: float, sd: float, **more: Any) -> dict[str, Any]:
    """The table of a factor with a normal law."""
    return {"family": "normal", "mean": mean, "sd": sd, **more}


def text(
    savings: Mapping[str, float] | None = None, own: float = OWN, gain: float = 0.0, fixed: str = "", **tables: Any
) -> dict[str, Any]:
    """The study: the new policy is ahead by one.

    Args:
      savings: term -> by how much it lowers the mean cost; 0.15 where none is said.
      own: standard deviation of what is the new policy's own.
      gain: of the new policy, which is stated in a group of levers beside it.
      fixed: terms that have no spread.
    """
    means = {name: -(savings or {}).get(name, 0.15) for name in TERMS}
    run = {"paths": 4096, "seed": 1, "sampler": "random", **tables.pop("run", {})}
    return {
        "name": "balance",
        "baseline": "old",
        "headline": ["cost"],
        "run": run,
        "factors": {
            "common": normal(2.0, 0.5),
            "own": normal(BEHIND - sum(means.values()) + gain, own),
            **{name: normal(mean, SPREAD) for name, mean in means.items()},
            **{name: {"family": "fixed", "value": means[name]} for name in fixed},
            **{name: normal(0.0, SPREAD, group="pair") for name in ("left", "right")},
        },
        "groups": {"pair": {"correlation": -0.4}},
        "lever_groups": {"pay": {"levers": ["toll", "gain"]}},
        "policies": {"old": {}, "new": {"new": 1.0, **({"gain": gain} if gain else {})}},
        "assumptions": {name: {"off": {name: 0}, "doubled": {name: "2x"}} for name in TERMS},
        "challenge": {"claims": [CLAIM]},
        **tables,
    }


def balance(seed: int = 1, **changes: Any) -> Study:
    """The study of such a text."""
    stated = text(**changes)
    stated["run"]["seed"] = seed
    return read_study(stated, "balance.toml", model=Balance())


def truth(study: Study, universe: Universe) -> float:
    """The mean cost under new less that under old where choices are made; what the pair's direction adds is at most its
    spread.
    """
    means = {item.name: item.marginal.quantile(0.5) for item in study.inputs}
    spreads = {item.name: item.marginal.quantile(0.8413447460685429) - means[item.name] for item in study.inputs}
    scales: dict[str, float] = {}
    new, gain, pair = 1.0, float(study.policies[study.row("new")].levers["gain"].squeeze()), 0.0
    for one in universe:
        scales |= {name: scale for name, (scale, _) in one.change.factors.items()}
        side = math.copysign(1.0, next(iter(one.move.values()), 0.0))
        if one.dimension == "pair priors":
            pair += side * SPREAD * (2 - 2 * 0.4) ** 0.5
        elif one.move:
            means[one.dimension.removesuffix(" prior")] += side * spreads[one.dimension.removesuffix(" prior")]
        elif one.dimension == "pay":
            gain = 0.0
        elif one.dimension == "new":
            new = 0.0
    terms = sum(scales.get(name, 1.0) * means[name] for name in TERMS)
    return new * (means["own"] + terms + pair) - gain


@dataclass(frozen=True)
class Case:
    """A study whose mildest reversal is known.

    Args:
      mildest: dimensions of its choices; None where there is none.
      fraction: the part of the way at which the difference vanishes: what the policy is ahead by over what they add.
    """

    about: str
    study: Mapping[str, Any] = field(default_factory=dict)
    mildest: frozenset[str] | None = None
    fraction: float = 1.0


CASES = {
    "assumption": Case("one assumption", {"savings": {"a": 1.4}}, frozenset({"a"}), 1 / 1.4),
    "pair": Case("a pair of assumptions", {"savings": {"a": 0.65, "b": 0.65}}, frozenset({"a", "b"}), 1 / 1.3),
    "equal": Case(
        "a pair of assumptions with the same effect, to the bit",
        {"savings": {"a": 0.65, "b": 0.65}, "fixed": "ab"}, frozenset({"a", "b"}), 1 / 1.3,
    ),
    "prior": Case("a prior moved by one", {"own": 1.3, "run": {"paths": 32_768}}, frozenset({"own prior"}), 1 / 1.3),
    "levers": Case("a group of levers in both", {"gain": 1.4}, frozenset({"pay"}), 1 / 1.4),
    "none": Case("nothing"),
    "tie": Case(
        "a pair makes them equal, and three turn it by any size",
        {"savings": {"a": 0.5, "b": 0.5}, "challenge": {"claims": [CLAIM], "matters": 0.0}},
        frozenset({"a", "b", "own prior"}), 1 / 1.2,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Found:
    """A reversal: the dimensions of its choices, and the part of the way."""

    dimensions: frozenset[str]
    fraction: float


def found(held: Iterable[Result], least: float = 0.0) -> list[Found]:
    """All reversals by a rule: those of both ledgers, and across them."""
    return [
        Found(frozenset(one.dimension for one in each.universe), each.fraction.estimate)
        for some in held
        for each in some.reversals.get(least, ())
    ]


def false(study: Study, held: Iterable[Result]) -> list[Universe]:
    """Reversals under which the new policy is not behind."""
    every = (each.universe for some in held for found in some.reversals.values() for each in found)
    return [one for one in every if truth(study, one) < 1e-9]
