"""Distributions without a closed form as tables of the normal score, with errors measured when they are built.

Most quantile functions of the score are smooth and are approximated by two polynomials (`engine.draws.polynomials`): of
the value itself or, for a heavy tail, of the logarithm of its distance from the end of the support, or of its inverse
hyperbolic sine. Functions with bends, jumps or atoms are stored as cubics between adaptively placed knots; discrete
distributions as knots alone.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.draws import polynomials
from engine.draws.distributions.law import Function, Law
from engine.draws.distributions.scipy_catalogue import quietly
from engine.draws.limits import FARTHEST, LARGEST
from engine.errors import refusal

BOUND = 1e-6
"""Largest error of a table, over the larger of the distribution's scale and the distance from its median."""
ROUNDING = 4e-6
"""Largest such error with single-precision arithmetic, whose scores are 5e-7 apart in the far tails."""
SHAPES = ((17, 1), (21, 1), (15, 2), (17, 3))
"""Degrees, and parts for either sign, that are tried, each costlier than the one before."""
MOST_KNOTS = 1 << 16
_NARROWEST = 2.0**-21
"""Width of a cell of scores below which it is treated as a jump, as single precision cannot distinguish its ends."""
_LINKS: Mapping[str, Function] = {"plain": lambda p: p, "exp": np.exp, "sinh": np.sinh}
_CHECKS = np.linspace(-6.3, 6.3, 127)


@dataclass(frozen=True)
class Smooth:
    """A distribution as two polynomials: x = shift + scale g(P(z)), clipped to the support.

    Args:
      link: g, the identity ("plain"), "exp" or "sinh".
      coefficients: of P, for either sign of z.
      shift, scale: of the value.
      low, high: ends of the support.
    """

    link: str
    coefficients: Float[np.ndarray, "sign degree"]
    shift: float
    scale: float
    low: float
    high: float


@dataclass(frozen=True)
class Knots:
    """A distribution by cells of the score: cell k begins at `knots[k - 1]` and is a cubic of the distance from it.

    Args:
      knots: ascending, one fewer than cells.
      coefficients: ascending powers for each cell; the first cell begins at the lowest score.
    """

    knots: Float[np.ndarray, "knot"]
    coefficients: Float[np.ndarray, "cell 4"]


@functools.lru_cache(maxsize=512)
def tabulate(law: Law) -> Smooth | Knots:
    """Table of a distribution.

    Raises:
      UserError: for too many separate values, or a quantile function too rough or too inaccurate for `BOUND`.
    """
    if steps := law.steps:
        return _stepped(*steps)
    return _smooth(law) or _knotted(law)


def _stepped(values: np.ndarray, scores: np.ndarray) -> Knots:
    inside = (scores > -FARTHEST - 0.1) & (scores < FARTHEST + 0.1)
    kept = values[np.concatenate([[0], np.flatnonzero(inside) + 1])] if inside.any() else values[:1]
    if inside.any():
        kept[0] = values[int(np.flatnonzero(inside)[0])]
    coefficients = np.zeros((len(kept), 4))
    coefficients[:, 0] = kept
    return Knots(scores[inside], coefficients)


def _smooth(law: Law) -> Smooth | None:
    """The cheapest smooth table that meets `BOUND`, with the link that rounds least; None if there is none."""
    median, scale = _middle(law)
    with quietly():
        exact = law.at_score(_CHECKS)
    low, high = law.support
    if not scale > 0 or not np.all(np.isfinite(exact)):
        return None
    against = np.maximum(scale, np.abs(exact - median))
    links = _links(low, high, median, scale)
    for degree, parts in SHAPES:
        nodes = polynomials.nodes(degree, parts=parts)
        with quietly():
            values = law.at_score(nodes)
        candidates: list[tuple[float, int, Smooth]] = []
        for link, shift, factor, inverse in links:
            with quietly():
                coefficients = polynomials.fit_values(inverse(values), degree)
            smooth = Smooth(link, coefficients, shift, factor, low, high)
            if not np.all(np.isfinite(coefficients)):
                continue
            error, rounded = (
                float(np.max(np.abs(_host(smooth, _CHECKS, dtype) - exact) / against))
                for dtype in (np.float64, np.float32)
            )
            if error <= BOUND and rounded <= ROUNDING:
                candidates.append((rounded, len(candidates), smooth))
        if candidates:
            return min(candidates)[2]
    return None


