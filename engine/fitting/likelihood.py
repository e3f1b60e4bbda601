"""Maximum likelihood for the continuous laws of SciPy, for one sample or for many of one size at once."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import special

GRID = (-2.0, -0.5, -0.1, 0.1, 0.5, 0.9, 1.5, 3.0, 10.0, 40.0)
"""Values of each shape that a search may start at."""
COARSE = 0.5, 2.0
"""The same for laws of more than two shapes."""
STARTS = 6
"""Starting points that are followed to the top."""
THINNED = 2_000
"""Values of a sample that these see: only the way to the top from there is taken with all of them."""
PEAK = 8.0
"""How far the log density of one value may be above the median one before the likelihood counts as unbounded."""
QUICK = 5e-4
"""Seconds for one value from which a law counts as slow: SciPy then integrates numerically."""
_FARTHEST = {"log": 16.0, "logit": 30.0, "plain": 1e4}


# All times are this thread's computing time: what is fitted must not hang on what else the machine does.


class Failed(Exception):
    """No maximum, in words for the row of a table."""


@dataclass(frozen=True)
class Form:
    """A law of SciPy and what is held fixed while the rest is fitted. Parameters are rows of (shapes, loc, scale).

    Args:
      name: SciPy's name.
      loc: value that loc is held at; None where it is fitted.
      scale: the same for the scale.
    """

    name: str
    loc: float | None = None
    scale: float | None = None

    @cached_property
    def law(self) -> Any:
        """SciPy's object."""
        from scipy import stats

        return getattr(stats, self.name)

    @cached_property
    def shapes(self) -> tuple[str, ...]:
        """Names of its shapes."""
        return tuple(name.strip() for name in (self.law.shapes or "").split(",") if name.strip())

    @property
    def k(self) -> int:
        """Parameters that are fitted."""
        return len(self.shapes) + (self.loc is None) + (self.scale is None)

    @cached_property
    def scales(self) -> tuple[str, ...]:
        """On which scale each shape is searched: log if it is positive, logit if it is from 0 to 1."""
        found = []
        for info in self.law._shape_info():
            if info.integrality:
                raise Failed(f"its shape {info.name} takes whole numbers alone.")
            low, high = info.domain  # SciPy moves an end that is left out to the next double
            found.append(
                "plain"
                if not 0 <= low < 1e-300
                else "log"
                if high == math.inf
                else "logit"
                if 1 - 1e-9 < high <= 1
                else "plain"
            )
        return tuple(found)

    def log_density(self, x: np.ndarray, parameters: np.ndarray) -> np.ndarray:
        """Log density [row, value] of samples [row, value] under parameters [row, :]; -inf outside the support.

        By the methods that a law of SciPy defines itself: the public one costs four times as much in checks.
        """
        shapes, loc, scale = _columns(parameters)
        z = (x - loc) / scale
        low, high = self.law._get_support(*shapes)
        density = self.law._logpdf(z, *shapes) - np.log(scale)
        valid = self.law._argcheck(*shapes) & (z >= low) & (z <= high)
        return np.where(valid & ~np.isnan(density), density, -math.inf)

    def log_likelihood(self, x: np.ndarray, parameters: np.ndarray) -> np.ndarray:
        """Sum over the values of the log density, by row; -inf where it is no number."""
        total = self.log_density(x, parameters).sum(axis=1)
        return np.where(total < math.inf, total, -math.inf)

    def free(self, parameters: np.ndarray, unit: float) -> np.ndarray:
        """Coordinates [row, k] of the search: shapes on their scales, loc in units, the log of the scale."""
        maps = {"log": np.log, "logit": special.logit, "plain": np.asarray}
        parts = [maps[scale](parameters[:, i]) for i, scale in enumerate(self.scales)]
        parts += [parameters[:, -2] / unit] if self.loc is None else []
        parts += [np.log(parameters[:, -1] / unit)] if self.scale is None else []
        return np.stack(parts, axis=1)

    def whole(self, free: np.ndarray, unit: float) -> np.ndarray:
        """Parameters of coordinates; NaN where a coordinate is beyond what is searched."""
        maps = {"log": np.exp, "logit": special.expit, "plain": np.asarray}
        parts = [
            np.where(np.abs(free[:, i]) <= _FARTHEST[scale], maps[scale](free[:, i]), math.nan)
            for i, scale in enumerate(self.scales)
        ]
        rest = free[:, len(parts) :]
        parts.append(rest[:, 0] * unit if self.loc is None else np.full(len(free), self.loc))
        parts.append(np.exp(rest[:, -1]) * unit if self.scale is None else np.full(len(free), self.scale))
        return np.stack(parts, axis=1)

    def at_the_end(self, parameters: np.ndarray) -> list[str]:
        """Shapes that stand where the search ends: the law is then the limit of its family."""
        row = self.free(parameters[None], 1.0)[0]
        return [
            name
            for name, scale, value in zip(self.shapes, self.scales, row, strict=False)
            if abs(value) > 0.9 * _FARTHEST[scale]
        ]


