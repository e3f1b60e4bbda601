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
from engine.draws.distributions.discrete import reached
from engine.draws.distributions.law import Function, Law
from engine.draws.distributions.scipy_catalogue import quietly
from engine.draws.limits import FARTHEST, LARGEST
from engine.errors import refusal

BOUND = 1e-6
"""Largest error of a table, over the larger of the distribution's scale and the distance from its median."""
ROUNDING = 4e-6
"""Largest such error with single-precision arithmetic, whose scores are 5e-7 apart in the far tails."""
DEGREES = (17, 21)
"""Degrees of polynomials that are tried, each costlier than the one before."""
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
        values, scores = reached(*steps)
        return Knots(scores, np.pad(values[:, None], ((0, 0), (0, 3))))
    return _smooth(law) or _knotted(law)


def _smooth(law: Law) -> Smooth | None:
    """The cheapest smooth table that meets `BOUND`, with the link that rounds least; None if there is none."""
    median, scale = _middle(law)
    with quietly():
        exact = law.at_score(_CHECKS)
    if not scale > 0 or not np.all(np.isfinite(exact)):
        return None
    against = np.maximum(scale, np.abs(exact - median))
    for degree in DEGREES:
        meeting: dict[float, Smooth] = {}
        with quietly():
            for link in _links(*law.support, median, scale):
                smooth = _fitted(law, degree, *link)
                error, rounded = (
                    float(np.max(np.abs(_host(smooth, _CHECKS, dtype) - exact) / against))
                    for dtype in (np.float64, np.float32)
                )
                if error <= BOUND and rounded <= ROUNDING:
                    meeting.setdefault(rounded, smooth)
        if meeting:
            return meeting[min(meeting)]
    return None


def _fitted(law: Law, degree: int, link: str, shift: float, scale: float, inverse: Function) -> Smooth:
    """The table of a degree, from the inverse of its link, shift and scale together."""
    coefficients = polynomials.fit(lambda z: inverse(law.at_score(z)), degree)
    return Smooth(link, coefficients, shift, scale, *law.support)


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
    p = polynomials.value_on_host(smooth.coefficients.astype(dtype), z.astype(dtype))
    value = dtype(smooth.shift) + dtype(smooth.scale) * _LINKS[smooth.link](p)
    return np.clip(value.astype(np.float64), smooth.low, smooth.high)


def _knotted(law: Law) -> Knots:
    """Table of cells, halved until a cubic through four points of each is close enough at three others."""
    median, scale = _middle(law)
    with quietly():
        spread = scale or float(np.ptp(law.at_score([-3.0, 3.0]))) or 1.0
        breaks = law.breaks
    edges = np.unique(np.concatenate([np.linspace(-FARTHEST, FARTHEST, 17), breaks[np.abs(breaks) < FARTHEST]]))
    left, width = edges[:-1], np.diff(edges)
    starts, cells = np.zeros(0), np.zeros((0, 4))
    fitted, checked = np.array([0.0, 1 / 3, 2 / 3, 1.0]), np.array([1 / 6, 0.5, 5 / 6])
    to_cubic, powers = np.linalg.inv(np.vander(fitted, increasing=True)).T, np.vander(checked, 4, increasing=True).T
    # just inside the cell, as the law may jump at its ends
    places = np.clip(np.concatenate([fitted, checked]), 1e-9, 1 - 1e-9)
    while len(left):
        with quietly():
            values = law.at_score(left[:, None] + width[:, None] * places)
        unit, others = values[:, :4] @ to_cubic, values[:, 4:]
        error = np.max(np.abs(unit @ powers - others) / np.maximum(spread, np.abs(others - median)), axis=1)
        jump = width <= _NARROWEST
        fine = (error <= 0.5 * BOUND) | jump
        unit[jump, 1:] = 0.0
        starts = np.concatenate([starts, left[fine]])
        cells = np.concatenate([cells, unit[fine] / width[fine, None] ** np.arange(4)])
        if len(cells) + 2 * np.sum(~fine) > MOST_KNOTS or not np.all(np.abs(cells) <= LARGEST):
            raise refusal(
                "",
                f"its quantile function cannot be tabulated to {BOUND:g} of its scale: SciPy gives it too roughly, it"
                " is close to a law with no density, or it rises too steeply for single precision. Take other"
                " parameters, or another family.",
            )
        half = 0.5 * width[~fine]
        left, width = np.concatenate([left[~fine], left[~fine] + half]), np.concatenate([half, half])
    order = np.argsort(starts)
    return Knots(starts[order][1:], cells[order])
