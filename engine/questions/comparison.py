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
    study: Study, outcomes: Mapping[str, np.ndarray], records: Sequence[Record], wanted: Sequence[str],
    shown: Collection[str],
) -> tuple[Held, Table]:  # fmt: skip
    """The estimates of each policy against the baseline and the best policy, and the table of stochastic dominance.

    Args:
      records: the estimates of the comparison that a run has.
      wanted: outcomes and events, in the order of the study; `shown` are those of the brief form.
    """
    base, unit = study.row(study.baseline), study.unit

    def of_variable(name: str) -> tuple[Held, list[Row]]:
        has_side, rows = study.loss_of(name) is not None, list[Row]()
        held = {
            (r.measure, r.policy, name): r.alone for r in records
            if r.variable == name and (has_side or r.measure not in ("worse", "regret"))
        }  # fmt: skip
        if not has_side or name not in outcomes:
            return held, rows
        values, loss = outcomes[name], study.is_loss(name)
        lacking = regrets(values, unit, loss)
        for policy, one, lacks in zip(study.policy_names, values, lacking, strict=True):
            held |= {(measure, policy, name): lack for measure, lack in lacks.items()}
            if policy != study.baseline:
                held["variance_ratio", policy, name] = variance_ratio(one, values[base], unit)
                for order, of in zip(ORDERS, dominance(one, values[base], unit, loss), strict=True):
                    numbers = {key: value for key, value in vars(of).items() if key != "flag"}
                    rows.append({"outcome": name, "order": order, "policy": policy, **numbers, "brief": name in shown})
        return held, rows

    with ThreadPoolExecutor(THREADS) as threads:
        parts = [*threads.map(of_variable, wanted)]
    held = {key: one for own, _ in parts for key, one in own.items()}
    title, rows = f"Stochastic dominance over {study.baseline}", (row for _, rows in parts for row in rows)
    return held, table("dominance", title, rows, "outcome", "order", "policy", brief=("verdict",), across="policy")


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
            {"outcome": name, "measure": measure.removeprefix(GAP), "policy": policy,
             "unit": study.unit_of(name), "difference": gap,
             "verdict": "" if measure == f"{GAP}sd" else verdict(gap, study.loss_of(name)),
             "brief": name in shown and measure in (f"{GAP}mean", f"{GAP}{tail}")}
            for (measure, policy, name), gap in held.items()
            if measure.startswith(GAP) and measure != CHANCE
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
    lacking = [one for one in held if one[0].startswith("regret")]
    yield table(
        "regret",
        "Regret",
        (
            {"outcome": name, "measure": measure.partition("_")[2] or "mean", "policy": policy,
             "unit": study.unit_of(name), "regret": held.get((measure, policy, name)),
             "brief": name in shown and measure in ("regret", "regret_VaR95")}
            for name in dict.fromkeys(name for _, _, name in lacking)
            for measure in dict.fromkeys(measure for measure, _, _ in lacking)
            for policy in study.policy_names
        ),
        "outcome", "measure", "policy", brief=("unit", "regret"), across="policy",
    )  # fmt: skip


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

        def at(band: Banded, p: int, k: int) -> Estimate:
            value, low, high = band[:, p, k].tolist()
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
    year: int | None, level: float, device: str | None,
) -> tuple[Table, Table, int]:  # fmt: skip
    """Tables of yearly variables and of common worst futures, and how many paths are simulated for yearly values.

    Args:
      chosen: outcomes, whose worst futures and those of their places are compared.
      yearly: yearly variables, each in a place.
      year: of the table of yearly variables; all years if not given.
      device: "cpu" or "gpu", where yearly values are simulated again; the GPUs if there are any.
    """
    has_years = study.is_path_model and bool(study.years)
    places = {name: by_place(study, name) if has_years else [] for name in chosen}
    every = [*yearly, *(one for some in places.values() for one in some)]
    count = years.first_paths(study, len(every), bool(yearly)) if every else 0
    values = iter(years.values(study, every, count, device) if every else ())
    rows = [row for one in yearly for row in _of_series(study, one, next(values), year, level)]
    common = _common(study, "outcome", chosen, outcomes, level)
    for name, some in places.items():
        ends = {_place(one): next(values)[:, -1] for one in some}
        common += _common(study, name, list(ends), ends, level)
    share, brief = f"{100 * (1 - level):.3g} %", len(study.policies) <= MOST
    return (
        table("by_year", f"By year, difference from {study.baseline}", rows, "variable", "place", "year", "measure",
              "policy", brief=("unit", "value", "verdict"), across="policy"),
        table("common", f"Worst {share} of futures in common; {share} by chance", common, "pair", "policy",
              brief=("share",) if brief else (), across="policy"),
        count,
    )  # fmt: skip


def _place(one: Series) -> str:
    return ", ".join(one.place.values())


def _of_series(study: Study, one: Series, values: Years, only: int | None, level: float) -> Iterator[Row]:
    """Rows of a yearly variable in a place: differences, chances of being worse and regret in each year, or in one."""
    base, unit, shown = study.row(study.baseline), study.model.yearly[one.variable].unit, ("mean", f"ES{100 * level:g}")
    for y, year in enumerate(study.years):
        if only not in (None, year):
            continue
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


def _common(study: Study, of: str, labels: Sequence[str], values: Mapping[str, np.ndarray], level: float) -> list[Row]:
    """Rows on the worst futures that every two outcomes, or every two places of one, have in common.

    Args:
      of: "outcome", or the outcome that the places are of.
      values: of each outcome or place [policy, path].
    """

    if len(labels) < 2:
        return []
    signs = [1.0 if study.is_loss(label if of == "outcome" else of) else -1.0 for label in labels]
    return [
        {"pair": f"{labels[i]}, {labels[j]}{'' if of == 'outcome' else f': {of}'}", "policy": policy, "of": of,
         "first": labels[i], "second": labels[j], "share": share}
        for p, policy in enumerate(study.policy_names)
        for (i, j), share in joint.common_tails(
            [sign * values[label][p] for label, sign in zip(labels, signs, strict=True)], study.unit, level
        ).items()
    ]  # fmt: skip
