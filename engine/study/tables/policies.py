"""Tables of policies, read to `Policy`s with `like` and `before` resolved; and which of them run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine.draws.distributions.prior import Prior
from engine.errors import Problems
from engine.modelling.declaration import POLICY_KEYS
from engine.modelling.records import Lever, Model
from engine.study.components import Policy
from engine.study.tables.levers import UNSET, LeverTables, taken_apart
from engine.study.tables.triggers import is_value, of_trigger, set_by
from engine.study.values import Tables, leaving_out

SHARE = Lever("1", 1.0, low=0.0, high=1.0)
"""What an implementation may be, as that of a lever: from 0 to 1."""


@dataclass(frozen=True)
class Policies:
    """The policies of a study.

    Args:
      by_name: the policies of the study's file, without those that have problems.
      names: names of those that run.
      baseline: name of the baseline.
      followed: name of the policy that was followed in reality; "" where it is not known.
      levers: reads the values of levers in tables of policies.
    """

    by_name: Mapping[str, Policy]
    names: tuple[str, ...]
    baseline: str
    followed: str
    levers: LeverTables

    @property
    def running(self) -> tuple[Policy, ...]:
        """The policies that run, without those that have problems."""
        return tuple(filter(None, map(self.by_name.get, self.names)))

    @property
    def reached(self) -> list[str]:
        """Names of the policies that run, of the one followed, and of all that these, step by step, phase in from."""
        names = list(dict.fromkeys([*self.names, self.followed] if self.followed in self.by_name else self.names))
        for name in reversed([name for name in names if name in self.by_name]):
            before = self.by_name[name].before
            while before is not None and before.name not in names:
                names.append(before.name)
                before = before.before
        return names

    @property
    def levers_by_factor(self) -> dict[str, str]:
        """Factor -> a lever that is drawn from it, over the reached policies; "" where only an implementation is."""
        levers: dict[str, str] = {}
        for policy in filter(None, map(self.by_name.get, self.reached)):
            by_lever = {name: lever for lever, weights in policy.drawn.items() for name in weights}
            for name in policy.factors:
                levers[name] = levers.get(name) or by_lever.get(name, "")
        return levers


def read(
    text: Tables, model: Model, years: tuple[int, ...], priors: Mapping[str, Prior], problems: Problems, followed: str
) -> Policies:
    """The policies of a study; a model without levers needs no table, and has one policy called "default".

    Args:
      text: the study's tables.
      years: calendar years; empty for a static model.
      priors: of the factors, for levers and implementations that one of them gives.
      problems: what is wrong is added here.
      followed: name of the policy that was followed in reality; "" where the study does not say.
    """
    tables = text["policies"] or ({} if model.levers else {"default": {}})
    baseline = text.get("baseline") or next(iter(tables), "")
    levers = LeverTables(model, years, text["factors"], priors)
    if not tables:
        problems.add("policies", "expected at least one policy, got none. Add [policies.NAME] with the model's levers.")
    if not (tables and problems.knows("baseline", "policy", baseline, tables)):
        return Policies({}, (), baseline, followed, levers)
    names = tuple(text.get("compare") or tables)
    problems.knows_each("compare", "policy", names, tables)
    by_name = read_tables(tables, levers, baseline, problems)
    running = names if baseline in names else (baseline, *names)
    policies = Policies(by_name, running, baseline, followed, levers)
    # a factor without a unit has that of its first lever
    units = {name: model.levers[lever].unit for name, lever in policies.levers_by_factor.items() if lever}
    units |= {name: table["unit"] for name, table in text["factors"].items() if "unit" in table}
    for policy in by_name.values():
        for lever, weights in policy.drawn.items():
            unit = model.levers[lever].unit
            for name in sorted({*weights} - {*model.factors}):
                if units.get(name, unit) != unit:
                    problems.add(
                        f"policies.{policy.name}.{lever}",
                        f"expected a factor in '{unit}', got '{name}' in '{units[name]}'. "
                        f"Give it the lever's, factors.{name}.unit, or draw another one.",
                    )
    return policies


def read_tables(tables: Tables, levers: LeverTables, baseline: str, problems: Problems) -> dict[str, Policy]:
    """The policies that tables state, in their order, without those that have problems, which are added.

    Args:
      levers: reads the values of levers, and knows the calendar years.
      baseline: the policy that a policy phases in from where it names none.
    """
    first = levers.years[0] if levers.years else 0
    whole = dict[str, dict[str, Any]]()
    for name in _ordered("like", {name: table.get("like") for name, table in tables.items()}, problems):
        like = tables[name].get("like")
        with problems.within(f"policies.{name}"):
            own = _own_terms(name, tables, levers)
            if like is None:
                whole[name] = {"start": first, "before": None, "implementation": 1.0, **levers.defaults, **own}
            elif like in whole:
                whole[name] = {**whole[like], "about": "", **own}
    phasing = {name for name, one in whole.items() if one["implementation"] != 1.0 or one["start"] > first}
    links = {name: one["before"] or (baseline if name in phasing else None) for name, one in whole.items()}
    if baseline in phasing and not whole[baseline]["before"]:
        problems.add(
            f"policies.{baseline}.before",
            'the baseline has nothing before it to phase in from. Name a policy: before = "...".',
        )
        del links[baseline]
    found = dict[str, Policy]()
    for name in _ordered("before", links, problems):
        earlier = found.get(links[name] or "")
        if links[name] and earlier is None:  # which has problems
            continue
        if earlier and isinstance(share := earlier.implementation, str):
            problems.add(
                f"policies.{name}.before",
                f"'{earlier.name}' is drawn (implementation = \"{share}\"), so nothing can phase in from it.",
            )
            continue
        before = phased(earlier, levers.years) if earlier and name in phasing else None
        found[name] = _policy(name, whole[name], before)
    return {name: found[name] for name in tables if name in found}


def _ordered(key: str, links: Mapping[str, str | None], problems: Problems) -> list[str]:
    """Names of policies, each after the one that it refers to by a key; circles are added to the problems."""
    order = dict[str, None]()
    for name in links:
        chain, last = {name: None}, name
        while (other := links.get(last)) is not None and other not in order and other not in chain:
            chain[other], last = None, other
        if other in chain and name not in order:
            names = [*chain, other]
            problems.add(f"policies.{last}.{key}", f"forms a circle: {' -> '.join(names[names.index(other) :])}.")
        order |= dict.fromkeys(reversed(chain))
    return [name for name in order if name in links]


def _own_terms(name: str, tables: Tables, levers: LeverTables) -> dict[str, Any]:
    """What a policy states itself, with the values of its levers as arrays; refused with all its problems."""
    terms, problems = dict(tables[name]), Problems()
    for key in ("like", "before"):
        if terms.get(key) not in (None, name):
            problems.knows(key, "policy", terms[key], {*tables} - {name})
    if "start" in terms:
        with problems.within("start"):
            levers.check_year(terms["start"])
    if "implementation" in terms:
        with problems.within("implementation"):
            terms["implementation"] = levers.value(SHARE, terms["implementation"])
    for lever in leaving_out(terms, POLICY_KEYS):
        with problems.within(lever):
            terms[lever] = levers.read(lever, terms[lever])
    problems.refuse()
    return terms


def _policy(name: str, terms: Tables, before: Policy | None) -> Policy:
    levers, drawn, when = dict[str, np.ndarray](), dict[str, Mapping[str, np.ndarray]](), dict[str, list[Any]]()
    # the levers of triggers stand after those that they set
    for lever in leaving_out(terms, POLICY_KEYS):
        levers[lever], of = taken_apart(terms[lever])
        is_set = 1.0 - of.pop(UNSET, 0.0)
        if is_value(lever):
            own, when[lever] = set_by(lever), terms[lever].tolist()
            levers[lever] -= is_set * levers[own]
            for factor, weight in drawn.get(own, {}).items():
                of[factor] = of.get(factor, 0.0) - is_set * weight
        if of:
            drawn[lever] = of
    if before is not None:
        # a partial implementation blends what a trigger does, and not its thresholds
        kept = [lever for lever in levers if of_trigger(lever) and not is_value(lever)]
        before = replace(
            before,
            levers={**before.levers, **{lever: levers[lever] for lever in kept}},
            drawn={**leaving_out(before.drawn, kept), **{lever: drawn[lever] for lever in kept if lever in drawn}},
        )
    return Policy(name, terms.get("about", ""), levers, terms["start"], before, terms["implementation"], drawn, when)


def phased(policy: Policy, years: Sequence[int]) -> Policy:
    """The same policy with its own phasing already in its levers, so that another can phase in from it."""
    if policy.before is None or isinstance(policy.implementation, str):
        return replace(policy, before=None, implementation=1.0)
    started, share = np.array([year >= policy.start for year in years] or [True]), policy.implementation

    def blended(values: np.ndarray, earlier: np.ndarray) -> np.ndarray:
        reached = values if share == 1.0 else earlier + share * (values - earlier)
        return np.where(started.reshape(-1, *[1] * (values.ndim - 1)), reached, earlier)

    before, drawn = policy.before, {}
    levers = {lever: blended(values, before.levers[lever]) for lever, values in policy.levers.items()}
    for lever in {**before.drawn, **policy.drawn}:
        earlier, own = before.drawn.get(lever, {}), policy.drawn.get(lever, {})
        none = np.zeros_like(policy.levers[lever])
        drawn[lever] = {name: blended(own.get(name, none), earlier.get(name, none)) for name in {**earlier, **own}}
    # `before` stays: until the start, the year in which the policy in force began is that of the one before
    return replace(policy, levers=levers, implementation=1.0, drawn=drawn)


def on_path(policy: Policy, draws: Mapping[str, float], years: Sequence[int]) -> Policy:
    """The policy as it is in force on one path: phasing and draws worked into its levers, which are numbers alone.

    Args:
      draws: factor -> its value on the path.
    """
    levers = {
        lever: values + sum(weights * draws[name] for name, weights in policy.drawn.get(lever, {}).items())
        for lever, values in policy.levers.items()
    }
    before, share = policy.before and on_path(policy.before, draws, years), policy.implementation
    share = float(draws[share]) if isinstance(share, str) else share
    return phased(replace(policy, levers=levers, before=before, implementation=share, drawn={}), years)
