"""What the worst futures have in common: closed forms, parts that add up, the run's own numbers, what is refused."""

from pathlib import Path

import jsonschema
import numpy as np
import pytest

from engine import UserError
from engine.analyses import tail_futures
from engine.analyses.explain_answer import of_explanation
from engine.analyses.explain_sentences import findings
from engine.analyses.explanation import explain
from engine.answers.plain import SCHEMA
from engine.program import devices
from engine.risk.estimation.measures import summary
from tests.analyses.explained import (
    BEYOND,
    COVARIANCE,
    EDGE,
    LEVEL,
    MEAN,
    SD,
    SHARES,
    WEIGHT,
    total_cost,
    vasicek,
)  # fmt: skip
from tests.helpers import assert_plausible


@pytest.fixture(scope="module")
def given():
    return explain(total_cost(), "cost")


def drivers(given):
    return {(one.name, one.year): one for one in given.drivers}


def test_factors_and_shocks_shift_as_they_weigh(given):
    of = drivers(given)
    assert len(of) == 4 + 3 * 2
    for name, covariance in COVARIANCE.items():
        shift = of[name, None].shift
        assert_plausible(shift.estimate, covariance / SD * BEYOND, shift.standard_error, resolves=0.2)
        mean = of[name, None].prior[0] + of[name, None].prior[1] * shift.estimate
        assert of[name, None].mean.estimate == pytest.approx(mean, rel=1e-6)
    for place, weight in SHARES.items():
        for year in (2020, 2021):
            shift = of[f"noise[{place}]", year].shift
            assert_plausible(shift.estimate, weight / SD * BEYOND, shift.standard_error, resolves=0.2)
    assert_plausible(of["luck", 2020].shift.estimate, 0.0, of["luck", 2020].shift.standard_error, resolves=0.2)


def test_the_tail_lies_over_the_prior_as_it_must(given):
    of = drivers(given)
    for one in (of["idle", None], of["luck", 2021]):
        for tenth in one.density:
            assert_plausible(tenth.estimate, 1.0, tenth.standard_error, resolves=0.7)
    assert sum(tenth.estimate for tenth in of["a", None].density) == pytest.approx(10.0)
    assert of["a", None].density[-1].low > 5.0


def test_priors_move_es_as_their_weights(given):
    """A mean that is moved moves ES by its weight, whatever moves with it; a deviation by w (w + ...) / SD times E[Z |
    Z > z].
    """
    of = {one.factor: one for one in given.slopes}
    for name, weight in WEIGHT.items():
        if name == "idle":
            continue
        assert_plausible(of[name].location.estimate, weight, of[name].location.standard_error, resolves=5.0)
        truth = weight * COVARIANCE[name] / SD * BEYOND
        assert_plausible(of[name].scale.estimate, truth, of[name].scale.standard_error, resolves=9.0)
    a = of["a"]
    assert a.location.estimate == pytest.approx(2.0 * a.location_per_unit.estimate)
    idle = of["idle"].location
    assert_plausible(idle.estimate, 0.0, idle.standard_error, resolves=5.0)


def test_the_likeliest_future_is_the_foot_of_the_perpendicular(given):
    reverse = given.likeliest
    assert reverse.distance == pytest.approx((given.measured["VaR99"].estimate - MEAN) / SD, rel=1e-4)
    assert reverse.distance == pytest.approx(EDGE, rel=0.02)
    for name, covariance in COVARIANCE.items():
        assert reverse.scores[name] == pytest.approx(covariance / SD * reverse.distance, abs=0.03)
    assert reverse.share["pair"] == pytest.approx((8**2 + 2**2 + 2 * 0.5 * 16) / SD**2, abs=0.01)
    at = [*given.study.model.outcomes].index("cost")
    assert reverse.trace.outcomes[0, at, 0] == pytest.approx(given.measured["VaR99"].estimate, rel=1e-5)


def test_where_low_is_worse_it_is_the_mirror(given):
    mirrored = explain(total_cost(), "gain")
    for one, other in zip(given.drivers, mirrored.drivers, strict=True):
        assert other.shift.estimate == pytest.approx(one.shift.estimate, abs=1e-6)
    for one, other in zip(given.slopes, mirrored.slopes, strict=True):
        assert other.location.estimate == pytest.approx(-one.location.estimate, abs=1e-4)
        assert other.location.low == pytest.approx(-one.location.high, abs=1e-4)
    assert mirrored.likeliest.distance == pytest.approx(given.likeliest.distance, rel=1e-4)
    assert mirrored.worst == given.worst


def test_vasicek():
    """The quantile of the loss is the loss at the quantile of the economy."""
    study = vasicek()
    given = explain(study, "loss")
    (economy,) = given.drivers
    assert_plausible(economy.shift.estimate, BEYOND, economy.shift.standard_error, resolves=0.1)
    assert given.likeliest.distance == pytest.approx(EDGE, rel=0.02)


