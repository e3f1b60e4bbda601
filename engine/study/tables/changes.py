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
from engine.study.tables.levers import LeverTables, beyond, put_together
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
            uses.append((table.get("probability"), 0.0, math.inf))
            uses.append((table.get("rate"), 0.0, self.ends(table.get("rate", 0.0))[1]))
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


def read_change(table: Tables, place: str, known: Known, problems: Problems) -> tuple[Change, Tables]:
    """The `Change` that a table states, and the part of the table that has an effect on what is drawn and runs.

    Args:
      place: where problems of the table are reported.
    """
    own = Problems()
    change = _StatedChange(known)
    # one policy is read after all of them: what is stated of it alone takes precedence
    for key in sorted(table, key=lambda key: key in _EXAMPLE):
        value = table[key]
        if key in _EXAMPLE:
            change.read_named(key, value, own)
        elif key in known.text["factors"]:
            with own.within(key):
                change.set_factor(key, value)
        elif key in known.model.levers:
            for policy in known.policies.by_name:
                # problems under policies that are not used are ignored
                with (own if policy in known.policies.reached else Problems()).within(key):
                    if change.sets_lever(policy, key, value):
                        change.table[key] = value
        elif key == "constants" or key in known.model.constants:
            name = next(iter(table_in(table, key)), "NAME") if key == "constants" else key
            own.add(key, f"is no factor but a constant. Give it a prior, [factors.{name}], and write {name} = 0 here.")
        elif key not in known.model.factors:  # else its missing prior is a problem of its own
            names = [*known.model.factors, *known.text["factors"], *known.model.levers]
            own.add(key, unknown("factor or lever", key, names))
    with problems.within(place):
        own.refuse()
    return Change(change.factors, change.levers, change.groups), change.table


_EXAMPLE = {POLICIES: "{ LEVER = 0 }", GROUPS: "{ correlation = 0 }"}


class _StatedChange:
    """The parts of a change, as its table is read; each part is refused by a `UserError`."""

    def __init__(self, known: Known):
        self.known = known
        self.factors: dict[str, tuple[float, float]] = {}
        self.levers: dict[str, dict[str, Any]] = {}
        self.groups: dict[str, Group] = {}
        self.table: dict[str, Any] = {}

    def read_named(self, kind: str, tables: Any, problems: Problems) -> None:
        """Changes policies or groups by name; problems are added."""
        if not isinstance(tables, Mapping):
            problems.add(kind, f"expected a table such as {{ NAME = {_EXAMPLE[kind]} }}, got {shown(tables)}.")
            return
        for name, table in tables.items():
            with problems.within(f"{kind}.{name}"):
                look_up(kind.removesuffix("s").replace("ie", "y"), name, self.known.text[kind])
                if not isinstance(table, Mapping) or not table:
                    raise refusal("", f"expected a table such as {_EXAMPLE[kind]}, got {shown(table)}.")
                if kind == GROUPS:
                    self._set_group(name, table)
                elif name in self.known.policies.by_name:  # else its problems are reported already
                    self._set_policy(name, table)

    def set_factor(self, name: str, value: Any) -> None:
        """Changes a factor to a number, or to a multiple of every draw."""
        multiple = multiple_of(value)
        scale, shift = (0.0, float(number(value))) if multiple is None else (multiple, -0.0)
        if name not in self.known.priors:  # which is a problem of its own
            return
        low, high = self.known.ends(name)
        ends = sorted((low * scale + shift, high * scale + shift))
        least, most = self.known.limits.get(name, (-math.inf, math.inf))
        if ends[0] < least - 1e-9 or ends[1] > most + 1e-9:
            got = " to ".join(f"{round(end, 6):.4g}" for end in dict.fromkeys(ends))
            raise refusal("", f"expected {least:g} to {most:.4g}, as the study uses '{name}', got {got}.")
        is_same = (scale, shift) == (1.0, 0.0) or (low == high and ends[0] == low)
        if name in self.known.drawn and not is_same:
            self.factors[name] = scale, shift
            self.table[name] = value

    def sets_lever(self, policy: str, lever: str, value: Any) -> bool:
        """Changes a lever of a policy; whether the policy is used and the lever differs."""
        known = self.known
        present = put_together(known.policies.by_name[policy], lever)
        if isinstance(value, str):
            multiple, bounds = multiple_of(value) or 0.0, known.model.levers[lever]
            lows, highs = zip(*map(known.ends, {*present.flat}), strict=True)
            ends = sorted((multiple * min(lows), multiple * max(highs)))
            slack = 1e-9 * max(1.0, *map(abs, ends))
            if outside := [end for end in ends if not bounds.low - slack <= end <= bounds.high + slack]:
                raise beyond(bounds, f"{outside[0]:g}, {multiple:g} times what '{policy}' has")
            differs = multiple != 1.0 and any((*lows, *highs))
        else:
            values = known.policies.levers.read(lever, value)
            if any(isinstance(one, str) for one in values.flat):
                raise refusal("", "expected numbers, or one multiple: what is drawn stays drawn from where it is.")
            differs = not np.array_equal(values, present)
        if differs := differs and policy in known.policies.reached:
            self.levers.setdefault(policy, {})[lever] = value
        return differs

    def _set_policy(self, policy: str, table: Tables) -> None:
        problems = Problems()
        for lever, value in table.items():
            with problems.within(lever):
                look_up("lever", lever, self.known.model.levers)
                if self.sets_lever(policy, lever, value):
                    self.table.setdefault(POLICIES, {}).setdefault(policy, {})[lever] = value
        problems.refuse()

    def _set_group(self, name: str, table: Tables) -> None:
        known = self.known
        everyone = [factor for factor, group in known.group_of.items() if group == name]
        if name in known.groups:
            changed = group_tables.changed(known.text[GROUPS][name], known.groups[name], table, everyone)
            if changed is not None:
                self.groups[name], self.table.setdefault(GROUPS, {})[name] = changed
        elif not everyone:  # else no member is drawn, or its problems are reported already
            of = "shocks" if name in group_names(known.text["shocks"]) else "nothing"
            raise refusal("", f"expected a group of factors; this one is of {of}.")


