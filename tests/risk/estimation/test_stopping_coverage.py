"""A part of `benchmarks/coverage_stopping.py`: runs that ended by their rule cover, and take few more futures than
hindsight needs.
"""

import pytest

from benchmarks.coverage_stopping import COVERED, FUTURES, MODELS, coverage, futures

FALSE_ALARM = 3.5
"""Standard errors of a share of 200 that a case may be below what it must be."""


def least(share, repetitions):
    return share - FALSE_ALARM * (share * (1 - share) / repetitions) ** 0.5


@pytest.mark.slow
@pytest.mark.parametrize("case", [("normal", "event"), ("three humps, strata", "difference of means")])
def test_small_runs_cover(case):
    *_, held, _, looks = coverage(case, 100)
    assert held >= least(0.93, 100) and looks > 1


@pytest.mark.slow
@pytest.mark.sweep
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("measure", COVERED)
def test_the_last_interval_of_a_run_covers(model, measure):
    *_, held, _, looks = coverage((model, measure), 200)
    assert held >= least(0.93, 200) and looks > 1


@pytest.mark.slow
@pytest.mark.sweep
@pytest.mark.parametrize("name", FUTURES)
def test_a_run_takes_few_more_futures_than_hindsight_needs(name):
    _, needed, middle, worst = futures(name, 20)
    assert needed > 2000 and middle <= 1.3 and worst <= 2.0
