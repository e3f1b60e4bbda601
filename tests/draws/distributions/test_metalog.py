"""Metalogs of three terms and more: published values, bounds, and quantiles that none has."""

import numpy as np
import pytest
from scipy import stats

from engine.draws.distributions.metalog import metalog
from engine.draws.distributions.prior import prior
from tests.draws.distributions.test_elicitation import problems
from tests.helpers import assert_close
from tests.refusals import at

P = [0.01, 0.25, 0.75, 0.99, 0.999]


def agree(found, wanted):
    """Whether numbers agree to 1e-8."""
    return np.all(np.abs(np.asarray(found) - wanted) < 1e-8 * np.maximum(1, np.abs(wanted)))


def test_metalog_of_three_terms_has_the_published_values():
    made = prior({"family": "metalog", "p10": 1, "p50": 2, "p90": 5})
    assert agree(made.law.coefficients, [2, 0.91023923, 1.13779903])
    assert agree(made.law.quantile(P), [0.3792198938, 1.3125, 3.3125, 8.7445365711, 12.2081900844])
    assert agree([target.fitted for target in made.targets], [1, 2, 5])


def test_metalogs_with_a_bound_have_the_published_values_and_mirror():
    law = prior({"family": "metalog", "p10": 1, "p50": 2, "p90": 5, "low": 0}).law
    assert agree(law.coefficients, [0.69314718, 0.36624338, 0.12694626])
    assert agree(law.quantile(P), [0.4946267990, 1.3849359351, 3.0968108954, 14.3236599247, 38.8697747074])
    other = prior({"family": "metalog", "p10": -5, "p50": -2, "p90": -1, "high": 0}).law
    assert_close(other.quantile(P), -law.quantile(1 - np.array(P)), dtype=np.float32)
    inside = prior({"family": "metalog", "p10": 0.2, "p50": 0.3, "p90": 0.7, "low": 0, "high": 1}).law
    assert_close(inside.quantile([0.1, 0.5, 0.9]), [0.2, 0.3, 0.7])
    assert inside.support == (0.0, 1.0)


@pytest.mark.parametrize("terms", [3, 4, 9])
def test_a_metalog_meets_as_many_quantiles_as_it_has_terms(terms):
    p = np.linspace(0.05, 0.93, terms)
    x = stats.logistic(3, 2).ppf(p)  # itself a metalog
    law = metalog(list(zip(p, x, strict=True)))
    assert len(law.coefficients) == terms
    assert_close(law.quantile(p), x, dtype=np.float32)
    assert_close(law.quantile(P), stats.logistic(3, 2).ppf(P), dtype=np.float32)


def test_a_metalog_of_fewer_terms_is_the_least_squares_one():
    p, x = np.array([0.05, 0.2, 0.5, 0.7, 0.95]), np.array([1.0, 1.5, 3.0, 4.2, 9.0])
    law = metalog(list(zip(p, x, strict=True)), terms=3)
    odds = np.log(p / (1 - p))
    basis = np.stack([np.ones(5), odds, (p - 0.5) * odds], axis=1)
    assert_close(law.quantile(p), basis @ law.coefficients)
    assert_close(law.coefficients, np.linalg.solve(basis.T @ basis, basis.T @ x), dtype=np.float32)


def test_seven_quantiles_that_lie_alike_about_the_median_have_six_terms():
    # of seven terms four are odd about the median, and three pairs of quantiles say three odd things
    p = [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95]
    quantiles = [[*pair] for pair in zip(p, stats.lognorm(0.4).ppf(p).tolist(), strict=True)]
    assert len(prior({"family": "metalog", "quantiles": quantiles}).law.coefficients) == 6
    assert problems({"family": "metalog", "quantiles": quantiles, "terms": 7}) == [
        at("terms", "7 probabilities", "7 terms", "terms = 6")
    ]
