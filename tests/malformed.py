"""Study files broken at random: sound files, every way to state a law in them, and edits that make them wrong."""

from __future__ import annotations

import copy
import datetime
import math
from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

from engine import Factor, Lever, Outcome, PathModel, Shock, StaticModel, Yearly, lowest, total

REGION = {"region": ("north", "south")}


class Valley(PathModel):
    """Something of everything that a study may say."""

    dims = REGION
    factors = {name: Factor("1") for name in ("a", "b", "c", "d")}
    shocks = {
        "rain": Shock("1", ("region",)),
        "heat": Shock("1", law="uniform"),
        "flood": Shock(),
        "state": Shock(),
        "wind": Shock(),
    }
    levers = {"release": Lever("1", 0.2), "quota": Lever("1", 1.0, ("region",))}
    yearly = {"stock": Yearly("1"), "loss": Yearly("1", loss=True)}
    outcomes = {"lowest_stock": Outcome("1", lowest("stock")), "damage": Outcome("1", total("loss"), loss=True)}

    def init(self, factors, levers):
        return factors.a + factors.b

    def step(self, state, year, factors, shocks, levers):
        state = state + factors.c * shocks.heat + shocks.rain.values[0] - levers.release
        return state, {"stock": state, "loss": factors.d * shocks.flood + shocks.state * shocks.wind}


class Bill(StaticModel):
    """Two factors and their sum."""

    factors = {name: Factor("1") for name in ("a", "b")}
    levers = {"shift": Lever("1")}
    outcomes = {"sum": Outcome("1", loss=True)}

    def evaluate(self, factors, levers):
        return {"sum": factors.a + factors.b + levers.shift}


LAWS: tuple[dict[str, Any], ...] = (
    {"family": "fixed", "value": 2.0},
    {"family": "uniform", "low": 0.0, "high": 1.0},
    {"family": "uniform", "loc": 0.0, "scale": 1.0},
    {"family": "normal", "p05": -1.0, "p50": 0.1, "p95": 1.0},
    {"family": "lognormal", "median": 2.0, "sigma": 0.5},
    {"family": "lognormal", "mean": 2.0, "sd": 0.5},
    {"family": "lognormal", "mode": 2.0, "p95": 9.0, "truncate": {"low": 1.0, "high": 8.0}},
    {"family": "logit-normal", "p05": 0.2, "p95": 0.7},
    {"family": "logit-normal", "mean": 0.4, "sd": 0.1},
    {"family": "triangular", "low": 0.0, "mode": 1.0, "high": 3.0},
    {"family": "triangular", "range90": [1.0, 4.0], "mode": 2.0},
    {"family": "pert", "low": 0.0, "mode": 1.0, "high": 3.0},
    {"family": "metalog", "quantiles": [[0.1, 1.0], [0.5, 2.0], [0.9, 4.0]], "low": 0.0, "terms": 3},
    {"family": "metalog", "p05": 1.0, "p50": 2.0, "p95": 4.0, "high": 9.0},
    {"family": "gamma", "a": 2.0, "scale": 1.5},
    {"family": "gamma", "mean": 2.0, "sd": 1.5},
    {"family": "beta", "p05": 0.2, "p95": 0.7},
    {"family": "weibull_min", "c": 1.5, "p50": 2.0},
    {"family": "t", "df": 4.0, "loc": 1.0, "transform": ["exp", {"times": 2.0}, {"power": -1.0}, "log", {"plus": 1.0}]},
    {"family": "poisson", "mu": 3.0},
    {"family": "binomial", "n": 5.0, "p": 0.4},
    {"family": "negative-binomial", "mean": 3.0, "sd": 4.0},
    {"family": "integers", "low": 1.0, "high": 6.0},
    {"family": "categories", "labels": ["low", "high"], "weights": [0.7, 0.3], "values": [1.0, 2.0]},
    {"family": "empirical", "values": [1.0, 2.0, 2.0, 5.0], "resampled": True},
    {
        "family": "mixture",
        "parts": [
            {"family": "normal", "mean": 0.0, "sd": 1.0, "weight": 0.8},
            {"family": "expon", "scale": 2.0, "weight": 0.2},
        ],
    },
    {
        "experts": [
            {"family": "normal", "p05": 1.0, "p95": 3.0, "weight": 2.0},
            {"family": "lognormal", "p05": 1.0, "p95": 5.0},
        ],
        "pool": "linear",
    },
    {
        "family": "lognormal",
        "experts": [{"p05": 1.0, "p95": 3.0}, {"p05": 2.0, "p95": 5.0}],
        "pool": "quantile",
        "truncate": {"high": 9.0},
    },
)
"""Laws, stated in every way that there is."""