def flat(change: Change, groups: Mapping[str, Group]) -> Iterator[tuple[str, Any]]:
    """Yields place and new value of everything that a change names, such as `policies.reform.cut`.

    Args:
      groups: as the study states them.
    """
    yield from change.factors.items()
    for policy, levers in change.levers.items():
        yield from ((f"{POLICIES}.{policy}.{lever}", value) for lever, value in levers.items())
    for name, group in change.groups.items():
        differences = group_tables.differences(group, groups[name])
        yield from ((f"{GROUPS}.{name}.{key}", value) for key, value in differences.items())


def joined(changes: Sequence[Change], groups: Mapping[str, Group]) -> Change:
    """Several changes combined into one; a later one wins where two name the same thing.

    Args:
      groups: as the study states them.
    """
    whole = Change({}, {}, {})
    for change in changes:
        levers = {name: {**whole.levers.get(name, {}), **table} for name, table in change.levers.items()}
        by_name = {
            name: group_tables.joined(whole.groups.get(name, groups[name]), group, groups[name])
            for name, group in change.groups.items()
        }
        whole = Change({**whole.factors, **change.factors}, {**whole.levers, **levers}, {**whole.groups, **by_name})
    return whole


def changed(study: Study, change: Change) -> Study:
    """The study with a change's levers and groups; factors are not touched, as their draws are scaled when computed."""
    tables = {name: dict(table) for name, table in study.document["policies"].items()}
    multiples: dict[str, dict[str, float]] = {name: {} for name in tables}
    for policy, levers in change.levers.items():
        for lever, value in levers.items():
            if (multiple := multiple_of(value)) is not None:
                multiples[policy][lever] = multiple
            else:
                tables[policy][lever] = value
    levers_of = LeverTables(study.model, study.years, {item.name: {} for item in study.inputs}, {})
    problems = Problems()
    by_name = read_tables(tables, levers_of, study.baseline, problems, multiples)
    problems.refuse(study.source)
    policies = tuple(by_name[name] for name in study.policy_names)
    return replace(study, policies=policies, groups={**study.groups, **change.groups})
