"""Paired comparison of policies on the same futures: differences, regret, dominance, ranks, and more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from engine.analyses import years
from engine.analyses.variables import LEVEL
from engine.errors import Problem, Problems, UserError, unknown
from engine.risk.drivers import series
from engine.risk.estimation.events import known_events
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.measures import Variables
from engine.risk.estimation.tables import THREADS, Record, Tables, against_baseline, record
from engine.risk.policies import joint, ranks
from engine.risk.policies.dominance import Dominance, dominance
from engine.risk.policies.pairing import variance_ratio
from engine.risk.policies.ranks import Gaps
from engine.risk.policies.regrets import regrets
from engine.risk.policies.thresholds import ThresholdCurves, threshold_curves
from engine.study.components import Event
from engine.study.study import Study


@dataclass(frozen=True)
class Question:
    """What a comparison is asked for.

    Args:
      variables: outcomes, events and yearly variables; if none are named, all outcomes and events, and for costly
        results the headline.
      level: of VaR, ES and common tails, such as 0.99.
      year: which year of yearly variables; all if not given.
      at: which place of yearly variables, as label by dimension.
      numbers: whether sentences leave out words for how likely something is.
    """

    variables: tuple[str, ...] = ()
    level: float = LEVEL
    year: int | None = None
    at: Mapping[str, str] | None = None
    numbers: bool = False


@dataclass(frozen=True)
class Findings:
    """The results of comparing policies with a baseline on the same futures.

    Args:
      study: restricted to the compared policies, with the paths that are done.
      question: what was asked.
      records: "difference_M", "worse", "regret", "regret_VaR95", "regret_max", "variance_ratio" of outcomes and events;
        then of the named yearly variables, by year and place.
      orders: by outcome and policy, first- and second-order dominance over the baseline.
      curves: by event, exceedance probability of its outcome over thresholds.
      gaps: by measure and by outcome or event, differences of all pairs of policies.
      common: share of the worst futures that two outcomes, or two places of one, have in common: by "outcome" or the
        outcome that the places are of, by both of them, and by policy.
      years_paths: how many of the first paths the records by year and the places of `common` come from.
    """

    study: Study
    question: Question
    records: list[Record]
    orders: Mapping[tuple[str, str], tuple[Dominance, Dominance]]
    curves: Mapping[str, ThresholdCurves]
    gaps: Mapping[str, Mapping[str, Gaps]]
    common: Mapping[tuple[str, str, str, str], Estimate]
    years_paths: int

    @property
    def others(self) -> tuple[str, ...]:
        """The policies other than the baseline."""
        return tuple(name for name in self.study.policy_names if name != self.study.baseline)

    @cached_property
    def by_key(self) -> Mapping[tuple[str, str, str], Record]:
        """The records without year, by measure, policy and variable."""
        return {(r.measure, r.policy, r.variable): r for r in self.records if r.year is None}


class Some(Mapping[str, np.ndarray]):
    """Outcomes by name under a selection of the policies [policy, path], read on access."""

    def __init__(self, outcomes: Mapping[str, np.ndarray], rows: Sequence[int]):
        self._outcomes, self._rows = outcomes, list(rows)

    def __getitem__(self, name: str) -> np.ndarray:
        values = self._outcomes[name]
        return values if self._rows == list(range(len(values))) else values[self._rows]

    def __contains__(self, name: object) -> bool:
        return name in self._outcomes

    def __iter__(self) -> Iterator[str]:
        return iter(self._outcomes)

    def __len__(self) -> int:
        return len(self._outcomes)


def compared(study: Study, policies: Sequence[str] | None, against: str | None = None) -> tuple[Study, list[int]]:
    """The study restricted to the compared policies, and the indices of these in the whole study.

    Args:
      policies: by name; all if not given.
      against: the policy that is deducted; if not given, the study's baseline if it is among them, else the first.

    Raises:
      UserError: one of them does not run, or only one is left.
    """
    chosen = list(dict.fromkeys((*(policies or study.policy_names), *([against] if against else ()))))
    problems = Problems()
    for name in chosen:
        if name not in study.policy_names:
            text = unknown("policy", name, study.policy_names)
            there = "" if " Known: " in text else f" Known: {', '.join(study.policy_names)}."
            problems.add("" if name != against else "--against", text + there)
    problems.refuse("--policies")
    if len(chosen) < 2:
        others = [name for name in study.policy_names if name not in chosen]
        remedy = f"Name more: {', '.join(others)}." if others else "Run the study with more: compare = [...]."
        raise UserError(study.source, [Problem("", f"expected two policies or more to compare, got one. {remedy}")])
    rows = [study.row(name) for name in chosen]
    baseline = against or (study.baseline if study.baseline in chosen else chosen[0])
    return replace(study, policies=tuple(study.policies[k] for k in rows), baseline=baseline), rows


def of_named(study: Study, policies: Sequence[str] | None) -> Study:
    """The study restricted to the named policies as `compared` does; the study itself if fewer than two are named."""
    return study if len(set(policies or ())) < 2 else compared(study, policies)[0]


def refuse(study: Study, question: Question) -> None:
    """Refuses a question about variables, places or a year that do not exist.

    Raises:
      UserError: the question has such, or a year or place without a yearly variable; all problems at once.
    """
    problems, model = Problems(), study.model
    known = [*study.variables, *model.yearly]
    for name in question.variables:
        if name not in known:
            problems.add("--outcome", unknown("outcome, event or yearly variable", name, known))
    for dim, label in (question.at or {}).items():
        if dim not in model.dims:
            problems.add("--at", unknown("dimension", dim, model.dims))
        elif label not in model.dims[dim]:
            problems.add("--at", unknown(dim, label, model.dims[dim]))
    if question.year is not None and question.year not in study.years:
        span = f"{study.years[0]} to {study.years[-1]}" if study.years else "none: this study has no years"
        problems.add("--year", f"expected {span}, got {question.year}.")
    if (question.year is not None or question.at) and not any(name in model.yearly for name in question.variables):
        problems.add("--outcome", "expected a yearly variable beside --year or --at, got none.")
    problems.refuse("compare")


def comparison(
    study: Study, outcomes: Mapping[str, np.ndarray], tables: Tables, question: Question, device: str | None = None
) -> Findings:
    """All results of comparing the policies of a run with the baseline, path by path.

    Args:
      study: restricted to the compared policies, by `compared`.
      outcomes: those stored path by path, [policy, path], each read when it is needed.
      tables: the estimates of risk and comparison of these policies.
      question: what is asked: variables, level, year, place.
      device: "cpu" or "gpu", where yearly values are simulated again; the GPUs if there are any.
    """
    named = question.variables
    wanted = [name for name in study.model.outcomes if name in named or not named]
    events = [event for event in study.events if event.name in named or not named]
    kept = [name for name in wanted if name in outcomes and study.loss_of(name) is not None]
    chosen = [name for name in (wanted if named else study.headline) if name in outcomes]
    means = {(r.policy, r.variable): r.alone for r in tables.comparison if r.measure == "regret"}
    with ThreadPoolExecutor(THREADS) as threads:
        parts = list(threads.map(lambda name: _of_outcome(study, name, outcomes[name], means), kept))
        curves = threads.map(lambda event: (event.name, _curves(study, event, outcomes)), events)
        by_event = {name: one for name, one in curves if one is not None}
    shown = {*wanted, *(event.name for event in events)}
    known = {
        (r.measure, r.policy, r.variable): r
        for r in tables.comparison
        if r.variable in shown and (r.measure not in ("worse", "regret") or study.loss_of(r.variable) is not None)
    }
    records = [*(known | {(r.measure, r.policy, r.variable): r for own, _ in parts for r in own}).values()]
    order = study.variables
    records.sort(key=lambda r: order.index(r.variable))
    by_measure = pairs(study, outcomes, records, question)
    more, places, count = _by_year(study, question, chosen, device)
    rows = range(len(study.policies))
    losses = ([_losses(outcomes[name][p], study.loss_of(name)) for name in chosen] for p in rows)
    common = _common(study, "outcome", chosen, losses, question.level)
    return Findings(
        study, question, records + more,
        {key: pair for _, pairs in parts for key, pair in pairs.items()},
        by_event, by_measure,
        common | places,
        count,
    )  # fmt: skip


def pairs(
    study: Study, outcomes: Mapping[str, np.ndarray], records: Iterable[Record], question: Question
) -> dict[str, dict[str, Gaps]]:
    """Paired differences of all policies, by measure and by outcome or event.

    Of the outcomes and events asked for, else of the headline and all events.
    """
    named, known = question.variables, known_events(study, outcomes)
    chosen = [
        name
        for name, outcome in study.model.outcomes.items()
        if name in (named or study.headline) and name in outcomes and outcome.loss is not None
    ]
    events = [event for event in study.events if event in known and (event.name in named or not named)]
    of = ranks.of_outcomes(study, chosen, outcomes, records, question.level)
    return of | ranks.of_events(study, events, outcomes)


def _of_outcome(
    study: Study, name: str, values: np.ndarray, means: Mapping[tuple[str, str], Estimate]
) -> tuple[list[Record], dict[tuple[str, str], tuple[Dominance, Dominance]]]:
    loss, base = study.is_loss(name), study.row(study.baseline)
    records: list[Record] = []
    orders: dict[tuple[str, str], tuple[Dominance, Dominance]] = {}
    lacks = regrets(values, study.unit, loss, means=[means[policy, name] for policy in study.policy_names])
    for p, (policy, own) in enumerate(zip(study.policy_names, lacks, strict=True)):
        records += [record(measure, policy, name, one) for measure, one in own.items()]
        if p != base:
            ratio = variance_ratio(values[p], values[base], study.unit)
            records.append(record("variance_ratio", policy, name, ratio))
            orders[name, policy] = dominance(values[p], values[base], study.unit, loss)
    return records, orders


def _curves(study: Study, event: Event, outcomes: Mapping[str, np.ndarray]) -> ThresholdCurves | None:
    """Exceedance curves of an event's outcome over thresholds.

    None for an event made of several, or an outcome that is not stored.
    """
    if event.outcome is None or event.outcome not in outcomes:
        return None
    base = study.row(study.baseline)
    return threshold_curves(outcomes[event.outcome], study.unit, base, event.above is not None, event.threshold)


def _common(
    study: Study, kind: str, labels: Sequence[str], losses: Iterable[Sequence[np.ndarray]], level: float
) -> dict[tuple[str, str, str, str], Estimate]:
    """The share of worst futures that every two of some outcomes or places have in common, under each policy.

    Args:
      kind: "outcome", or the outcome that the places are of.
      losses: of each policy, the losses of each label.
    """
    return {
        (kind, labels[i], labels[j], policy): share
        for policy, own in zip(study.policy_names if len(labels) > 1 else (), losses, strict=False)
        for (i, j), share in joint.common_tails(own, study.unit, level).items()
    }


def _losses(values: np.ndarray, loss: bool | None) -> np.ndarray:
    return values if loss else -values


def _by_year(
    study: Study, question: Question, chosen: Sequence[str], device: str | None
) -> tuple[list[Record], dict[tuple[str, str, str, str], Estimate], int]:
    """Results that need yearly values path by path, and the number of paths that they are from.

    Records of yearly variables, and worst futures common to places.
    """
    if not study.is_path_model or not study.years:
        return [], {}, 0
    in_places = {name: series.by_place(study, name) for name in chosen}
    yearly = [
        one
        for name in question.variables
        if name in study.model.yearly
        for one in series.of_yearly(study, name, question.at or {})
    ]
    flat = [*yearly, *(one for some in in_places.values() for one in some)]
    if not flat:
        return [], {}, 0
    count = years.first_paths(study, len(flat), bool(yearly))
    values = iter(years.values(study, flat, count, device))
    records = [made for one in yearly for made in _records_by_year(study, question, one, next(values))]
    common: dict[tuple[str, str, str, str], Estimate] = {}
    for name, some in in_places.items():
        ends = [_losses(next(values)[:, -1], one.loss) for one in some]
        common |= _common(study, name, [_place(one) for one in some], zip(*ends, strict=True), question.level)
    return records, common, count


def _place(one: series.Series) -> str:
    return ", ".join(one.place.values())


def _records_by_year(study: Study, question: Question, one: series.Series, values: np.ndarray) -> Iterator[Record]:
    """Differences, chances of being worse and regret of a yearly variable in a place, in each year asked for."""
    base = study.row(study.baseline)
    for y, year in enumerate(study.years):
        if question.year in (None, year):
            of = Variables(values[:, y], study.unit, bool(one.loss), study.levels)
            for p, (policy, lack) in enumerate(zip(study.policy_names, of.regrets(), strict=True)):
                gaps = of.difference(p, base) if p != base else {}
                named = {against_baseline(measure): gap for measure, gap in gaps.items()} | {"regret": lack}
                for measure, estimate in named.items():
                    if one.loss is None and measure in ("worse", "regret"):
                        continue
                    yield record(measure, policy, one.variable, estimate, one.place, int(year))
