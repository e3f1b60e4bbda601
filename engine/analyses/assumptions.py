"""Structural sensitivity: estimates with each assumption off or doubled, and with all of them, on the same futures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import combinations

import numpy as np

from engine.analyses import variants
from engine.analyses.variables import outcomes_of
from engine.errors import Problem, UserError, unknown
from engine.lanes import compilation_cache
from engine.program import devices
from engine.program.contract import Program
from engine.risk.estimation.events import happens
from engine.risk.estimation.exclusion import excluded, most_excluded
from engine.risk.estimation.flags import Flag, Reason
from engine.risk.estimation.intervals import Units, as_units
from engine.risk.estimation.measures import Variables, probability, probability_difference
from engine.risk.estimation.tables import THREADS, Record, against_baseline, record
from engine.risk.policies.rankings import PROBABILITY, STATED, Ranking, rankings
from engine.study.components import Change, Event
from engine.study.study import Study
from engine.study.tables.assumptions import ALL, KINDS
from engine.study.tables.changes import joined

MEASURES = ("mean", "ES99")
"""Measures of each outcome."""
_LEVELS = (0.99,)


@dataclass(frozen=True)
class Structure:
    """One structure of a study: its assumptions as stated, or with one or all of them off or doubled.

    Args:
      name: such as `exit off`; `as stated` without a change.
      assumption: name of the assumption that is changed, "all" for all of them, "" for none.
      kind: "off" or "doubled"; "" for none.
      change: what is changed in factors, levers and groups.
    """

    name: str
    assumption: str
    kind: str
    change: Change

    def phrase(self, study: Study) -> str:
        """Its name in words, as it stands within a sentence."""
        return f"{study.phrase('assumptions', self.assumption)} {self.kind}" if self.kind else self.name


@dataclass(frozen=True)
class ByStructure:
    """The estimates of a study in each structure.

    Args:
      study: its `paths` are those that the estimates are over.
      records: estimates in every structure, whose name is the label `structure` of their place: measures of outcomes
        and probabilities of events under every policy; then "difference_M" of each pair of policies on the same paths,
        the deducted one as label `against`.
    """

    study: Study
    structures: tuple[Structure, ...]
    records: list[Record]

    @cached_property
    def rankings(self) -> list[Ranking]:
        """How each pair of policies ranks by each event and measure, in every structure."""
        return rankings(self.study, self.records)


def structures(study: Study) -> tuple[Structure, ...]:
    """The study as stated, then with each assumption off and doubled, and with all of them if there are several.

    Raises:
      UserError: the study states no assumptions.
    """
    if not study.assumptions:
        remedy = "Name some: [assumptions.NAME] with off = { FACTOR = 0 }, as docs/study-file.md says."
        raise UserError(study.source, [Problem("assumptions", f"expected at least one about what runs. {remedy}")])
    changes = {(one.name, kind): one.change(kind) for one in study.assumptions for kind in KINDS}
    for kind in KINDS:
        if sum(bool(change) for (_, of), change in changes.items() if of == kind) > 1:
            changes[ALL, kind] = joined([one.change(kind) for one in study.assumptions], study.groups)
    changed = [Structure(f"{name} {kind}", name, kind, change) for (name, kind), change in changes.items() if change]
    return Structure(STATED, "", "", Change()), *changed


def assumptions(
    study: Study,
    variables: Sequence[str] | None = None,
    device: str | None = None,
    observe: variants.Observer = variants.unobserved,
) -> ByStructure:
    """The estimates of a study in each structure: every policy on the same futures, by one compiled program.

    Args:
      variables: outcomes, whose mean and ES99 are estimated, and events; the headline and all events if not given.
      device: "cpu" or "gpu"; the GPUs if there are any.

    Raises:
      UserError: the study states no assumptions, there is no such outcome or event, or a structure has more paths with
        values that are not finite than the study allows.
    """
    wanted = _variables(study, variables)
    events = [event for event in study.events if event.name in wanted]
    outcomes = [name for name in wanted if name in study.model.outcomes]
    every = structures(study)
    study.refuse_broken_model()
    compilation_cache.keep_programs()
    total = study.paths * len(every)
    observe("compiling", 0, total)
    program = devices.program(study, device)
    program.prepare()
    read = sorted(outcomes_of(study, wanted))
    records: list[Record] = []
    for done, (one, values) in enumerate(_values(program, every, read), start=1):
        records += _records(study, one, values, events, outcomes)
        observe("simulating", done * study.paths, total)
    return ByStructure(study, every, records)


def _variables(study: Study, variables: Sequence[str] | None) -> list[str]:
    if variables is None:
        return [*study.headline, *study.events_by_name]
    known = study.variables
    wrong = [unknown("outcome or event", name, known) for name in variables if name not in known]
    if wrong:
        raise UserError("--outcome", wrong)
    return list(dict.fromkeys(variables))


@dataclass(frozen=True)
class _Values:
    """The outcomes of one structure by name [policy, path] on the paths that are kept, and their independent units."""

    of: Mapping[str, np.ndarray]
    units: Units
    flag: Flag | None


def _values(program: Program, every: Sequence[Structure], read: Sequence[str]) -> Iterator[tuple[Structure, _Values]]:
    study, blocks = program.study, program.study.blocks()
    places = study.places(read)
    fed = ((one, variants.fed(program, one.change)) for one in every)
    parts: list[np.ndarray] = []
    out: list[np.ndarray] = []
    for one, outcomes in variants.results(fed, blocks):
        out.append(excluded(study, outcomes))
        _refuse_nonfinite(study, one, outcomes, sum(int(part.sum()) for part in out))
        parts.append(outcomes[:, places])
        if len(parts) == len(blocks):
            whole, kept = np.concatenate(parts, axis=-1), ~np.concatenate(out)
            units, flag = as_units(study.paths, study.unit), None
            if not kept.all():
                units, whole = units.take(kept), whole[..., kept]
                flag = Flag(Reason.NOT_FINITE, int(np.sum(~kept)), study.paths)
            yield one, _Values({name: whole[:, k] for k, name in enumerate(read)}, units, flag)
            parts, out = [], []


def _refuse_nonfinite(study: Study, one: Structure, outcomes: np.ndarray, count: int) -> None:
    """Raises a UserError if more paths of a structure are left out than the study allows."""
    if count <= most_excluded(study):
        return
    bad = ~np.isfinite(outcomes)
    problems = [
        f"outcome '{name}' under '{policy}' is not finite on {bad[p, k].sum():,} of {bad.shape[-1]:,} paths."
        for p, policy in enumerate(study.policy_names)
        for k, name in enumerate(study.model.outcomes)
        if bad[p, k].any()
    ]
    place = f"assumptions.{one.assumption}.{one.kind}" if one.kind else "as stated"
    remedy = "Say another value, one that the model can bear." if one.kind else "See which: rustbelt run."
    raise UserError(study.source, [Problem(place, f"{problem} {remedy}") for problem in problems])


def _records(
    study: Study, one: Structure, values: _Values, events: Sequence[Event], outcomes: Sequence[str]
) -> list[Record]:
    """Records of one structure."""
    of_event, of_outcome = partial(_of_event, study, one, values), partial(_of_outcome, study, one, values)
    # threads pay, as NumPy releases the interpreter lock while it sorts and sums
    with ThreadPoolExecutor(THREADS) as threads:
        parts = [*threads.map(of_event, events), *threads.map(of_outcome, outcomes)]
    return [record for part in parts for record in part]


def _order(study: Study) -> list[str]:
    """The policies, the baseline first; in each pair the earlier one is deducted from the later one."""
    return [study.baseline, *(name for name in study.policy_names if name != study.baseline)]


def _of_event(study: Study, one: Structure, values: _Values, event: Event) -> list[Record]:
    indicators = dict(zip(study.policy_names, happens(study, event, values.of), strict=True))
    place = {"structure": one.name}
    records = [
        record(PROBABILITY, policy, event.name, probability(happened, values.units).flagged(values.flag), place)
        for policy, happened in indicators.items()
    ]
    for other, policy in combinations(_order(study), 2):
        gap = probability_difference(indicators[policy], indicators[other], values.units).flagged(values.flag)
        against = {**place, "against": other}
        records.append(record(against_baseline(PROBABILITY), policy, event.name, gap, against))
    return records


def _of_outcome(study: Study, one: Structure, values: _Values, name: str) -> list[Record]:
    place, order = {"structure": one.name}, _order(study)
    of = Variables(values.of[name], values.units, study.is_loss(name), _LEVELS)
    own, gaps = [], []
    for policy in order:
        mine = of.summary(study.row(policy))
        own += [record(m, policy, name, mine[m].flagged(values.flag), place) for m in MEASURES]
    for other, policy in combinations(order, 2):
        gap, against = of.difference(study.row(policy), study.row(other)), {**place, "against": other}
        gaps += [record(against_baseline(m), policy, name, gap[m].flagged(values.flag), against) for m in MEASURES]
    return own + gaps


def of_few(study: Study) -> Study:
    """The study with at most `variants.PATHS` paths, the number that is simulated by default."""
    return replace(study, paths=min(study.paths, variants.PATHS))
