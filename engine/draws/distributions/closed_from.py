"""Distributions with a closed form from a study's parameters or from statements such as quantiles and moments."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy import special

from engine.draws.distributions.closed import FAMILIES, Marginal, refuse_out_of_range
from engine.draws.distributions.families import is_stated, ways_to_give
from engine.draws.distributions.fits import fitted, solved
from engine.draws.distributions.statements import MOMENTS, Statement, Statements
from engine.errors import Problems, refusal


def closed_law(family: str, own: Mapping[str, float], statements: Statements) -> tuple[Marginal, Statements]:
    """Member of a closed-form family, and the statements that it was fitted to; none if it is given by parameters.

    Args:
      family: name of the family.
      own: parameters of the family that are given, in any of its spellings.
      statements: all others; a mean, sd or mode that is a parameter counts as a statement if there are others.

    Raises:
      UserError: parameters are out of range, there are neither parameters nor enough statements, or no member is near
        the statements.
    """
    if family == "uniform" and set(own) and set(own) <= {"loc", "scale"}:
        low = own.get("loc", 0.0)
        own = {"low": low, "high": low + own.get("scale", 1.0)}
    parameters = None if statements else _parameters(family, own)
    if parameters is not None:
        law, statements = Marginal(family, parameters), ()
    else:
        labels = " and ".join([*own, *(s.label for s in statements)]) or "nothing"
        wrong = refusal("", f"family '{family}' is given by {ways_to_give(family)}; got {labels}.")
        if not statements or not is_stated(family) or any(key not in MOMENTS for key in own):
            raise wrong
        statements = [*statements, *(Statement(key, key, own[key]) for key in MOMENTS if key in own)]
        if len(statements) < FAMILIES[family].fewest_statements:
            raise wrong
        law = closed_from(family, statements)
    refuse_out_of_range(family, law.parameters)
    return law, statements


def _parameters(family: str, own: Mapping[str, float]) -> tuple[float, ...] | None:
    """Parameters in the family's order; None where the keys are none of its spellings."""
    names, spellings = FAMILIES[family].parameters, FAMILIES[family].spellings
    if set(own) == set(names):
        return tuple(float(own[key]) for key in names)
    for keys, convert in spellings.items():
        if set(own) == set(keys):
            problems = Problems()
            for key in keys:
                if own[key] <= 0:
                    problems.add(key, f"expected more than 0, got {own[key]:g}.")
            problems.refuse("prior")
            return convert(*(own[key] for key in keys))
    return None


def closed_from(family: str, statements: Statements) -> Marginal:
    """Member of a closed-form family from statements; by least squares if there are more statements than parameters.

    Quantiles alone are fitted on the scale on which the family is a location-scale family: value, log or logit against
    the normal score; for the uniform, value against probability.

    Raises:
      UserError: no member is near the statements.
    """
    if family in _LINES and all(s.kind == "quantile" for s in statements):
        _refuse_outside(family, statements)
        return Marginal(family, _on_a_line(statements, *_LINES[family]))
    if family == "logit-normal":
        _refuse_outside(family, statements)
        domains = {"median": (0.0, 1.0), "sigma": (0.0, math.inf)}

        def member(at: Mapping[str, float]) -> Marginal:
            return Marginal(family, (at["median"], min(at["sigma"], _WIDEST)))

        law: Marginal = fitted(family, statements, member, domains)
        return law
    name, fixed, parameters = _SCIPYS[family]
    return Marginal(family, parameters(*solved(name, fixed, statements, family).parameters))


_WIDEST = math.exp(3.0)
"""Largest sigma that is searched for in a logit-normal law, of which more lies next to 0 and 1 the larger it is."""
_SCIPYS: Mapping[str, tuple[str, Mapping[str, float], Callable[..., tuple[float, ...]]]] = {
    "normal": ("norm", {}, lambda loc, scale: (loc, scale)),
    "lognormal": ("lognorm", {"loc": 0.0}, lambda sigma, loc, scale: (scale, sigma)),
    "uniform": ("uniform", {}, lambda loc, scale: (loc, loc + scale)),
    "triangular": ("triang", {}, lambda at, loc, scale: (loc, loc + at * scale, loc + scale)),
}
"""SciPy's name of each family, its parameters that are fixed, and the family's own from all of SciPy's."""
_Function = Callable[[float], float]


def _on_a_line(
    statements: Statements, place: _Function, scale: _Function, parameters: Callable[[float, float], tuple[float, ...]]
) -> tuple[float, ...]:
    """Parameters from the least-squares line of transformed values against `place` of their probabilities."""
    at, over = np.array([(float(place(s.probability)), scale(s.value)) for s in statements]).T
    slope = float(np.sum((at - at.mean()) * (over - over.mean())) / np.sum((at - at.mean()) ** 2))
    return parameters(float(over.mean()) - slope * float(at.mean()), slope)


def _refuse_outside(family: str, statements: Statements) -> None:
    problems, (low, high) = Problems(), FAMILIES[family].support or (-math.inf, math.inf)
    upper = f" and below {high:g}" if high < math.inf else ""
    for s in statements:
        if not low < s.value < high:
            problems.add(s.key, f"expected a value above {low:g}{upper}, got {s.value:g}.")
    problems.refuse("prior")


_LINES: Mapping[str, tuple[Any, ...]] = {
    "normal": (special.ndtri, float, lambda mean, sd: (mean, sd)),
    "lognormal": (special.ndtri, math.log, lambda at, sigma: (math.exp(at), sigma)),
    "uniform": (float, float, lambda low, width: (low, low + width)),
    "logit-normal": (
        special.ndtri,
        lambda x: math.log(x / (1 - x)),
        lambda at, sigma: (float(special.expit(at)), sigma),
    ),
}
"""Arguments of `_on_a_line` for each family: place, scale, parameters from intercept and slope."""
