"""Risk and comparison of outcomes that are not kept whole: the records of `compare.py`, from tallies by group of paths."""

from __future__ import annotations

from collections.abc import Container, Iterator

from engine.risk import binned
from engine.risk.tables import Tables, against_baseline, record
from engine.risk.tallies import Tally, unkept, untold
from engine.study.study import Study


def tables_of_tally(study: Study, tally: Tally, variables: Container[str] | None = None) -> Tables:
    """Records of the outcomes that are not kept whole, and of the events that read one of them.

    Args:
      variables: the outcomes and events asked for; all of them if not given.
    """
    parts = [*_of_outcomes(study, tally, variables), *_of_events(study, tally, variables)]
    return Tables.joined(parts)


def _of_outcomes(study: Study, tally: Tally, variables: Container[str] | None) -> Iterator[Tables]:
    base, sizes = study.policy_names.index(study.baseline), tally.sizes
    for k, name in enumerate(unkept(study)):
        if variables is not None and name not in variables:
            continue
        loss = study.model.outcomes[name].loss
        histograms = [tally.histogram(k, p) for p in range(len(study.policies))]
        # a regret is bounded by the gaps between the policies: light tails of all of them make it light
        heavy = next(filter(None, (binned.tails_flag(histogram) for histogram in histograms)), None)
        risk, comparison = [], []
        for p, policy in enumerate(study.policy_names):
            own = binned.summary(histograms[p], loss)
            risk += [record(measure, policy, name, estimate) for measure, estimate in own.items()]
            if p != base:
                gaps = binned.difference(histograms[p], histograms[base], loss)
                gaps["worse"] = binned.share(tally.worse[k, p], sizes, study.unit)
                comparison += [record(against_baseline(m), policy, name, gap) for m, gap in gaps.items()]
            comparison.append(record("regret", policy, name, binned.mean(tally.regret[k, p], sizes, heavy)))
        yield Tables(risk, comparison)


def _of_events(study: Study, tally: Tally, variables: Container[str] | None) -> Iterator[Tables]:
    base, sizes = study.policy_names.index(study.baseline), tally.sizes
    for event, happened in zip(untold(study), tally.events, strict=True):
        if variables is not None and event.name not in variables:
            continue
        risk, comparison = [], []
        for p, policy in enumerate(study.policy_names):
            own = binned.share(happened[p], sizes, study.unit)
            risk.append(record("probability", policy, event.name, own))
            if p != base:
                gap = binned.difference_of_shares(happened[p], happened[base], sizes, study.unit)
                comparison.append(record("difference_probability", policy, event.name, gap))
        yield Tables(risk, comparison)
