"""Maximum-likelihood fits of SciPy's continuous distributions, and whether data contradict them.

SciPy searches from one start, with all shapes 1, and ends in a lower local maximum for some distributions; here there
are several. SciPy takes milliseconds to fit a sample, and a p-value takes many fits; sequential stopping and a bound on
the statistic save most of them.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import math
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import optimize

from engine.draws.distributions import scipy_catalogue

SHAPES = (0.3, 3.0)
"""Starting values of the first shape, besides SciPy's own start.

The second shape starts at twice that value, the third at three times, as some shapes must not be equal.
"""
THINNED = 1_000
"""Number of values that the searches from all starts use; only the last search, from the best of them, uses all."""
PEAK = 8.0
"""Excess of one value's log density over the median log density above which the likelihood counts as unbounded."""
FAILURES = (ArithmeticError, ValueError, TypeError, IndexError, RuntimeError)
"""Exceptions that mean that a distribution cannot be fitted, from SciPy or from this package."""


SEED = 2016
RESAMPLES = 19, 99
"""Resamples behind a p-value: the first batch, and the total where the first batch leaves open whether it is small."""
CLEAR = 4
"""How many of the first resamples must be as far off as the data for the p-value to be clearly not small.

Besag and Clifford, Biometrika 78 (1991) 301, doi:10.1093/biomet/78.2.301.
"""
RESAMPLED = 1_000
"""Greatest number of values in a resample; the statistic's null distribution does not change beyond."""
SECONDS = 5.0
"""Computing time that the statistics of all resamples of one family may take [s]."""

_ENDS = {("uniform", 0): (1, 1), ("pareto", 1): (1, 0)}
"""Numbers of values at the ends of the support of a fit, by distribution and number of fixed parameters."""


class Form(NamedTuple):
    """A distribution of SciPy, by name, and the parameters that a fit does not change: loc, or loc and scale."""

    name: str
    fixed: Mapping[str, float]

    @property
    def law(self) -> Any:
        """SciPy's object of the distribution."""
        return scipy_catalogue.generic(self.name)

    def fit(self, x: np.ndarray, tolerance: float, start: Sequence[float] = (), shapes: Sequence[float] = ()) -> Any:
        """SciPy's fit: shapes, loc, scale. It starts from all parameters or from shapes, if these are given."""
        guess = dict(zip(("loc", "scale"), start[-2:], strict=False))
        held = {f"f{name}": value for name, value in self.fixed.items()}
        search = functools.partial(_simplex, tolerance=tolerance)
        return self.law.fit(x, *(shapes or start[:-2]), **guess, **held, optimizer=search)

    def log_likelihood(self, x: np.ndarray, parameters: Sequence[float]) -> float:
        """Sum of the log densities of the values; -inf where it is infinite or NaN."""
        total = float(np.sum(self.law.logpdf(x, *parameters)))
        return total if total < math.inf else -math.inf

    def standardised(self, x: np.ndarray) -> tuple[np.ndarray, float, float]:
        """Values shifted and scaled to median near 0 and spread near 1, as fixed parameters allow; shift; unit.

        The unit is a power of two and the shift a multiple of it, so that neither rounds.
        """
        if "scale" in self.fixed:
            return x, 0.0, 1.0
        low, middle, high = np.quantile(x, [0.25, 0.5, 0.75])
        unit = 2.0 ** round(math.log2(high - low or x[-1] - x[0]))
        move = 0.0 if self.fixed else float(np.round(middle / unit)) * unit
        return (x - move) / unit, move, unit


def _simplex(cost: Callable[..., float], start: Any, args: tuple[Any, ...], disp: int, tolerance: float) -> np.ndarray:
    """Nelder-Mead search, an `optimizer` of SciPy's `fit`, which stops at this difference in log-likelihood alone."""
    start = np.asarray(start, np.float64)
    first = np.vstack([start, start + np.diag(np.maximum(0.1 * np.abs(start), 0.1))])
    options = {"xatol": math.inf, "fatol": tolerance, "initial_simplex": first}
    return optimize.minimize(cost, start, args, method="Nelder-Mead", options=options).x


