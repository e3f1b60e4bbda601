"""Whether data contradict a fitted law: the distance of Anderson and Darling, and its p-value by SciPy's `goodness_of_fit`.

SciPy takes milliseconds to fit a sample, and a p-value is of many: few are fitted, or none, where these decide it.
"""

from __future__ import annotations

import copy
import functools
import time
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.fitting.likelihood import Failed, Form, simplex, thinned

SEED = 2016
RESAMPLES = 19, 99
"""Resamples behind a p-value: first, and in all where these leave open whether it is small."""
CLEAR = 4
"""How many of the first resamples are as far off as the data where the p-value is not small.

Besag and Clifford, Biometrika 78 (1991) 301, doi:10.1093/biomet/78.2.301.
"""
RESAMPLED = 1_000
"""Values in a resample at most: from there on the law of the statistic does not change any more."""

_ENDS = {Form("uniform"): (1, 1), Form("pareto", loc=0.0): (1, 0)}


def anderson_darling(form: Form, law: Any, samples: np.ndarray, axis: int = -1) -> np.ndarray:
    """A^2 = -n - sum over i of (2 i - 1) (ln F(x_i) + ln(1 - F(x_{n + 1 - i}))) / n of samples along the last axis.

    Where the fit puts the support's ends on the first or last value, these are left out: between them the rest is free.

    Anderson and Darling, J. American Statistical Association 49 (1954) 765, doi:10.1080/01621459.1954.10501232.
    """
    first, last = _ENDS.get(form, (0, 0))
    n = samples.shape[-1] - first - last
    inner = np.sort(samples, axis=axis)[..., first : first + n]
    least = np.finfo(np.float64).tiny
    below = np.log(np.maximum(law.cdf(inner), least))
    above = np.log(np.maximum(law.sf(inner), least))
    return -n - ((2 * np.arange(1, n + 1) - 1) * (below + above[..., ::-1])).sum(axis=-1) / n


def p_value(
    form: Form, x: np.ndarray, best: Sequence[float], statistic: float, until: float
) -> tuple[float, int, str]:
    """p-value of a standardised sample's statistic by a parametric bootstrap, the resamples, and how it was got.

    Samples of the fitted law are fitted in their turn, because a fit is closer to its data than the true law is; but not
    those that are so close to the law they were drawn from already that no fit puts them as far off as the data.
    Stute, Gonzales Manteiga, Presedo Quindimil, Metrika 40 (1993) 243, doi:10.1007/BF02613687.

    Raises:
      Failed: the clock would pass `until`, or SciPy's probabilities are no numbers.
    """
    from scipy import stats

    (first, every), values, begun = RESAMPLES, thinned(x, RESAMPLED), time.thread_time()
    drawn = form.law(*best)
    anderson_darling(form, drawn, values)
    if every * (time.thread_time() - begun) > until - begun:
        raise Failed("it takes too long.")
    names = (*form.shapes, "loc", "scale")
    fitted = {name: value for name, value in zip(names, best, strict=True) if name not in form.held}
    random = np.random.default_rng([SEED, zlib.crc32(x.tobytes()), *form.name.encode()])

    def fit(sample: np.ndarray, *shapes: float, **rest: float) -> Sequence[float]:
        if 2 * anderson_darling(form, drawn, sample) < statistic:
            return best
        return form.law.fit(sample, *shapes, **rest, **form.held, optimizer=simplex(1e-2, until))

    law = copy.copy(form.law)
    law.fit = fit  # in place of SciPy's, whose search cannot be chosen from outside

    def as_far(count: int) -> int:
        null = stats.goodness_of_fit(
            law, values, known_params=form.held, fit_params=fitted, n_mc_samples=count, rng=random,
            statistic=functools.partial(anderson_darling, form),
        ).null_distribution  # fmt: skip
        if not np.isfinite(null).all():
            raise Failed("SciPy's probabilities are not finite.")
        return int(np.sum(null >= statistic))

    resamples, far = first, as_far(first)
    if far < CLEAR:
        resamples, far = every, far + as_far(every - first)
    how = f"parametric bootstrap, {resamples} samples of {len(values):,} drawn from the fit and fitted again"
    if len(values) < len(x):
        how += f" (the statistic is of all {len(x):,} values; its law is the same from {len(values):,} on)"
    return (1 + far) / (1 + resamples), resamples, how