def _columns(parameters: np.ndarray) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    columns = [parameters[:, i, None] for i in range(parameters.shape[1])]
    return columns[:-2], columns[-2], columns[-1]


def _norm(x: np.ndarray) -> tuple[np.ndarray, ...]:
    return x.mean(1), x.std(1)


def _log_norm(x: np.ndarray) -> tuple[np.ndarray, ...]:
    log = np.log(x)
    return log.std(1), np.zeros(len(x)), np.exp(log.mean(1))


def _logit_norm(x: np.ndarray) -> tuple[np.ndarray, ...]:
    logit = special.logit(x)
    sigma = logit.std(1)
    return -logit.mean(1) / sigma, 1 / sigma, np.zeros(len(x)), np.ones(len(x))


def _laplace(x: np.ndarray) -> tuple[np.ndarray, ...]:
    middle = np.median(x, axis=1)
    return middle, np.abs(x - middle[:, None]).mean(1)


def _pareto(x: np.ndarray) -> tuple[np.ndarray, ...]:
    low = x.min(1)
    return 1 / np.log(x / low[:, None]).mean(1), np.zeros(len(x)), low


def _inverse_gauss(x: np.ndarray) -> tuple[np.ndarray, ...]:
    mean = x.mean(1)
    scale = 1 / (1 / x - 1 / mean[:, None]).mean(1)
    return mean / scale, np.zeros(len(x)), scale


CLOSED: dict[Form, Callable[[np.ndarray], tuple[np.ndarray, ...]]] = {
    Form("norm"): _norm,
    Form("lognorm", loc=0.0): _log_norm,
    Form("johnsonsb", loc=0.0, scale=1.0): _logit_norm,
    Form("expon", loc=0.0): lambda x: (np.zeros(len(x)), x.mean(1)),
    Form("laplace"): _laplace,
    Form("uniform"): lambda x: (x.min(1), np.ptp(x, axis=1)),
    Form("pareto", loc=0.0): _pareto,
    Form("invgauss", loc=0.0): _inverse_gauss,
}
"""Maxima in closed form: samples [row, value] -> columns of the parameters. Johnson, Kotz, Balakrishnan, Continuous Univariate
Distributions (1994, 1995): 13.6, 14.4, 15.4, 19.4, 20.4, 24.4, 26.5."""


