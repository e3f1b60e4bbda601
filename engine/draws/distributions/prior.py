"""A study's words for a law -> the law, and what was asked of it beside what it gives."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.draws.distributions import scipy_laws as scipys
from engine.draws.distributions.closed import FAMILIES, Marginal
from engine.draws.distributions.closed_from import closed_from
from engine.draws.distributions.composed import (
    Averaged,
    Mixture,
    functions,
    is_averaged,
    transformed,
    truncated,
)
from engine.draws.distributions.data import categories, empirical
from engine.draws.distributions.families import OWN, known_families, parameters_of, ways_to_give
from engine.draws.distributions.law import LARGEST, Law
from engine.draws.distributions.metalog import metalog
from engine.draws.distributions.scipy_from import solved
from engine.draws.distributions.statements import MOMENTS, PERCENTILES, Statement, read
from engine.draws.random_words import FARTHEST
from engine.errors import Problems, did_you_mean, refusal, unknown

POOLS = ("linear", "quantile")
DEEPEST = 4
"""Laws within laws."""
MOST_LAWS = 64
"""Experts of a law, or parts of a mixture."""


@dataclass(frozen=True)
class Asked:
    """One thing that a study asks of a law.

    Args:
      label: `p05`, `mean`; with the expert's number before it where several are pooled.
      value: what is asked.
      fitted: what the law gives.
    """

    label: str
    value: float
    fitted: float


@dataclass(frozen=True)
class Prior:
    """A law, and what was asked of it (nothing, where it is given by its parameters)."""

    law: Law
    asked: tuple[Asked, ...] = ()


def prior(table: Mapping[str, Any], depth: int = 0) -> Prior:
    """The law that a table of a study gives: of a family by its parameters or by statements, then truncated, then transformed.

    Args:
      table: `family`, and the keys of docs/study-file.md.

    Raises:
      UserError: with one `Problem` per fault, its place the key at fault ("" for all of them together).
    """
    if depth > DEEPEST:
        raise refusal("", f"expected laws within laws at most {DEEPEST} deep.")
    if depth == 0 and "weight" in table:
        raise refusal("weight", "is for experts and parts of a mixture. Remove it.")
    if "pool" in table and "experts" not in table:
        raise refusal("pool", "says how experts are pooled, and there are none. Remove it.")
    found = _pooled(table, depth) if "experts" in table else _of_family(table, depth)
    law = found.law
    if "truncate" in table:
        ends = {"low": -math.inf, "high": math.inf} | dict(table["truncate"])
        if ends["low"] == -math.inf and ends["high"] == math.inf:
            raise refusal("truncate", "expected low, high or both, got neither.")
        law = truncated(law, ends["low"], ends["high"])
    if "transform" in table:
        law = transformed(law, functions(table["transform"]))
    if depth == 0:
        with np.errstate(over="ignore"), scipys.quietly():
            reach = law.at_score(np.array([-FARTHEST, FARTHEST]))
        if not np.all(np.abs(reach) <= LARGEST):
            raise refusal(
                "", f"its far draws ({reach[0]:.3g} to {reach[1]:.3g}) are beyond single precision."
            )
    return Prior(law, found.asked)


_STATEMENTS = {"quantiles", "range90", *PERCENTILES, *MOMENTS}
_AROUND = {"family", "truncate", "transform", "experts", "pool", "weight"}


def _of_family(table: Mapping[str, Any], depth: int) -> Prior:
    family = table.get("family")
    if family is None:
        raise refusal("family", "is missing. Common: normal, lognormal, uniform, triangular, pert, metalog.")
    if family in scipys.LEFT_OUT:
        raise refusal("family", f"'{family}' is left out: {scipys.LEFT_OUT[family]}")
    if family not in FAMILIES and family not in OWN and family not in known_families():
        raise refusal("family", unknown("family", family, known_families()))
    allowed = {
        *parameters_of(family),
        *_AROUND,
        *(
            _STATEMENTS
            if family not in ("categories", "empirical", "mixture", "integers", "fixed", "pert")
            else ()
        ),
    }
    problems = Problems()
    for key in table:
        if key not in allowed:
            problems.add(key, f"unknown key '{key}' for family '{family}'.{did_you_mean(key, allowed)}")
    problems.refuse("prior")
    for key, value in table.items():
        if isinstance(value, int | float) and not abs(value) <= LARGEST:
            problems.add(key, f"expected a finite number, got {_beyond(value)}.")
    problems.refuse("prior")
    if family in _READERS:
        return _READERS[family](table, depth)
    own = {key: table[key] for key in parameters_of(family) if key in table}
    for key, value in own.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            problems.add(key, f"expected a number, got {value!r}.")
    problems.refuse("prior")
    statements = read(table, [key for key in own if key in MOMENTS])
    return _closed(family, own, statements) if family in FAMILIES else _scipy(family, own, statements)


def _beyond(value: float) -> str:
    return f"{value:g}" if isinstance(value, float) else "a number of more than 30 digits"


# ---- statements


def _answered(law: Law, statements: Sequence[Statement]) -> Prior:
    with scipys.quietly():
        return Prior(law, tuple(Asked(s.label, s.value, s.of(law)) for s in statements))


# ---- families


def _closed(family: str, own: dict[str, Any], statements: list[Statement]) -> Prior:
    law = FAMILIES[family]
    if family == "uniform" and set(own) and set(own) <= {"loc", "scale"}:
        loc, scale = own.get("loc", 0.0), own.get("scale", 1.0)
        own = {"low": loc, "high": loc + scale}
    wrong = refusal("", f"family '{family}' is given by {ways_to_give(family)}; got {_got(own, statements)}.")
    parameters = None
    if not statements:
        if set(own) == set(law.parameters):
            parameters = tuple(float(own[key]) for key in law.parameters)
        for keys, convert in (law.spellings or {}).items():
            if set(own) == set(keys):
                problems = Problems()
                for key in keys:
                    if own[key] <= 0:
                        problems.add(key, f"expected more than 0, got {own[key]:g}.")
                problems.refuse("prior")
                parameters = convert(*(own[key] for key in keys))
        if parameters is None:
            raise wrong
    if parameters is None:
        said = [*statements, *(Statement(key, key, own[key]) for key in MOMENTS if key in own)]
        others = [key for key in own if key not in MOMENTS]
        if others or family == "fixed" or len(said) < (3 if family == "triangular" else 2):
            raise wrong
        made = closed_from(family, said)
        _check_closed(made)
        return _answered(made, said)
    made = Marginal(family, parameters)
    _check_closed(made)
    return Prior(made)


def _got(own: Mapping[str, Any], statements: Sequence[Statement]) -> str:
    return " and ".join([*own, *(s.label for s in statements)]) or "nothing"


def _check_closed(law: Marginal) -> None:
    wrong = FAMILIES[law.family].check(*law.parameters)
    if wrong:
        raise refusal(*wrong)


def _scipy(family: str, own: dict[str, Any], statements: list[Statement]) -> Prior:
    name = scipys.PLAIN_NAMES.get(family, family)
    law = solved(name, own, statements, family) if statements else scipys.named(name, own)
    scipys.refuse_endless(law)
    return _answered(law, statements)


def _pert(table: Mapping[str, Any], depth: int) -> Prior:
    """PERT: beta on [low, high] with shapes 1 + 4 (mode - low) / (high - low) and 1 + 4 (high - mode) / (high - low)."""
    low, mode, high = (_needed("pert", table, key) for key in ("low", "mode", "high"))
    if not low < high:
        raise refusal("high", f"expected more than low = {low:g}, got {high:g}.")
    if not low <= mode <= high:
        raise refusal("mode", f"expected a value from low = {low:g} to high = {high:g}, got {mode:g}.")
    at = (mode - low) / (high - low)
    return Prior(scipys.named("beta", {"a": 1 + 4 * at, "b": 5 - 4 * at, "loc": low, "scale": high - low}))


def _integers(table: Mapping[str, Any], depth: int) -> Prior:
    low, high = (_needed("integers", table, key) for key in ("low", "high"))
    for key, value in (("low", low), ("high", high)):
        if value != round(value):
            raise refusal(key, f"expected a whole number, got {value:g}.")
    if not low <= high:
        raise refusal("high", f"expected at least low = {low:g}, got {high:g}.")
    return Prior(scipys.named("randint", {"low": low, "high": high + 1}))


def _metalog(table: Mapping[str, Any], depth: int) -> Prior:
    statements = read(table)
    others = [s.key for s in statements if s.kind != "quantile"]
    if others:
        raise refusal(others[0], f"a metalog is given by {ways_to_give('metalog')}.")
    low, high = float(table.get("low", -math.inf)), float(table.get("high", math.inf))
    if not low < high:
        raise refusal("high", f"expected more than low = {low:g}, got {high:g}.")
    law = metalog([(s.probability, s.value) for s in statements], table.get("terms"), low, high)
    return _answered(law, statements)


def _empirical(table: Mapping[str, Any], depth: int) -> Prior:
    if "values" not in table:
        raise refusal(
            "", f"family 'empirical' is given by {ways_to_give('empirical')}; got neither file nor values."
        )
    values = np.asarray(table["values"], np.float64)
    if not np.all(np.abs(values) <= LARGEST):
        raise refusal("values", "expected finite numbers.")
    return Prior(empirical(values, bool(table.get("resampled", False))))


def _categories(table: Mapping[str, Any], depth: int) -> Prior:
    labels, weights = table.get("labels"), table.get("weights")
    if labels is None or weights is None:
        raise refusal("", f"family 'categories' is given by {ways_to_give('categories')}.")
    if len(set(labels)) < len(labels):
        raise refusal("labels", "names a category twice.")
    values = table.get("values") or [float(k) for k in range(len(labels))]
    if len(values) != len(labels):
        raise refusal("values", f"expected {len(labels)}, one for each label, got {len(values)}.")
    return Prior(categories(weights, values))


def _mixture(table: Mapping[str, Any], depth: int) -> Prior:
    parts = table.get("parts") or []
    if len(parts) < 2:
        raise refusal("parts", f"expected at least two laws, got {len(parts)}.")
    weights, priors = _each(parts, "parts", {}, depth)
    _refuse_averaged("parts", priors)
    return Prior(Mixture(weights, tuple(one.law for one in priors)), _numbered("part", priors))


def _pooled(table: Mapping[str, Any], depth: int) -> Prior:
    """Several experts, each with a law of their own: F = sum of w_k F_k (linear), or Q = sum of w_k Q_k (quantile)."""
    experts, pool = table["experts"], table.get("pool", "linear")
    if pool not in POOLS:
        raise refusal("pool", unknown("way to pool", pool, POOLS))
    if len(experts) < 2:
        raise refusal("experts", f"expected at least two, got {len(experts)}.")
    own = [key for key in table if key in _STATEMENTS]
    if own:
        raise refusal(own[0], "is said by no expert; say it within `experts`, or leave the experts out.")
    shared = {key: value for key, value in table.items() if key not in {*_AROUND} - {"family"}}
    weights, priors = _each(experts, "experts", shared, depth)
    if pool == "linear":
        _refuse_averaged("experts", priors)
    laws = tuple(one.law for one in priors)
    law: Law = Mixture(weights, laws) if pool == "linear" else Averaged(weights, laws)
    return Prior(law, _numbered("expert", priors))


def _each(
    tables: Sequence[Mapping[str, Any]], where: str, shared: Mapping[str, Any], depth: int
) -> tuple[tuple[float, ...], list[Prior]]:
    if len(tables) > MOST_LAWS:
        raise refusal(where, f"expected at most {MOST_LAWS} laws, got {len(tables)}.")
    problems, priors, weights = Problems(), [], []
    for number, table in enumerate(tables):
        weight = float(table.get("weight", 1.0))
        if not 0 < weight <= LARGEST:
            problems.add(f"{where}.{number}.weight", f"expected more than 0, got {weight:g}.")
        weights.append(weight)
        with problems.within(f"{where}.{number}"):
            priors.append(prior({**shared, **table}, depth + 1))
    problems.refuse("prior")
    total = sum(weights)
    return tuple(weight / total for weight in weights), priors


def _refuse_averaged(where: str, priors: Sequence[Prior]) -> None:
    """Refuses laws pooled by quantiles where probabilities are summed: minutes for one law, and hours for laws within laws."""
    text = "is pooled by quantiles, which does not go within a mixture or a linear pool. Take pool = 'linear' there."
    problems = Problems()
    for number, one in enumerate(priors):
        if is_averaged(one.law):
            problems.add(f"{where}.{number}", text)
    problems.refuse("prior")


def _numbered(what: str, priors: Sequence[Prior]) -> tuple[Asked, ...]:
    return tuple(
        Asked(f"{what} {number + 1} {asked.label}", asked.value, asked.fitted)
        for number, one in enumerate(priors)
        for asked in one.asked
    )


_READERS = {
    "pert": _pert,
    "integers": _integers,
    "metalog": _metalog,
    "empirical": _empirical,
    "categories": _categories,
    "mixture": _mixture,
}


def _needed(family: str, table: Mapping[str, Any], key: str) -> float:
    if key not in table:
        raise refusal("", f"family '{family}' is given by {ways_to_give(family)}; {key} is missing.")
    return float(table[key])
