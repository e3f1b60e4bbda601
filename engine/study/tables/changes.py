"""Tables that change a study, read to a `Change`: factors by a number or a multiple, levers, dependence of groups."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from engine.draws.distributions.prior import Prior
from engine.draws.factors import Group
from engine.draws.limits import reach
from engine.errors import Problems, look_up, refusal, unknown
from engine.formatting import shown
from engine.modelling.records import Model
from engine.study.components import Change
from engine.study.study import Study
from engine.study.tables import groups as group_tables
from engine.study.tables.levers import LeverTables, put_together
from engine.study.tables.policies import Policies, read_tables
from engine.study.tables.shocks import group_names
from engine.study.values import Tables, multiple_of, number, table_in

POLICIES, GROUPS = "policies", "groups"
"""Keys of the tables within a change that hold changes of single policies, and of groups."""


@dataclass(frozen=True)
class Known:
    """The parts of a study that a change may refer to.

    Args:
      text: the study's tables.
      priors: by factor, without those that have problems.
      drawn: names of the factors that are drawn.
      groups: groups of factors that have members which are drawn, by name.
      group_of: factor -> its group.
    """

    text: Tables
    model: Model
    priors: Mapping[str, Prior]
    policies: Policies
    drawn: Sequence[str]
    groups: Mapping[str, Group]
    group_of: Mapping[str, str]

    def ends(self, value: float | str) -> tuple[float, float]:
        """The lowest and the highest draw of a factor, 0 where its prior has problems; a number twice."""
        if isinstance(value, str):
            return reach(self.priors[value].law) if value in self.priors else (0.0, 0.0)
        return value, value

    @cached_property
    def limits(self) -> dict[str, tuple[float, float]]:
        """Factor -> the range of its draws, where it is used as a probability, rate, share or value of a lever."""
        uses: list[tuple[Any, float, float]] = []
        for table in self.text["shocks"].values():
            # a probability above 1 counts as 1; a program counts no more jumps than the stated rate needs
            most = self.ends(table.get("rate", 0.0))[1]
            uses += [(table.get("probability"), 0.0, math.inf), (table.get("rate"), 0.0, most)]
        for policy in self.policies.by_name.values():
            uses.append((policy.implementation, 0.0, 1.0))
            for lever, factors in policy.drawn.items():
                bounds = self.model.levers[lever]
                uses += [(name, bounds.low, bounds.high) for name in factors]
        limits: dict[str, tuple[float, float]] = {}
        for name, least, most in uses:
            low, high = limits.get(name, (-math.inf, math.inf))
            limits[name] = max(low, least), min(high, most)
        return limits

    def changed_factor(self, name: str, value: Any) -> tuple[float, float] | None:
        """Scale and shift that make a factor a number, or a multiple of every draw; None where they change no draw."""
        multiple = multiple_of(value)
        scale, shift = (0.0, float(number(value))) if multiple is None else (multiple, -0.0)
        low, high = self.ends(name)
        ends = sorted((low * scale + shift, high * scale + shift))
        least, most = self.limits.get(name, (-math.inf, math.inf))
        if name in self.priors and (ends[0] < least - 1e-9 or ends[1] > most + 1e-9):
            got = " to ".join(f"{round(end, 6):.4g}" for end in dict.fromkeys(ends))
            raise refusal("", f"expected {least:g} to {most:.4g}, as the study uses '{name}', got {got}.")
        is_same = (scale, shift) == (1.0, 0.0) or (low == high and ends[0] == low)
        return None if is_same or name not in self.drawn else (scale, shift)

    def changed_levers(self, policy: str, table: Tables) -> Tables:
        """The entries of a table that change a lever of a policy; none where the policy is not used.

        Raises:
          UserError: with all problems, at the levers.
        """
        problems, changed = Problems(), dict[str, Any]()
        if policy not in self.policies.by_name:  # its problems are reported already
            return {}
        for lever, value in table.items():
            with problems.within(lever):
                look_up("lever", lever, self.model.levers)
                if isinstance(value, str):
                    raise refusal("", f"expected numbers, got {shown(value)}. Only factors take multiples.")
                values = self.policies.levers.read(lever, value)
                if any(isinstance(one, str) for one in values.flat):
                    raise refusal("", "expected numbers, as what is drawn stays drawn.")
                if not np.array_equal(values, put_together(self.policies.by_name[policy], lever)):
                    changed[lever] = value
        problems.refuse()
        return changed if policy in self.policies.reached else {}

    def changed_group(self, name: str, table: Tables) -> tuple[Tables, Tables] | None:
        """The numbers of a group's new dependence, and what of the table has an effect; None where nothing has."""
        everyone = [factor for factor, group in self.group_of.items() if group == name]
        if name in self.groups:
            return group_tables.changed(self.text[GROUPS][name], self.groups[name], table, everyone)
        if everyone:  # no member is drawn, or its problems are reported already
            return None
        of = "shocks" if name in group_names(self.text["shocks"]) else "nothing"
        raise refusal("", f"expected a group of factors; this one is of {of}.")