def _middle(law: Law) -> tuple[float, float]:
    """The median, and half the distance between the values at scores -1 and 1."""
    with quietly():
        low, median, high = (float(x) for x in law.at_score(np.array([-1.0, 0.0, 1.0])))
    return median, 0.5 * (high - low)


def _links(low: float, high: float, median: float, scale: float) -> list[tuple[str, float, float, Function]]:
    plain = "plain", median, scale, lambda x: (x - median) / scale
    if math.isfinite(low):
        return [plain, ("exp", low, scale, lambda x: np.log((x - low) / scale))]
    if math.isfinite(high):
        return [plain, ("exp", high, -scale, lambda x: np.log((high - x) / scale))]
    return [plain, ("sinh", median, scale, lambda x: np.arcsinh((x - median) / scale))]


def _host(smooth: Smooth, z: np.ndarray, dtype: type) -> np.ndarray:
    """The value that a device computes, in NumPy."""
    with quietly():
        p = polynomials.value_on_host(smooth.coefficients.astype(dtype), z.astype(dtype))
        size = _LINKS[smooth.link](p)
        return np.clip((dtype(smooth.shift) + dtype(smooth.scale) * size).astype(np.float64), smooth.low, smooth.high)


def _knotted(law: Law) -> Knots:
    """Table of cells, halved until a cubic through four points of each is close enough at three others."""
    median, scale = _middle(law)
    with quietly():
        spread = scale or float(np.ptp(law.at_score([-3.0, 3.0]))) or 1.0
        breaks = law.breaks
    edges = np.unique(np.concatenate([np.linspace(-FARTHEST, FARTHEST, 17), breaks[np.abs(breaks) < FARTHEST]]))
    left, width = edges[:-1], np.diff(edges)
    done: list[tuple[np.ndarray, np.ndarray]] = []
    count = 0
    places = np.array([0.0, 1 / 3, 2 / 3, 1.0, 1 / 6, 0.5, 5 / 6])
    to_cubic = np.linalg.inv(np.vander(places[:4], 4, increasing=True)).T
    while len(left):
        # just inside the cell, as the law may jump at its ends
        inner = np.clip(places, 1e-9, 1 - 1e-9)
        with quietly():
            values = law.at_score(left[:, None] + width[:, None] * inner)
        unit = values[:, :4] @ to_cubic
        off = np.abs(unit @ np.vander(places[4:], 4, increasing=True).T - values[:, 4:])
        error = np.max(off / np.maximum(spread, np.abs(values[:, 4:] - median)), axis=1)
        jump = width <= _NARROWEST
        fine = (error <= 0.5 * BOUND) | jump
        unit[jump, 1:] = 0.0
        cubics = unit[fine] / width[fine, None] ** np.arange(4)
        done.append((left[fine], cubics))
        count += len(cubics)
        if count + 2 * int((~fine).sum()) > MOST_KNOTS or not np.all(np.abs(cubics) <= LARGEST):
            raise refusal(
                "",
                f"its quantile function cannot be tabulated to {BOUND:g} of its scale: SciPy gives it too roughly, it"
                " is close to a law with no density, or it rises too steeply for single precision. Take other"
                " parameters, or another family.",
            )
        half = 0.5 * width[~fine]
        left, width = np.concatenate([left[~fine], left[~fine] + half]), np.concatenate([half, half])
    starts = np.concatenate([part for part, _ in done])
    coefficients = np.concatenate([part for _, part in done])
    order = np.argsort(starts)
    return Knots(starts[order][1:], coefficients[order])
