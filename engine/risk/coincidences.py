"""How much two futures have in common of a number that is 0 on most paths and else 1 or -1, from counts of paths alone.

An event is such a number, and so is the difference of an event between two policies. Where few paths tell, the binomial law gives the
interval: an estimate from paths of which none, or all, are alike has no variance of its own to show.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Int

from engine.risk.intervals import Units, moments_of_totals
from engine.risk.shares import combined_interval, effective_count, exact_interval

Signs = Int[np.ndarray, "path"]


def common_share(x: Signs, y: Signs, units: Units) -> tuple[float, float]:
    """95 % interval of the correlation of two numbers of one law, each 0, 1 or -1 on a path.

    Of the paths where either is not 0 let s be the share where both are and have one sign, and o that where they have opposite ones; let e
    be the share that these paths are of all. With r = E[x y] / E[x^2] = 2 (s - o) / (1 + s + o) and c = E[x]^2 / E[x^2] the correlation is
    (r - c) / (1 - c): the estimate of Janon et al. (2014), ESAIM Probab. Stat. 18, 342-364, doi:10.1051/ps/2013040. Ends are from those
    of s, o and e by Clopper and Pearson, put together as those of a difference.

    Args:
      x, y: the number in both futures of each path.
      units: of the paths.

    Returns: the ends; all that a share may be where the number is 0 everywhere.
    """
    either = (x != 0) | (y != 0)
    if not either.any():
        return 0.0, 1.0
    kept = units.take(either)
    x, y = x[either], y[either]
    same, opposite, some = (
        _ends(x * y > 0, kept),
        _ends(x * y < 0, kept),
        _ends(either, units),
    )
    s, o, e = same[0], opposite[0], some[0]
    lean = (float(x.sum() + y.sum()) / float(np.abs(x).sum() + np.abs(y).sum())) ** 2

    def value(s: float, o: float, e: float) -> float:
        c = lean * e * (1 + s + o) / 2  # E[x]^2 / E[x^2], with E[x^2] = e (1 + s + o) / 2
        return (2 * (s - o) / (1 + s + o) - c) / (1 - c)

    middle = value(s, o, e)
    low, high = (value(end, o, e) for end in same[1:])
    if max(x.max(), y.max()) > 0 > min(x.min(), y.min()):
        # s and o are shares of one whole: where one is larger the other is smaller
        shared = -np.sqrt(s * o / ((1 - s) * (1 - o))) if max(s, o) < 1 else 0.0
        of_o = (0.0, middle - value(s, opposite[1], e), middle - value(s, opposite[2], e))
        low, high = combined_interval((middle, low, high), of_o, float(shared))
    of_e = (0.0, middle - value(s, o, some[1]), middle - value(s, o, some[2]))
    return combined_interval((middle, low, high), of_e, 0.0)


def _ends(happens: np.ndarray, units: Units) -> tuple[float, float, float]:
    """The share of paths on which something happens, and its 95 % interval; by no more paths than there are."""
    of = moments_of_totals(units.totals(happens), units)
    count = np.minimum(effective_count(of, units), units.paths)
    low, high = exact_interval(of.mean, count)
    return float(of.mean), float(low), float(high)
