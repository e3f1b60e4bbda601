"""Tables of a comparison of policies on the same futures: from outcomes path by path, and from yearly values."""

from __future__ import annotations

import math
from collections import ChainMap
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import product

import numpy as np

from engine.answers.as_text import measured, some, verdict
from engine.answers.table import BRIEF, Row, Table, table
from engine.errors import Problems, UserError
from engine.questions.variables import PROBABILITY, Values
from engine.risk.drivers.series import Series, Years
from engine.risk.estimation.events import known_events
from engine.risk.estimation.influences import measures as names_of
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.measures import Variables
from engine.risk.estimation.tables import THREADS, Record
from engine.risk.policies import ranks
from engine.risk.policies.paired import common_tails, dominance, regrets
from engine.risk.policies.ranks import Gaps
from engine.study.study import Study

GAP, CHANCE = "difference_", f"difference_{PROBABILITY}"
ORDERS = ("first order", "second order")
FEW, MOST = 2, 4
"""Most policies beside the baseline with all brief rows of `worse`, and most policies with brief common tails."""
Held = dict[tuple[str, str, str], Estimate]
"""Estimates by measure ("difference_M", "worse", "regret_VaR95"), policy and variable."""
ByMeasure = Mapping[str, Mapping[str, Gaps]]
"""Differences of all policies by measure, and by outcome or event."""


class Some(ChainMap[str, np.ndarray]):
    """Outcomes by name under a selection of the policies [policy, path], read on access."""

    def __init__(self, outcomes: Values, rows: list[int]):
        super().__init__(outcomes)  # type: ignore[arg-type]  # nothing is written
        self._rows = rows

    def __getitem__(self, name: str) -> np.ndarray:
        return super().__getitem__(name)[self._rows]


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


def others_of(study: Study) -> list[str]:
    """The policies other than the baseline."""
    return [name for name in study.policy_names if name != study.baseline]


def pairs(study: Study, outcomes: Values, records: Iterable[Record], named: Collection[str], level: float) -> ByMeasure:
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
    study: Study, outcomes: Values, records: Sequence[Record], wanted: Sequence[str],
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
                for order, of in zip(ORDERS, dominance(one, values[base], unit, loss), strict=True):
                    numbers = {key: value for key, value in vars(of).items() if key != "flag"}
                    rows.append({"outcome": name, "order": order, "policy": policy, **numbers, BRIEF: name in shown})
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
    events, differences, worse = list[Row](), list[Row](), list[Row]()
    for (measure, policy, name), one in held.items():
        of: Row = {"outcome": name, "policy": policy}
        is_shown = name in shown
        if measure == CHANCE:
            events.append({"event": name, "policy": policy, "difference": one, "verdict": verdict(one, True)})
        elif measure == "worse":
            worse.append(of | {"worse": one, BRIEF: few or is_shown})
        elif measure.startswith(GAP):
            of |= {"measure": measure.removeprefix(GAP), "unit": study.unit_of(name), "difference": one}
            of["verdict"] = "" if of["measure"] == "sd" else verdict(one, study.loss_of(name))
            differences.append(of | {BRIEF: is_shown and of["measure"] in ("mean", tail)})
    points = {"difference": "points"}
    yield table(
        "events", f"Probability of events, difference from {base}", events, "event", "policy",
        across="policy", shown=points,
    )  # fmt: skip
    yield table(
        "differences", f"Outcomes, difference from {base}", differences, "outcome", "measure", "policy",
        brief=("unit", "difference", "verdict"), across="policy",
    )  # fmt: skip
    yield table(
        "worse", f"Share of futures that are worse than under {base}", worse, "outcome", "policy",
        brief=("worse",), across="policy",
    )  # fmt: skip
    lacking = [key for key in held if key[0].startswith("regret")]
    measures, _, names = map(dict.fromkeys, zip(*lacking, strict=True)) if lacking else ((), (), ())
    regret = (
        {"outcome": name, "measure": measure.partition("_")[2] or "mean", "policy": policy,
         "unit": study.unit_of(name), "regret": held.get((measure, policy, name)),
         BRIEF: name in shown and measure in ("regret", "regret_VaR95")}
        for name, measure, policy in product(names, measures, study.policy_names)
    )  # fmt: skip
    yield table("regret", "Regret", regret, "outcome", "measure", "policy", brief=("unit", "regret"), across="policy")


def rank_table(study: Study, by_measure: ByMeasure) -> Table:
    """The rank of each policy and between which ranks it lies."""
    rows = (
        {"measure": measure, "variable": name, "policy": policy, "between": f"{rank} [{best}, {worst}]",
         "rank": rank, "best": best, "worst": worst}
        for measure, by_name in by_measure.items()
        for name, gaps in by_name.items()
        for policy, (rank, best, worst) in zip(study.policy_names, gaps.ranks.T.tolist(), strict=True)
    )  # fmt: skip
    title, dims = "Ranks (1 is the best) with simultaneous brackets", ("measure", "variable", "policy")
    return table("ranks", title, rows, *dims, brief=("between",) if len(study.policies) > FEW else (), across="policy")


