"""Tables of gates, read to `Gate`s: facts that a policy's numbers must agree with, every name looked up."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from engine.errors import Problems, did_you_mean, look_up, refusal
from engine.modelling.records import Model
from engine.study.values import Tables, number

ASKED = ("median_above", "median_below", "median_within", "inside_90")
ACROSS = ("sum", "mean")


@dataclass(frozen=True)
class Gate:
    """A fact that the numbers of a policy must agree with; it changes none of them.

    Args:
      source: where the fact is published.
      policy: a policy of the study file; it need not be among those that run.
      variable: a yearly variable, in `years`; an outcome where these are empty.
      at: dimension -> the labels that count; all labels of dimensions that are not named.
      across: "sum" or "mean" of several places and years; "" where there is one.
      asked: "median_above", "median_below", "median_within" or "inside_90".
      limits: the number that is asked for, or two.
    """

    name: str
    about: str
    source: str
    policy: str
    variable: str
    at: Mapping[str, tuple[str, ...]]
    years: tuple[int, ...]
    across: str
    asked: str
    limits: tuple[float, ...]


def read(tables: Tables, policies: Collection[str], model: Model, problems: Problems) -> tuple[Gate, ...]:
    """Gates in the order of the tables, without invalid ones, whose problems are added.

    Years may lie beyond the horizon: a study on top of another may have a shorter one.

    Args:
      policies: names of all policies of the study file.
    """
    gates = []
    for name, table in tables.items():
        with problems.within(f"gates.{name}"):
            gates.append(_gate(name, table, policies, model))
    return tuple(gates)


def _gate(name: str, table: Tables, policies: Collection[str], model: Model) -> Gate:
    problems = Problems()
    years = tuple(table.get("years", ())) or ((table["year"],) if "year" in table else ())
    if "policy" in table:
        problems.knows("policy", "policy", table["policy"], policies)
    else:
        problems.add("policy", f"is missing. Known: {', '.join(policies)}.")
    if "year" in table and "years" in table:
        problems.add("year", "does not go with years. Leave one of them out.")
    if len({*years}) < len(years):
        problems.add("years", "names a year twice.")
    variable = table.get("variable", "")
    with problems.within("variable"):
        if "variable" not in table:
            raise refusal("", "is missing. Name a yearly variable or an outcome.")
        look_up("variable", variable, [*model.yearly, *model.outcomes])
        if years and variable not in model.yearly:
            raise refusal("", f"'{variable}' is an outcome, which has no year. Remove the year.")
        if not years and variable not in model.outcomes:
            raise refusal("", f"'{variable}' is a yearly variable. Say of which year: year = 2020.")
    at = {dim: tuple(labels) for dim, labels in table.get("at", {}).items()}
    dims = model.yearly[variable].dims if years and variable in model.yearly else ()
    known = not problems
    for dim, labels in at.items() if known else ():
        if dim in dims:
            problems.knows_each(f"at.{dim}", "label", labels, model.dims[dim])
        else:
            has = did_you_mean(dim, dims) if dims else " It has none."
            problems.add(f"at.{dim}", f"'{variable}' has no dimension '{dim}'.{has}")
    across = table.get("across", "")
    count = math.prod([max(1, len(years)), *(len(at.get(dim, model.dims[dim])) for dim in dims)])
    with problems.within("across"):
        if across:
            look_up("rule", across, ACROSS)
        elif known and count > 1:
            free = [dim for dim in dims if dim not in at]
            remedy = f"Name a label of {' and '.join(free)}, or say" if free else "Say"
            raise refusal("", f"is missing: it asks for {count} numbers. {remedy} 'sum' or 'mean'.")
    with problems.within(""):
        asked, limits = _asked(table)
    problems.refuse()
    about, source = table.get("about", ""), table.get("source", "")
    rule = across if count > 1 else ""
    return Gate(name, about, source, table["policy"], variable, at, years, rule, asked, limits)


def _asked(table: Tables) -> tuple[str, tuple[float, ...]]:
    """The key of `ASKED` that a table has, and its one or two limits."""
    there = [key for key in ASKED if key in table]
    if len(there) != 1:
        raise refusal("", f"expected one of {', '.join(ASKED)}, got {' and '.join(there) or 'none'}.")
    key, problems = there[0], Problems()
    values = table[key] if key == "median_within" else [table[key]]
    if key == "median_within" and (len(values) != 2 or not values[0] < values[1]):
        raise refusal(key, f"expected two numbers, the lower one first, got {values}.")
    for value in values:
        with problems.within(key):
            number(value)
    problems.refuse()
    return key, tuple(map(float, values))
