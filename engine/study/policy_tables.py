"""Tables of policies -> policies, with `like` and `before` followed, and which of them run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine.draws.distributions.prior import Prior
from engine.draws.limits import FARTHEST
from engine.errors import Problems, refusal, unknown
from engine.modelling.declaration import POLICY_KEYS
from engine.modelling.records import Model
from engine.study.lever_tables import LeverTables
from engine.study.study import Policy


@dataclass(frozen=True)
class Policies:
    """The policies of a study that nothing is wrong with, the names of those that run, and the baseline."""

    by_name: Mapping[str, Policy]
    names: tuple[str, ...]
    baseline: str

    @property
    def running(self) -> tuple[Policy, ...]:
        """Those that run and that nothing is wrong with."""
        return tuple(self.by_name[name] for name in self.names if name in self.by_name)

    @property
    def reached(self) -> list[str]:
        """Names of those that run, then of those that they phase in from, directly or by way of others."""
        names, waiting = list(self.names), list(self.names)
        while waiting:
            before = self.by_name[waiting.pop()].before
            if before is not None and before.name not in names:
                names.append(before.name)
                waiting.append(before.name)
        return names


def read(
    text: Mapping[str, Any],
    model: Model,
    years: Sequence[int],
    priors: Mapping[str, Prior],
    problems: Problems,
) -> Policies:
    """The policies of a study; a model without levers may do with one that has no table.

    Args:
      text: the study's tables.
      years: calendar years; empty for a static model.
      priors: of the factors, for implementations that one of them gives.
      problems: what is wrong is added here.
    """
    tables = dict(text["policies"]) or ({} if model.levers else {"default": {}})
    baseline = text.get("baseline") or next(iter(tables), "")
    if not tables:
        remedy = "Add [policies.NAME] with the model's levers."
        problems.add("policies", f"expected at least one policy, got none. {remedy}")
        return Policies({}, (), baseline)
    if baseline not in tables:
        problems.add("baseline", unknown("policy", baseline, tables))
        return Policies({}, (), baseline)
    names = tuple(text.get("compare") or tables)
    for name in dict.fromkeys(names):
        if name not in tables:
            problems.add("compare", unknown("policy", name, tables))
        elif names.count(name) > 1:
            problems.add("compare", f"names '{name}' twice.")
    for name, table in tables.items():
        with problems.within(f"policies.{name}.implementation"):
            _check_implementation(table.get("implementation"), text["factors"], priors)
    reader = PolicyReader(model, tables, baseline, years, problems)
    by_name = {name: policy for name in tables if (policy := reader.policy(name)) is not None}
    return Policies(by_name, names if baseline in names else (baseline, *names), baseline)


def _check_implementation(value: Any, factors: Mapping[str, Any], priors: Mapping[str, Prior]) -> None:
    if isinstance(value, str):
        if value not in factors:
            raise refusal("", unknown("factor", value, factors))
        if value not in priors:  # which is a problem of its own
            return
        low, high = (float(x) for x in priors[value].law.at_score([-FARTHEST, FARTHEST]))
        if low < -1e-9 or high > 1 + 1e-9:
            remedy = "Use 'logit-normal', or 'uniform' or 'triangular' inside these bounds."
            text = f"expected a factor drawn from 0 to 1; '{value}' reaches {low:.3g} to {high:.3g}. {remedy}"
            raise refusal("", text)
    elif value is not None and not 0 <= value <= 1:
        raise refusal("", f"expected a share from 0 to 1 or the name of a factor, got {value}.")


@dataclass(frozen=True)
class _Terms:
    """A policy's terms with `like` followed, names still names."""

    levers: Mapping[str, np.ndarray]
    start: int
    before: str | None
    implementation: float | str


