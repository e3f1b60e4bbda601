"""Measures of futures with weights: those of `measures.py`, by the same names, with the same flags, and how many futures they rest on.

Weights come in any scale. A future without weight is out of everything, as one that does not meet a condition; with weights that are all equal
the estimates are those of `measures.py`. A tail is judged by what each future adds to an error, its weight in it: heavy is what is heavy
by the values or by the weights. Formulas: `docs/method.md`; measured coverage: `benchmarks/README.md`.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool

from engine.risk.estimation.evidence import measures as names_of
from engine.risk.estimation.flags import Flag
from engine.risk.estimation.intervals import Estimate, Units, as_units
from engine.risk.estimation.measures import (
    ONE_UNIT,
    correlation,
    few_replicates,
    finite_units,
    nothing,
    share_difference,
    single,
)
from engine.risk.estimation.ratios import Paths, Ratio, Weights
from engine.risk.estimation.tails import shifted
from engine.risk.estimation.weighted_sample import Sample, few_with_weight, heavy_weights
from engine.study.study import LEVELS

Happens = Bool[np.ndarray, "path"]


def summary(
    values: Paths, weights: Paths, units: int | Units, loss: bool, levels: tuple[float, ...] = LEVELS
) -> dict[str, Estimate]:
    """Mean, median, sd, VaR and ES of one variable under weights, by name, as `measures.summary` has them: values [path]."""
    (values,), of, lost = _weighed((values,), weights, units)
    if of is None:
        return dict.fromkeys(names_of(levels), nothing(lost))
    return Sample(values if loss else -values, of, levels).own().estimates(loss, lost)


def difference(
    values: Paths,
    baseline_values: Paths,
    weights: Paths,
    units: int | Units,
    loss: bool,
    levels: tuple[float, ...] = LEVELS,
) -> dict[str, Estimate]:
    """Measures of one variable less those of another on the same futures, and "worse": P(the first is worse), all under weights."""
    arrays, of, lost = _weighed((values, baseline_values), weights, units)
    if of is None:
        return dict.fromkeys((*names_of(levels), "worse"), nothing(lost))
    one, two = (Sample(x if loss else -x, of, levels) for x in arrays)
    found = one.less(two).estimates(loss, lost)
    return {**found, "worse": found["worse"].flagged(*_of_share(of, of.mean(one.losses > two.losses)))}


def mean(values: Paths, weights: Paths, units: int | Units) -> Estimate:
    """The mean under weights, its tails not judged."""
    (values,), of, lost = _weighed((values,), weights, units)
    if of is None:
        return nothing(lost)
    one = single(shifted(of.mean(values).of, 1.0))
    scarce = few_replicates(of.units) or few_with_weight(of)
    return one.flagged(lost, _alone(of) or (scarce if one.standard_error > 0 else None))


def probability(happened: Happens, weights: Paths, units: int | Units) -> Estimate:
    """Share of futures with a property under weights, by Wilson with the effective number of futures: bool [path].

    The standard error of a share of 0 or 1 is half its interval over 1.96. Flagged: a single unit of several futures, weights without a variance.
    """
    (happened,), of, lost = _weighed((happened,), weights, units)
    if of is None:
        return nothing(lost)
    alone = _alone(of) if of.units.paths > 1 else None
    return single(of.share(happened)).flagged(lost, alone, *_of_share(of, of.mean(happened)))


def probability_difference(
    happened: Happens, baseline: Happens, weights: Paths, units: int | Units
) -> Estimate:
    """Share of futures with a property less the share with another, on the same futures and under the same weights: bool [path] each."""
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


def effective(weights: Paths, units: int | Units) -> float:
    """Effective number of independent units, (sum W)^2 / sum W^2 with W the weight of each: paths, pairs or whole runs.

    Source: Kish (1965), Survey Sampling, section 11.7.
    """
    _, of, _ = _weighed((), weights, units)
    return 0.0 if of is None else float(np.square(of.totals.sum()) / np.square(of.totals).sum())


def _weighed(
    arrays: tuple[np.ndarray, ...], weights: Paths, unit: int | Units
) -> tuple[tuple[np.ndarray, ...], Weights | None, Flag | None]:
    """The arrays on the paths with weight where all is finite, the weights of these, None for none, and the flag of what is left out."""
    some = weights != 0
    units = as_units(len(weights), unit).kept(some)
    (*kept, weights), units, lost = finite_units((*(part[some] for part in arrays), weights[some]), units)
    return tuple(kept), Weights.of(weights, units) if units.count else None, lost


def _of_share(of: Weights, ratio: Ratio) -> tuple[Flag | None, Flag | None]:
    """What takes the interval of a share, or of a gap of two: few futures with weight, and weights without a variance."""
    return few_with_weight(of), heavy_weights(ratio)


def _alone(of: Weights) -> Flag | None:
    return ONE_UNIT if of.units.count < 2 else None