def maximum(form: Form, x: np.ndarray) -> tuple[float, ...]:
    """Maximum-likelihood parameters of a standardised, ascending sample; exact where SciPy has a closed form.

    Raises:
      ValueError: no search ends, or the likelihood is unbounded.
    """
    few, order = thinned(x, THINNED), 1 + np.arange(form.law.numargs)
    tops = []
    for shapes in [(), *(tuple(value * order) for value in SHAPES if len(order))]:
        with contextlib.suppress(*FAILURES):
            tops.append(form.fit(few, 1e-2, shapes=shapes))
    if not tops:
        raise ValueError("SciPy finds no maximum of its likelihood.")
    best = max(tops, key=lambda top: form.log_likelihood(few, top))
    best = form.fit(x, 1e-8 * max(1.0, len(x) / 1e4), best)
    density = form.law.logpdf(few, *best)
    if not form.fixed and density.max() > np.median(density) + PEAK:
        raise ValueError("its likelihood is unbounded: one value can be given any density.")
    return tuple(map(float, best))


def thinned(x: np.ndarray, count: int) -> np.ndarray:
    """`count` of the ascending values at evenly spaced ranks; all of them if there are no more."""
    return x if len(x) <= count else x[np.linspace(0, len(x) - 1, count).round().astype(int)]


# ------------------------------------------------------------------------------------------------ goodness of fit


def anderson_darling(form: Form, law: Any, samples: np.ndarray, axis: int = -1) -> np.ndarray:
    """A^2 = -n - sum over i of (2 i - 1) (ln F(x_i) + ln(1 - F(x_{n + 1 - i}))) / n of samples along the last axis.

    Where the fit puts ends of the support on the first or last value, these values are left out.
    Anderson and Darling, J. American Statistical Association 49 (1954) 765, doi:10.1080/01621459.1954.10501232.
    """
    first, last = _ENDS.get((form.name, len(form.fixed)), (0, 0))
    n = samples.shape[-1] - first - last
    inner = np.sort(samples, axis=axis)[..., first : first + n]
    least = np.finfo(np.float64).tiny
    below = np.log(np.maximum(law.cdf(inner), least))
    above = np.log(np.maximum(law.sf(inner), least))
    return -n - ((2 * np.arange(1, n + 1) - 1) * (below + above[..., ::-1])).sum(axis=-1) / n


def p_value(form: Form, x: np.ndarray, best: Sequence[float], statistic: float) -> tuple[float, int]:
    """p-value of the statistic by a parametric bootstrap, and the number of resamples.

    Resamples from the fitted distribution are fitted again, because a fit is closer to its data than the true
    distribution is. A resample is not fitted again if its distance from the distribution it was drawn from is less than
    half the data's statistic: a new fit more than doubles the distance once in a thousand times, or a few times in a
    hundred where ends of the support are fitted. Stute, Gonzales Manteiga, Presedo Quindimil, Metrika 40 (1993) 243,
    doi:10.1007/BF02613687.

    Args:
      form: the fitted family.
      x: the standardised sample, ascending.
      best: fitted parameters.
      statistic: the Anderson-Darling statistic of the sample.

    Raises:
      ValueError: SciPy's probabilities take too long or are not finite.
    """
    from scipy import stats

    values, drawn, begun = thinned(x, RESAMPLED), form.law(*best), time.thread_time()
    anderson_darling(form, drawn, values)
    if RESAMPLES[1] * (time.thread_time() - begun) > SECONDS:
        raise ValueError("it takes too long.")
    names = scipy_catalogue.parameter_names(form.name)
    fitted = {name: value for name, value in zip(names, best, strict=True) if name not in form.fixed}
    random = np.random.default_rng([SEED, zlib.crc32(x.tobytes()), *form.name.encode()])

    def fit(sample: np.ndarray, *_: float, **__: float) -> Sequence[float]:
        near = 2 * anderson_darling(form, drawn, sample) < statistic
        return best if near else form.fit(sample, 1e-2, best)

    law = copy.copy(form.law)
    law.fit = fit  # replaces SciPy's, as goodness_of_fit does not let the optimizer be chosen

    def as_far(count: int) -> int:
        null = stats.goodness_of_fit(
            law, values, known_params=form.fixed, fit_params=fitted, n_mc_samples=count, rng=random,
            statistic=functools.partial(anderson_darling, form),
        ).null_distribution  # fmt: skip
        if not np.isfinite(null).all():
            raise ValueError("SciPy's probabilities are not finite.")
        return int(np.sum(null >= statistic))

    (resamples, every), far = RESAMPLES, as_far(RESAMPLES[0])
    if far < CLEAR:
        far += as_far(every - resamples)
        resamples = every
    return (1 + far) / (1 + resamples), resamples
