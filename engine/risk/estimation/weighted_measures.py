"""Measures of weighted futures, with the names and flags of `measures.py`, and the effective number of futures.

Weights may have any scale. A future with weight zero is left out, as one that does not meet a condition; with equal
weights the estimates are those of `measures.py`. A tail is judged by each future's weighted contribution to an error,
and so may be heavy because of the values or of the weights. Formulas: `docs/method.md`; measured coverage:
`benchmarks/README.md`.
"""

from __future__ import annotations

import numpy as np

from engine.risk.estimation.evidence import measures as names_of
from engine.risk.estimation.flags import Flag
from engine.risk.estimation.intervals import Estimate, Happens, Levels, Paths, Unit, as_units
from engine.risk.estimation.measures import (
    ONE_UNIT,
    Estimates,
    correlation,
    estimated,
    few_replicates,
    finite_units,
    nothing,
    share_difference,
    single,
)
from engine.risk.estimation.ratios import Ratio, Weights
from engine.risk.estimation.weighted_sample import Sample, few_with_weight, heavy_weights
from engine.study.study import LEVELS


def summary(values: Paths, weights: Paths, units: Unit, loss: bool, levels: Levels = LEVELS) -> Estimates:
    """Weighted mean, median, sd, VaR and ES of one variable, by name, as `measures.summary`: values [path]."""
    (values,), of, lost = _weighed((values,), weights, units)
    if of is None:
        return dict.fromkeys(names_of(levels), nothing(lost))
    return Sample(values if loss else -values, of, levels).own().estimates(loss, lost)


def difference(
    values: Paths, baseline_values: Paths, weights: Paths, units: Unit, loss: bool, levels: Levels = LEVELS
) -> Estimates:
    """Weighted measures of one variable less those of another on the same futures, and "worse": P(the first is
    worse)."""
    arrays, of, lost = _weighed((values, baseline_values), weights, units)
    if of is None:
        return dict.fromkeys((*names_of(levels), "worse"), nothing(lost))
    one, two = (Sample(x if loss else -x, of, levels) for x in arrays)
    found = one.less(two).estimates(loss, lost)
    return {**found, "worse": found["worse"].flagged(*_of_share(of, of.mean(one.losses > two.losses)))}


def mean(values: Paths, weights: Paths, units: Unit) -> Estimate:
    """Weighted mean, without a flag for heavy tails."""
    (values,), of, lost = _weighed((values,), weights, units)
    if of is None:
        return nothing(lost)
    one = estimated(of.mean(values).of)
    scarce = few_replicates(of.units) or few_with_weight(of)
    return one.flagged(lost, _alone(of) or (scarce if one.standard_error > 0 else None))


def probability(happened: Happens, weights: Paths, units: Unit) -> Estimate:
    """Weighted share of futures with a property (bool [path]), with Wilson's interval for their effective number.

    The standard error of a share of 0 or 1 is half its interval over 1.96. Flagged: a single unit of several futures,
    few futures with nearly all weight, weights of infinite variance.
    """
    (happened,), of, lost = _weighed((happened,), weights, units)
    if of is None:
        return nothing(lost)
    alone = _alone(of) if of.units.paths > 1 else None
    return single(of.share(happened)).flagged(lost, alone, *_of_share(of, of.mean(happened)))


def probability_difference(happened: Happens, baseline: Happens, weights: Paths, units: Unit) -> Estimate:
    """Weighted share of futures with a property less the share with another, on the same futures: bool [path] each."""
    (happened, baseline), of, lost = _weighed((happened, baseline), weights, units)
    if of is None:
        return nothing(lost)
    one, two = (single(of.share(part)) for part in (happened, baseline))
    if alone := _alone(of):
        return Estimate(one.estimate - two.estimate).flagged(lost, alone)
    gap = of.mean(happened.astype(np.float64) - baseline)
    totals = (of.units.totals(of.mean(part).residuals) for part in (happened, baseline))
    found = share_difference(one, two, float(gap.of.error), correlation(*totals))
    return found.flagged(lost, *_of_share(of, gap))


def effective(weights: Paths, units: Unit) -> float:
    """Kish's effective number of independent units, (sum W)^2 / sum W^2, with W the total weight of a unit.

    Source: Kish (1965), Survey Sampling, section 11.7.
    """
    _, of, _ = _weighed((), weights, units)
    return 0.0 if of is None else float(np.square(of.totals.sum()) / np.square(of.totals).sum())


def _weighed(
    arrays: tuple[np.ndarray, ...], weights: Paths, unit: Unit
) -> tuple[tuple[np.ndarray, ...], Weights | None, Flag | None]:
    """The arrays on paths with weight where all values are finite, the paths' weights, and the flag of what was lost.

    The weights are None where no path is left.
    """
    some = weights != 0
    units = as_units(len(weights), unit).kept(some)
    (*kept, weights), units, lost = finite_units((*(part[some] for part in arrays), weights[some]), units)
    return tuple(kept), Weights.of(weights, units) if units.count else None, lost


def _of_share(of: Weights, ratio: Ratio) -> tuple[Flag | None, Flag | None]:
    """Flags that withhold the interval of a share or difference of shares: few futures with weight, heavy weights."""
    return few_with_weight(of), heavy_weights(ratio)


def _alone(of: Weights) -> Flag | None:
    return ONE_UNIT if of.units.count < 2 else None