class PolicyReader:
    """Reads policies by name.

    Args:
      tables: policy name -> its table.
      baseline: what a policy phases in from where it names nothing.
      years: calendar years; empty for a static model.
      problems: what is wrong with any of them is added here.
    """

    def __init__(
        self,
        model: Model,
        tables: Mapping[str, Mapping[str, Any]],
        baseline: str,
        years: Sequence[int],
        problems: Problems,
    ):
        self._tables, self._baseline, self._problems = tables, baseline, problems
        self._levers, self._years = LeverTables(model, tuple(years)), tuple(years)
        self._terms: dict[str, _Terms | None] = {}
        self._policies: dict[str, Policy | None] = {}

    def policy(self, name: str, through: tuple[str, ...] = ()) -> Policy | None:
        """The policy of that name, everything followed; None where something is wrong with it, or with one that it needs."""
        if name not in self._policies:
            self._policies[name] = None
            with self._problems.within(f"policies.{name}"):
                self._policies[name] = self._read(name, through)
        return self._policies[name]

    def _read(self, name: str, through: tuple[str, ...]) -> Policy | None:
        terms = self._followed(name, ())
        if terms is None:
            return None
        whole = terms.implementation == 1.0
        late = bool(self._years) and terms.start > self._years[0]
        before = None
        if late or not whole or terms.before is not None:
            other = terms.before or (self._baseline if name != self._baseline else None)
            if other is None:
                text = 'the baseline has nothing before it to phase in from. Name a policy: before = "...".'
                raise refusal("before", text)
            if other == name or other in through:
                raise refusal("before", f"goes in a circle: {_chain([*through, name, other])}.")
            earlier = self.policy(other, (*through, name))
            if earlier is None:
                return None
            if isinstance(earlier.implementation, str):
                text = f"'{other}' is drawn (implementation = \"{earlier.implementation}\"), so nothing can phase in from it."
                raise refusal("before", text)
            before = phased(earlier, self._years) if late or not whole else None
        about = str(self._tables[name].get("about", ""))
        return Policy(name, about, terms.levers, terms.start, before, terms.implementation)

    def _followed(self, name: str, through: tuple[str, ...]) -> _Terms | None:
        if name not in self._terms:
            self._terms[name] = None
            with self._problems.within(f"policies.{name}"):
                self._terms[name] = self._follow(name, through)
        return self._terms[name]

    def _follow(self, name: str, through: tuple[str, ...]) -> _Terms | None:
        table, problems, others = self._tables[name], Problems(), set(self._tables) - {name}
        levers = {lever: self._levers.default(entry) for lever, entry in self._levers.model.levers.items()}
        parent: _Terms | None = _Terms(levers, self._years[0] if self._years else 0, None, 1.0)
        like = table.get("like")
        if like is not None and (like == name or like in through):
            raise refusal("like", f"goes in a circle: {_chain([*through, name, like])}.")
        if like is not None and like not in self._tables:
            problems.add("like", unknown("policy", like, others))
        elif like is not None:
            parent = self._followed(like, (*through, name))
        if "before" in table and table["before"] not in self._tables:
            problems.add("before", unknown("policy", table["before"], others))
        if "start" in table:
            with problems.within("start"):
                if not self._years:
                    raise refusal("", "a static model has no years. Remove it.")
                self._levers.check_year(table["start"])
        own = {
            lever: self._levers.read(lever, value, problems)
            for lever, value in table.items()
            if lever not in POLICY_KEYS
        }
        problems.refuse()
        if parent is None:
            return None
        implementation = table.get("implementation", parent.implementation)
        return _Terms(
            {**parent.levers, **own},
            table.get("start", parent.start),
            table.get("before", parent.before),
            implementation if isinstance(implementation, str) else float(implementation),
        )


def phased(policy: Policy, years: Sequence[int]) -> Policy:
    """The same policy with its own phasing already in its levers, so that another can phase in from it."""
    if policy.before is None or isinstance(policy.implementation, str):
        return replace(policy, before=None, implementation=1.0)
    blended = {}
    for lever, values in policy.levers.items():
        earlier = policy.before.levers[lever]
        reached = values
        if policy.implementation != 1.0:
            reached = earlier + policy.implementation * (values - earlier)
        started = np.array([year >= policy.start for year in years] or [True])
        blended[lever] = np.where(started.reshape(-1, *[1] * (values.ndim - 1)), reached, earlier)
    # `before` stays: until the start, the year in which the policy in force began is that of the one before
    return replace(policy, levers=blended, implementation=1.0)


def _chain(names: Sequence[str]) -> str:
    return " -> ".join(names[names.index(names[-1]) :])
