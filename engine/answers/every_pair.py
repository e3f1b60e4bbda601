"""Every pair of policies, as sentences and tables: which is best, and how often each is clearly better."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product

import numpy as np

from engine.answers.table import Table, counts, estimates, texts
from engine.formatting import begun
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.wording import measured, named, some
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
    order = [name for name in (*asked, *study.headline, *means) if name in means]
    events = by_measure.get("probability", {}) if asked or not means else {}
    return {name: means[name] for name in dict.fromkeys(order)} | dict(events)


def sentences(study: Study, counted: Counted) -> Iterator[str]:
    """Sentences: the best policy in the first entry and its cost; which win most and least often; which lose in all.

    To win is to be clearly better than another policy in an entry.
    """
    name, gaps = next(iter(counted.items()))
    yield from best(study, name, "mean", gaps)
    if len(counted) > 1:
        yield _price(study, counted, int(np.argmin(gaps.measure)))
        yield standing(study, counted)
        in_all = (ahead(counted) == len(counted)).any(axis=0)
        beaten = [study.phrase("policies", study.policy_names[k]) for k in np.flatnonzero(in_all)]
        every = "both" if len(counted) == 2 else f"all {len(counted)}"
        all_of = f"than another in {every} {_kind(study, counted)}"
        yield f"Clearly worse {all_of}: {some(beaten)}." if beaten else f"No policy is clearly worse {all_of}."


def best(study: Study, name: str, measure: str, gaps: Gaps) -> Iterator[str]:
    """Which policy is best by a measure of an outcome or event, and which others cannot be distinguished from it."""
    called = [study.phrase("policies", policy) for policy in study.policy_names]
    estimate, low, _ = gaps.ranks
    first = int(np.argmin(estimate))
    side = "lowest" if study.is_loss(name) else "highest"
    what = measured(study, name, measure).removeprefix("the ")
    yield f"Of {len(called)} policies {called[first]} has the {side} {what}."
    others = [called[k] for k in np.flatnonzero(low == 1) if k != first]
    yield f"It cannot be told from {some(others)}." if others else "It can be told from all others."


def ahead(counted: Counted) -> np.ndarray:
    """In how many entries the first policy is clearly better than the second [policy, policy]."""
    entries: np.ndarray = np.sum([gaps.better for gaps in counted.values()], axis=0)
    return entries


def most_ahead(counted: Counted) -> np.ndarray:
    """Indices of the policies with the most clear wins, over all entries and all other policies."""
    wins = ahead(counted).sum(axis=1)
    return np.flatnonzero(wins == wins.max())


def standing(study: Study, counted: Counted) -> str:
    """A sentence: which policies are clearly better than others most often, and which least often."""
    wins, over = ahead(counted).sum(axis=1), f"{len(counted)} {_kind(study, counted)}"
    if wins.max() == wins.min():
        return f"Over {over} no policy is clearly better more often than the others."
    top, last = (
        some([study.phrase("policies", study.policy_names[k]) for k in np.flatnonzero(wins == end)], ROOM)
        for end in (wins.max(), wins.min())
    )
    every = len(counted) * (len(wins) - 1)
    return (
        f"Most often clearly better, over {over}: {top}, in {wins.max()} of {every} comparisons; least often: {last},"
        f" in {wins.min()}."
    )


def _price(study: Study, counted: Counted, first: int) -> str:
    """The sentence on the entries in which most policies are clearly better than the best one of the first entry."""
    beaten = {name: int(gaps.better[:, first].sum()) for name, gaps in counted.items()}
    most, others = max(beaten.values()), len(study.policies) - 1
    if not most:
        return "No other is clearly better in anything that is counted."
    every = {1: "the other is", 2: "both others are"}.get(others, f"all {others} others are")
    who = every if most == others else f"{most} of {others} others are"
    what = some([named(study, name) for name, count in beaten.items() if count == most])
    return f"Its price: in {what} {who} clearly better."


def _kind(study: Study, names: Iterable[str]) -> str:
    return "outcomes and events" if any(name in study.events_by_name for name in names) else "outcomes"


def standings(study: Study, counted: Counted) -> Table:
    """Table of counts: in how many entries each policy (row) is clearly better than each other (column)."""
    policies, better = study.policy_names, ahead(counted).tolist()
    rows = [*product(range(len(policies)), repeat=2)]
    columns = (
        texts("policy", [policies[i] for i, _ in rows], "policy"),
        texts("against", [policies[j] for _, j in rows], "policy that it is held against"),
        counts("better", [better[i][j] for i, j in rows], "in how many it is clearly better; all pairs hold at once"),
    )  # fmt: skip
    what = f"In how many of {len(counted)} {_kind(study, counted)}"
    if len(counted) == 1:
        what = f"{begun(named(study, *counted))}: 1 where"
    title = f"{what} the row is clearly better than the column"
    return Table("standings", title, columns, ("policy", "against"), across="against")


def pairs(study: Study, by_measure: Mapping[str, Mapping[str, Gaps]]) -> Table:
    """Table of the paired difference of every two policies, with 95 % intervals that hold for all pairs at once."""
    policies = study.policy_names
    names = dict.fromkeys(name for by_name in by_measure.values() for name in by_name)
    rows = [*product(by_measure, names, policies, policies)]
    held = []
    for measure, name, policy, against in rows:
        gaps, at = by_measure[measure].get(name), (policies.index(policy), policies.index(against))
        known = gaps is not None and policy != against
        held.append(Estimate(gaps.gap[at], math.nan, gaps.low[at], gaps.high[at]) if known and gaps else None)
    about = {
        "measure": "measure", "variable": "outcome or event", "policy": "policy", "against": "policy that is deducted",
    }  # fmt: skip
    columns = (
        *(texts(dim, [row[k] for row in rows], words) for k, (dim, words) in enumerate(about.items())),
        estimates("gap", held, "policy less another, high being worse; the ends hold all pairs at once"),
    )
    return Table("gaps", "All pairs of policies", columns, tuple(about), [False] * len(rows), "against")