def common_table(study: Study, chosen: Sequence[str], outcomes: Values, level: float) -> Table:
    """Shares of the worst futures that every two outcomes have in common, under each policy."""
    signs = [1 if study.is_loss(name) else -1 for name in chosen]

    def losses(p: int) -> list[np.ndarray]:  # copies, as a view would keep the outcomes of all policies in memory
        return [sign * outcomes[name][p] for sign, name in zip(signs, chosen, strict=True)]

    rows = (
        {"pair": f"{chosen[i]}, {chosen[j]}", "policy": policy, "share": share}
        for p, policy in enumerate(study.policy_names if len(chosen) > 1 else ())
        for (i, j), share in common_tails(losses(p), study.unit, level).items()
    )
    worst, brief = f"{100 * (1 - level):.3g} %", ("share",) if len(study.policies) <= MOST else ()
    title = f"Share of the worst {worst} of futures that outcomes have in common ({worst} if independent)"
    return table("common", title, rows, "pair", "policy", brief=brief, across="policy")


def year_table(study: Study, every: Iterable[tuple[Series, Years]], only: int | None, level: float) -> Table:
    """Differences, chances of being worse and regret of yearly variables, each in a place.

    Args:
      only: the year; all if not given.
      level: of the expected shortfall of the brief form.
    """
    rows = (
        row
        for one, values in every
        for y, year in enumerate(study.years)
        if only in (None, year)
        for row in _of_year(study, one, int(year), values[:, y], level)
    )
    title, dims = f"By year, difference from {study.baseline}", ("variable", "place", "year", "measure", "policy")
    return table("by_year", title, rows, *dims, brief=("unit", "value", "verdict"), across="policy")


def _of_year(study: Study, one: Series, year: int, values: np.ndarray, level: float) -> Iterator[Row]:
    """Rows of a yearly variable in one year: `values` [policy, path]."""
    base, shown = study.row(study.baseline), ("mean", f"ES{100 * level:g}")
    of = Variables(values, study.unit, bool(one.loss), study.levels)
    unknown = dict.fromkeys((*names_of(study.levels), "worse"))
    for p, (policy, lack) in enumerate(zip(study.policy_names, of.regrets(), strict=True)):
        gaps = unknown if p == base else of.difference(p, base)
        for measure, estimate in {**gaps, "regret": lack}.items():
            is_gap = measure not in ("worse", "regret")
            if one.loss is not None or (is_gap and estimate is not None):
                yield {
                    "variable": one.variable, "place": ", ".join(one.place.values()), "year": year,
                    "measure": f"{GAP}{measure}" if is_gap else measure, "policy": policy,
                    "unit": "1" if measure == "worse" else study.model.yearly[one.variable].unit, "value": estimate,
                    "verdict": verdict(estimate, one.loss) if is_gap and measure != "sd" else "",
                    BRIEF: measure in shown and estimate is not None,
                }  # fmt: skip


def best(study: Study, name: str, measure: str, gaps: Gaps) -> Iterator[str]:
    """Which policy is best by a measure of an outcome or event, and which others cannot be distinguished from it."""
    called = [study.phrase("policies", policy) for policy in study.policy_names]
    estimate, low, _ = gaps.ranks
    first = int(np.argmin(estimate))
    side = "lowest" if study.is_loss(name) else "highest"
    what = measured(study, name, measure).removeprefix("the ")
    yield f"Of {len(called)} policies, {called[first]} has the {side} {what}."
    others = [called[k] for k in np.flatnonzero(low == 1) if k != first]
    yield f"Its difference from {some(others)} is not clear." if others else "All other policies are clearly worse."


def pair_table(study: Study, by_measure: ByMeasure, shown: Collection[str] = ()) -> Table:
    """Table of the paired difference of every two policies, with 95 % intervals that hold for all pairs at once.

    Args:
      shown: outcomes whose means are in the brief form.
    """
    rows = (
        {"measure": measure, "variable": name, "policy": policy, "against": against,
         "gap": None if i == j else Estimate(gaps.gap[i, j], math.nan, gaps.low[i, j], gaps.high[i, j]),
         "brief": measure == "mean" and name in shown}
        for measure, by_name in by_measure.items()
        for name, gaps in by_name.items()
        for (i, policy), (j, against) in product(enumerate(study.policy_names), repeat=2)
    )  # fmt: skip
    dims = "measure", "variable", "policy", "against"
    return table("gaps", "All pairs of policies", rows, *dims, brief=("gap",) if shown else (), across="against")
