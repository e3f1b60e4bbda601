"""Tables of policies, read to `Policy`s with `like` and `before` resolved; and which of them run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np

from engine.draws.distributions.prior import Prior
from engine.draws.limits import reach
from engine.errors import Problems, look_up, refusal
from engine.modelling.declaration import POLICY_KEYS
from engine.modelling.records import Model
from engine.study.components import Policy
from engine.study.tables.levers import LeverTables, taken_apart
from engine.study.values import Tables


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
    baseline, levers = (
        text.get("baseline") or next(iter(tables), ""),
        LeverTables(model, years, text["factors"], priors),
    )
    if not tables:
        problems.add("policies", "expected at least one policy, got none. Add [policies.NAME] with the model's levers.")
    if not (tables and problems.knows("baseline", "policy", baseline, tables)):
        return Policies({}, (), baseline, followed, levers)
    names = tuple(text.get("compare") or tables)
    problems.knows_each("compare", "policy", names, tables)
    for name, table in tables.items():
        with problems.within(f"policies.{name}.implementation"):
            _check_implementation(table.get("implementation", 1.0), text["factors"], priors)
    reader = PolicyReader(levers, tables, baseline, problems)
    by_name = {name: policy for name in tables if (policy := reader.policy(name)) is not None}
    _check_units(by_name, text["factors"], model, problems)
    return Policies(by_name, names if baseline in names else (baseline, *names), baseline, followed, levers)


def _check_implementation(share: float | str, factors: Tables, priors: Mapping[str, Prior]) -> None:
    if isinstance(share, str):
        look_up("factor", share, factors)
        # a factor without a prior is a problem of its own
        low, high = reach(priors[share].law) if share in priors else (0.0, 1.0)
        if low < -1e-9 or high > 1 + 1e-9:
            reached = f"'{share}' reaches {low:.3g} to {high:.3g}"
            remedy = "Use 'logit-normal', or 'uniform' or 'triangular' inside these bounds."
            raise refusal("", f"expected a factor drawn from 0 to 1; {reached}. {remedy}")


def _check_units(policies: Mapping[str, Policy], factors: Tables, model: Model, problems: Problems) -> None:
    """Adds a problem for each lever in another unit than its factor, which has, if unstated, its first lever's unit."""
    units, seen = {name: table["unit"] for name, table in factors.items() if "unit" in table}, set[Any]()
    for policy in policies.values():
        for lever, weights in policy.drawn.items():
            unit = model.levers[lever].unit
            for name in sorted({*weights} - {*model.factors}):
                if units.setdefault(name, unit) != unit and (name, lever) not in seen:
                    remedy = f"Give it the lever's, factors.{name}.unit, or draw another one."
                    text = f"expected a factor in '{unit}', got '{name}' in '{units[name]}'. {remedy}"
                    problems.add(f"policies.{policy.name}.{lever}", text)
                seen.add((name, lever))


_Read = TypeVar("_Read")


@dataclass(frozen=True)
class _Terms:
    """A policy with `like` resolved, while `before` and factors are still names; levers as `LeverTables` reads them."""

    levers: Mapping[str, np.ndarray]
    start: int
    before: str | None
    implementation: float | str


@dataclass(frozen=True)
class PolicyReader:
    """Reads policies by name.

    Args:
      levers: reads the values of levers, and knows the calendar years.
      tables: policy name -> its table.
      baseline: what a policy phases in from where it names nothing.
      problems: what is wrong with any of them is added here.
      multiples: policy -> lever -> what its values, numbers and draws, are multiplied by.
    """

    levers: LeverTables
    tables: Tables
    baseline: str
    problems: Problems
    multiples: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    _known: dict[Any, Any] = field(default_factory=dict, init=False)

    def policy(self, name: str, through: tuple[str, ...] = ()) -> Policy | None:
        """The policy of that name, fully resolved; None where it, or a policy that it refers to, has problems.

        Args:
          through: names of the policies whose `before` led here, by which a circle is found.
        """
        return self._once(self._read, name, through)

    def _once(self, read: Callable[[str, tuple[str, ...]], _Read], name: str, through: tuple[str, ...]) -> _Read:
        """What `read` gives for a policy, remembered; None where it has problems, which are added once."""
        if (read, name) not in self._known:
            self._known[read, name] = None
            with self.problems.within(f"policies.{name}"):
                self._known[read, name] = read(name, through)
        known: _Read = self._known[read, name]
        return known

    def _read(self, name: str, through: tuple[str, ...]) -> Policy | None:
        if (terms := self._once(self._follow, name, ())) is None:
            return None
        years, before = self.levers.years, None
        is_phased = terms.implementation != 1.0 or (bool(years) and terms.start > years[0])
        if is_phased or terms.before is not None:
            other = terms.before or (self.baseline if name != self.baseline else None)
            if other is None:
                text = 'the baseline has nothing before it to phase in from. Name a policy: before = "...".'
                raise refusal("before", text)
            if other == name or other in through:
                raise refusal("before", f"goes in a circle: {_chain([*through, name, other])}.")
            earlier = self.policy(other, (*through, name))
            if earlier is None:
                return None
            if isinstance(share := earlier.implementation, str):
                text = f"'{other}' is drawn (implementation = \"{share}\"), so nothing can phase in from it."
                raise refusal("before", text)
            before = phased(earlier, years) if is_phased else None
        levers, drawn = {}, {}
        for lever, values in terms.levers.items():
            multiple = self.multiples.get(name, {}).get(lever, 1.0)
            numbers, weights = taken_apart(values)
            levers[lever] = multiple * numbers
            if weights:
                drawn[lever] = {factor: multiple * weight for factor, weight in weights.items()}
        about = self.tables[name].get("about", "")
        return Policy(name, about, levers, terms.start, before, terms.implementation, drawn)

    def _follow(self, name: str, through: tuple[str, ...]) -> _Terms | None:
        table, years, problems, others = self.tables[name], self.levers.years, Problems(), {*self.tables} - {name}
        defaults = {lever: self.levers.default(entry) for lever, entry in self.levers.model.levers.items()}
        parent: _Terms | None = _Terms(defaults, years[0] if years else 0, None, 1.0)
        like = table.get("like")
        if like in (name, *through):
            raise refusal("like", f"goes in a circle: {_chain([*through, name, like])}.")
        if like is not None and problems.knows("like", "policy", like, others):
            parent = self._once(self._follow, like, (*through, name))
        if table.get("before") not in (None, name):
            problems.knows("before", "policy", table["before"], others)
        if "start" in table:
            with problems.within("start"):
                if not years:
                    raise refusal("", "a static model has no years. Remove it.")
                self.levers.check_year(table["start"])
        stated = [lever for lever in table if lever not in POLICY_KEYS]
        own = {lever: self.levers.read(lever, table[lever], problems) for lever in stated}
        problems.refuse()
        if parent is None:
            return None
        start, before = (table.get(key, getattr(parent, key)) for key in ("start", "before"))
        share = table.get("implementation", parent.implementation)
        return _Terms({**parent.levers, **own}, start, before, share if isinstance(share, str) else float(share))


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


def _chain(names: Sequence[str]) -> str:
    return " -> ".join(names[names.index(names[-1]) :])
