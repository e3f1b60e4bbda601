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
from engine.study import group_changes
from engine.study.components import Change
from engine.study.study import Study
from engine.study.tables.levers import LeverTables, bounds_of, put_together
from engine.study.tables.policies import Policies, PolicyReader
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

    def ends(self, factor: str) -> tuple[float, float]:
        """The lowest and the highest draw of a factor."""
        return reach(self.priors[factor].law)

    @cached_property
    def limits(self) -> dict[str, tuple[float, float]]:
        """Factor -> the range of its draws, where it is used as a probability, rate, share or value of a lever."""
        limits = {}
        for table in self.text["shocks"].values():
            # more than a certainty is one; a program counts so many jumps and no more
            for key in ("probability", "rate"):
                if table.get(key) in self.priors:
                    most = math.inf if key == "probability" else self.ends(table[key])[1]
                    limits[table[key]] = 0.0, most
        for table in self.text["policies"].values():
            if isinstance(table.get("implementation"), str):
                limits[table["implementation"]] = 0.0, 1.0
        for policy in self.policies.by_name.values():
            for lever, factors in policy.drawn.items():
                bounds = self.model.levers[lever]
                for name in factors:
                    low, high = limits.get(name, (-math.inf, math.inf))
                    limits[name] = max(low, bounds.low), min(high, bounds.high)
        return limits


def read_change(table: Tables, place: str, known: Known, problems: Problems) -> tuple[Change, Tables]:
    """The `Change` that a table states, and the part of the table that has an effect on what is drawn and runs.

    Args:
      place: where problems of the table are reported.
    """
    own = Problems()
    whole = _Pieces(known, own)
    # one policy is read after all of them: what is stated of it alone takes precedence
    for key in sorted(table, key=lambda key: key in _EXAMPLE):
        value = table[key]
        if key in _EXAMPLE and isinstance(value, Mapping):
            kind, change = ("policy", whole.of_policy) if key == POLICIES else ("group", whole.of_group)
            for name, inner in value.items():
                with own.within(f"{key}.{name}"):
                    look_up(kind, name, known.text[key])
                    if not isinstance(inner, Mapping) or not inner:
                        raise refusal("", f"expected a table such as {_EXAMPLE[key]}, got {shown(inner)}.")
                    change(name, inner)
        elif key in known.text["factors"]:
            with own.within(key):
                whole.of_factor(key, value)
        elif key in known.model.levers:
            whole.of_lever(key, value)
        elif key == "constants" or key in known.model.constants:
            name = next(iter(table_in(table, key)), "NAME") if key == "constants" else key
            own.add(key, f"is no factor but a constant. Give it a prior, [factors.{name}], and write {name} = 0 here.")
        elif key in _EXAMPLE:
            own.add(key, f"expected a table such as {{ NAME = {_EXAMPLE[key]} }}, got {shown(value)}.")
        elif key not in known.model.factors:  # else its missing prior is a problem of its own
            names = [*known.model.factors, *known.text["factors"], *known.model.levers]
            own.add(key, unknown("factor or lever", key, names))
    with problems.within(place):
        own.refuse()
    return Change(whole.factors, whole.levers, whole.groups), whole.table


_EXAMPLE = {POLICIES: "{ LEVER = 0 }", GROUPS: "{ correlation = 0 }"}


