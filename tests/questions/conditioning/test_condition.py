"""Futures given what was observed have the posteriors that are known by hand, by weights and by moving; what cannot be
is refused.
"""

import re

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import multivariate_normal

from engine import UserError
from engine.execution.moving import move
from engine.execution.progress import unobserved as unseen
from engine.program import devices
from engine.program.posterior.sight import Sight
from engine.questions.conditioning import question
from engine.questions.conditioning.condition import condition, places
from engine.risk.estimation.heaviness import LARGEST_SHAPE
from engine.run_folder.finding import run_folder
from engine.study.actual_policy import followed, knowing
from engine.study.study import Block
from engine.study.tables.facts import FUTURES
from tests.questions.backtest.models import Walk, row, walk
from tests.questions.conditioning.models import added, drift_known, walked
from tests.refusals import at, refuses


@pytest.fixture
def known(tmp_path):
    """Gives a study given what was observed, by so many runs of moved futures."""

    def of(study, until=None, policy=None, runs=16):
        folder = run_folder(knowing(study, until, policy, runs * FUTURES), tmp_path)
        move(folder, range(runs), None, unseen)
        return condition(study, until, policy, [folder.study.facts.held(run) for run in range(runs)])

    return of


def held(given, mean, sd):
    """The factor's mean within five standard errors, its sd within a few per cent."""
    assert abs(given.posterior.mean[0] - mean) <= 5 * given.posterior.error[0]
    assert given.posterior.error[0] < 0.05 * sd
    assert given.posterior.sd[0] == pytest.approx(sd, rel=0.03)


@pytest.mark.parametrize("value", [pytest.param(0.0, marks=pytest.mark.slow), 4.0])
def test_a_walk_with_drift_has_its_normal_posterior(known, value):
    given = known(walked(value), 2025)
    mean, sd, later, spread = drift_known(value)
    held(given, mean, sd)
    row, weights = given.coming[0], given.weighed.weights
    of_moved, of_plain = given.posterior.later[0], given.prior.later[0]
    for figures, by in ((of_moved, np.ones(len(of_moved))), (of_plain, weights)):
        found = float((by * figures).mean())
        assert found == pytest.approx(later, abs=0.06 * spread)
        assert np.sqrt((by * (figures - found) ** 2).mean()) == pytest.approx(spread, rel=0.04)
    noise = np.random.default_rng([given.followed.seed, *f"later {row.name}".encode()]).standard_normal(len(of_plain))
    below = (weights * (of_plain + given.followed.observed.error(row) * noise < row.value)).mean()
    assert places(given.followed, given.coming, given.posterior)[0] == pytest.approx(below, abs=0.02)


def test_what_far_out_was_seen_moves_futures_there(known):
    given = known(walked(14.0), 2025)
    assert all(run.arrived for run in given.runs) and not given.weighed.shape <= LARGEST_SHAPE
    held(given, *drift_known(14.0)[:2])


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


def refused(known, *arguments, **options):
    with pytest.raises(UserError) as caught:
        known(*arguments, **options)
    return [str(one) for one in caught.value.problems]


def test_what_cannot_be_is_refused_in_words(known):
    (said,) = refused(known, walked(1.0), until=2020)
    assert said in (at("--until", 2021), at("--until", "nothing"))
    said = refused(known, walk(row(2023, 1.0), row(2024, 2.0)))
    assert [one.partition(":")[0] for one in said] == ["observed", "observed"] and "has no error" in said[0]
    (said,) = refused(known, walked(1.0, observed={"policy": ""}))
    assert "expected a policy" in said
    (said,) = refused(known, walked(1.0), policy="odl")
    assert "policy 'odl'" in said and "'old'" in said


def test_a_discrepancy_stands_for_what_the_model_leaves_out():
    rows = [row(2025, 1.0)]
    for size, error in ((0.5, 0.5), ("0.1x", 0.1)):
        study = walk(*rows, observed={"discrepancy": {"height": size}})
        assert study.observed.error(study.observed.rows[0]) == pytest.approx(error)
    for size, text in ((0, "expected more than 0"), ("much", ""), (-1, "expected more than 0")):
        with pytest.raises(UserError) as caught:
            walk(*rows, observed={"discrepancy": {"height": size}})
        assert str(caught.value.problems[0]).startswith("observed.discrepancy.height: ") and text in str(caught.value)
    with refuses("observed.discrepancy.heigt", "variable 'heigt'", "'height'"):
        walk(*rows, observed={"discrepancy": {"heigt": 1.0}})