@pytest.mark.parametrize("name", ["ruin", "both"])
def test_an_event_is_explained_by_the_futures_in_which_it_happens(name):
    given = explain(total_cost(1 << 16), name, "aided")
    a = drivers(given)["a", None].shift
    assert a.low > 1.0
    assert given.measured["probability"].estimate == given.tail_count / (1 << 16)
    values = given.futures.limit.of(given.futures.values)
    assert (values > 0).sum() == given.tail_count
    assert given.likeliest.distance > 1


def test_it_says_of_the_run_what_the_run_says(given):
    study = given.study
    program = devices.program(study, "cpu")
    (block,) = study.blocks()
    values = program.submit(block).of(block)[0, 0]
    assert given.measured["ES99"] == summary(values, study.unit, True, (LEVEL,))["ES99"]
    assert given.worst[0] == int(np.argmax(values))
    stored = explain(study, "cost", stored={"cost": values[None].repeat(2, 0)})
    assert [one.shift for one in stored.drivers] == [one.shift for one in given.drivers]


def test_the_finding_claims_no_more_than_its_intervals(given):
    texts = tuple(findings(given))
    assert of_explanation(given, Path("run")).findings == texts
    assert texts[0].startswith("The worst 1 % of futures under old have high a: 14.") and texts[0].endswith(
        " M in place of 10.0."
    )
    assert texts[1] == "Nothing else stands out as much."
    assert texts[2].startswith("They are the worst ones in cost, with ") and texts[2].endswith(" M on average.")
    for few in (explain(total_cost(2_000), "cost"), explain(vasicek(1), "loss")):
        assert "too few" in next(iter(findings(few)))


def test_how_likely_an_event_is_is_said_in_words_unless_numbers_are_wanted():
    ruin = explain(total_cost(1 << 14), "ruin")
    said, bare = (
        next(text for text in findings(ruin, numbers) if "it comes to ruin" in text) for numbers in (False, True)
    )
    assert said == bare.replace(" ruin.", " ruin (exceptionally unlikely in the model).")
    assert of_explanation(ruin, Path("run"), numbers=True).findings == tuple(findings(ruin, True))


def row(table, **labels):
    """The one row with these labels."""
    (one,) = table.where(**labels)
    return one


def test_tables_and_groups_hold_what_was_found(given, tmp_path):
    answer, of = of_explanation(given, tmp_path), drivers(given)
    noise = of["noise[north]", 2021]
    own = row(answer["inputs"], name="noise[north]", year=2021)
    assert own["input"] == "noise[north] in 2021" and own["kind"] == "shock"
    assert (own["shift"], own["distance"], own["mean"]) == (noise.shift, noise.distance, noise.mean)
    assert (own["prior_mean"], own["prior_sd"]) == noise.prior and own["p_value"] == noise.p_value
    a = of["a", None]
    tenths = [one["density"] for one in answer["densities"].where(input="a")]
    assert tuple(tenths) == a.density
    assert row(answer["inputs"], input="a")["highest"].estimate == pytest.approx(tenths[-1].estimate / 10)
    groups = answer.tree
    shifts = groups["inputs"]["shift"].sel(input="a").values
    assert shifts[0] == a.shift.estimate and shifts[3] == a.shift.high
    slope = {one.factor: one for one in given.slopes}["a"]
    held = row(answer["slopes"], factor="a")
    assert all(
        held[name] == getattr(slope, name) for name in ("location", "scale", "location_per_unit", "scale_per_unit")
    )
    assert answer["measured"]["value"] == tuple(given.measured.values())
    assert row(answer["counts"], what="worst futures")["number"] == given.tail_count
    commands = answer["replays"]["command"]
    assert len(commands) == 1 and len(given.worst) == 10
    assert commands[0].startswith(f"rustbelt replay {tmp_path} ")
    assert [one["value"] for one in answer["worst"].rows()] == given.worst_values["cost"].tolist()


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({"variable": "costs"}, "mean 'cost'"),
        ({"variable": "cost", "policy": "olds"}, "mean 'old'"),
        ({"variable": "ruin", "level": 0.99}, "own threshold"),
        ({"variable": "never"}, "nothing to explain"),
    ],
)
def test_what_is_refused(asked, text):
    with pytest.raises(UserError, match=text):
        explain(total_cost(1024), **asked)


def test_of_too_many_worst_futures_fewer_paths_are_looked_at(monkeypatch):
    monkeypatch.setattr(tail_futures, "MOST", 1000)
    study = total_cost(8192)
    given = explain(study, "cost", level=0.6)
    assert given.study.paths == 1666 and given.tail_count == 667 and given.futures.scores.shape[1] <= 1001
    given = explain(study, "dear")
    assert given.tail_count <= 1100 < (given.study.paths * 2)


def test_what_never_varies_is_no_failure():
    given = explain(vasicek(512, rho=0.0), "loss")
    assert given.likeliest is None
    answer = of_explanation(given, Path("run"))
    jsonschema.validate(answer.plain(), SCHEMA)
    assert "point" not in answer and answer.groups
    assert "likeliest" in answer.findings[-1]
