"""Two runs side by side: what their studies state differently, their estimates, and the differences of these."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine.answers.answer import Answer, Subject
from engine.answers.record_tables import sentence, table
from engine.answers.table import Table, texts
from engine.errors import UserError
from engine.execution.results import Answers
from engine.formatting import shown
from engine.risk.estimation.evidence import measures
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.shares import combined_interval
from engine.risk.estimation.tables import Record, against_baseline, record, tables_of_paths
from engine.study.study import Study

FIRST, SECOND = "first", "second"
PAIRED = "Paired path by path: with one seed both runs see the same futures, but for what is stated differently."
UNPAIRED = "Not paired ({}): intervals of B - A hold however the two hang together."


@dataclass(frozen=True)
class Pair:
    """One estimate of both runs.

    Args:
      first, second: the estimate in each run.
      gap: the second less the first; its measure is "difference_" and that of the estimates.
    """

    first: Record
    second: Record
    gap: Record


@dataclass(frozen=True)
class Comparison:
    """The result of `compare`.

    Args:
      statements: key in the study file -> what the first and the second study state there, None for nothing; only where
        they differ.
      pairs: one for each outcome or event, policy and measure that both have, in the order of the first run.
      unpaired: why differences are not taken path by path; "" where they are.
    """

    statements: Mapping[str, tuple[Any, Any]]
    pairs: list[Pair]
    unpaired: str


def compare(first: Answers, second: Answers, variable: str | None = None) -> Comparison:
    """The differences of the second run from the first, and of what their studies state.

    Where both runs have the same number of paths, sampler and Sobol' dimensions, and no facts, a difference is taken
    path by path, as between policies: with the same seed the futures are the same but for what the studies state
    differently. Elsewhere its interval holds under any dependence of the two estimates: on each side its half-width is
    the sum of theirs.

    Args:
      variable: one outcome or event; all that both have if not given.

    Raises:
      UserError: the runs have no policy, or no outcome or event, in common.
    """
    a, b = first.study, second.study
    outcomes = [n for n, o in a.model.outcomes.items() if n in b.model.outcomes and b.model.outcomes[n].unit == o.unit]
    events = [event.name for event in a.events if _same_event(a, b, event.name)]
    names = [name for name in (*outcomes, *events) if variable in (None, name)]
    policies = [name for name in a.policy_names if name in b.policy_names]
    if not names or not policies:
        lacking = "policy" if not policies else f"outcome or event{'' if variable is None else f' {variable}'}"
        raise UserError(f"{first.folder.path} {second.folder.path}", [f"have no {lacking} in common."])
    unpaired = _unpaired(a, b)
    wanted = {*names}
    one, other = (_by_key(answers.tables(wanted).risk) for answers in (first, second))
    pairs = []
    for policy in policies:
        gaps = {} if unpaired else _by_path(first, second, policy, names)
        for name in names:
            for measure in (*measures(a.levels), "probability"):
                at = (measure, policy, name)
                if at in one and at in other:
                    gap = gaps.get((against_baseline(measure), SECOND, name))
                    gap = replace(gap, policy=policy) if gap else _apart(one[at], other[at])
                    pairs.append(Pair(one[at], other[at], gap))
    return Comparison(_statements(a, b), pairs, unpaired)


def answer(first: Answers, second: Answers, variable: str | None = None) -> Answer:
    """The result of `compare` as an answer about the first run, with the `Comparison` as its `of`."""
    given, study = compare(first, second, variable), first.study
    rows = [(pair.first, pair.second, pair.gap) for pair in given.pairs]
    main = next((one for one, *_ in rows if one.variable == study.headline[0]), rows[0][0])
    gaps = [row[2] for row in rows if (row[0].variable, row[0].measure) == (main.variable, main.measure)]
    stated = [*given.statements.items()]
    columns = [texts("place", [at for at, _ in stated], "in the study file")]
    for k, name in enumerate((FIRST, SECOND)):
        said = ["" if both[k] is None else shown(both[k]) for _, both in stated]
        columns.append(texts(name, said, f"what the study of the {name} run states"))
    tables = [Table("statements", "What their studies state differently", columns, ("place",))][: len(stated)]
    names = ["first", "second", "difference"]
    for name, title in (("risk", "Risk in both runs"), ("events", "Probability of events in both runs")):
        own = [row for row in rows if (row[0].variable in study.model.outcomes) == (name == "risk")]
        tables += [table(study, name, title, names, own)] if own else []
    findings = (
        sentence(study, gaps, less="the first run"),
        f"Their studies state {len(stated) or 'no'} thing{'s' * (len(stated) != 1)} differently.",
    )
    asked = {"first": str(first.folder.path), "second": str(second.folder.path), "variable": variable}
    basis = f"{study.paths:,} paths against {second.study.paths:,}"
    reading = UNPAIRED.format(given.unpaired) if given.unpaired else PAIRED
    return Answer(Subject.of(study), findings, tuple(tables), basis, reading, given, "diff", "Two runs", asked)


def _same_event(a: Study, b: Study, name: str) -> bool:
    """Whether an event happens by the same rule in both studies, and so do those that it is made of."""
    one, other = ({event.name: event for event in study.events} for study in (a, b))
    if name not in one or name not in other or replace(one[name], about="") != replace(other[name], about=""):
        return False
    return all(_same_event(a, b, part) for part in one[name].all_of)


def _unpaired(a: Study, b: Study) -> str:
    if a.paths != b.paths:
        return f"{a.paths:,} paths against {b.paths:,}"
    if a.facts or b.facts:
        return "futures that facts moved are others"
    if (a.sampler, a.unit) != (b.sampler, b.unit):
        return f"sampler {a.sampler} against {b.sampler}"
    if any(a.dimensions[stream] != b.dimensions[stream] for stream in a.dimensions.keys() & b.dimensions):
        return "other dimensions of the Sobol' sequence"
    return ""


class _Both(Mapping[str, np.ndarray]):
    """The outcomes that both runs keep path by path, under one policy, [run, path]; each is read when asked for."""

    def __init__(self, first: Answers, second: Answers, policy: str, names: list[str]):
        self._runs = [(run, run.study.policy_names.index(policy)) for run in (first, second)]
        self._names = [name for name in names if name in first.paths and name in second.paths]

    def __getitem__(self, name: str) -> np.ndarray:
        return np.stack([run.paths[name][policy] for run, policy in self._runs])

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _by_path(first: Answers, second: Answers, policy: str, names: list[str]) -> dict[tuple[str, str, str], Record]:
    """Paired differences under a policy: the two runs as two policies of one study."""
    study = first.study
    one = study.policies[study.policy_names.index(policy)]
    events = tuple(event for event in study.events if event.name in names)
    runs = tuple(replace(one, name=name) for name in (FIRST, SECOND))
    both = replace(study, policies=runs, baseline=FIRST, events=events)
    every = [*study.model.outcomes]
    return _by_key(tables_of_paths(both, _Both(first, second, policy, every), {*names}).comparison)


def _apart(one: Record, other: Record) -> Record:
    """The difference of two estimates with unknown dependence, so with the widest interval."""
    low, high = combined_interval((other.estimate, other.low, other.high), (one.estimate, one.low, one.high), -1.0)
    flags = tuple(dict.fromkeys((*other.flags, *one.flags)))
    error = one.standard_error + other.standard_error
    gap = Estimate(other.estimate - one.estimate, error, low, high, flags)
    return record(against_baseline(one.measure), one.policy, one.variable, gap)


def _by_key(records: list[Record]) -> dict[tuple[str, str, str], Record]:
    return {(r.measure, r.policy, r.variable): r for r in records}


def _statements(a: Study, b: Study) -> dict[str, tuple[Any, Any]]:
    one, other = dict(_flat(a.document)), dict(_flat(b.document))
    one["model (SHA-256 of its source)"], other["model (SHA-256 of its source)"] = (
        a.model_digest[:12],
        b.model_digest[:12],
    )
    places = dict.fromkeys((*one, *other))
    return {at: (one.get(at), other.get(at)) for at in places if one.get(at) != other.get(at)}


def _flat(table: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of nested tables with its dotted place."""
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{place}{key}.")
        else:
            yield f"{place}{key}", value
