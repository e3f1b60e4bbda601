"""Two runs side by side: paired where they can be, honest where they cannot, and what their studies state
differently."""

import json

import jsonschema
import numpy as np
import pytest

import engine
from engine.answers.plain import SCHEMA
from engine.errors import UserError
from engine.runs.two_runs import answer, compare
from tests.small_files import BRIDGE, MODELS, call, write


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The bridge; the same; with fewer paths; with another prior."""
    model = engine.load_model_file(f"{MODELS}:Bridge")

    def computed(name, paths, text=BRIDGE):
        place = tmp_path_factory.mktemp(name)
        return engine.run(str(write(place, text)), place / "run", model, paths=paths, device="cpu")

    other = BRIDGE.replace("p95 = 15", "p95 = 16")
    assert other != BRIDGE
    return computed("a", 4000), computed("b", 4000), computed("c", 2000), computed("d", 4000, other)


def test_a_run_against_itself_differs_in_nothing(runs):
    same = compare(runs[0].answers, runs[1].answers)
    assert same.statements == {} and same.unpaired == ""
    assert {pair.gap.estimate for pair in same.pairs} == {0.0}
    assert all(pair.first.estimate == pair.second.estimate for pair in same.pairs)


def test_paired_differences_are_those_of_the_paths(runs):
    a, _, _, d = runs
    result = compare(a.answers, d.answers)
    assert list(result.statements) == ["factors.load.p95"] and result.statements["factors.load.p95"] == (15, 16)
    name, policy = next(iter(a.study.model.outcomes)), a.study.policy_names[0]
    (pair,) = [p for p in result.pairs if (p.first.measure, p.first.policy, p.first.variable) == ("mean", policy, name)]
    one, other = (run.cube["paths"][name].sel(policy=policy).values.astype(float) for run in (a, d))
    gap = other - one
    assert pair.gap.estimate == pytest.approx(gap.mean(), rel=1e-9)
    pairs = gap.reshape(-1, a.study.unit).mean(axis=1)
    assert pair.gap.standard_error == pytest.approx(pairs.std(ddof=1) / np.sqrt(len(pairs)), rel=1e-6)
    apart = np.hypot(pair.first.standard_error, pair.second.standard_error)
    assert pair.gap.standard_error < apart


def test_runs_that_cannot_be_paired_have_intervals_that_hold_for_any_dependence(runs):
    a, _, c, _ = runs
    result = compare(a.answers, c.answers)
    assert result.unpaired == "4,000 paths against 2,000"
    for pair in result.pairs:
        if np.isfinite(pair.gap.low):
            widths = [one.high - one.low for one in (pair.first, pair.second)]
            assert pair.gap.high - pair.gap.low == pytest.approx(sum(widths))


def test_what_is_not_in_both_is_refused(runs):
    with pytest.raises(UserError, match="none in common"):
        compare(runs[0].answers, runs[1].answers, "none")


def test_as_an_answer_it_has_what_is_stated_and_every_number(runs):
    a, _, c, d = runs
    printed = call("diff", a.folder, d.folder, "--model", f"{MODELS}:Bridge", "--json")
    assert printed.exit_code == 0, printed.output
    plain = json.loads(printed.stdout)
    jsonschema.validate(plain, SCHEMA)
    given = answer(a.answers, d.answers)
    assert plain == json.loads(json.dumps(given.plain()))
    assert plain["tables"]["statements"]["rows"] == [{"place": "factors.load.p95", "first": "15.0", "second": "16.0"}]
    rows = [row for name in ("risk", "events") for row in given[name].rows()]
    assert len(rows) == len(given.of.pairs)
    for row in rows:
        (pair,) = [
            pair
            for pair in given.of.pairs
            for one in [pair.first]
            if (one.variable, one.policy, one.measure) == (row["variable"], row["policy"], row["measure"])
        ]
        assert row["difference"].estimate == pair.gap.estimate
        assert (row["first"].low, row["second"].high) == pytest.approx((pair.first.low, pair.second.high), nan_ok=True)
    main = next(row for row in given["risk"].rows() if row["measure"] == "mean")
    assert main["variable"] == a.study.headline[0] == "damage" and "average damage" in given.finding.lower()
    same = answer(a.answers, runs[1].answers)
    assert "statements" not in same and "not distinguishable" in same.finding
    apart = answer(a.answers, c.answers)
    assert apart.of.unpaired and apart.of.unpaired in apart.reading
