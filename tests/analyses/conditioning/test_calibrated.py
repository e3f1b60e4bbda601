"""Futures of a study that are taken for what happened have uniform ranks, and a study that is told wrong is called so."""

import numpy as np
import pytest

from engine import UserError
from engine.analyses.conditioning import calibrated
from engine.analyses.conditioning.calibrated import ranked
from tests.analyses.conditioning.models import counted, walked


@pytest.mark.parametrize("study", [walked(1.0), counted(6)], ids=["walk", "events"])
def test_ranks_of_the_truth_are_uniform(study):
    given = ranked(study, 2025, None, 200)
    assert not given.wrong and given.trusted.mean() >= 0.8
    assert abs(given.ranks.mean() - 0.5) < 4 * np.sqrt(1 / 12 / given.ranks.size)


def test_a_likelihood_that_is_wrong_is_found(monkeypatch):
    own = calibrated.Sight.log_likelihood
    monkeypatch.setattr(
        calibrated.Sight, "log_likelihood", lambda sight, figures, seen: own(sight, figures + 2.0, seen)
    )
    assert ranked(walked(1.0, paths=16_384), 2025, None, 200, paths=16_384).wrong == ["drift"]


def test_too_few_truths_are_refused():
    with pytest.raises(
        UserError,
        match=r"expected 20 or more truths among at least twice as many futures.* got 3 among 1,024",
    ):
        ranked(walked(1.0), None, None, 3, paths=1024)


def test_a_factor_with_few_values_is_not_called_wrong():
    assert not ranked(
        walked(1.0, factors={"drift": {"family": "bernoulli", "p": 0.4}}), 2025, None, 200
    ).wrong
