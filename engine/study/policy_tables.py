"""Policies: tables of lever values -> arrays by year and cell, with `like` and `before` followed; and back to tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine.draws.distributions.law import LARGEST
from engine.errors import Problem, unknown
from engine.modelling.declaration import POLICY_KEYS
from engine.modelling.records import Lever, Model
from engine.study.study import Policy


@dataclass(frozen=True)
class _Terms:
    """A policy's terms with `like` followed, names still names."""

    levers: Mapping[str, np.ndarray]
    start: int
    before: str | None
    implementation: float | str


class PolicyReader:
    """Reads the policies of a study; what is wrong with them is added to `problems`.

    Args:
      tables: policy name -> its table.
      baseline: what a policy phases in from where it names nothing.
      years: calendar years; empty for a static model.
      problems: the list to add to.
    """

    def __init__(
        self,
        model: Model,
        tables: Mapping[str, Mapping[str, Any]],
        baseline: str,
        years: Sequence[int],
        problems: list[Problem],
    ):
        self.model, self.tables, self.baseline = model, tables, baseline
        self.years, self.problems = tuple(years), problems
        self._terms: dict[str, _Terms | None] = {}
        self._policies: dict[str, Policy | None] = {}

    def before_of(self, name: str) -> str | None:
        """The policy that this one phases in from, `before` or else the baseline; None where it is the baseline."""
        terms = self._followed(name, ())
        if terms is None:
            return None
        return terms.before or (self.baseline if name != self.baseline else None)

    def policy(self, name: str, through: tuple[str, ...] = ()) -> Policy | None:
        """The policy of that name, everything followed; None where something is wrong with it."""
        if name not in self._policies:
            self._policies[name] = self._read(name, through)
        return self._policies[name]

    def _read(self, name: str, through: tuple[str, ...]) -> Policy | None:
        place = f"policies.{name}"
        terms = self._followed(name, ())
        if terms is None:
            return None
        whole = terms.implementation == 1.0
        late = bool(self.years) and terms.start > self.years[0]
        before = None
        if late or not whole or terms.before is not None:
            other = self.before_of(name)
            if other is None:
                text = 'the baseline has nothing before it to phase in from. Name a policy: before = "...".'
                self.problems.append(Problem(f"{place}.before", text))
                return None
            if other == name or other in through:
                self.problems.append(
                    Problem(f"{place}.before", f"goes in a circle: {_chain([*through, name, other])}.")
                )
                return None
            earlier = self.policy(other, (*through, name))
            if earlier is None:
                return None
            if isinstance(earlier.implementation, str):
                text = f"'{other}' is drawn (implementation = \"{earlier.implementation}\"), so nothing can phase in from it."
                self.problems.append(Problem(f"{place}.before", text))
                return None
            before = phased(earlier, self.years) if late or not whole else None
        about = str(self.tables[name].get("about", ""))
        return Policy(name, about, terms.levers, terms.start, before, terms.implementation)

    def _followed(self, name: str, through: tuple[str, ...]) -> _Terms | None:
        if name not in self._terms:
            self._terms[name] = self._follow(name, through)
        return self._terms[name]

    def _follow(self, name: str, through: tuple[str, ...]) -> _Terms | None:
        table, place, found = self.tables[name], f"policies.{name}", len(self.problems)
        parent: _Terms | None = _Terms(
            {lever: self._default(entry) for lever, entry in self.model.levers.items()},
            self.years[0] if self.years else 0,
            None,
            1.0,
        )
        like = table.get("like")
        if like is not None:
            if like == name or like in through:
                self.problems.append(
                    Problem(f"{place}.like", f"goes in a circle: {_chain([*through, name, like])}.")
                )
                return None
            if like not in self.tables:
                self.problems.append(
                    Problem(f"{place}.like", unknown("policy", like, set(self.tables) - {name}))
                )
                parent = None
            else:
                parent = self._followed(like, (*through, name))
        if "before" in table and table["before"] not in self.tables:
            message = unknown("policy", table["before"], set(self.tables) - {name})
            self.problems.append(Problem(f"{place}.before", message))
        if "start" in table:
            self._check_start(table["start"], f"{place}.start")
        levers = {}
        for lever, value in table.items():
            if lever in POLICY_KEYS:
                continue
            if lever not in self.model.levers:
                message = unknown("lever", lever, [*self.model.levers, *POLICY_KEYS])
                self.problems.append(Problem(f"{place}.{lever}", message))
                continue
            levers[lever] = self._values(self.model.levers[lever], value, f"{place}.{lever}")
        if parent is None or len(self.problems) > found:
            return None
        implementation = table.get("implementation", parent.implementation)
        return _Terms(
            {**parent.levers, **levers},
            table.get("start", parent.start),
            table.get("before", parent.before),
            implementation if isinstance(implementation, str) else float(implementation),
        )

    def _check_start(self, start: int, place: str) -> None:
        if not self.years:
            self.problems.append(Problem(place, "a static model has no years. Remove it."))
        elif start not in self.years:
            text = f"expected a year of the horizon {self.years[0]}-{self.years[-1]}, got {start}."
            self.problems.append(Problem(place, text))

    def _default(self, lever: Lever) -> np.ndarray:
        shape = [max(1, len(self.years)), *(len(self.model.dims[dim]) for dim in lever.dims)]
        return np.full(shape, float(lever.default))

    def _values(self, lever: Lever, value: Any, place: str) -> np.ndarray:
        """Values of a lever [year, *dims]: a number, a table by year, or a table by label of these, level by level."""
        array = self._default(lever)
        self._fill(array, lever.dims, value, place)
        return array

    def _fill(self, part: np.ndarray, dims: tuple[str, ...], value: Any, place: str) -> None:
        if not isinstance(value, Mapping):
            wrong = number_problem(value)
            if wrong:
                self.problems.append(Problem(place, wrong))
            else:
                part[:] = value
            return
        if not value:
            self.problems.append(Problem(place, "expected at least one entry, got an empty table."))
            return
        labels = self.model.dims[dims[0]] if dims else ()
        if all(_is_year(key) and key not in labels for key in value):
            self._fill_years(part, value, place)
            return
        for label, inner in value.items():
            if label in labels:
                self._fill(part[:, labels.index(label)], dims[1:], inner, f"{place}.{label}")
            elif dims:
                self.problems.append(
                    Problem(f"{place}.{label}", unknown(f"label of '{dims[0]}'", label, labels))
                )
            else:
                self.problems.append(Problem(f"{place}.{label}", f"expected a year, got '{label}'."))

    def _fill_years(self, part: np.ndarray, value: Mapping[str, Any], place: str) -> None:
        if not self.years:
            self.problems.append(Problem(place, "a static model has no years. Give a number."))
            return
        for key in sorted(value, key=int):
            year = int(key)
            if year not in self.years:
                text = f"expected a year of the horizon {self.years[0]}-{self.years[-1]}, got {key}."
                self.problems.append(Problem(f"{place}.{key}", text))
                continue
            wrong = number_problem(value[key])
            if wrong:
                self.problems.append(Problem(f"{place}.{key}", wrong))
            else:
                part[year - self.years[0] :] = value[key]


