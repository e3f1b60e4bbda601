"""Members of families from parameters, or from statements such as quantiles and moments by least squares.

A location-scale family is linear in both: each statement is an equation loc + scale c = value (for a standard deviation
scale c = value), whose c depends on the shapes alone. So shapes are found by search, location and scale by solving
linear equations.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from scipy import special

from engine.draws.distributions.closed import FAMILIES, Marginal, refuse_out_of_range
from engine.draws.distributions.law import Law
from engine.draws.distributions.scipy_catalogue import discrete_names, generic, quietly, shapes
from engine.draws.distributions.scipy_laws import named
from engine.draws.distributions.statements import MOMENTS, Statements, listed, refuse_far, spread
from engine.errors import Problems, UserError, refusal


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
    return _closed_from(family, statements), statements


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


def _closed_from(family: str, statements: Statements) -> Marginal:
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
            problems.add("mode", "cannot be stated for this family. Use quantiles.")
    problems.refuse("prior")
    if family in _LINES and all(s.kind == "quantile" for s in statements):
        return _member(family, _on_a_line(statements, *_LINES[family]))
    domains, linear, parameters = _SEARCHES[family]
    law: Marginal = _fitted(family, statements, lambda at: _member(family, parameters(**at)), domains, linear)
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


MOST_STATEMENTS = 64
"""Greatest number of statements, as all are evaluated for every candidate."""
_STARTS = ((-2.0, -0.3, 0.3, 2.0), (-0.9, 0.0, 0.9, 2.1), (-1.7, 0.0, 1.7))
"""Places from which a parameter is searched for, by the number of finite ends of its domain."""
_ALIKE = 1e-9
"""Relative tolerance for the rank of the equations for location and scale; closer equations count as the same."""
_OPTIONS = {"xtol": 1e-15, "ftol": 1e-15, "gtol": 1e-15, "max_nfev": 200, "diff_step": 1e-5}
"""Options of the search; its step of derivatives is that wide as a mode is known to 1e-8 only."""
_NOWHERE = 1e3
"""Deviation from each statement where there is no member."""
Domain = tuple[float, float]


def solved(name: str, fixed: Mapping[str, float], statements: Statements, family: str) -> Law:
    """Distribution of a SciPy family that meets the statements.

    Shapes that are not given are free; then the scale, then the location, as far as there are more statements.
    Further statements are met by least squares.

    Args:
      name: SciPy's name of the family.
      fixed: parameters that are given.
      statements: what it has to meet.
      family: the study's name of the family, for messages.

    Raises:
      UserError: for fewer statements than free shapes, too many statements, statements beside a full set of parameters,
        quantiles or a mode of a discrete distribution, or no member near the statements.
    """
    free = [key for key in shapes(name) if key not in fixed]
    if len(statements) < len(free):
        raise refusal(
            "",
            f"'{family}' has {len(free)} shapes to be found ({', '.join(free)}); expected as many statements, "
            f"got {len(statements)} ({', '.join(s.label for s in statements)}).",
        )
    linear: list[str] = []
    if name not in discrete_names():
        linear = [key for key in ("scale", "loc") if key not in fixed][: len(statements) - len(free)]
    elif any(s.kind != "mean" and s.kind != "sd" for s in statements):
        raise refusal("", "expected a mean, an sd or parameters, as this law has whole numbers.")
    if not free and not linear:
        raise refusal("", f"'{family}' has all its parameters; remove the statements.")
    domains = {info.name: info.domain for info in generic(name)._shape_info() if info.name in free}
    return _fitted(family, statements, lambda given: named(name, given), domains, linear, fixed)


def _fitted(
    family: str,
    statements: Statements,
    member: Callable[[Mapping[str, float]], Law],
    domains: Mapping[str, Domain],
    linear: Sequence[str] = (),
    fixed: Mapping[str, float] = MappingProxyType({}),
) -> Any:
    """The member of a family that is nearest to the statements, by least squares.

    Args:
      family: the study's name of the family, for messages.
      statements: what it has to meet.
      member: all parameters -> the distribution; raises a refusal where there is none.
      domains: range of each parameter that is searched for.
      linear: those of "loc" and "scale" that are solved for.
      fixed: parameters that are given.

    Raises:
      UserError: for too many statements, or no member near them.
    """
    from scipy import optimize

    if len(statements) > MOST_STATEMENTS:
        raise refusal(
            "",
            f"expected at most {MOST_STATEMENTS} statements, got {len(statements)}. For data use family 'empirical'.",
        )
    values, wide = np.array([s.value for s in statements]), spread(statements)

    def nearest(at: Sequence[float]) -> tuple[Law | None, np.ndarray]:
        """The member at this place of the search, and its deviation from each statement."""
        place = {**fixed, **dict(zip(domains, map(_parameter, at, domains.values()), strict=True))}
        try:
            unit = member(place | {"loc": 0.0} | ({"scale": 1.0} if "scale" in linear else {}))
            with quietly():
                scaled = np.array([s.of(unit) for s in statements])
            if not np.all(np.isfinite(scaled)):
                return None, np.full_like(values, _NOWHERE)
            columns = {"scale": scaled, "loc": np.array([float(s.kind != "sd") for s in statements])}
            # a scale that is given is in the values of `unit` already
            sizes = {"scale": 1.0, "loc": place.get("loc", 0.0)}
            rest = values - sum(sizes[key] * columns[key] for key in columns if key not in linear)
            if linear:
                equations = np.stack([columns[key] for key in linear], axis=1)
                solution = np.linalg.lstsq(equations, rest, rcond=_ALIKE)[0]
                place, rest = place | dict(zip(linear, solution.tolist(), strict=True)), rest - equations @ solution
            return member(place), rest / wide
        except UserError:
            return None, np.full_like(values, _NOWHERE)

    def off(at: Sequence[float]) -> np.ndarray:
        return nearest(at)[1]

    found: Sequence[float] = ()
    if domains:
        starts = itertools.product(*(_STARTS[sum(map(math.isfinite, domain))] for domain in domains.values()))
        fits = []
        for start in sorted(starts, key=lambda at: float(np.sum(off(at) ** 2)))[:3]:
            fits.append(optimize.least_squares(off, start, **_OPTIONS))
            if fits[-1].cost < 1e-20:
                break
        found = min(fits, key=lambda fit: fit.cost).x
    law, deviation = nearest(found)
    if law is None:
        raise refusal("", f"no '{family}' law is near the statements ({listed(statements)}).")
    refuse_far(family, law, statements, float(np.abs(deviation).max()), len(domains) + len(linear))
    return law


def _parameter(at: float, domain: Domain) -> float:
    """The parameter within its domain at a place of the search, which may be any number."""
    low, high = domain
    if math.isfinite(high):
        return low + (high - low) * float(special.expit(at))
    return low + math.exp(min(at, 50.0)) if math.isfinite(low) else at
