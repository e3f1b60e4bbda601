"""Futures of a study that are taken for what happened have uniform ranks, and a study that is told wrong is called
so."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from engine import UserError
from engine.questions.conditioning import calibrated
from engine.questions.conditioning.calibrated import ranked
from engine.questions.conditioning.question import Condition
from engine.study.tables.facts import Facts
from tests.questions.conditioning.models import counted, walked


@pytest.mark.slow
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
    with pytest.raises(UserError, match=r"20 or more.* got 3 among 1,024"):
        ranked(walked(1.0), None, None, 3, paths=1024)


@pytest.mark.slow
def test_a_factor_with_few_values_is_not_called_wrong():
    assert not ranked(walked(1.0, factors={"drift": {"family": "bernoulli", "p": 0.4}}), 2025, None, 200).wrong


def test_a_run_of_moved_futures_is_calibrated_on_the_facts_that_moved_them(monkeypatch):
    asked = []
    monkeypatch.setattr(calibrated, "answer", lambda of, study, until, *_: asked.append(until))
    study = walked(1.0)
    for facts in (None, Facts(2025, "idle")):
        Condition(calibration=20).answer(SimpleNamespace(study=replace(study, facts=facts)))
    Condition(until=2029, calibration=20).answer(SimpleNamespace(study=replace(study, facts=facts)))
    assert asked == [None, 2025, 2029]