_EXAMPLE = {POLICIES: "{ LEVER = 0 }", GROUPS: "{ correlation = 0 }"}


def read_change(table: Tables, place: str, known: Known, problems: Problems) -> tuple[Change, Tables]:
    """The `Change` that a table states, and the part of the table that has an effect on what is drawn and runs.

    Args:
      place: where problems of the table are reported.
    """
    own, said = Problems(), dict[str, Any]()
    factors, levers, groups = dict[str, tuple[float, float]](), dict[str, Tables](), dict[str, Tables]()
    # one policy is read after all of them: what is stated of it alone takes precedence
    for key in sorted(table, key=_EXAMPLE.__contains__):
        value = table[key]
        if key in _EXAMPLE and not isinstance(value, Mapping):
            own.add(key, f"expected a table such as {{ NAME = {_EXAMPLE[key]} }}, got {shown(value)}.")
        elif key in _EXAMPLE:
            for name, inner in value.items():
                with own.within(f"{key}.{name}"):
                    look_up("policy" if key == POLICIES else "group", name, known.text[key])
                    if not isinstance(inner, Mapping) or not inner:
                        raise refusal("", f"expected a table such as {_EXAMPLE[key]}, got {shown(inner)}.")
                    if key == GROUPS and (changed := known.changed_group(name, inner)):
                        groups[name], said.setdefault(key, {})[name] = changed
                    if key == POLICIES and (new := known.changed_levers(name, inner)):
                        _add(levers, {name: new})
                        said.setdefault(key, {})[name] = new
        elif key in known.text["factors"]:
            with own.within(key):
                if moved := known.changed_factor(key, value):
                    factors[key], said[key] = moved, value
        elif key in known.model.levers:
            for policy in known.policies.by_name:
                # problems under policies that are not used are ignored
                with (own if policy in known.policies.reached else Problems()).within(""):
                    if new := known.changed_levers(policy, {key: value}):
                        said[key] = value
                        _add(levers, {policy: new})
        elif key == "constants" or key in known.model.constants:
            name = next(iter(table_in(table, key)), "NAME") if key == "constants" else key
            own.add(key, f"is no factor but a constant. Give it a prior, [factors.{name}], and write {name} = 0 here.")
        elif key not in known.model.factors:  # else its missing prior is a problem of its own
            names = [*known.model.factors, *known.text["factors"], *known.model.levers]
            own.add(key, unknown("factor or lever", key, names))
    with problems.within(place):
        own.refuse()
    return Change(factors, levers, groups), said


def flat(change: Change) -> Iterator[tuple[str, Any]]:
    """Yields place and new value of everything that a change names, such as `policies.reform.cut`."""
    yield from change.factors.items()
    for kind, tables in ((POLICIES, change.levers), (GROUPS, change.groups)):
        yield from ((f"{kind}.{name}.{key}", value) for name, table in tables.items() for key, value in table.items())


def joined(changes: Sequence[Change]) -> Change:
    """Several changes combined into one; a later one wins where two name the same thing."""
    factors, levers, groups = dict[str, tuple[float, float]](), dict[str, Tables](), dict[str, Tables]()
    for one in changes:
        factors |= one.factors
        _add(levers, one.levers)
        _add(groups, one.groups)
    return Change(factors, levers, groups)


def _add(tables: dict[str, Tables], newer: Tables) -> None:
    """Adds the entries of newer tables to tables of the same names."""
    for name, table in newer.items():
        tables[name] = {**tables.get(name, {}), **table}


def changed(study: Study, change: Change) -> Study:
    """The study with a change's levers and groups; factors are not touched, as their draws are scaled when computed."""
    tables = {name: {**table, **change.levers.get(name, {})} for name, table in study.document["policies"].items()}
    levers_of = LeverTables(study.model, study.years, {item.name: {} for item in study.inputs}, {})
    problems = Problems()
    by_name = read_tables(tables, levers_of, study.baseline, problems)
    problems.refuse(study.source)
    policies = tuple(by_name[name] for name in study.policy_names)
    groups = {name: group_tables.altered(study.groups[name], numbers) for name, numbers in change.groups.items()}
    return replace(study, policies=policies, groups={**study.groups, **groups})