class _Pieces:
    """Gathers the parts of one change; their problems are added."""

    def __init__(self, known: Known, problems: Problems):
        self.known, self.policies, self._problems = known, known.policies, problems
        self.factors: dict[str, tuple[float, float]] = {}
        self.levers: dict[str, dict[str, Any]] = {}
        self.groups: dict[str, Group] = {}
        self.table: dict[str, Any] = {}

    def of_factor(self, name: str, value: Any) -> None:
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

    def of_lever(self, lever: str, value: Any) -> None:
        """Changes a lever of every policy; problems under policies that are not used are ignored."""
        for policy in self.policies.by_name:
            with (self._problems if policy in self.policies.reached else Problems()).within(""):
                if self._set(policy, lever, value):
                    self.table[lever] = value

    def of_policy(self, policy: str, table: Tables) -> None:
        """Changes levers of one policy."""
        own = Problems()
        if policy not in self.policies.by_name:
            return  # what is wrong with the policy is a problem of its own
        for lever, value in table.items():
            with own.within(""):
                if self._set(policy, lever, value):
                    self.table.setdefault(POLICIES, {}).setdefault(policy, {})[lever] = value
        own.refuse()

    def _set(self, policy: str, lever: str, value: Any) -> bool:
        """Stores a lever's new value if it differs from the old one and the policy is used; whether it has done so."""
        problems, changes = Problems(), False
        with problems.within(lever):
            look_up("lever", lever, self.known.model.levers)
            if isinstance(value, str):
                changes = self._multiply(policy, lever, value)
        problems.refuse()
        if not isinstance(value, str):
            array = self.policies.levers.read(lever, value, problems)
            if any(isinstance(one, str) for one in array.flat):
                problems.add(lever, "expected numbers, or one multiple: what is drawn stays drawn from where it is.")
            problems.refuse()
            changes = not np.array_equal(array, put_together(self.policies.by_name[policy], lever))
        if changes := changes and policy in self.policies.reached:
            self.levers.setdefault(policy, {})[lever] = value
        return changes

    def _multiply(self, policy: str, lever: str, value: str) -> bool:
        """Whether a multiple of a policy's lever differs from what the lever is.

        Raises:
          UserError: it is beyond the model's bounds.
        """
        multiple, bounds = multiple_of(value) or 0.0, self.known.model.levers[lever]
        there: list[float] = []
        for one in dict.fromkeys(put_together(self.policies.by_name[policy], lever).flat):
            if one in self.known.priors:
                there += self.known.ends(one)
            else:
                there.append(0.0 if isinstance(one, str) else one)
        ends = sorted((multiple * min(there), multiple * max(there)))
        slack = 1e-9 * max(1.0, *map(abs, ends))
        if beyond := [end for end in ends if not bounds.low - slack <= end <= bounds.high + slack]:
            text = f"expected {bounds_of(bounds)}, got {beyond[0]:g}, {multiple:g} times what '{policy}' has."
            raise refusal("", f"{text} These are the model's bounds of the lever.")
        return multiple != 1.0 and any(there)

    def of_group(self, name: str, table: Tables) -> None:
        """Changes a group's dependence; its form, one number or a matrix, stays."""
        known = self.known
        if name not in known.groups:
            if name in known.group_of.values():
                return  # its members are not drawn, or something is wrong with it
            of = "shocks" if name in group_names(known.text["shocks"]) else "nothing"
            raise refusal("", f"expected a group of factors; this one is of {of}.")
        changed = group_changes.read(known.text["groups"][name], known.groups[name], table, known.group_of, known.drawn)
        if changed is not None:
            self.groups[name], own = changed
            self.table.setdefault(GROUPS, {})[name] = own


def flat(change: Change, groups: Mapping[str, Group]) -> Iterator[tuple[str, Any]]:
    """Yields place and new value of everything that a change names, such as `policies.reform.cut`.

    Args:
      groups: as the study states them.
    """
    yield from change.factors.items()
    for policy, levers in change.levers.items():
        yield from ((f"{POLICIES}.{policy}.{lever}", value) for lever, value in levers.items())
    for name, group in change.groups.items():
        yield from ((f"{GROUPS}.{name}.{key}", value) for key, value in group_changes.differences(group, groups[name]))


def joined(changes: Sequence[Change], groups: Mapping[str, Group]) -> Change:
    """Several changes combined into one; a later one wins where two name the same thing.

    Args:
      groups: as the study states them.
    """
    factors, levers, by_group = dict[str, tuple[float, float]](), dict[str, Any](), dict[str, Group]()
    for change in changes:
        factors |= change.factors
        for policy, table in change.levers.items():
            levers[policy] = {**levers.get(policy, {}), **table}
        for name, group in change.groups.items():
            by_group[name] = group_changes.joined(by_group.get(name, groups[name]), group, groups[name])
    return Change(factors, levers, by_group)


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
    reader = PolicyReader(levers_of, tables, study.baseline, problems, multiples)
    by_name = [reader.policy(name) for name in study.policy_names]
    problems.refuse(study.source)
    return replace(study, policies=tuple(filter(None, by_name)), groups={**study.groups, **change.groups})
