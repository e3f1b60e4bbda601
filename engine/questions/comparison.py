"""Tables of a comparison of policies on the same futures: from outcomes path by path, and from yearly values."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from engine.answers.as_text import judged
from engine.answers.rows import table
from engine.answers.table import Table
from engine.errors import Problems, UserError
from engine.questions import years
from engine.questions.variables import PROBABILITY
from engine.risk.drivers.series import Series, Years, by_place
from engine.risk.estimation.events import known_events
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.measures import Variables
from engine.risk.estimation.tables import THREADS, Record
from engine.risk.policies import joint, ranks
from engine.risk.policies.dominance import dominance
from engine.risk.policies.pairing import variance_ratio
from engine.risk.policies.ranks import Gaps
from engine.risk.policies.regrets import regrets
from engine.risk.policies.thresholds import Banded, threshold_curves
from engine.study.components import Event
from engine.study.study import Study

GAP, CHANCE = "difference_", f"difference_{PROBABILITY}"
ORDERS = ("first order", "second order")
FEW, MOST = 2, 4
"""Most policies beside the baseline with all brief rows of `worse`, and most policies with brief common tails."""
Row = dict[str, Any]
Held = dict[tuple[str, str, str], Estimate]
"""Estimates by measure ("difference_M", "worse", "regret_VaR95", "variance_ratio"), policy and variable."""


class Some(Mapping[str, np.ndarray]):
    """Outcomes by name under a selection of the policies [policy, path], read on access."""

    def __init__(self, outcomes: Mapping[str, np.ndarray], rows: Sequence[int]):
        self._outcomes, self._rows = outcomes, list(rows)

    def __getitem__(self, name: str) -> np.ndarray:
        return self._outcomes[name][self._rows]

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
    chosen = list(dict.fromkeys((*(policies or study.policy_names), *filter(None, [against]))))
    problems = Problems()
    for name in chosen:
        problems.knows("--against" if name == against else "--policies", "policy", name, study.policy_names)
    problems.refuse(study.source)
    if len(chosen) < 2:
        raise UserError(study.source, [f"expected two policies or more to compare, got one: {chosen[0]}."])
    rows = [study.row(name) for name in chosen]
    baseline = against or (study.baseline if study.baseline in chosen else chosen[0])
    return replace(study, policies=tuple(study.policies[k] for k in rows), baseline=baseline), rows


def of_named(study: Study, policies: Sequence[str] | None) -> Study:
    """The study restricted to the named policies as `compared` does; the study itself if fewer than two are named."""
    return study if len(set(policies or ())) < 2 else compared(study, policies)[0]


def verdict(gap: Estimate | None, loss: bool | None) -> str:
    """What a difference says of a policy: "better", "worse" or "not distinguishable".

    "" without an interval, and where neither high nor low values are worse.
    """
    sign = judged(gap)
    if sign is None or loss is None:
        return ""
    return "not distinguishable" if not sign else "worse" if (sign > 0) == loss else "better"


def others_of(study: Study) -> list[str]:
    """The policies other than the baseline."""
    return [name for name in study.policy_names if name != study.baseline]


def pairs(
    study: Study, outcomes: Mapping[str, np.ndarray], records: Iterable[Record], named: Collection[str], level: float
) -> dict[str, dict[str, Gaps]]:
    """Paired differences of all policies, by measure and by outcome or event.

    Args:
      named: outcomes and events; the headline and all events if none are named.
    """
    chosen = [
        name for name in study.model.outcomes
        if name in (named or study.headline) and name in outcomes and study.loss_of(name) is not None
    ]  # fmt: skip
    events = [event for event in known_events(study, outcomes) if event.name in named or not named]
    of = ranks.of_outcomes(study, chosen, outcomes, records, level)
    return of | ranks.of_events(study, events, outcomes)


def of_paths(
    study: Study, outcomes: Mapping[str, np.ndarray], records: Iterable[Record], wanted: Collection[str],
    shown: Collection[str],
) -> tuple[Held, list[Row]]:  # fmt: skip
    """The estimates of each policy against the baseline and the best policy, and rows of stochastic dominance.

    Args:
      records: the estimates of the comparison that a run has.
      wanted: outcomes and events; `shown` are those of the brief form.
    """
    base, unit, losses = study.row(study.baseline), study.unit, {name: study.loss_of(name) for name in wanted}
    held = {
        (r.measure, r.policy, r.variable): r.alone for r in records
        if r.variable in wanted and (losses[r.variable] is not None or r.measure not in ("worse", "regret"))
    }  # fmt: skip

    def of_outcome(name: str) -> tuple[Held, list[Row]]:
        values, means = outcomes[name], [held["regret", policy, name] for policy in study.policy_names]
        loss, own, rows = study.is_loss(name), Held(), list[Row]()
        for policy, one, lacks in zip(study.policy_names, values, regrets(values, unit, loss, means), strict=True):
            own |= {(measure, policy, name): lack for measure, lack in lacks.items()}
            if policy != study.baseline:
                own["variance_ratio", policy, name] = variance_ratio(one, values[base], unit)
                for order, of in zip(ORDERS, dominance(one, values[base], unit, loss), strict=True):
                    numbers = {key: value for key, value in vars(of).items() if key != "flag"}
                    rows.append({"outcome": name, "order": order, "policy": policy, **numbers, "brief": name in shown})
        return own, rows

    with ThreadPoolExecutor(THREADS) as threads:
        kept = [name for name in study.model.outcomes if losses.get(name) is not None and name in outcomes]
        parts = list(threads.map(of_outcome, kept))
    every = [item for one in (held, *(own for own, _ in parts)) for item in one.items()]
    order = {name: number for number, name in enumerate(study.variables)}
    return dict(sorted(every, key=lambda item: order[item[0][2]])), [row for _, rows in parts for row in rows]


def gap_tables(study: Study, held: Held, shown: Collection[str], tail: str) -> Iterator[Table]:
    """Differences from the baseline, chances of being worse, and regret.

    Args:
      shown: outcomes of the brief form.
      tail: the expected shortfall of the brief form, such as "ES99".
    """
    base, few = study.baseline, len(others_of(study)) <= FEW
    yield table(
        "events",
        f"Probability of events, difference from {base}",
        (
            {"event": name, "policy": policy, "difference": gap, "verdict": verdict(gap, True)}
            for (measure, policy, name), gap in held.items()
            if measure == CHANCE
        ),
        "event", "policy", across="policy", shown={"difference": "points"},
    )  # fmt: skip
    yield table(
        "differences",
        f"Outcomes, difference from {base}",
        (
            {"outcome": name, "measure": of, "policy": policy, "unit": study.unit_of(name), "difference": gap,
             "verdict": "" if of == "sd" else verdict(gap, study.loss_of(name)),
             "brief": name in shown and of in ("mean", tail)}
            for name, of, policy, gap in _every(study, held, GAP)
            if policy != base and of != PROBABILITY
        ),
        "outcome", "measure", "policy", brief=("unit", "difference", "verdict"), across="policy",
    )  # fmt: skip
    yield table(
        "worse",
        f"How often worse than {base} on the same future",
        (
            {"outcome": name, "policy": policy, "worse": worse,
             "variance_ratio": held.get(("variance_ratio", policy, name)), "brief": few or name in shown}
            for (measure, policy, name), worse in held.items()
            if measure == "worse"
        ),
        "outcome", "policy", brief=("worse", "variance_ratio"), across="policy",
    )  # fmt: skip
    yield table(
        "regret",
        "Regret",
        (
            {"outcome": name, "measure": of.removeprefix("_") or "mean", "policy": policy,
             "unit": study.unit_of(name), "regret": lack, "brief": name in shown and of in ("", "_VaR95")}
            for name, of, policy, lack in _every(study, held, "regret")
        ),
        "outcome", "measure", "policy", brief=("unit", "regret"), across="policy",
    )  # fmt: skip


def _every(study: Study, held: Held, prefix: str) -> Iterator[tuple[str, str, str, Estimate | None]]:
    """Each outcome, measure without its prefix, policy, and the estimate if there is one."""
    measures = dict.fromkeys(measure for measure, _, _ in held if measure.startswith(prefix))
    names = dict.fromkeys(name for measure, _, name in held if measure in measures and name in study.model.outcomes)
    for name, measure, policy in product(names, measures, study.policy_names):
        yield name, measure.removeprefix(prefix), policy, held.get((measure, policy, name))


def dominance_table(study: Study, rows: Iterable[Row]) -> Table:
    """Verdicts on stochastic dominance over the baseline."""
    title = f"Stochastic dominance over {study.baseline}"
    return table("dominance", title, rows, "outcome", "order", "policy", brief=("verdict",), across="policy")


def rank_table(study: Study, by_measure: Mapping[str, Mapping[str, Gaps]]) -> Table:
    """The rank of each policy and between which ranks it lies."""
    rows = (
        {"measure": measure, "variable": name, "policy": policy, "between": f"{rank} [{best}, {worst}]",
         "rank": rank, "best": best, "worst": worst}
        for measure, by_name in by_measure.items()
        for name, gaps in by_name.items()
        for policy, (rank, best, worst) in zip(study.policy_names, gaps.ranks.T.tolist(), strict=True)
    )  # fmt: skip
    title, dims = "Ranks, 1 the best; brackets hold all at once", ("measure", "variable", "policy")
    return table("ranks", title, rows, *dims, brief=("between",) if len(study.policies) > FEW else (), across="policy")


def threshold_table(study: Study, outcomes: Mapping[str, np.ndarray], wanted: Collection[str]) -> Table:
    """Probability of passing each level of the outcome of an event; events with fewer levels have empty rows."""
    base, policies = study.row(study.baseline), study.policy_names

    def rows(event: Event) -> list[Row]:
        values, above = outcomes[str(event.outcome)], event.above is not None
        curves = threshold_curves(values, study.unit, base, above, event.threshold)
        if curves is None:
            return []

        def at(band: Banded, *place: int) -> Estimate:
            value, low, high = (float(part[place]) for part in (band.estimate, band.low, band.high))
            return Estimate(value, math.nan, low, high).flagged(curves.flag)

        return [
            {"event": event.name, "policy": policies[p], "point": k, "level": float(curves.levels[k]),
             "share": at(curves.share, p, k), "difference": at(curves.gap, p, k)}
            for p, k in product(range(len(policies)), range(len(curves.levels)))
        ]  # fmt: skip

    events = [event for event in study.events if event.name in wanted and event.outcome in outcomes]
    with ThreadPoolExecutor(THREADS) as threads:
        every = [row for some in threads.map(rows, events) for row in some]
    return table("thresholds", "Probability to pass each level", every, "event", "policy", "point", brief=())


def of_years(
    study: Study, outcomes: Mapping[str, np.ndarray], chosen: Sequence[str], yearly: Sequence[Series],
    level: float, device: str | None,
) -> tuple[list[Row], list[Row], int]:  # fmt: skip
    """Rows of yearly variables, rows on common worst futures, and how many paths are simulated for yearly values.

    Args:
      chosen: outcomes, whose worst futures and those of their places are compared.
      yearly: yearly variables, each in a place.
      device: "cpu" or "gpu", where yearly values are simulated again; the GPUs if there are any.
    """
    has_years = study.is_path_model and bool(study.years)
    places = {name: by_place(study, name) if has_years else [] for name in chosen}
    every = [*yearly, *(one for some in places.values() for one in some)]
    count = years.first_paths(study, len(every), bool(yearly)) if every else 0
    values = iter(years.values(study, every, count, device) if every else ())
    rows = [row for one in yearly for row in _of_series(study, one, next(values), level)]
    common = _common(study, "outcome", chosen, outcomes, level)
    for name, some in places.items():
        ends = {_place(one): next(values)[:, -1] for one in some}
        common += _common(study, name, list(ends), ends, level)
    return rows, common, count


def _place(one: Series) -> str:
    return ", ".join(one.place.values())


def _of_series(study: Study, one: Series, values: Years, level: float) -> Iterator[Row]:
    """Rows of a yearly variable in a place: differences, chances of being worse and regret in each year."""
    base, unit, shown = study.row(study.baseline), study.model.yearly[one.variable].unit, ("mean", f"ES{100 * level:g}")
    for y, year in enumerate(study.years):
        of = Variables(values[:, y], study.unit, bool(one.loss), study.levels)
        every = [of.difference(p, base) if p != base else {} for p in range(len(study.policies))]
        names = dict.fromkeys(name for gaps in every for name in gaps)
        for policy, gaps, lack in zip(study.policy_names, every, of.regrets(), strict=True):
            for measure, estimate in {**names, **gaps, "regret": lack}.items():
                is_gap = measure not in ("worse", "regret")
                if one.loss is not None or (is_gap and estimate is not None):
                    yield {
                        "variable": one.variable, "place": _place(one), "year": int(year),
                        "measure": f"{GAP}{measure}" if is_gap else measure, "policy": policy,
                        "unit": "1" if measure == "worse" else unit, "value": estimate,
                        "verdict": verdict(estimate, one.loss) if is_gap and measure != "sd" else "",
                        "brief": measure in shown and estimate is not None,
                    }  # fmt: skip


def yearly_table(study: Study, rows: Sequence[Row]) -> Table:
    """Yearly variables by place and year."""
    title, dims = f"By year, difference from {study.baseline}", ("variable", "place", "year", "measure", "policy")
    return table("by_year", title, rows, *dims, brief=("unit", "value", "verdict"), across="policy")


def _common(study: Study, of: str, labels: Sequence[str], values: Mapping[str, np.ndarray], level: float) -> list[Row]:
    """Rows on the worst futures that every two outcomes, or every two places of one, have in common.

    Args:
      of: "outcome", or the outcome that the places are of.
      values: of each outcome or place [policy, path].
    """

    def losses(p: int) -> list[np.ndarray]:
        bad = (study.is_loss(label if of == "outcome" else of) for label in labels)
        return [values[label][p] if high else -values[label][p] for label, high in zip(labels, bad, strict=True)]

    return [
        {"pair": f"{labels[i]}, {labels[j]}{'' if of == 'outcome' else f': {of}'}", "policy": policy, "of": of,
         "first": labels[i], "second": labels[j], "share": share}
        for p, policy in enumerate(study.policy_names if len(labels) > 1 else ())
        for (i, j), share in joint.common_tails(losses(p), study.unit, level).items()
    ]  # fmt: skip


def common_table(study: Study, rows: Sequence[Row], level: float) -> Table:
    """The share of worst futures that pairs of outcomes, or of places, have in common."""
    share = f"{100 * (1 - level):.3g} %"
    title, brief = f"Worst {share} of futures in common; {share} by chance", len(study.policies) <= MOST
    return table("common", title, rows, "pair", "policy", brief=("share",) if brief else (), across="policy")