def maxima(form: Form, samples: np.ndarray, start: np.ndarray, until: float) -> np.ndarray:
    """Parameters [row, :] of greatest likelihood of samples [row, value] drawn near one law, whose parameters the search starts at.

    Raises:
      Failed: the clock passed `until`.
    """
    if form in CLOSED:
        return np.stack(CLOSED[form](samples), axis=1)
    unit = _unit(samples[0])
    first = form.free(start[None], unit)[0]
    steps = _steps(form, samples[:1], first, unit)

    def height(free: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return form.log_likelihood(samples[rows], form.whole(free, unit))

    top, _ = climb(height, np.tile(first, (len(samples), 1)), steps, 1e-4, until)
    return form.whole(top, unit)


def maximum(form: Form, x: np.ndarray, until: float) -> np.ndarray:
    """Parameters of greatest likelihood of one sample, ascending.

    In closed form where there is one, else by Nelder and Mead's simplex from the best of a grid of shapes, each with the loc
    and scale that give it the sample's quartiles.

    Raises:
      Failed: no start has a likelihood, the likelihood is unbounded, or the clock passed `until`.
    """
    if form in CLOSED:
        return np.stack(CLOSED[form](x[None]), axis=1)[0]
    unit = _unit(x)
    few = x if len(x) <= THINNED else x[np.linspace(0, len(x) - 1, THINNED).round().astype(int)]
    begun = _starts(form, few, until)
    best = begun[np.argsort(form.log_likelihood(few[None], begun))[::-1][:STARTS]]

    def climbed(sample: np.ndarray, start: np.ndarray, steps: np.ndarray, tolerance: float) -> np.ndarray:
        def height(free: np.ndarray, rows: np.ndarray) -> np.ndarray:
            return form.log_likelihood(sample[None], form.whole(free, unit))

        return form.whole(climb(height, form.free(start, unit), steps, tolerance, until)[0], unit)

    top = climbed(few, best, np.full(form.k, 0.2), 1e-4)
    density = form.log_density(few[None], top)
    bounded = (
        density.max(1) <= np.median(density, axis=1) + PEAK if form.loc is None else np.full(len(top), True)
    )
    if not bounded.any():
        raise Failed("its likelihood is unbounded: one value can be given any density.")
    top = top[bounded]
    row = top[[np.argmax(density[bounded].sum(1))]]
    for _ in range(2):  # a simplex may have collapsed before the top; a second one sees to it
        row = climbed(
            x, row, _steps(form, x[None], form.free(row, unit)[0], unit), 1e-8 * max(1.0, len(x) / 1e4)
        )
    return row[0]


def _unit(x: np.ndarray) -> float:
    low, high = np.quantile(x, [0.25, 0.75])
    return float(high - low) or float(np.ptp(x))


def _steps(form: Form, x: np.ndarray, free: np.ndarray, unit: float) -> np.ndarray:
    """How far along each coordinate the log-likelihood falls by about one half: a standard error, the others held."""
    steps = np.full(len(free), 1 / math.sqrt(x.shape[1]))
    top = form.log_likelihood(x, form.whole(free[None], unit))[0]
    for _ in range(12):
        moved = np.concatenate([free + np.diag(steps), free - np.diag(steps)])
        fall = (top - form.log_likelihood(x, form.whole(moved, unit))).reshape(2, -1).min(0)
        off = (fall < 0.2) | (fall > 2)
        if not off.any():
            break
        steps = np.where(fall < 0.2, 2 * steps, np.where(fall > 2, 0.5 * steps, steps))
    return np.clip(steps, 1e-9, 2.0)


def _starts(form: Form, x: np.ndarray, until: float) -> np.ndarray:
    """Parameters to start from: shapes of the grid, with loc and scale by the quartiles or, where the support ends, by the ends."""
    law, count = form.law, len(form.scales)
    grid = list(itertools.product(GRID if count <= 2 else COARSE, repeat=count))
    shapes = np.array(grid, np.float64).reshape(len(grid), count)
    for i, kind in enumerate(form.scales):
        shapes = shapes[(kind == "plain") | ((shapes[:, i] > 0) & ((kind == "log") | (shapes[:, i] < 1)))]
    if count:
        shapes = shapes[np.broadcast_to(law._argcheck(*shapes.T), len(shapes))]
    begun = time.thread_time()
    quartiles = []
    for row in shapes:
        quartiles.append(law.ppf([0.25, 0.5, 0.75], *row))
        if time.thread_time() - begun > 0.5 * (until - begun):
            break  # the grid so far will do
    if not len(shapes):
        raise Failed("no parameters were found under which every value is possible.")
    refuse_slow(form, x, np.array([*shapes[len(quartiles) // 2], 0.0, 1.0]), 100 * len(x), until)
    shapes, q = shapes[: len(quartiles)], np.array(quartiles).reshape(-1, 3)
    low, middle, high = np.quantile(x, [0.25, 0.5, 0.75])
    rows = len(shapes)
    if form.scale is not None:
        scale = np.full(rows, form.scale)
    elif form.loc is not None:
        scale = (middle - form.loc) / q[:, 1]
    else:
        scale = (_unit(x) if high == low else high - low) / (q[:, 2] - q[:, 0])
    loc = middle - scale * q[:, 1] if form.loc is None else np.full(rows, form.loc)
    found = [np.column_stack([shapes, loc, scale])]
    if form.scale is None:  # for values so far out that they have no probability in doubles
        far = np.ptp(x) / 10
        found.append(np.column_stack([shapes, loc, np.maximum(scale, far)]))
    if form.loc is None:
        first, last = (np.broadcast_to(end, rows) for end in law._get_support(*shapes.T))
        pad = np.ptp(x) / len(x)
        both = np.isfinite(first) & np.isfinite(last)
        if form.scale is None:
            scale = np.where(both, (np.ptp(x) + 2 * pad) / np.where(both, last - first, 1.0), scale)
        loc = np.where(np.isfinite(first), x[0] - pad - first * scale, x[-1] + pad - last * scale)
        found.append(np.column_stack([shapes, loc, scale])[np.isfinite(loc)])
    starts = np.concatenate(found)
    starts = starts[np.all(np.isfinite(starts), axis=1) & (starts[:, -1] > 0)]
    starts = starts[np.isfinite(form.log_likelihood(x[None], starts))] if len(starts) else starts
    if not len(starts):
        raise Failed("no parameters were found under which every value is possible.")
    return starts


def refuse_slow(form: Form, x: np.ndarray, parameters: np.ndarray, count: int, until: float) -> None:
    """Refuses a law that SciPy integrates numerically where so many densities would not be there in time.

    Raises:
      Failed: they would not.
    """
    each = math.inf
    for _ in range(3):  # the machine may have been busy with something else
        begun = time.thread_time()
        form.log_density(x[None, :8], parameters[None])
        each = min(each, (time.thread_time() - begun) / 8)
        if each <= QUICK:
            return
    if each * count > until - begun:
        raise Failed(f"its density takes {1e3 * each:.2g} ms for each value: too slow.")


def climb(
    height: Callable[[np.ndarray, np.ndarray], np.ndarray],
    start: np.ndarray,
    steps: np.ndarray,
    tolerance: float,
    until: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Tops [row, k] and their heights, of many functions at once, each climbed by a simplex of its own.

    Nelder and Mead, A simplex method for function minimization, Computer Journal 7 (1965) 308, doi:10.1093/comjnl/7.4.308.

    Args:
      height: (points [some, k], numbers of their rows) -> heights; -inf where there is no value.
      steps: size of the first simplex [k].
      tolerance: a row is done when its simplex differs by no more in height.
    """
    rows, k = start.shape
    simplex = np.concatenate([start[:, None], start[:, None] + np.diag(steps)], axis=1)
    numbers = np.arange(rows)

    def heights(points: np.ndarray, at: np.ndarray) -> np.ndarray:
        if time.thread_time() > until:
            raise Failed("it takes too long.")
        found = height(points, at)
        return np.where(np.isnan(found), -math.inf, found)

    values = np.stack([heights(simplex[:, i], numbers) for i in range(k + 1)], axis=1)
    for _ in range(400 * k):
        order = np.argsort(-values, axis=1, kind="stable")
        simplex = np.take_along_axis(simplex, order[:, :, None], axis=1)
        values = np.take_along_axis(values, order, axis=1)
        at = np.flatnonzero(~(values[:, 0] - values[:, -1] <= tolerance))
        if not len(at):
            break
        centre, worst = simplex[at, :-1].mean(1), simplex[at, -1]
        point = 2 * centre - worst
        value = heights(point, at)
        over = value > values[at, 0]
        under = value <= values[at, -2]
        turned = over | under
        if turned.any():
            inside = under & (value <= values[at, -1])
            pull = np.where(over, 2.0, np.where(inside, -0.5, 0.5))[:, None]
            other = centre + pull * (centre - worst)
            found = np.full(len(at), -math.inf)
            found[turned] = heights(other[turned], at[turned])
            better = turned & (found > value)
            point, value = np.where(better[:, None], other, point), np.where(better, found, value)
        gained = value > np.where(under, values[at, -1], -math.inf)
        simplex[at[gained], -1], values[at[gained], -1] = point[gained], value[gained]
        stuck = at[~gained]
        for i in range(1, k + 1) if len(stuck) else ():
            simplex[stuck, i] = 0.5 * (simplex[stuck, 0] + simplex[stuck, i])
            values[stuck, i] = heights(simplex[stuck, i], stuck)
    best = np.argmax(values, axis=1)
    return simplex[numbers, best], values[numbers, best]
