"""Every pair of policies, as sentences and tables: which is best, and how often each is clearly better."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import product

import numpy as np

from engine.answers.rows import table
from engine.answers.table import Table
from engine.answers.wording import measured, named, some
from engine.formatting import begun
from engine.risk.estimation.intervals import Estimate
from engine.risk.policies.ranks import Gaps
from engine.study.study import Study

ROOM = 6
"""Most words for a list of policies in a sentence that has two such lists."""
READING = (
    "Clearly better: the 95 % interval of the paired difference leaves out zero; intervals hold for all pairs, and all"
    " outcomes of a measure, at once."
)
Counted = Mapping[str, Gaps]
"""The paired differences of all policies, by outcome or event; the first entry is the one to report first."""


def counted(study: Study, by_measure: Mapping[str, Mapping[str, Gaps]], asked: Sequence[str] = ()) -> Counted:
    """The paired differences to count: in the mean of each outcome, then in the probability of events.

    Outcomes in `asked` come first, then those of the headline. Events count if `asked` is not empty, or there is no
    mean to count.
    """
    means = by_measure.get("mean", {})
    order = dict.fromkeys(name for name in (*asked, *study.headline, *means) if name in means)
    events = by_measure.get("probability", {}) if asked or not means else {}
    return {name: means[name] for name in order} | dict(events)


def sentences(study: Study, counted: Counted) -> Iterator[str]:
    """Sentences: the best policy in the first entry, in what others are better, and which are better most often."""
    name, gaps = next(iter(counted.items()))
    yield from best(study, name, "mean", gaps)
    if len(counted) > 1:
        first, others = int(np.argmin(gaps.measure)), len(study.policies) - 1
        beaten = {other: int(of.better[:, first].sum()) for other, of in counted.items()}
        if most := max(beaten.values()):
            what = some([named(study, other) for other, count in beaten.items() if count == most])
            who = "the other policy is" if others == 1 else f"{most} of {others} other policies are"
            yield f"In {what}, {who} clearly better."
        else:
            yield f"No other policy is clearly better in any of {_entries(study, counted)}."
        yield standing(study, counted)


def best(study: Study, name: str, measure: str, gaps: Gaps) -> Iterator[str]:
    """Which policy is best by a measure of an outcome or event, and which others cannot be distinguished from it."""
    called = [study.phrase("policies", policy) for policy in study.policy_names]
    estimate, low, _ = gaps.ranks
    first = int(np.argmin(estimate))
    side = "lowest" if study.is_loss(name) else "highest"
    what = measured(study, name, measure).removeprefix("the ")
    yield f"Of {len(called)} policies, the {side} {what} is that of {called[first]}."
    others = [called[k] for k in np.flatnonzero(low == 1) if k != first]
    yield f"The difference from {some(others)} is not clear." if others else "All other policies are clearly worse."


def ahead(counted: Counted) -> np.ndarray:
    """In how many entries the first policy is clearly better than the second [policy, policy]."""
    entries: np.ndarray = np.sum([gaps.better for gaps in counted.values()], axis=0)
    return entries


def standing(study: Study, counted: Counted) -> str:
    """A sentence: which policies are clearly better than others most often, and which least often."""
    wins, over = ahead(counted).sum(axis=1), _entries(study, counted)
    if wins.max() == wins.min():
        return f"Over {over}, no policy is clearly better more often than the others."
    top, last = (
        some([study.phrase("policies", study.policy_names[k]) for k in np.flatnonzero(wins == end)], ROOM)
        for end in (wins.max(), wins.min())
    )
    every = len(counted) * (len(wins) - 1)
    return (
        f"Clear advantages over {over} are most frequent for {top}, in {wins.max()} of {every} comparisons, and least"
        f" for {last}, in {wins.min()}."
    )


def _entries(study: Study, counted: Counted) -> str:
    events = any(name in study.events_by_name for name in counted)
    return f"{len(counted)} {'outcomes and events' if events else 'outcomes'}"


def standings(study: Study, counted: Counted) -> Table:
    """Table of counts: in how many entries each policy (row) is clearly better than each other (column)."""
    what = f"In how many of {_entries(study, counted)}"
    if len(counted) == 1:
        what = f"{begun(named(study, *counted))}: 1 where"
    rows = (
        {"policy": policy, "against": against, "better": count}
        for policy, counts in zip(study.policy_names, ahead(counted).tolist(), strict=True)
        for against, count in zip(study.policy_names, counts, strict=True)
    )
    title = f"{what} the row is clearly better than the column"
    return table("standings", title, rows, "policy", "against", across="against")


def pairs(study: Study, by_measure: Mapping[str, Mapping[str, Gaps]], shown: Collection[str] = ()) -> Table:
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
