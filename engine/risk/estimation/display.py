"""Histograms for charts, with edges chosen from the data, from values on every path or from merged histograms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from engine.risk.estimation.histograms import BINS, Histogram
from engine.risk.estimation.row_statistics import Ascending

Edges = Float[np.ndarray, "edge"]

BARS = 64
"""Bins of a chart."""


Bars = tuple[Int[np.ndarray, "policy bin"], Edges]


def histogram(rows: Sequence[Ascending]) -> Bars:
    """Counts int64 [policy, bin] and edges float64 [bin + 1] for charts, from each policy's finite values, ascending.

    Inner bins have equal width between the 0.1 % and 99.9 % quantiles over all policies; the first and the last bin
    reach to the smallest and the largest value. As the edges come from the data, such histograms cannot be merged: each
    is made once, from all stored paths.
    """
    counts = np.zeros((len(rows), BARS), np.int64)
    if not any(map(len, rows)):
        return counts, np.full(BARS + 1, np.nan)
    low, high = (_quantile(rows, share) for share in (0.001, 0.999))
    least, most = (np.concatenate([row[end] for row in rows]) for end in (slice(1), slice(-1, None)))
    edges = _edges(low, high, least.min(), most.max())
    for count, row in zip(counts, rows, strict=True):
        below = row.searchsorted(_at_least(edges[1:-1], row.dtype))
        below[-1] = row.searchsorted(-_at_least(-edges[-2:-1], row.dtype)[0], side="right")
        count[:] = np.diff(below, prepend=0, append=len(row))
    return counts, edges


def _edges(low: float, high: float, least: float, most: float) -> Edges:
    """Edges of a chart, the inner ones from `low` to `high`, the outer ones at the least and the largest value."""
    if low == high:
        low, high = low - 0.5, high + 0.5
    return np.concatenate([[min(low, least)], np.linspace(low, high, BARS - 1), [max(high, most)]])


def _at_least(edges: Edges, dtype: np.dtype) -> Edges:
    """The smallest numbers of a type that are not below the edges.

    The same values lie below them as below the edges, and no value has to be converted for the comparison.
    """
    near = edges.astype(dtype)
    return np.where(near < edges, np.nextafter(near, np.inf, dtype=dtype), near)


def _quantile(rows: Sequence[Ascending], share: float) -> float:
    """`np.quantile` of the pooled values of several ascending rows, from the values near that rank in each."""
    count = sum(map(len, rows))
    rank = share * (count - 1)
    below = int(rank)
    starts = [max(len(row) - (count - below), 0) for row in rows]
    near = np.sort(np.concatenate([row[at : below + 2] for at, row in zip(starts, rows, strict=True)]))
    pair = near[below - sum(starts) :][:2].astype(np.float64)
    return float(np.quantile(pair, rank - below))


def histogram_of_bins(parts: Sequence[Histogram]) -> Bars:
    """Counts int64 [part, bin] and edges float64 [bin + 1] for charts, as `histogram`, from merged histograms.

    Where an edge of the chart cuts a bin, the bin's values are taken to be evenly spread over it.
    """
    bins = zip(*((part.edges, part.tops, part.pooled) for part in parts), strict=True)
    lows, highs, pooled = map(np.concatenate, bins)
    order = np.argsort(lows, kind="stable")
    share = np.cumsum(pooled[order]) / pooled.sum()
    least, most = min(part.least for part in parts), max(part.most for part in parts)
    low, high = lows[order][np.searchsorted(share, 0.001)], highs[order][np.searchsorted(share, 0.999)]
    edges = _edges(max(low, least), min(high, most), least, most)
    counts = np.zeros((len(parts), BARS), np.int64)
    for count, part in zip(counts, parts, strict=True):
        upto = np.cumsum(part.pooled)
        ends = np.stack([part.edges, part.edges + BINS * part.step], axis=1).ravel()
        below = np.interp(edges[1:-1], ends, np.stack([upto - part.pooled, upto], axis=1).ravel())
        if edges[-2] == most:  # the last of the inner bins holds its upper edge
            below[-1] = part.count
        count[:] = np.diff(np.rint(below), prepend=0, append=part.count)
    return counts, edges
