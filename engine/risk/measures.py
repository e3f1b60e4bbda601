"""Risk functionals with their errors: mean, VaR, expected shortfall, probabilities, paired differences, regret.

"VaR a" is the smallest of the ceil(n (1 - a)) worst values, "ES a" = VaR + mean((x - VaR)+) / (1 - a), the mean of
the worst 1 - a share. Where low is worse (`loss=False`) the worst values are the lowest and all stays in the
variable's own sign. Formulas, sources, flags and measured coverage: `docs/method.md`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.risk import tails
from engine.risk.flags import Flag, Reason
from engine.risk.heaviness import shortfall_flags, tail_flag
from engine.risk.intervals import (
    Estimate,
    Moments,
    Units,
    Z,
    as_units,
    combined_interval,
    dots,
    moments,
    moments_of_totals,
)
from engine.risk.tails import LEVELS, Column, Quantiles, Table, risk, share_of_totals, shifted

MEASURES = ("mean", *(f"VaR{100 * level:g}" for level in LEVELS), *(f"ES{100 * level:g}" for level in LEVELS))
DIFFERENCES = (*MEASURES, "worse")
FEWEST_FOR_VAR = 50
"""Effective exceedances from which VaR, and a difference of VaRs, has an interval."""
FEWEST_FOR_ES = 100
FEWEST_FOR_ES_DIFFERENCE = 500
"""Effective exceedances from which ES, and a difference of ESs, has an interval: by the coverage study."""
ONE_UNIT = Flag(Reason.ONE_UNIT, 1, 2)
CHUNK = 1 << 20
"""Values worked on at a time: what stays in a core's cache decides the speed."""


def level_of(measure: str) -> float | None:
    """The level a of "VaR99" or "ES99.9"; None for measures that have none."""
    return next((level for level in LEVELS if measure in (f"VaR{100 * level:g}", f"ES{100 * level:g}")), None)


def _too_few(exceedances: np.ndarray, constant: np.ndarray, for_es: int) -> np.ndarray:
    """Whether each measure of `MEASURES` has too few exceedances, bool [cell, measure]; what is constant needs none."""
    never = np.zeros((exceedances.shape[1], 1), bool)
    few = np.concatenate([never, exceedances.T < FEWEST_FOR_VAR, for_es > exceedances.T], axis=1)
    return few & ~constant[:, None]


def _mirrored(table: Table, measures: int) -> Table:
    """The first measures of a table with the sign turned back: -estimate, and the interval's ends change places."""
    estimate, error, low, high = (part.copy() for part in table)
    estimate[..., :measures] *= -1
    low[..., :measures], high[..., :measures] = -table[3][..., :measures], -table[2][..., :measures]
    return estimate, error, low, high


def summary_cells(values: np.ndarray, unit: int | Units, loss: bool) -> Table:
    """Measures of many cells at once: (estimate, standard error, low, high), each [..., measure] in the order of `MEASURES`.

    `low` and `high` are NaN where exceedances are too few; a cell with values that are not finite is NaN throughout.
    Tails are not judged for heaviness, which needs one look per cell: `summary` does that.
    """

    def one(chunk: np.ndarray, units: Units) -> Table:
        return judged_risk(moments(chunk, units), tails.quantiles(chunk, units))

    return _by_chunk(one, (values,), unit, loss, MEASURES)


def judged_risk(mean: Moments, found: Quantiles) -> Table:
    """As `tails.risk`, without intervals where exceedances are too few."""
    return _blanked(risk(mean, found), _too_few(found.exceedances, found.constant, FEWEST_FOR_ES))


def difference_cells(values: np.ndarray, baseline: np.ndarray, unit: int | Units, loss: bool) -> Table:
    """Paired differences of many cells at once, as `summary_cells`, in the order of `DIFFERENCES` ("worse" last)."""

    def one(x: np.ndarray, y: np.ndarray, units: Units) -> Table:
        found = tails.difference(x, y, tails.quantiles(x, units), tails.quantiles(y, units), units)
        few = _too_few(found.exceedances, found.constant, FEWEST_FOR_ES_DIFFERENCE)
        return _blanked(found.table, np.pad(few, ((0, 0), (0, 1))))

    return _by_chunk(one, (values, baseline), unit, loss, DIFFERENCES)


def _blanked(table: Table, mask: np.ndarray) -> Table:
    estimate, error, low, high = table
    return estimate, error, np.where(mask, np.nan, low), np.where(mask, np.nan, high)