GROUPS: tuple[dict[str, Any], ...] = (
    {"correlation": 0.3},
    {"copula": "t", "kendall": 0.2, "df": 4.0},
    {"spearman": 0.4},
    {"members": ["a", "b"], "spearman": [[1.0, 0.6], [0.6, 1.0]]},
    {"copula": "t", "df": 3.0, "members": ["a", "b"], "pearson": [[1.0, 0.6], [0.6, 1.0]]},
    {"copula": "empirical", "ranks": {"a": [0, 1, 2], "b": [2, 0, 1]}},
)
"""Groups of `a` and `b`, of every copula."""

PATHS: dict[str, Any] = {
    "name": "valley",
    "baseline": "keep",
    "compare": ["keep", "save"],
    "run": {"paths": 1000, "seed": 7, "sampler": "random", "tile": 64},
    "time": {"first": 2020, "last": 2023},
    "groups": {"wet": {"correlation": 0.3}, "sky": {"copula": "t", "kendall": 0.2, "df": 4.0}},
    "factors": {name: {"family": "uniform", "low": 0.0, "high": 1.0} for name in ("a", "b", "c", "d", "will")},
    "shocks": {
        "rain": {"family": "t", "df": 4.0, "group": "sky", "persistence": 0.7},
        "heat": {"group": "sky"},
        "flood": {"rate": "c", "size": {"family": "expon"}},
        "wind": {"family": "normal", "p05": 0.0, "p95": 1.0, "persistence": 0.3},
    },
    "policies": {
        "keep": {"about": "as it is"},
        "save": {"implementation": "will", "release": {"2021": 0.15}, "quota": {"north": {"2022": 3.0}, "south": 2.0}},
        "late": {"like": "save", "start": 2022, "implementation": 0.5},
    },
    "events": {
        "dry": {"outcome": "lowest_stock", "below": 2.0},
        "costly": {"outcome": "damage", "above": 8.0},
        "ruin": {"all": ["dry", "costly"]},
        "harm": {"any": ["dry", "costly"]},
    },
    "lever_groups": {"water": {"levers": ["release", "quota"]}, "when": {"levers": ["start"]}},
    "assumptions": {
        "rain": {"about": "it rains", "off": {"a": 0, "release": 0.1}, "doubled": {"a": "2x"}},
        "late": {"off": {"policies": {"save": {"quota": 1.0}}}, "doubled": {}},
    },
    "challenge": {
        "claims": ["save better than keep in dry", "save worse than keep in ES99 of damage"],
        "readings": {"r": {"about": "x", "instead": {"dry": "costly"}}},
        "horizons": {"h": {"label": "h", "instead": {"dry": "costly"}}},
        "thresholds": {"dry": [1.5, "0.5x"]},
    },
    "risk": {"levels": [97.5, 99.5]},
    "keep": {"outcomes": ["damage"], "draws": 100, "yearly": 50},
}  # fmt: skip
STATIC: dict[str, Any] = {
    "name": "bill",
    "groups": {"g": {"correlation": 0.3}},
    "factors": {name: {"family": "normal", "mean": 0.0, "sd": 1.0, "group": "g"} for name in ("a", "b")},
    "policies": {"now": {}, "then": {"shift": 2.0, "implementation": 0.5}},
    "lever_groups": {"bills": {"levers": ["shift"]}},
}
ON_TOP: dict[str, Any] = {
    "name": "mine",
    "extends": "rustbelt",
    "factors": {"steel_recovery_years": {"p05": 3.0, "p95": 9.0}},
    "groups": {"bank": {"copula": "t", "df": 4.0, "kendall": 0.2}},
    "policies": {"half": {"like": "reform", "resettlement_fund": 50}},
    "events": {"jobs_demolished": {"above": 2000}},
}
BASES: dict[str, dict[str, Any]] = {"Valley": PATHS, "Bill": STATIC, "": ON_TOP}
"""Sound studies by their models' names; the empty name stands for the model that ships."""

