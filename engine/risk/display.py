"""Histograms for charts: counts between edges that the data choose, from outcomes of every path or from merged histograms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from engine.risk.histograms import BINS, WIDEST, Histogram

BARS = 64
"""Bins of a chart."""


def histogram(
    values: Float[np.ndarray, "policy path"],
) -> tuple[Int[np.ndarray, "policy bin"], Float[np.ndarray, "edge"]]:
    """Counts int64 [policy, bin] and edges float64 [bin + 1] of values [policy, path], for charts.

    Inner bins are equally wide between the 0.1 % and 99.9 % quantiles over all policies; the first and the last bin
    reach out to the smallest and largest value. The edges come from the data, so two histograms do not merge: it is
    taken once, from all stored paths. Values that are not finite are left out.
    """
    finite = [row[np.isfinite(row)].astype(np.float64) for row in values]
    pooled = np.concatenate(finite)
    if pooled.size == 0:
        return np.zeros((len(values), BARS), np.int64), np.full(BARS + 1, np.nan)
    low, high = np.quantile(pooled, [0.001, 0.999])
    if low == high:
        low, high = low - 0.5, high + 0.5
    counts = np.zeros((len(values), BARS), np.int64)
    for row, kept in zip(counts, finite, strict=True):
        row[1:-1] = np.histogram(kept, BARS - 2, range=(low, high))[0]
        row[0] = np.count_nonzero(kept < low)
        row[-1] = np.count_nonzero(kept > high)
    inner = np.linspace(low, high, BARS - 1)
    return counts, np.concatenate([[min(low, pooled.min())], inner, [max(high, pooled.max())]])


def histogram_of_bins(
    parts: Sequence[Histogram],
) -> tuple[Int[np.ndarray, "part bin"], Float[np.ndarray, "edge"]]:
    """Counts int64 [part, bin] and edges float64 [bin + 1] for charts, as `histogram` gives them from values.

    Values are shared out evenly inside a bin where an edge of the chart cuts it.
    """
    edges = np.concatenate([part.edges for part in parts])
    ends = np.concatenate([part.edges + WIDEST * part.step for part in parts])
    pooled = np.concatenate([part.pooled for part in parts])
    order = np.argsort(edges, kind="stable")
    share = np.cumsum(pooled[order]) / pooled.sum()
    least, most = min(part.least for part in parts), max(part.most for part in parts)
    low = max(edges[order][np.searchsorted(share, 0.001)], least)
    high = min(ends[order][np.searchsorted(share, 0.999)], most)
    if low == high:
        low, high = low - 0.5, high + 0.5
    inner = np.linspace(low, high, BARS - 1)
    below = [_below(part, inner) for part in parts]
    if high == most:  # the last of the inner bins holds its upper edge
        below = [np.append(row[:-1], part.count) for row, part in zip(below, parts, strict=True)]
    counts = np.stack(
        [np.diff(np.rint(row), prepend=0, append=part.count) for row, part in zip(below, parts, strict=True)]
    )
    return counts.astype(np.int64), np.concatenate([[min(low, least)], inner, [max(high, most)]])


def _below(histogram: Histogram, values: Float[np.ndarray, "value"]) -> Float[np.ndarray, "value"]:
    """How many of a histogram's values are below each of some values, float64; even inside a bin."""
    upto = np.cumsum(histogram.pooled)
    ends = np.stack([histogram.edges, histogram.edges + BINS * histogram.step], axis=1).ravel()
    return np.interp(values, ends, np.stack([upto - histogram.pooled, upto], axis=1).ravel())
