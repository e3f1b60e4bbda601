"""The sentences of a comparison: what improves, what worsens in return, what is regretted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import product

import numpy as np

from engine.analyses.comparison import Findings
from engine.analyses.comparison_tables import CHANCE, GAP, brief_outcomes, judged_outcomes, tail, verdict
from engine.answers import every_pair
from engine.formatting import begun
from engine.risk.estimation.as_text import judged
from engine.risk.estimation.intervals import as_units
from engine.risk.estimation.tables import Record
from engine.risk.estimation.wording import likely, measured, named, share, size, some, undecided, worst_share

MOST = 2
"""Most policies beside the baseline that each have sentences; of more, only those that may rank first are named."""


def sentences(of: Findings) -> Iterator[str]:
    """Sentences on one or two policies against the baseline, or on which of more may rank first; then on regret."""
    there = {r.variable for r in of.records if r.year is None}
    # the variable that was named first, else the first of the headline that has results, else any that has
    wanted = (*of.question.variables, *of.study.headline, *sorted(there, key=of.study.variables.index))
    name = next((name for name in wanted if name in there), "")
    gaps = [r for r in of.records if r.measure.startswith(GAP)]
    if gaps and all(judged(r) is None for r in gaps) and as_units(of.study.paths, of.study.unit).count < 2:
        yield _undecided(of)
        return
    if not name:
        yield from _of_years(of)
    elif len(of.others) > MOST:
        yield from _of_many(of, name)
    else:
        for policy in of.others:
            yield from _of_one(of, name, policy)
    yield from _counted(of)


def _undecided(of: Findings) -> str:
    """A sentence: with a single independent unit of futures nothing can be decided."""
    others = of.others
    who = _called(of, others[0]) if len(others) == 1 else f"{len(others)} other policies"
    return f"Against {_called(of, of.study.baseline)}, {who} cannot be judged: {undecided(of.study.paths)}."


def _of_one(of: Findings, name: str, policy: str) -> Iterator[str]:
    """Sentences: a policy's effect on one outcome or event, its largest effect to the opposite side, and its tail."""
    yield f"Against {_called(of, of.study.baseline)}, {_called(of, policy)} would {_effect(of, policy, name)}."
    if of.study.loss_of(name) is None:
        return
    clear = [
        one for one in of.study.variables if one != name and verdict(of, *_key(of, policy, one)) in ("better", "worse")
    ]
    side = "better" if verdict(of, *_key(of, policy, name)) == "worse" else "worse"
    turned = [one for one in clear if verdict(of, *_key(of, policy, one)) == side]
    if turned:
        events = [one for one in turned if one in of.study.events_by_name]
        most = max(events or turned, key=lambda one: _weight(of, policy, one))
        how = {"worse": "Its price", "better": "In return"}[side] + ", above all" * (len(turned) > 1)
        yield f"{how}: it would {_effect(of, policy, most)}."
    elif clear:
        yield f"Nothing that is looked at gets clearly {side} for it."
    if name in of.study.model.outcomes:
        yield from _tail(of, policy, name)


def _key(of: Findings, policy: str, name: str) -> tuple[str, str, str]:
    return (CHANCE if name in of.study.events_by_name else f"{GAP}mean"), policy, name


def _gap(of: Findings, policy: str, name: str) -> Record | None:
    return of.by_key.get(_key(of, policy, name))


def _weight(of: Findings, policy: str, name: str) -> float:
    """A size by which changes are ranked.

    The difference in probability of an event; for an outcome, how far the chance of being worse is from 1/2.
    """
    if name in of.study.events_by_name:
        gap = _gap(of, policy, name)
        return abs(gap.estimate) if gap else 0.0
    worse = of.by_key.get(("worse", policy, name))
    return abs(worse.estimate - 0.5) if worse and np.isfinite(worse.estimate) else 0.0


def _effect(of: Findings, policy: str, name: str) -> str:
    """An effect in words, `make ruin likelier by 14.9 points`, or that it is not distinguishable or has no interval."""
    gap, event = _gap(of, policy, name), name in of.study.events_by_name
    what, sign = measured(of.study, name, "mean"), judged(gap)
    if gap is None or not sign:
        return f"have an effect on {what} {'that cannot be told from none' if sign == 0 else 'without an interval'}"
    by = size("probability" if event else "mean", of.study.unit_of(name), gap.alone)
    if event:
        return f"make {named(of.study, name)} {'likelier' if sign > 0 else 'less likely'} by {by}"
    if (loss := of.study.loss_of(name)) is None:
        return f"{'raise' if sign > 0 else 'lower'} {what} by {by}"
    return f"{'worsen' if (sign > 0) == loss else 'improve'} {what} by {by}"