def test_errors_of_a_series_have_the_stated_correlation():
    """The log-likelihood is SciPy's; of figures that are off alike, two with a correlation near 1 count as one."""
    rows = [row(2024, 1.0, standard_error=0.4), row(2025, 2.0, standard_error=0.3)]
    rows.append(row(2025, 0.5, at="place=south", standard_error=0.2))

    def of(tied, count=3):
        one = followed(walk(*rows[:count], observed={"correlation": tied}), None)
        return Sight(one, one.observed.rows)

    figures = np.random.default_rng(2).normal(size=(3, 50))
    for tied in (0.0, 0.8):
        sight = of(tied)
        correlations = np.array([[1.0, tied, 0.0], [tied, 1.0, 0.0], [0.0, 0.0, 1.0]])
        law = multivariate_normal(sight.observed, np.outer(sight.errors, sight.errors) * correlations)
        size, exact = sight.log_likelihood(figures), law.logpdf(figures.T)
        np.testing.assert_allclose(size - size[0], exact - exact[0], rtol=1e-9, atol=1e-9)
    alike = np.linspace(-3.0, 3.0, 9)
    for tied in (1 - 1e-9, 1 - 1e-15):
        sight = of(tied, 2)
        both = sight.log_likelihood(sight.observed[:, None] + sight.errors[:, None] * alike)
        np.testing.assert_allclose(both, -0.5 * alike**2, rtol=1e-6)
    with refuses("observed.correlation", "less than 1.0"):
        walk(*rows, observed={"correlation": 1.0})


def test_what_is_impossible_is_refused(known):
    (said,) = refused(
        known,
        walk(
            row(2025, 1.0, variable="height", fold="ratio", **{"from": 2024}, unit="1", standard_error=0.1),
            factors={"drift": {"family": "fixed", "value": 0}},
            shocks={"step": {"family": "fixed", "value": 0.0}},
        ),
    )
    assert "impossible on all" in said and "Mend the model" in said


def sentences(given):
    """The findings of an answer."""
    rows = [*question.risks(given)], [*question.factors_of(given)], [*question.later_of(given)]
    return [*question.sentences(given, *rows)]


def test_the_answer_begins_with_the_largest_change_in_standard_deviations(known):
    """Of 10 +- 1 seen at 12 +- 0.05 the sum is 22 in place of 20, and log(1 / 0.05) + (4 - 1) / 2 nats are learned."""
    normal = {"family": "normal", "mean": 10.0, "sd": 1.0}
    given = known(added(normal, ("first", 12.0, 0.05)))
    first, second = sentences(given)
    text = (
        r"Given 1 observed figure, the mean of sum under old changes most, from 20.0 to 22.0 .*\(\+(1.99|2.00) standard"
        r" deviations\)\."
    )
    assert re.fullmatch(text, first)
    assert second.startswith("Of all factors, the observed figures tell most about a (6.5 bits) and b (")
    a, b = question.factors_of(given)
    exact = (-np.log(0.05) + (0.05**2 + 2.0**2 - 1) / 2) / np.log(2)
    assert a["information"] == pytest.approx(exact, rel=0.02) and b["information"] < 0.01


def test_a_factor_that_the_figures_determine_is_known_exactly_and_one_that_does_not_vary_is_not_named(known):
    coin, number = {"family": "bernoulli", "p": 0.5}, {"family": "fixed", "value": 0.5}
    _, second = sentences(known(added(coin, ("first", 1.0, 0.05)), runs=2))
    assert second.startswith("Of all factors, the observed figures tell most about a (known exactly) and b (")
    given = known(added(number, ("first", 0.5, 0.05)), runs=2)
    assert sentences(given)[1].startswith("Of all factors, the observed figures tell most about b (")
    assert {
        row["factor"] for row in question.factors_of(given) if np.isnan([row["shift"], row["information"]]).all()
    } == {"a"}


UNIT = {"family": "uniform", "low": 0.0, "high": 1.0}
NORMAL = {"family": "normal", "mean": 0.0, "sd": 1.0}


@pytest.mark.parametrize(
    ("a", "figures", "words"),
    [
        (
            UNIT,
            [("first", 5.0, 0.1)],
            "No future comes close to the observed first 2021: the nearest simulated value differs from it by 40.0",
        ),
        (NORMAL, [("first", 2.0, 0.01), ("again", -2.0, 0.01)], "The observed figures contradict each other"),
        (UNIT, [("first", 0.5, 0.1)], "Given 1 observed figure"),
        (UNIT, [("first", 1.1, 0.1)], "Given 1 observed figure"),
    ],
    ids=["beyond all futures", "contradictory", "within reach", "within its error"],
)
def test_facts_that_no_future_meets_are_named_first(known, a, figures, words):
    first, *_ = sentences(known(added(a, *figures), runs=2))
    assert first.startswith(words)


def test_facts_that_no_future_meets_are_refused_where_too_few_futures_are_effective(known):
    (said,) = refused(known, added(UNIT, ("first", 1e6, 1.0)), runs=2)
    assert said == at("observed", "differs from it by", "effective", "30 are needed", "larger error")


def test_values_that_are_no_numbers_are_refused(known, monkeypatch):
    step = Walk.step

    def broken(model, state, year, factors, shocks, levers):
        held, values = step(model, state, year, factors, shocks, levers)
        wrong = jnp.where((year == 2030) & (factors.drift > 0.0), jnp.nan, 0.0)
        return held, {**values, "damage": values["damage"] + wrong}

    monkeypatch.setattr(Walk, "step", broken)
    (said,) = refused(known, walked(1.0), until=2025, runs=1)
    assert said == at("run.nonfinite", "not finite")
