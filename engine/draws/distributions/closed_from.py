"""Distributions with a closed form from a study's parameters or from statements such as quantiles and moments."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy import special

from engine.draws.distributions.closed import FAMILIES, Marginal, refuse_out_of_range
from engine.draws.distributions.fits import fitted
from engine.draws.distributions.statements import MOMENTS, Statements
from engine.errors import Problems, refusal


def closed_law(family: str, own: Mapping[str, float], statements: Statements) -> tuple[Marginal, Statements]:
    """Member of a closed-form family, and the statements that it was fitted to; none if it is given by parameters.

    Args:
      family: name of the family.
      own: parameters of the family that are given, in any of its spellings.
      statements: all that is stated; a mean, sd or mode that is a parameter counts as a statement if there are others.

    Raises:
      UserError: parameters are out of range, there are neither parameters nor enough statements, or no member is near
        the statements.
    """
    if family == "uniform" and set(own) and set(own) <= {"loc", "scale"}:
        low = own.get("loc", 0.0)
        own = {"low": low, "high": low + own.get("scale", 1.0)}
    others = [s.label for s in statements if s.key not in own]
    parameters = None if others else _parameters(family, own)
    if parameters is not None:
        return _member(family, parameters), ()
    kind = FAMILIES[family]
    fewest = kind.fewest_statements
    if not fewest or not others or len(statements) < fewest or any(key not in MOMENTS for key in own):
        ways = [" and ".join(keys) for keys in (kind.parameters, *kind.spellings)]
        if fewest:
            count = ("one", "two", "three")[fewest - 1]
            ways.append(f"{count} or more statements (p05, p50, p95, quantiles, range90, mean, sd, mode)")
        labels = " and ".join([*own, *others]) or "nothing"
        raise refusal("", f"family '{family}' is given by {', or '.join(ways)}; got {labels}.")
    return closed_from(family, statements), statements


def _parameters(family: str, own: Mapping[str, float]) -> tuple[float, ...] | None:
    """Parameters in the family's order; None where the keys are none of its spellings."""
    kind = FAMILIES[family]
    for keys, convert in ((kind.parameters, None), *kind.spellings.items()):
        if set(own) == set(keys):
            given = tuple(float(own[key]) for key in keys)
            return convert(*given) if convert else given
    return None


def _member(family: str, parameters: tuple[float, ...]) -> Marginal:
    refuse_out_of_range(family, parameters)
    return Marginal(family, parameters)


def closed_from(family: str, statements: Statements) -> Marginal:
    """Member of a closed-form family from statements; by least squares if there are more statements than parameters.

    Quantiles alone are fitted on the scale on which the family is a location-scale family: value, log or logit against
    the normal score; for the uniform, value against probability.

    Raises:
      UserError: no member is near the statements.
    """
    problems, (low, high) = Problems(), FAMILIES[family].support or (-math.inf, math.inf)
    upper = f" and below {high:g}" if high < math.inf else ""
    for s in statements:
        if not low < s.value < high:
            problems.add(s.key, f"expected a value above {low:g}{upper}, got {s.value:g}.")
        if s.kind == "mode" and not FAMILIES[family].mode:
            problems.add("mode", "cannot be asked of this family. Use quantiles.")
    problems.refuse("prior")
    if family in _LINES and all(s.kind == "quantile" for s in statements):
        return _member(family, _on_a_line(statements, *_LINES[family]))
    domains, linear, parameters = _SEARCHES[family]
    law: Marginal = fitted(family, statements, lambda at: _member(family, parameters(**at)), domains, linear)
    return law


_WIDEST = math.exp(3.0)
"""Largest sigma that is searched for in a logit-normal law, of which more lies next to 0 and 1 the larger it is."""
_Parameters = Callable[..., tuple[float, ...]]
_SEARCHES: Mapping[str, tuple[Mapping[str, tuple[float, float]], tuple[str, ...], _Parameters]] = {
    "normal": ({}, ("scale", "loc"), lambda loc, scale: (loc, scale)),
    "lognormal": ({"sigma": (0.0, math.inf)}, ("scale",), lambda sigma, scale, loc=0.0: (scale, sigma)),
    "uniform": ({}, ("scale", "loc"), lambda loc, scale: (loc, loc + scale)),
    "triangular": ({"at": (0.0, 1.0)}, ("scale", "loc"), lambda at, loc, scale: (loc, loc + at * scale, loc + scale)),
    "logit-normal": (
        {"median": (0.0, 1.0), "sigma": (0.0, math.inf)},
        (),
        lambda median, sigma, loc=0.0: (median, min(sigma, _WIDEST)),
    ),
}
"""Of each family: domains of the parameters that are searched for, those that are solved for, and the family's own."""
_Function = Callable[[float], float]


def _on_a_line(
    statements: Statements, place: _Function, scale: _Function, parameters: Callable[[float, float], tuple[float, ...]]
) -> tuple[float, ...]:
    """Parameters from the least-squares line of transformed values against `place` of their probabilities."""
    at, over = np.array([(float(place(s.probability)), scale(s.value)) for s in statements]).T
    slope = float(np.sum((at - at.mean()) * (over - over.mean())) / np.sum((at - at.mean()) ** 2))
    return parameters(float(over.mean()) - slope * float(at.mean()), slope)


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
