"""Futures given what was observed have the posteriors that are known by hand, by weights and by moving; what cannot be is refused."""

import jax.numpy as jnp
import numpy as np
import pytest

from engine import UserError
from engine.analyses.conditioning import condition as conditioning
from engine.analyses.conditioning.condition import condition, places
from engine.program import devices
from engine.program.moving.agreement import RUNS
from engine.program.moving.sight import Sight
from engine.study.study import Block
from tests.analyses.backtest.models import Walk, row, walk
from tests.analyses.conditioning.models import counted, drift_known, rate_known, walked


@pytest.fixture
def force(few_are_enough, monkeypatch):
    """Moves futures whatever weights say."""
    monkeypatch.setattr(conditioning, "LEAST", 10**9)


@pytest.fixture(autouse=True)
def few_are_enough(monkeypatch):
    monkeypatch.setattr(conditioning, "LEAST", 4_000)


def held(given, mean, sd):
    """The factor's mean within five standard errors, its sd within a few per cent."""
    assert abs(given.after.mean[0] - mean) <= 5 * given.after.error[0]
    assert given.after.error[0] < 0.05 * sd
    assert given.after.sd[0] == pytest.approx(sd, rel=0.03)


@pytest.mark.parametrize("value", [0.0, 4.0])
@pytest.mark.parametrize("moves", [False, True])
def test_a_walk_with_drift_has_its_normal_posterior(request, value, moves):
    if moves:
        request.getfixturevalue("force")
    given = condition(walked(value), until=2025, paths=65_536)
    assert bool(given.runs) == moves
    mean, sd, later, spread = drift_known(value)
    held(given, mean, sd)
    figures, weights = given.posterior.later[0], given.posterior.weights
    found = float((weights * figures).mean())
    assert found == pytest.approx(later, abs=0.06 * spread)
    assert np.sqrt((weights * (figures - found) ** 2).mean()) == pytest.approx(spread, rel=0.04)


@pytest.mark.parametrize("moves", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_poisson_events_have_their_gamma_posterior(request, moves):
    if moves:
        request.getfixturevalue("force")
    held(condition(counted(11), paths=65_536), *rate_known(11))


def test_moved_futures_agree_with_weighed_ones_on_what_comes_later(force):
    moved = condition(walked(3.0), until=2025, paths=65_536)
    weights = moved.weighed.weights
    below = places(moved.followed, moved.coming, moved.posterior)[0]
    weighed = float((weights * (moved.prior.later[0] < 6.0)).mean())
    assert below == pytest.approx(weighed, abs=0.02)


def test_what_far_out_was_seen_moves_futures_by_itself():
    given = condition(walked(14.0), until=2025, paths=8192)
    mean, sd, *_ = drift_known(14.0)
    assert len(given.runs) == RUNS and all(run.arrived for run in given.runs)
    held(given, mean, sd)


def test_figures_are_those_of_the_whole_study_to_the_bit():
    study = walk(
        row(2024, 1.0),
        row(2026, 1.0, **{"from": 2023}, fold="mean", series="mean"),
        row(2025, 1.0, at="", across="sum", series="both"),
    )
    sight = Sight(study.__class__(**{**vars_of(study), "policies": study.policies[:1]}), study.observed.rows)
    assert sight.study.years[-1] == 2026
    figures = sight.of_paths(0, 256)
    yearly = devices.program(study).first_years(256)[0].astype(np.float64)
    np.testing.assert_array_equal(figures[0], yearly[3, 0])
    np.testing.assert_array_equal(figures[1], yearly[2:6, 0].mean(axis=0))
    np.testing.assert_allclose(figures[2], yearly[4, :2].sum(axis=0), rtol=1e-6)
    scores = sight.program.scores(Block(0, 0, 256))
    np.testing.assert_array_equal(sight.of_scores(scores), figures)


def vars_of(study):
    """Fields of a study by name."""
    return {name: getattr(study, name) for name in study.__dataclass_fields__}


def test_the_same_again_is_the_same(force):
    one, other = (condition(walked(2.0), until=2025, paths=1024) for _ in range(2))
    for a, b in zip(one.runs, other.runs, strict=True):
        np.testing.assert_array_equal(a.scores, b.scores)
    np.testing.assert_array_equal(one.posterior.values["sum"], other.posterior.values["sum"])


def refused(*arguments, **options):
    with pytest.raises(UserError) as caught:
        condition(*arguments, **options)
    return [str(one) for one in caught.value.problems]


def test_what_cannot_be_is_refused_in_words():
    (said,) = refused(walked(1.0), until=2020)
    assert said.startswith("--until: nothing can be taken as known until 2020")
    said = refused(walk(row(2023, 1.0), row(2024, 2.0)))
    assert [one.partition(":")[0] for one in said] == ["observed", "observed"] and "has no error" in said[0]
    (said,) = refused(walked(1.0, observed={"policy": ""}))
    assert "say under which policy" in said
    (said,) = refused(walked(1.0), policy="odl")
    assert "unknown policy 'odl'. Did you mean 'old'?" in said
    (said,) = refused(walked(1.0), paths=3)
    assert "in whole units of 2" in said


def test_a_discrepancy_stands_for_what_the_model_leaves_out():
    rows = [row(2025, 1.0)]
    for size, error in ((0.5, 0.5), ("0.1x", 0.1)):
        study = walk(*rows, observed={"discrepancy": {"height": size}})
        assert study.observed.error(study.observed.rows[0]) == pytest.approx(error)
    for size, text in ((0, "expected more than 0"), ("much", ""), (-1, "expected more than 0")):
        with pytest.raises(UserError) as caught:
            walk(*rows, observed={"discrepancy": {"height": size}})
        assert str(caught.value.problems[0]).startswith("observed.discrepancy.height: ") and text in str(
            caught.value
        )
    with pytest.raises(
        UserError, match=r"observed.discrepancy.heigt: unknown yearly variable 'heigt'. Did you mean 'height'"
    ):
        walk(*rows, observed={"discrepancy": {"heigt": 1.0}})


def test_what_is_impossible_is_refused():
    (said,) = refused(
        walk(
            row(2025, 1.0, variable="height", fold="ratio", **{"from": 2024}, unit="1", standard_error=0.1),
            factors={"drift": {"family": "fixed", "value": 0}},
            shocks={"step": {"family": "fixed", "value": 0.0}},
        )
    )
    assert "is impossible on all of" in said and "Mend the model" in said


def test_effective_futures_are_no_more_than_weights_leave():
    study = walked(4.0, run={"paths": 65_536, "seed": 3, "sampler": "latin"})
    weights = condition(study, until=2025, paths=65_536).weighed
    assert weights.effective <= weights.weights.sum() ** 2 / (weights.weights**2).sum() * (1 + 1e-9)


@pytest.mark.slow
def test_runs_that_no_longer_move_are_stuck():
    (said,) = refused(walk(*(row(2021 + k, 1.0, standard_error=0.0005) for k in range(10))), paths=1024)
    assert "is too far from all futures" in said and "State a larger error or discrepancy" in said


def test_values_that_are_no_numbers_are_refused(monkeypatch):
    step = Walk.step

    def broken(model, state, year, factors, shocks, levers):
        held, values = step(model, state, year, factors, shocks, levers)
        wrong = jnp.where((year == 2030) & (factors.drift > 0.0), jnp.nan, 0.0)
        return held, {**values, "damage": values["damage"] + wrong}

    monkeypatch.setattr(Walk, "step", broken)
    (said,) = refused(walked(1.0), until=2025, paths=4096)
    assert said.startswith("run.nonfinite: values are not finite on ")