_WORDS = (
    "a", "b", "will", "wet", "sky", "market", "calm", "keep", "save", "dry", "damage", "release", "quota", "north",
    "2021", "2020-2023", "normal", "beta", "t", "poisson", "metalog", "mixture", "empirical", "categories",
    "levy_stable", "rv_histogram", "norm", "gaussian", "clayton", "vine", "exp", "times", "linear",
    "sobol", "data.csv", "raw.csv", "x", "y", ".", "..", "/dev/null", "/", "a\0b", "", "~", "../study.toml",
    "rustbelt", "none", "é", "\u202e", "😀" * 40, "a/b", "__class__", "x" * 5000, "nan", "[bold]", "1e5", "%s{0}",
)  # fmt: skip
_NUMBERS = (
    0, 1, -1, 2, 3, 0.5, -0.5, 1.5, 2021, 1e-9, 1e-300, 1e6, 1e9, 1e38, -1e38, 1e39, 1e300, 1e308, 5e-324, math.nan,
    math.inf, -math.inf, 2**31, 2**63, -(2**63), 10**30, 10**400, -(10**400), 0.1 + 0.2, 1 - 1e-16, -0.0,
)  # fmt: skip
KEYS = (
    "family", "value", "low", "mode", "high", "mean", "sd", "median", "sigma", "p01", "p05", "p50", "p95",
    "range90", "quantiles", "terms", "labels", "weights", "values", "file", "column", "resampled", "parts",
    "experts", "pool", "truncate", "transform", "weight", "loc", "scale", "a", "df", "mu", "group", "persistence",
    "probability", "rate", "size", "regime", "states", "start", "transition", "copula", "correlation", "kendall",
    "pearson", "theta", "members", "ranks", "vine", "like", "before", "implementation", "about", "outcome", "above",
    "all", "extends", "", "é", "p5", "familly", "[bold]",
)  # fmt: skip
VALUES = st.one_of(
    st.sampled_from(_NUMBERS),
    st.sampled_from(_WORDS),
    st.sampled_from([True, False, datetime.date(2020, 1, 1), [], {}, [[]], [{}], {"": {}}]),
    st.sampled_from(LAWS + GROUPS),
    st.lists(st.sampled_from(_NUMBERS + _WORDS), max_size=4),
    st.lists(st.lists(st.sampled_from(_NUMBERS), max_size=3), max_size=3),
    st.lists(st.sampled_from(LAWS), max_size=3),
    st.dictionaries(st.sampled_from(KEYS), st.sampled_from(_NUMBERS + _WORDS), max_size=3),
    st.floats(),
    st.integers(),
    st.text(max_size=8),
)
EDITS = st.lists(
    st.tuples(
        st.sampled_from(["set", "set", "add", "merge", "drop", "swap", "wrap"]),
        st.integers(0, 10**6),
        st.sampled_from(KEYS),
        VALUES,
    ),
    min_size=1,
    max_size=4,
)


def assembled(name: str, laws: Sequence[int], group: int) -> dict[str, Any]:
    """The study of a model with these laws for its factors, and this group."""
    tables = copy.deepcopy(BASES[name])
    for factor, number in zip(tables["factors"], laws, strict=False):
        if name and factor != "will" and number >= 0:
            tables["factors"][factor] = copy.deepcopy(LAWS[number])
    if name and group >= 0:
        key = next(iter(tables["groups"]))
        tables["groups"][key] = copy.deepcopy(GROUPS[group])
        for factor in ("a", "b"):
            tables["factors"][factor].pop("group", None)
            if "members" not in GROUPS[group] and "ranks" not in GROUPS[group]:
                tables["factors"][factor]["group"] = key
    return tables


def edited(tables: dict[str, Any], edits: Sequence[tuple[str, int, str, Any]]) -> dict[str, Any]:
    """The tables after some edits, each at a place given by its number among all places."""
    for how, at, key, value in edits:
        places = list(_places(tables))
        if not places:
            return tables
        holder, where = places[at % len(places)]
        old, (other, elsewhere) = holder[where], places[(at // 7) % len(places)]
        if how == "drop":
            del holder[where]
        elif how == "add" and isinstance(old, dict):
            old[key] = copy.deepcopy(value)
        elif how == "merge" and isinstance(old, dict) and isinstance(value, dict):
            old |= copy.deepcopy(value)
        elif how == "swap":
            holder[where] = copy.deepcopy(other[elsewhere])
        elif how == "wrap":
            holder[where] = {key: old} if isinstance(value, str | dict) else [old]
        else:
            holder[where] = copy.deepcopy(value)
    return tables


def _places(table: Any, depth: int = 0) -> Iterator[tuple[Any, Any]]:
    if depth > 12:
        return
    for key in list(table) if isinstance(table, dict) else range(len(table)):
        yield table, key
        if isinstance(table[key], dict | list):
            yield from _places(table[key], depth + 1)
