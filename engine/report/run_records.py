"""What every section of the report is made from: the study, its cube, and the cube's numbers as records."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr

from engine.risk.intervals import Estimate
from engine.risk.measures import MEASURES
from engine.risk.tables import Record, against_baseline, record
from engine.run_folder.cube_groups import STATS, words
from engine.study.study import Event, Study

NO_INTERVAL = "no interval"
Key = tuple[str, str, str]


@dataclass(frozen=True)
class RunRecords:
    """A run as its report reads it.

    Args:
      study: its study, with the paths that are there.
      tree: the cube, as `open_cube` gives it.
      risk, comparison: records of its summary groups by (measure, policy, variable), as `engine.risk.tables` names them.
      runs: what `provenance.runs` gives.
      versions: what made its blocks; more than one were mixed by force.
      variable: the outcome that the answer speaks of first, if one was named.
    """

    study: Study
    tree: xr.DataTree
    risk: Mapping[Key, Record]
    comparison: Mapping[Key, Record]
    runs: Sequence[Mapping[str, Any]] = ()
    versions: Sequence[Mapping[str, Any]] = ()
    variable: str | None = None
    loaded: dict[str, xr.Dataset] = field(default_factory=dict)

    def group(self, place: str) -> xr.Dataset:
        """A group of the cube in memory, read once; an empty one where there is none."""
        if place not in self.loaded:
            there = f"/{place}" in self.tree.groups
            self.loaded[place] = self.tree[place].to_dataset().load() if there else xr.Dataset()
        return self.loaded[place]

    def words(self, name: str) -> str:
        """A name as words: `gdp_index` is "GDP index" where a text of the study or model writes GDP."""
        return " ".join(
            word.upper() if word.upper() in self.acronyms else word for word in words(name).split(" ")
        )

    def title(self, name: str) -> str:
        """A name as a heading: `capital_shortfall_peak` is "Capital shortfall peak"."""
        text = self.words(name)
        return text[:1].upper() + text[1:]

    def heading(self, name: str, unit: str, labels: Iterable[str] = ()) -> str:
        """A name as a heading with the labels that it is for and its unit: "Harvest, rye [kt]"; no unit of a pure number."""
        return ", ".join([self.title(name), *labels]) + ("" if unit == "1" else f" [{unit}]")

    @cached_property
    def acronyms(self) -> frozenset[str]:
        """Words that the texts of the study and the model write in capitals."""
        model, study = self.study.model, self.study
        entries = [*model.outcomes.values(), *model.levers.values(), *getattr(model, "yearly", {}).values()]
        texts = [
            study.question,
            *(e.about for e in entries),
            *(e.about for e in study.events),
            *(i.about for i in study.inputs),
        ]
        return frozenset(re.findall(r"\b[A-Z]{2,5}\b", " ".join(texts)))

    @property
    def outcomes(self) -> tuple[str, ...]:
        """Outcomes that there are numbers of, in the order of the model."""
        return tuple(n for n in self.study.model.outcomes if ("mean", self.study.baseline, n) in self.risk)

    @property
    def events(self) -> tuple[Event, ...]:
        """Events that have a probability, in the order of the study."""
        return tuple(
            e for e in self.study.events if ("probability", self.study.baseline, e.name) in self.risk
        )

    @property
    def others(self) -> tuple[str, ...]:
        """Policies that are compared with the baseline."""
        return tuple(name for name in self.study.policy_names if name != self.study.baseline)

    @property
    def paths(self) -> int:
        """How many paths are there."""
        return int(self.tree.attrs.get("paths", self.study.paths))


def records_of(study: Study, tree: xr.DataTree, **more: Any) -> RunRecords:
    """A run as its report reads it.

    Args:
      more: fields of `RunRecords` beside the records.
    """
    risk = [*_outcomes(study, tree, "risk", {name: name for name in MEASURES}), *_events(study, tree, "risk")]
    gaps = {name: against_baseline(name) for name in MEASURES}
    comparison = [
        *_outcomes(study, tree, "comparison", gaps),
        *_events(study, tree, "comparison"),
        *_short(study, tree, "worse"),
        *_short(study, tree, "regret"),
    ]
    others = [r for r in comparison if r.policy != study.baseline or r.measure == "regret"]
    return RunRecords(study, tree, _by_key(risk), _by_key(others), **more)


def _by_key(records: Iterable[Record]) -> dict[Key, Record]:
    return {(r.measure, r.policy, r.variable): r for r in records}


def _outcomes(study: Study, tree: xr.DataTree, place: str, measures: Mapping[str, str]) -> Iterator[Record]:
    group = tree[place].to_dataset().load()
    for name in study.model.outcomes:
        if name not in group:
            continue
        table = group[name].transpose("policy", "measure", "stat").sel(stat=list(STATS))
        there = [str(measure) for measure in group["measure"].values]
        flags = flags_of(str(group[name].attrs.get("flags", "")), study.policy_names, measures.values())
        for p, policy in enumerate(study.policy_names):
            for measure, told in measures.items():
                if measure in there:
                    row = table.values[p, there.index(measure)]
                    yield record(told, policy, name, _estimate(row, flags.get((policy, told))))


def _events(study: Study, tree: xr.DataTree, place: str) -> Iterator[Record]:
    group = tree[place].to_dataset().load()
    measure = "probability" if place == "risk" else "difference_probability"
    for name in (event.name for event in study.events):
        if name in group:
            yield from _columns(study, group[name], measure)


def _short(study: Study, tree: xr.DataTree, measure: str) -> Iterator[Record]:
    if f"/comparison/{measure}" not in tree.groups:
        return
    group = tree[f"comparison/{measure}"].to_dataset().load()
    for name in group.data_vars:
        yield from _columns(study, group[name], measure)


def _columns(study: Study, table: xr.DataArray, measure: str) -> Iterator[Record]:
    flags = flags_of(str(table.attrs.get("flags", "")), study.policy_names, [measure])
    rows = table.transpose("policy", "stat").sel(stat=list(STATS)).values
    for policy, row in zip(study.policy_names, rows, strict=True):
        yield record(measure, policy, str(table.name), _estimate(row, flags.get((policy, measure))))


def _estimate(row: np.ndarray, flag: str | None) -> Estimate:
    estimate, error, low, high = (float(value) for value in row)
    return Estimate(estimate, error, low, high, flag or ("" if math.isfinite(low) else NO_INTERVAL))


def flags_of(text: str, policies: Iterable[str], measures: Iterable[str]) -> dict[tuple[str, str], str]:
    """Flags by (policy, measure), from the attribute `flags` of a variable: `old mean, old ES99: heavy tail; ...`.

    Names and flags may hold commas and colons themselves, so what is looked for are lists of names that are known.
    """
    pairs = {f"{policy} {measure}": (policy, measure) for policy in policies for measure in measures}
    one = "|".join(re.escape(pair) for pair in sorted(pairs, key=len, reverse=True))
    if not (text and one):
        return {}
    heads = list(re.finditer(rf"(?:^|; )((?:{one})(?:, (?:{one}))*): ", text))
    found = {}
    for head, following in zip(heads, [*heads, None][1:], strict=True):
        flag = text[head.end() : following.start() if following else None]
        for pair in re.findall(one, head[1]):
            found[pairs[pair]] = flag
    return found
