"""One measure by its name: the estimate that `summary` gives, to the bit."""

import numpy as np
import pytest

from engine.risk.estimation.influences import levels_of, measures
from engine.risk.estimation.measures import measure, summary

VALUES = {
    "plain": np.random.default_rng(1).lognormal(size=5000),
    "heavy": np.random.default_rng(2).standard_cauchy(4000),
    "few": np.arange(40.0),
    "constant": np.ones(30),
    "not finite": np.full(50, np.nan),
}


@pytest.mark.parametrize("name", [*measures(), "ES97.5"])
@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_one_measure_is_that_of_the_summary(values, name):
    for loss in (True, False):
        for unit in (1, 2):
            one, every = measure(values, unit, loss, name), summary(values, unit, loss, levels_of(name))
            assert repr(one) == repr(every[name])  # NaN is not equal to NaN