def _by_chunk(
    one: Callable[..., Table],
    arrays: tuple[np.ndarray, ...],
    unit: int | Units,
    loss: bool,
    names: tuple[str, ...],
) -> Table:
    *shape, n = arrays[0].shape
    flat = [array.reshape(-1, n) for array in arrays]
    units = as_units(n, unit)
    cells = len(flat[0])
    full = np.full((4, cells, len(names)), np.nan)
    step = max(CHUNK // max(n, 1), 1)
    for first in range(0, cells, step):
        chunk = [array[first : first + step] for array in flat]
        finite = np.logical_and.reduce([np.isfinite(array).all(axis=-1) for array in chunk])
        if not finite.any():
            continue
        parts = [array[finite] if loss else -array[finite] for array in chunk]
        table = one(*parts, units)
        full[:, first + np.flatnonzero(finite)] = table if loss else _mirrored(table, len(MEASURES))
    estimate, error, low, high = full.reshape(4, *shape, len(names))
    return estimate, error, low, high


def summary(values: np.ndarray, unit: int | Units, loss: bool) -> dict[str, Estimate]:
    """Mean, VaR and ES of one variable, by name: values [path] -> {measure: Estimate}.

    Flagged, and then without an interval: too few exceedances, an infinite variance that its tails do not exclude (mean
    and ES), values that are not finite (their units are left out), a single unit.
    """
    (values,), units, lost = finite_units((values,), unit)
    if not units.count:
        return dict.fromkeys(MEASURES, _nothing(lost))
    losses = values if loss else -values
    return _summary(losses, tails.quantiles(losses[None], units), units, loss, lost)


def _summary(
    losses: np.ndarray, found: Quantiles, units: Units, loss: bool, lost: Flag | None
) -> dict[str, Estimate]:
    table = risk(moments(losses[None], units), found)
    flags: list[Flag | None] = [None] * len(MEASURES)
    if units.count < 2:
        flags = [ONE_UNIT] * len(MEASURES)
    elif not found.constant[0]:
        upper = tail_flag(found.ascending[0]) or _few_units(units)
        lower = tail_flag(-found.ascending[0, ::-1])
        few = _few_flags(found.exceedances, FEWEST_FOR_VAR)
        shortfall = shortfall_flags(_few_flags(found.exceedances, FEWEST_FOR_ES), upper)
        flags = [upper or lower, *few, *shortfall]
    return _estimates(MEASURES, table if loss else _mirrored(table, len(MEASURES)), flags, lost)


def difference(
    values: np.ndarray, baseline_values: np.ndarray, unit: int | Units, loss: bool
) -> dict[str, Estimate]:
    """Measures of one variable less those of another on the same paths, and "worse": P(the first is worse).

    Mean by the paired gap, VaR and ES by the gap of their influence functions. Flags as in `summary`.
    """
    (values, baseline_values), units, lost = finite_units((values, baseline_values), unit)
    if not units.count:
        return dict.fromkeys(DIFFERENCES, _nothing(lost))
    x, y = (values, baseline_values) if loss else (-values, -baseline_values)
    one, two = tails.quantiles(x[None], units), tails.quantiles(y[None], units)
    return _difference(x, y, one, two, units, loss, lost)


def _difference(
    x: np.ndarray, y: np.ndarray, one: Quantiles, two: Quantiles, units: Units, loss: bool, lost: Flag | None
) -> dict[str, Estimate]:
    found = tails.difference(x[None], y[None], one, two, units)
    flags: list[Flag | None] = [None] * len(DIFFERENCES)
    if units.count < 2:
        flags = [ONE_UNIT] * len(DIFFERENCES)
    elif not found.constant[0]:
        scarce = _few_units(units)
        upper = tail_flag(one.ascending[0]) or tail_flag(two.ascending[0]) or scarce
        # not partitioned: where many gaps are alike that takes longer than to sort them
        gap = np.sort(x - y)
        few = _few_flags(found.exceedances, FEWEST_FOR_VAR)
        shortfall = shortfall_flags(_few_flags(found.exceedances, FEWEST_FOR_ES_DIFFERENCE), upper)
        flags = [tail_flag(gap) or tail_flag(-gap[::-1]) or scarce, *few, *shortfall, None]
    return _estimates(
        DIFFERENCES, found.table if loss else _mirrored(found.table, len(MEASURES)), flags, lost
    )


def of_policies(
    values: np.ndarray, base: int, unit: int | Units, loss: bool
) -> list[tuple[dict[str, Estimate], dict[str, Estimate]]]:
    """`summary` of each policy, and its `difference` from policy number `base`: values [policy, path].

    Each policy is sorted once. The baseline's own differences are empty.
    """
    units = as_units(values.shape[-1], unit)
    _, kept, lost = finite_units(tuple(values), units)
    if lost or not kept.count:
        return [
            (summary(x, unit, loss), difference(x, values[base], unit, loss) if p != base else {})
            for p, x in enumerate(values)
        ]
    losses = values if loss else -values
    found = [tails.quantiles(x[None], units) for x in losses]
    return [
        (
            _summary(x, found[p], units, loss, None),
            _difference(x, losses[base], found[p], found[base], units, loss, None) if p != base else {},
        )
        for p, x in enumerate(losses)
    ]


def regret(values: np.ndarray, unit: int | Units, loss: bool) -> list[Estimate]:
    """Mean shortfall of each policy against the best policy on the same path, in the variable's unit: values [policy, path]."""
    policies, units, lost = finite_units(tuple(values), unit)
    if not units.count:
        return [_nothing(lost)] * len(policies)
    best = np.min(policies, axis=0) if loss else np.max(policies, axis=0)
    found = []
    for policy in policies:
        shortfall = np.abs(policy - best)
        flag = ONE_UNIT if units.count < 2 else tail_flag(np.sort(shortfall))
        flag = flag or (_few_units(units) if shortfall.any() else None)
        found.append(_single(shifted(moments(shortfall, units), 1.0)).flagged(lost, flag))
    return found


def probability(indicator: np.ndarray, unit: int | Units) -> Estimate:
    """Share of paths with a property, by Wilson with the effective number of paths: indicator bool [path].

    The standard error of a share of 0 or 1 is half its interval over 1.96. A single unit of several paths is flagged.
    """
    units = as_units(len(indicator), unit)
    return _probability(units.totals(indicator), units)


def _probability(totals: np.ndarray, units: Units) -> Estimate:
    if not units.count:
        return _nothing(None)
    single = units.count < 2 and units.paths > 1
    return _single(share_of_totals(totals, units)).flagged(ONE_UNIT if single else None)


def probability_difference(indicator: np.ndarray, baseline: np.ndarray, unit: int | Units) -> Estimate:
    """Share of paths with a property less the share with another, on the same paths: bool [path] each.

    Interval combined from the two Wilson intervals and the correlation of the shares.
    """
    units = as_units(len(indicator), unit)
    totals = units.totals(indicator), units.totals(baseline)
    one, two = (_probability(part, units) for part in totals)
    if units.count < 2:
        return Estimate(one.estimate - two.estimate, np.nan, np.nan, np.nan, (ONE_UNIT,))
    gap = moments_of_totals(totals[0] - totals[1], units)
    a, b = (part - units.sizes * found.estimate for part, found in zip(totals, (one, two), strict=True))
    return share_difference(one, two, float(gap.error), correlation(a, b))


def share_difference(one: Estimate, two: Estimate, error: float, correlated: float) -> Estimate:
    """The first probability less the second, from their estimates, the standard error and the correlation."""
    low, high = combined_interval(
        (one.estimate, one.low, one.high), (two.estimate, two.low, two.high), correlated
    )
    return Estimate(one.estimate - two.estimate, error or (high - low) / (2 * Z), low, high)


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Correlation of two residuals over units (each of mean zero); 0 where one of them never moves."""
    scale = float(np.sqrt(dots(a, a) * dots(b, b)))
    return float(dots(a, b)) / scale if scale > 0 else 0.0


def finite_units(
    arrays: tuple[np.ndarray, ...], unit: int | Units
) -> tuple[tuple[np.ndarray, ...], Units, Flag | None]:
    """The arrays [path] without the units in which any of them is not finite, the units left, and the flag for it.

    Of a replicate the other paths stay: one bad path in a thousand would leave none.
    """
    units = as_units(len(arrays[0]), unit)
    with np.errstate(invalid="ignore"):
        sound = all(np.isfinite(array.sum(dtype=np.float64)) for array in arrays)
    if sound:
        return arrays, units, None
    finite = np.logical_and.reduce([np.isfinite(array) for array in arrays])
    whole = finite
    if not units.replicated:
        owner = units.owners(np.arange(units.paths))
        whole = ~np.isin(owner, owner[~finite])
    lost = int(np.sum(~finite))
    return (
        tuple(array[whole] for array in arrays),
        units.take(whole),
        Flag(Reason.NOT_FINITE, lost, units.paths),
    )


def _few_flags(exceedances: np.ndarray, needed: int) -> list[Flag | None]:
    counts = exceedances[:, 0].tolist()
    return [
        None if count >= needed else Flag(Reason.FEW_EFFECTIVE_EXCEEDANCES, count, needed) for count in counts
    ]


def _few_units(units: Units) -> Flag | None:
    return None if units.count >= units.needed else Flag(Reason.FEW_REPLICATES, units.count, units.needed)


def _nothing(flag: Flag | None) -> Estimate:
    return Estimate(np.nan, np.nan, np.nan, np.nan, (flag or Flag(Reason.NO_PATHS, 0, 1),))


def _single(column: Column) -> Estimate:
    estimate, error, low, high = (float(part) for part in column)
    return Estimate(estimate, error, low, high)


def _estimates(
    names: tuple[str, ...], table: Table, flags: list[Flag | None], lost: Flag | None
) -> dict[str, Estimate]:
    rows = zip(names, *(part[0].tolist() for part in table), flags, strict=True)
    return {name: Estimate(*numbers).flagged(lost, flag) for name, *numbers, flag in rows}
