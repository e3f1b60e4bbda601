"""Policies: tables of lever values -> arrays by year and cell, with `like` and `before` followed; and back to tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine.errors import Problems, refusal, unknown
from engine.modelling.declaration import POLICY_KEYS
from engine.modelling.records import Lever, Model
from engine.study.study import Policy

_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class _Terms:
    """A policy's terms with `like` followed, names still names."""

    levers: Mapping[str, np.ndarray]
    start: int
    before: str | None
    implementation: float | str


class PolicyReader:
    """Reads the policies of a study.

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
        self._model, self._tables, self._baseline = model, tables, baseline
        self._years, self._problems = tuple(years), problems
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
        levers = {lever: self._default(entry) for lever, entry in self._model.levers.items()}
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
            self._check_start(table["start"], problems)
        own = {
            lever: self._values(lever, value, problems)
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

    def _check_start(self, start: int, problems: Problems) -> None:
        if not self._years:
            problems.add("start", "a static model has no years. Remove it.")
        elif start not in self._years:
            problems.add("start", self._outside(start))

    def _outside(self, year: int | str) -> str:
        return f"expected a year of the horizon {self._years[0]}-{self._years[-1]}, got {year}."

    def _default(self, lever: Lever) -> np.ndarray:
        shape = [max(1, len(self._years)), *(len(self._model.dims[dim]) for dim in lever.dims)]
        return np.full(shape, float(lever.default))

    def _values(self, name: str, value: Any, problems: Problems) -> np.ndarray:
        """Values of a lever [year, *dims]: a number, a table by year, or a table by label of these, level by level."""
        if name not in self._model.levers:
            problems.add(name, unknown("lever", name, [*self._model.levers, *POLICY_KEYS]))
            return np.zeros(0)
        lever = self._model.levers[name]
        array = self._default(lever)
        self._fill(array, lever.dims, value, name, problems)
        return array

    def _fill(
        self, part: np.ndarray, dims: tuple[str, ...], value: Any, place: str, problems: Problems
    ) -> None:
        if not isinstance(value, Mapping):
            with problems.within(place):
                part[:] = number(value)
            return
        if not value:
            problems.add(place, "expected at least one entry, got an empty table.")
            return
        labels = self._model.dims[dims[0]] if dims else ()
        if all(_is_year(key) and key not in labels for key in value):
            self._fill_years(part, value, place, problems)
            return
        for label, inner in value.items():
            if label in labels:
                self._fill(part[:, labels.index(label)], dims[1:], inner, f"{place}.{label}", problems)
            elif dims:
                problems.add(f"{place}.{label}", unknown(f"label of '{dims[0]}'", label, labels))
            else:
                problems.add(f"{place}.{label}", f"expected a year, got '{label}'.")

    def _fill_years(self, part: np.ndarray, value: Mapping[str, Any], place: str, problems: Problems) -> None:
        if not self._years:
            problems.add(place, "a static model has no years. Give a number.")
            return
        for key in sorted(value, key=int):
            with problems.within(f"{place}.{key}"):
                if int(key) not in self._years:
                    raise refusal("", self._outside(key))
                part[int(key) - self._years[0] :] = number(value[key])


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


def number(value: Any) -> int | float:
    """The value, where it is a finite number that single precision holds; anything else is refused."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refusal("", f"expected a number, got {shown(value)}.")
    if not (abs(value) <= _LARGEST and math.isfinite(value)):
        raise refusal("", f"expected a finite number that single precision holds, got {shown(value)}.")
    return value


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
