"""Paired comparison of policies on the same futures: differences, regret, dominance, ranks, and more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from engine.analyses import years
from engine.analyses.findings import CommonTail, Findings, Question
from engine.errors import Problem, Problems, UserError, unknown
from engine.risk.drivers import series
from engine.risk.estimation.events import known_events
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.measures import of_policies, regret
from engine.risk.estimation.tables import THREADS, Record, Tables, against_baseline, record
from engine.risk.policies import joint, ranks
from engine.risk.policies.dominance import Dominance, dominance
from engine.risk.policies.pairing import variance_ratio
from engine.risk.policies.ranks import Gaps
from engine.risk.policies.regrets import regrets
from engine.risk.policies.thresholds import ThresholdCurves, threshold_curves
from engine.study.components import Event
from engine.study.study import Study


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
    known = [
        r
        for r in tables.comparison
        if r.variable in shown and (r.measure not in ("worse", "regret") or study.loss_of(r.variable) is not None)
    ]
    regretted = {(r.policy, r.variable) for own, _ in parts for r in own if r.measure == "regret"}
    records = [r for r in known if r.measure != "regret" or (r.policy, r.variable) not in regretted]
    records += [r for own, _ in parts for r in own]
    order = study.variables
    records.sort(key=lambda r: order.index(r.variable))
    by_measure = pairs(study, outcomes, records, question)
    more, places, count = _by_year(study, question, chosen, device)
    return Findings(
        study, question, records + more,
        {key: pair for _, pairs in parts for key, pair in pairs.items()},
        by_event, by_measure,
        [*_common(study, chosen, outcomes, question.level), *places],
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
    study: Study, chosen: Sequence[str], outcomes: Mapping[str, np.ndarray], level: float
) -> Iterator[CommonTail]:
    """The share of worst futures that every two of the chosen outcomes have in common, under each policy."""
    for p, policy in enumerate(study.policy_names if len(chosen) > 1 else ()):
        signs = [1.0 if study.is_loss(name) else -1.0 for name in chosen]
        losses = [sign * outcomes[name][p] for sign, name in zip(signs, chosen, strict=True)]
        for (i, j), share in joint.common_tails(losses, study.unit, level).items():
            yield CommonTail(policy, chosen[i], chosen[j], "outcome", share)


def _by_year(
    study: Study, question: Question, chosen: Sequence[str], device: str | None
) -> tuple[list[Record], list[CommonTail], int]:
    """Results that need yearly values path by path, and the number of paths that they are from.

    Records of yearly variables, and worst futures common to places.
    """
    if not study.is_path_model or not study.years:
        return [], [], 0
    in_places = {name: series.by_place(study, name) for name in chosen}
    yearly = [
        one
        for name in question.variables
        if name in study.model.yearly
        for one in series.of_yearly(study, name, question.at or {})
    ]
    flat = [*yearly, *(one for some in in_places.values() for one in some)]
    if not flat:
        return [], [], 0
    count = years.first_paths(study, len(flat), bool(yearly))
    held = list(zip(flat, years.values(study, flat, count, device), strict=True))
    records: list[Record] = []
    common: list[CommonTail] = []
    for one, values in held[: len(yearly)]:
        records += _records_by_year(study, question, one, values)
    at = len(yearly)
    for name, some in in_places.items():
        labels = [", ".join(one.place.values()) for one in some]
        for p, policy in enumerate(study.policy_names if some else ()):
            losses = [(1.0 if one.loss else -1.0) * values[p, -1] for one, values in held[at : at + len(some)]]
            for (i, j), share in joint.common_tails(losses, study.unit, question.level).items():
                common.append(CommonTail(policy, labels[i], labels[j], name, share))
        at += len(some)
    return records, common, count


def _records_by_year(study: Study, question: Question, one: series.Series, values: np.ndarray) -> Iterator[Record]:
    """Differences, chances of being worse and regret of a yearly variable in a place, in each year asked for."""
    base = study.row(study.baseline)
    for y, year in enumerate(study.years):
        if question.year in (None, year):
            pairs = of_policies(values[:, y], base, study.unit, bool(one.loss), study.levels)
            lacks = regret(values[:, y], study.unit, bool(one.loss))
            for policy, (_, gaps), lack in zip(study.policy_names, pairs, lacks, strict=True):
                named = {against_baseline(measure): gap for measure, gap in gaps.items()} | {"regret": lack}
                for measure, estimate in named.items():
                    if one.loss is None and measure in ("worse", "regret"):
                        continue
                    yield record(measure, policy, one.variable, estimate, one.place, int(year))