def phased(policy: Policy, years: Sequence[int]) -> Policy:
    """The same policy with its own phasing already in its levers, so that another can phase in from it."""
    if policy.before is None or isinstance(policy.implementation, str):
        return replace(policy, before=None, implementation=1.0)
    blended = {}
    for lever, values in policy.levers.items():
        earlier = policy.before.levers[lever]
        reached = (
            values if policy.implementation == 1.0 else earlier + policy.implementation * (values - earlier)
        )
        started = np.array([year >= policy.start for year in years] or [True])
        blended[lever] = np.where(started.reshape(-1, *[1] * (values.ndim - 1)), reached, earlier)
    # `before` stays: until the start, the year in which the policy in force began is that of the one before
    return replace(policy, levers=blended, implementation=1.0)


def lever_table(values: np.ndarray, dims: Sequence[str], model: Model, years: Sequence[int]) -> Any:
    """The shortest table that reads as these values [year, *dims]: a number, else by year, else by label."""
    if np.all(values == values.flat[0]):
        return float(values.flat[0])
    labels = model.dims[dims[0]] if dims else ()
    series = values.reshape(len(values), -1)
    if np.all(series == series[:, :1]) and not any(_is_year(label) for label in labels):
        steps = [0, *(np.flatnonzero(np.diff(series[:, 0])) + 1)]
        return {str(years[k]): float(series[k, 0]) for k in steps}
    return {label: lever_table(values[:, k], dims[1:], model, years) for k, label in enumerate(labels)}


def number_problem(value: Any) -> str | None:
    """What keeps a value from being a finite single-precision number, if anything."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"expected a number, got {shown(value)}."
    if not (abs(value) <= LARGEST and math.isfinite(value)):
        return f"expected a finite number that single precision holds, got {shown(value)}."
    return None


def shown(value: Any) -> str:
    """A value as a message shows it, in the words of the study file."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else value[:57] + "...")
    if isinstance(value, int) and abs(value) >= 10**30:
        return "a number of more than 30 digits"
    if isinstance(value, int | float):
        return str(value)
    return "a table" if isinstance(value, Mapping) else "a list" if isinstance(value, list) else "a date"


def _is_year(key: str) -> bool:
    return key.isascii() and key.isdigit() and len(key) <= 6


def _chain(names: Sequence[str]) -> str:
    return " -> ".join(names[names.index(names[-1]) :])
