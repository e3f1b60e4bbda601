"""Whether data contradict a fitted distribution: Anderson-Darling statistic and its bootstrap p-value.

SciPy takes milliseconds to fit a sample, and a p-value takes many fits; sequential stopping and a bound on the
statistic save most of them.
"""

from __future__ import annotations

import copy
import functools
import time
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.draws.distributions import scipy_catalogue
from engine.fitting.likelihood import Form, thinned

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
