"""Fits a distribution to statements such as quantiles and moments, by least squares over its parameters.

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

from engine.draws.distributions.law import Law
from engine.draws.distributions.scipy_catalogue import discrete_names, generic, quietly, shapes
from engine.draws.distributions.scipy_laws import named
from engine.draws.distributions.statements import Statements, listed, refuse_far, spread
from engine.errors import UserError, refusal

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
        raise refusal("", "quantiles and modes of whole numbers say little; give its mean, its sd, or its parameters.")
    if not free and not linear:
        raise refusal("", f"'{family}' is given whole already; statements would contradict its parameters.")
    domains = {info.name: info.domain for info in generic(name)._shape_info() if info.name in free}
    return fitted(family, statements, lambda given: named(name, given), domains, linear, fixed)


def fitted(
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
        raise refusal("", f"no '{family}' law is near what is said ({listed(statements)}).")
    refuse_far(family, law, statements, float(np.abs(deviation).max()), len(domains) + len(linear))
    return law


def _parameter(at: float, domain: Domain) -> float:
    """The parameter within its domain at a place of the search, which may be any number."""
    low, high = domain
    if math.isfinite(high):
        return low + (high - low) * float(special.expit(at))
    return low + math.exp(min(at, 50.0)) if math.isfinite(low) else at