def _tail(of: Findings, policy: str, name: str) -> Iterator[str]:
    """Sentences: in how many futures the policy is the worse one, and what it does to the tail."""
    gap, worse = (of.by_key.get((measure, policy, name)) for measure in (f"{GAP}{tail(of)}", "worse"))
    if worse is not None and np.isfinite(worse.estimate):
        bare = "" if np.isfinite(worse.low) else ", without an interval"
        often = f"{share(worse.alone)} of futures{likely(worse.alone, of.question.numbers)}{bare}"
        yield f"{begun(_called(of, policy))} would be worse than {_called(of, of.study.baseline)} in {often}."
    if gap is not None:
        sign, by = judged(gap), size("mean", of.study.unit_of(name), gap.alone)
        side = "worse" if sign and (sign > 0) == of.study.is_loss(name) else "better"
        called = {None: "what it does has no interval", 0: "what it does cannot be told from nothing"}
        yield f"In {worst_share(of.question.level)} {called.get(sign) or f'it gets {side} by {by}'}."


def _of_many(of: Findings, name: str) -> Iterator[str]:
    """Sentences: which of many policies may be the best in a tail, as far as intervals that hold for all pairs show."""
    measure = next((m for m, by in of.gaps.items() if name in by and m != "mean"), "mean")
    gaps, names = of.gaps.get(measure, {}).get(name), of.study.policy_names
    if gaps is None:
        yield (
            f"{len(names)} policies differ in {named(of.study, name)}: each against {_called(of, of.study.baseline)}"
            " below."
        )
        return
    yield from every_pair.best(of.study, name, measure, gaps)
    first = names[int(np.argmin(gaps.measure))]
    if first != of.study.baseline:
        yield from [*_of_one(of, name, first)][-1:]


def _counted(of: Findings) -> Iterator[str]:
    """Sentences that count outcomes.

    In how many a policy is clearly better and worse; and which has the least mean regret in how many of those shown.
    """
    names, best = judged_outcomes(of), Counter[str]()
    for policy in of.others if len(names) > 1 and len(of.others) <= MOST else ():
        signs = [verdict(of, *_key(of, policy, name)) for name in names]
        which = f" {_called(of, policy)}" if len(of.others) > 1 else ""
        yield (
            f"Of {len(names)} outcomes{which or ' it'} is clearly better on average in {signs.count('better')}, clearly"
            f" worse in {signs.count('worse')}."
        )
    for name in brief_outcomes(of):
        held = {p: one.estimate for p in of.study.policy_names if (one := of.by_key.get(("regret", p, name)))}
        if len(held) == len(of.study.policies):
            least = [policy for policy, regret in held.items() if regret == min(held.values())]
            best.update(least if len(least) == 1 else ())
    if best:
        parts = [f"{_called(of, policy)} in {count}" for policy, count in best.most_common()]
        yield f"Least regretted on average, of {best.total()} outcomes and on these paths: {some(parts)}."


def _of_years(of: Findings) -> Iterator[str]:
    """Sentences on yearly variables alone: in how many years and places the mean is clearly better and worse.

    Higher and lower for those of which neither is worse.
    """
    losses = {name: one.loss for name, one in of.study.model.yearly.items()}
    means = [r for r in of.records if r.measure == f"{GAP}mean"]
    kinds = sorted({losses[r.variable] is None for r in means}) or [False]
    for policy, neutral in product(of.others, kinds):
        rows = [r for r in means if r.policy == policy and (losses[r.variable] is None) == neutral]
        sides = [-sign if losses[r.variable] else sign for r in rows if (sign := judged(r))]
        up, down = ("higher", "lower") if neutral else ("better", "worse")
        names = some([named(of.study, name) for name in dict.fromkeys(r.variable for r in rows)])
        yield (
            f"Against {_called(of, of.study.baseline)}, {_called(of, policy)} is clearly {up} in {sides.count(1)} and"
            f" {down} in {sides.count(-1)} of {len(rows)} years and places: {names}."
        )


def _called(of: Findings, policy: str) -> str:
    return of.study.phrase("policies", policy)
