"""Fits a distribution of SciPy to statements such as quantiles and moments.

A location-scale family is linear in both: each statement is an equation loc + scale c = value (for a standard deviation
scale c = value), whose c depends on the shapes alone. So shapes are found by search, location and scale by solving
linear equations.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from engine.draws.distributions.scipy_catalogue import (
    defaults,
    discrete_names,
    generic,
    parameter_names,
    quietly,
    shapes,
)
from engine.draws.distributions.scipy_laws import Named, is_valid, named
from engine.draws.distributions.statements import Statements, listed, refuse_far, spread
from engine.errors import UserError, refusal

MOST_STATEMENTS = 64
"""Greatest number of statements, as all are evaluated for every candidate."""
_STARTS = {"positive": (0.4, 1.0, 2.5, 8.0), "bounded": (0.15, 0.5, 0.85), "free": (-2.0, -0.3, 0.3, 2.0)}

_ALIKE = 1e-9
"""Relative tolerance for the rank of the equations for location and scale; closer equations count as the same."""
_STEP = 1e-5
"""Step of derivatives where a mode is stated, which is known to 1e-8 only, as a density is flat there."""


def solved(name: str, fixed: Mapping[str, float], statements: Statements, family: str) -> Named:
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
    if len(statements) > MOST_STATEMENTS:
        raise refusal(
            "",
            f"expected at most {MOST_STATEMENTS} statements, got {len(statements)}. For data use family 'empirical'.",
        )
    if len(statements) < len(free):
        raise refusal(
            "",
            f"'{family}' has {len(free)} shapes to be found ({', '.join(free)}); expected as many statements, "
            f"got {len(statements)} ({', '.join(s.label for s in statements)}).",
        )
    linear = [key for key in ("scale", "loc") if key in defaults(name) and key not in fixed]
    linear = linear[: max(0, len(statements) - len(free))] if name not in discrete_names() else []
    if name in discrete_names() and any(s.kind != "mean" and s.kind != "sd" for s in statements):
        raise refusal("", "quantiles and modes of whole numbers say little; give its mean, its sd, or its parameters.")
    if not free and not linear:
        raise refusal("", f"'{family}' is given whole already; statements would contradict its parameters.")
    base = {"loc": 0.0, "scale": 1.0} | dict(fixed)
    search = _Search(name, base, free, linear, statements, spread(statements))
    law, off = search.best()
    if law is None:
        raise refusal("", f"no '{family}' law is near what is said ({listed(statements)}).")
    refuse_far(family, law, statements, off, len(free) + len(linear))
    return law


@dataclass(frozen=True)
class _Search:
    name: str
    base: Mapping[str, float]
    free: Sequence[str]
    linear: Sequence[str]
    statements: Statements
    spread: float

    def best(self) -> tuple[Named | None, float]:
        """The best member, and its largest deviation from a statement, relative to the statements' spread."""
        at = self._best_place() if self.free else ()
        if at is None:
            return None, math.inf
        law, off = self._member(at)
        return law, float(np.abs(off).max())

    def _best_place(self) -> Sequence[float] | None:
        """The place of the search with the least squares; None if no member is near the statements."""
        from scipy import optimize

        starts, fits = [], []
        for point in itertools.product(*(_STARTS[_kind(domain)] for domain in self._domains)):
            at = tuple(map(_from_natural, point, self._domains))
            starts.append((float(np.sum(self._member(at)[1] ** 2)), at))
        for _, start in sorted(starts)[:3]:
            fit = optimize.least_squares(
                lambda at: self._member(at)[1],
                start,
                xtol=1e-15,
                ftol=1e-15,
                gtol=1e-15,
                max_nfev=200,
                diff_step=_STEP if any(s.kind == "mode" for s in self.statements) else None,
            )
            fits.append(fit)
            if fit.cost < 1e-20:
                break
        best = min(fits, key=lambda fit: fit.cost)
        return best.x if best.cost < 1e5 else None

    @functools.cached_property
    def _domains(self) -> list[tuple[float, float]]:
        """Range of each free shape."""
        known = {info.name: info.domain for info in getattr(generic(self.name), "_shape_info", list)()}
        ranges = (known.get(key, (0.0, math.inf)) for key in self.free)
        return [(float(low), float(high)) for low, high in ranges]

    def _member(self, at: Sequence[float]) -> tuple[Named | None, np.ndarray]:
        """The member with the free shapes at this place of the search, with location and scale solved for, and its
        deviation from each statement.
        """
        nowhere = np.full(len(self.statements), 1e3)
        keys = parameter_names(self.name)
        given = {key: value for key, value in self.base.items() if key in keys}
        given |= dict(zip(self.free, map(float, map(_to_natural, at, self._domains)), strict=True))
        unit = given | {"loc": 0.0} | ({"scale": 1.0} if "scale" in self.linear else {})
        try:
            law = named(self.name, unit)
        except UserError:
            return None, nowhere
        with quietly():
            rows = np.array([[0.0 if s.kind == "sd" else 1.0, s.of(law)] for s in self.statements])
        if not np.all(np.isfinite(rows)):
            return None, nowhere
        values = np.array([s.value for s in self.statements])
        # a scale that is given is in the values of `law` already
        loc, scale = given["loc"], 1.0
        if len(self.linear) == 2:
            loc, scale = (float(part) for part in np.linalg.lstsq(rows, values, rcond=_ALIKE)[0])
        elif "loc" in self.linear:
            loc = _multiple(rows[:, 0], values - rows[:, 1])
        elif "scale" in self.linear:
            scale = _multiple(rows[:, 1], values - rows[:, 0] * loc)
        if not scale > 0:
            return None, nowhere
        off = (rows[:, 0] * loc + rows[:, 1] * scale - values) / self.spread
        final = given | {"loc": loc} | ({"scale": scale} if "scale" in self.linear else {})
        member = Named(self.name, tuple(float(final[key]) for key in keys))
        return (member, off) if is_valid(member) else (None, nowhere)


def _multiple(column: np.ndarray, target: np.ndarray) -> float:
    """The multiple of the column that is nearest to the target; 1 of a column of zeros."""
    with quietly():
        size = float(np.dot(column, column))
        return float(np.dot(column, target)) / size if size > 0 else 1.0


def _kind(domain: tuple[float, float]) -> str:
    return ("free", "positive", "bounded")[sum(map(math.isfinite, domain))]


def _to_natural(at: float, domain: tuple[float, float]) -> float:
    low, high = domain
    if _kind(domain) == "bounded":
        return low + (high - low) * float(special.expit(at))
    if math.isfinite(low):
        return low + math.exp(min(at, 50.0))
    return high - math.exp(min(at, 50.0)) if math.isfinite(high) else at


def _from_natural(value: float, domain: tuple[float, float]) -> float:
    if _kind(domain) == "bounded":
        return float(special.logit(value))
    return math.log(value) if _kind(domain) == "positive" else value
