"""The input of every section of the report: the study, its cube, and the cube's numbers as records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr

from engine.answers.answer import Answer
from engine.risk.estimation.summaries import STATS
from engine.risk.estimation.tables import Record
from engine.risk.policies.ranks import Gaps, of_outcomes
from engine.run_folder.stored_estimates import tables_of_cube
from engine.study.components import Event, Policy
from engine.study.study import Study

Key = tuple[str, str, str]
POLICIES = ("policy", "against", "row_policy")
"""Coordinates that hold names of policies, in the cube and in answers."""


@dataclass(frozen=True)
class Means:
    """Estimates of a yearly variable by its places, policy and year.

    Args:
      values: [place ..., policy, year, stat].
      dims: dimensions of the places.
      labels: dimension -> label -> its index.
    """

    values: np.ndarray
    dims: tuple[str, ...]
    labels: Mapping[str, Mapping[str, int]]

    @staticmethod
    def of(table: xr.DataArray) -> Means:
        """The means of a table of the cube."""
        whole = table.sel(measure="mean") if "measure" in table.dims else table
        dims = tuple(str(dim) for dim in whole.dims if dim not in ("policy", "year", "stat"))
        values = whole.sel(stat=list(STATS)).transpose(*dims, "policy", "year", "stat").values
        labels = {dim: {str(label): k for k, label in enumerate(whole[dim].values)} for dim in (*dims, "policy")}
        return Means(values, dims, labels)

    def row(self, policy: str, at: Mapping[str, str], year: int) -> np.ndarray:
        """The estimate at one place, under a policy, in the year with this index: an array of its `STATS`."""
        place = (self.labels[dim][at[dim]] for dim in self.dims)
        estimate: np.ndarray = self.values[(*place, self.labels["policy"][policy], year)]
        return estimate


@dataclass(frozen=True)
class RunRecords:
    """A run as its report reads it.

    Args:
      study: its study, with the number of paths that are there.
      tree: the cube, as `open_cube` gives it.
      risk, comparison: records of its summary groups by (measure, policy, variable), as `engine.risk.estimation.tables`
        names them.
      runs: what `provenance.runs` gives.
      versions: versions that made its blocks; several where they were mixed by `force`.
      variable: the outcome that the answer speaks of first, if one was named.
      answers: question -> its stored answer, as `answer_store.read` gives it.
      names: title of a policy, as it is used here -> its name in the study.
    """

    study: Study
    tree: xr.DataTree
    risk: Mapping[Key, Record]
    comparison: Mapping[Key, Record]
    runs: Sequence[Mapping[str, Any]] = ()
    versions: Sequence[Mapping[str, Any]] = ()
    variable: str | None = None
    answers: Mapping[str, xr.DataTree] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    loaded: dict[str, xr.Dataset] = field(default_factory=dict)
    averaged: dict[tuple[str, str], Means | None] = field(default_factory=dict)
    found: dict[str, Answer | None] = field(default_factory=dict, init=False)

    def group(self, place: str) -> xr.Dataset:
        """A group of the cube in memory, read once; an empty dataset where there is none."""
        if place not in self.loaded:
            self.loaded[place] = _dataset(self.tree, place)
        return self.loaded[place]

    def means(self, place: str, name: str) -> Means | None:
        """The means of a yearly variable in a group of the cube; None where it is not there."""
        if (place, name) not in self.averaged:
            group = self.group(place)
            self.averaged[place, name] = Means.of(group[name]) if name in group else None
        return self.averaged[place, name]

    @cached_property
    def pairs(self) -> Mapping[str, Gaps]:
        """Outcome -> differences of all pairs of policies in its mean, for headline outcomes kept path by path.

        Empty for fewer than three policies.
        """
        kept = self.tree["paths"].data_vars if "paths" in self.tree.children else {}
        policies, wanted = [*self.study.policy_names], dict.fromkeys((self.variable, *self.study.headline))
        names = [str(name) for name in wanted if name in kept] if len(policies) > 2 else []
        held = {name: kept[name].sel(policy=policies).transpose("policy", "path").values for name in names}
        return of_outcomes(self.study, names, held, self.comparison.values()).get("mean", {})

    def title(self, kind: str, name: str) -> str:
        """Title of a part: its label, else its name as words, such as "Bank loss" for `bank_loss`.

        Args:
          kind: the table of the study or the model that it is in, such as outcomes.
        """
        return self.study.title(kind, name)

    def words(self, kind: str, name: str) -> str:
        """Name of a part within a sentence: its label with a small first letter, else its name as words."""
        return self.study.phrase(kind, name)

    def heading(self, kind: str, name: str, unit: str, labels: Iterable[str] = ()) -> str:
        """Heading of a part with its labels and its unit, "Harvest, rye [kt]"; without unit for a pure number."""
        return ", ".join([self.title(kind, name), *labels]) + ("" if unit == "1" else f" [{unit}]")

    @property
    def outcomes(self) -> tuple[str, ...]:
        """Names of the outcomes that have estimates, in the order of the model."""
        return tuple(n for n in self.study.model.outcomes if ("mean", self.study.baseline, n) in self.risk)

    @property
    def events(self) -> tuple[Event, ...]:
        """Events that have a probability, in the order of the study."""
        base = self.study.baseline
        return tuple(e for e in self.study.events if ("probability", base, e.name) in self.risk)

    @property
    def others(self) -> tuple[str, ...]:
        """Names of the policies other than the baseline."""
        return tuple(name for name in self.study.policy_names if name != self.study.baseline)

    @property
    def paths(self) -> int:
        """Number of paths that the numbers are over."""
        return int(self.tree.attrs.get("paths", self.study.paths))

    @property
    def excluded(self) -> int:
        """Number of paths that are excluded from every estimate, because of non-finite values."""
        counts = self.group("diagnostics")
        return int(counts["n_excluded"]) if "n_excluded" in counts else 0


def records_of(
    study: Study, tree: xr.DataTree, answers: Mapping[str, xr.DataTree] | None = None, **more: Any
) -> RunRecords:
    """The `RunRecords` of a study, its cube and its answers; `more` are further fields.

    Policies are renamed to their titles everywhere: in the study, the cube, the answers and the records.
    """
    titles = _titles(study)
    answers = {question: _labelled(answer, titles) for question, answer in (answers or {}).items()}
    study, tree = _called(study, titles), _labelled(tree, titles)
    tables = tables_of_cube(study, tree)
    others = [r for r in tables.comparison if r.policy != study.baseline or r.measure == "regret"]
    names = {title: name for name, title in titles.items()}
    return RunRecords(study, tree, _by_key(tables.risk), _by_key(others), answers=answers, names=names, **more)


def _titles(study: Study) -> dict[str, str]:
    """Policy -> its title; the names themselves where two titles would read alike."""
    names = list(study.policy_names)
    titles = [study.title("policies", name) for name in names]
    alike = len({title.casefold() for title in titles}) < len(titles)
    return dict(zip(names, names if alike else titles, strict=True))


def _called(study: Study, titles: Mapping[str, str]) -> Study:
    """The study with its policies renamed to their titles."""
    if all(name == title for name, title in titles.items()):
        return study

    def retitle(policy: Policy) -> Policy:
        before = None if policy.before is None else retitle(policy.before)
        title = titles.get(policy.name) or study.title("policies", policy.name)
        return replace(policy, name=title, before=before)

    policies = tuple(map(retitle, study.policies))
    # as a label, a title begins with a small letter within a sentence; a title of one letter is a name and does not
    spoken = {title: title for title in titles.values() if len(title) > 1}
    labels = {**study.labels, "policies": {**study.labels.get("policies", {}), **spoken}}
    return replace(study, policies=policies, baseline=titles[study.baseline], labels=labels)


def _labelled(tree: xr.DataTree, titles: Mapping[str, str]) -> xr.DataTree:
    """The tree with policies renamed to their titles in all coordinates of `POLICIES`."""
    if all(name == title for name, title in titles.items()):
        return tree

    def labelled(group: xr.Dataset) -> xr.Dataset:
        held = {name: group[name] for name in POLICIES if name in group.coords}
        if "baseline" in group.attrs:
            group = group.assign_attrs(baseline=titles.get(group.attrs["baseline"], group.attrs["baseline"]))
        return group.assign_coords(
            {
                name: (of.dims, np.array([titles.get(str(one), str(one)) for one in of.values], object), of.attrs)
                for name, of in held.items()
            }
        )

    return xr.DataTree.from_dict({node.path: labelled(node.to_dataset(inherit=False)) for node in tree.subtree})


def _by_key(records: Iterable[Record]) -> dict[Key, Record]:
    return {(r.measure, r.policy, r.variable): r for r in records}


def _dataset(tree: xr.DataTree, place: str) -> xr.Dataset:
    """A group as a dataset in memory; an empty one where the cube has no such group."""
    return tree[place].to_dataset().load() if f"/{place}" in tree.groups else xr.Dataset()
