"""Prior distribution from a study's table, and how well it meets the statements that it was fitted to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.draws.distributions.closed import FAMILIES
from engine.draws.distributions.derived import Averaged, Mixture, is_averaged, pooled, transformed, truncated
from engine.draws.distributions.families import OWN, Table, is_stated, known_families, parameters_of
from engine.draws.distributions.fits import closed_law, solved
from engine.draws.distributions.law import Law
from engine.draws.distributions.scipy_catalogue import LEFT_OUT, PLAIN_NAMES, quietly
from engine.draws.distributions.scipy_laws import Counts, named, refuse_wrong
from engine.draws.distributions.statements import KEYS, Statements, read
from engine.draws.limits import LARGEST, reach
from engine.errors import Problems, did_you_mean, refusal, unknown
from engine.formatting import shown

POOLS = ("linear", "quantile")
"""Ways to pool experts: average their probabilities, or their quantiles."""
DEEPEST = 4
"""Greatest depth of distributions nested in distributions."""
MOST_LAWS = 64
"""Greatest number of experts of a distribution, or of parts of a mixture."""
_AROUND = ("truncate", "transform", "experts", "pool", "weight", "source")
"""Keys that are allowed with every family."""
REMOVED = ("file", "column")
"""Keys of earlier versions, by which a law named a file of data."""


@dataclass(frozen=True)
class Target:
    """A stated quantile or moment, and the fitted distribution's value.

    Args:
      label: `p05`, `mean`; preceded by the expert's number where several are pooled.
      value: as stated in the study.
      fitted: value of the fitted distribution.
    """

    label: str
    value: float
    fitted: float


@dataclass(frozen=True)
class Prior:
    """A distribution, and the statements that it was fitted to; none if it is given by its parameters."""

    law: Law
    targets: tuple[Target, ...] = ()


def prior(table: Table, depth: int = 0) -> Prior:
    """Prior from a study's table: a family or pooled experts, then truncated, then transformed.

    Args:
      table: `family` and the keys of docs/study-file.md.
      depth: number of distributions that this one is nested in.

    Raises:
      UserError: with one `Problem` per fault, its place the key at fault ("" for the table as a whole).
    """
    if depth > DEEPEST:
        raise refusal("", f"expected laws within laws at most {DEEPEST} deep.")
    if depth == 0 and "weight" in table:
        raise refusal("weight", "is for experts and parts of a mixture. Remove it.")
    if "pool" in table and "experts" not in table:
        raise refusal("pool", "states how experts are pooled, but there are no experts. Remove it.")
    start = _pooled(table, depth) if "experts" in table else _of_family(table, depth)
    law = start.law
    if "truncate" in table:
        ends = {"low": -math.inf, "high": math.inf} | dict(table["truncate"])
        if ends["low"] == -math.inf and ends["high"] == math.inf:
            raise refusal("truncate", "expected low, high or both, got neither.")
        law = truncated(law, ends["low"], ends["high"])
    if "transform" in table:
        law = transformed(law, table["transform"])
    if depth == 0:
        with np.errstate(over="ignore"), quietly():
            low, high = reach(law)
        if not (abs(low) <= LARGEST and abs(high) <= LARGEST):
            raise refusal(
                "",
                f"its far draws ({low:.3g} to {high:.3g}) are not finite in single precision. Truncate it, or choose"
                " other parameters.",
            )
    return Prior(law, start.targets)


def _of_family(table: Table, depth: int) -> Prior:
    family = _known_family(table)
    if family == "mixture":
        return _combined(Mixture, "parts", table.get("parts") or [], depth)
    if family in OWN and (own_law := OWN[family].law):
        law = own_law(table)
        statements: Statements = read(table) if is_stated(family) else ()
    else:
        own = {key: table[key] for key in parameters_of(family) if key in table}
        statements = read(table)
        if family in FAMILIES:
            law, statements = closed_law(family, own, statements)
        else:
            name = PLAIN_NAMES.get(family, family)
            law = solved(name, own, statements, family) if statements else named(name, own)
            refuse_wrong(law)
    with quietly():
        return Prior(law, tuple(Target(s.label, s.value, s.of(law)) for s in statements))


def _known_family(table: Table) -> str:
    """Family of a table; raises a refusal for an unknown family, keys that it does not have, and what is no number."""
    family: str | None = table.get("family")
    if family is None:
        raise refusal("family", "is missing. Common: normal, lognormal, uniform, triangular, pert, metalog.")
    if family in LEFT_OUT:
        raise refusal("family", f"'{family}' is left out: {LEFT_OUT[family]}")
    if family not in FAMILIES and family not in OWN and family not in known_families():
        raise refusal("family", unknown("family", family, known_families()))
    parameters, problems = parameters_of(family), Problems()
    allowed = {"family", *_AROUND, *parameters, *(KEYS if is_stated(family) else ())}
    for key, value in table.items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if key in REMOVED:
            problems.add(key, 'files of data were removed. Give the numbers: family = "empirical", values = [1, 2.5].')
        elif key not in allowed:
            problems.add(key, f"unknown key '{key}' for family '{family}'.{did_you_mean(key, allowed)}")
        elif key in parameters and family not in OWN and not is_number:
            problems.add(key, f"expected a number, got {shown(value)}.")
        elif is_number and not abs(value) <= LARGEST:
            problems.add(key, f"expected a finite number, got {shown(value)}.")
    problems.refuse()
    return family


def _pooled(table: Table, depth: int) -> Prior:
    """Experts with a distribution each, pooled: F = sum of w_k F_k (linear), or Q = sum of w_k Q_k (quantile)."""
    experts, pool = table["experts"], table.get("pool", "linear")
    if pool not in POOLS:
        raise refusal("pool", unknown("way to pool", pool, POOLS))
    own = [key for key in table if key in KEYS]
    if own:
        raise refusal(own[0], "must be stated within `experts`, or without experts.")
    shared = {key: value for key, value in table.items() if key not in _AROUND}
    kind = Mixture if pool == "linear" else Averaged
    return _combined(kind, "experts", [{**shared, **expert} for expert in experts], depth)


def _combined(kind: type[Mixture | Averaged], place: str, tables: Sequence[Table], depth: int) -> Prior:
    """One distribution of several tables, with weights whose sum is one."""
    if not 2 <= len(tables) <= MOST_LAWS:
        raise refusal(place, f"expected 2 to {MOST_LAWS} laws, got {len(tables)}.")
    problems, priors, weights = Problems(), [], []
    for number, table in enumerate(tables):
        weight = float(table.get("weight", 1.0))
        if not 0 < weight <= LARGEST:
            problems.add(f"{place}.{number}.weight", f"expected more than 0, got {weight:g}.")
        weights.append(weight)
        with problems.within(f"{place}.{number}"):
            part = prior(table, depth + 1)
            if kind is Mixture and is_averaged(part.law):  # to evaluate it takes minutes, or hours when nested
                text = "is pooled by quantiles, which a mixture or a linear pool cannot contain."
                raise refusal("", f"{text} Take pool = 'linear' there.")
            if isinstance(part.law, Counts):
                _ = part.law.steps  # refuses too many values, at this place
            priors.append(part)
    problems.refuse()
    total, what = sum(weights), place.removesuffix("s")
    law = pooled(kind, [weight / total for weight in weights], [part.law for part in priors])
    targets = ((number, target) for number, part in enumerate(priors, start=1) for target in part.targets)
    return Prior(law, tuple(replace(target, label=f"{what} {number} {target.label}") for number, target in targets))
