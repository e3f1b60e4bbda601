"""A study held against what was observed: what each figure is held against, what is left apart, what is imposed, what
is refused.
"""

import numpy as np
import pytest

from engine import UserError
from engine.program import devices
from engine.questions.backtest.backtest import backtest, futures_of
from engine.questions.backtest.question import sentences
from engine.study.actual_policy import knowing
from engine.study.loading import load_study, resolved_text, study_of_text
from engine.study.study import Block
from tests.questions.backtest.models import Walk, row, walk
from tests.refusals import at, problems_of

FOLDS = {
    "": lambda values: values[:, 4],
    "total": lambda values: values[:, 2:5].sum(axis=1),
    "mean": lambda values: values[:, 2:5].mean(axis=1),
    "peak": lambda values: values[:, 2:5].max(axis=1),
    "lowest": lambda values: values[:, 2:5].min(axis=1),
    "change": lambda values: values[:, 4] - values[:, 2],
    "ratio": lambda values: values[:, 4] / values[:, 2],
}
"""Of years [path, year] from 2021 on, the figure of 2023-2025."""


def by_hand(study, paths=4096):
    """Height in the north, [path, year], from the draws and shocks of the program."""
    program = devices.program(study)
    trace = program.trace_of(program.scores(Block(0, 0, paths)))
    drift, steps = trace.draws[0].astype(float), trace.shocks[:, 0].astype(float)
    return (np.cumsum(steps, axis=0) + drift * np.arange(1, 11)[:, None]).T


def test_a_figure_is_held_against_the_fold_of_its_years():
    more = {fold: {"fold": fold, "from": 2023} if fold else {} for fold in FOLDS}
    units = {fold: "1" if fold == "ratio" else "kt" for fold in FOLDS}
    study = walk(*(row(2025, 1.5, series=f"{fold} north", unit=units[fold], **more[fold]) for fold in FOLDS))
    heights = by_hand(study)
    for fold, values in zip(FOLDS, backtest(study)[1][0].calibration.values, strict=True):
        np.testing.assert_allclose(values, FOLDS[fold](heights), rtol=2e-4, atol=2e-5, err_msg=fold)


@pytest.mark.parametrize(("across", "combined"), [("sum", np.sum), ("mean", np.mean), ("peak", np.max)])
def test_places_without_a_label_become_one_number(across, combined):
    rows = [row(2024, 1.0, at=f"place={name}", series=name) for name in ("north", "south")]
    apart = backtest(walk(*rows))[1][0].calibration.values
    (both,) = backtest(walk(row(2024, 1.0, at="", across=across)))[1][0].calibration.values
    np.testing.assert_allclose(both, combined(apart, axis=0), rtol=1e-5, atol=1e-5)


def test_a_unit_is_converted_and_an_error_widens_the_futures():
    plain, other = (backtest(walk(one))[1][0] for one in (row(2024, 0.5), row(2024, 500.0, unit="t")))
    assert [plain.rows[0][one] for one in ("observed", "crps")] == [other.rows[0][one] for one in ("observed", "crps")]
    blurred = backtest(walk(row(2024, 0.5, standard_error=2.0)))[1][0].calibration.values
    assert blurred.var() == pytest.approx(plain.calibration.values.var() + 4.0, rel=0.05)


def test_errors_of_a_series_have_the_stated_correlation():
    rows = [row(2023, 0.0, standard_error=2.0), row(2024, 0.0, standard_error=1.0)]
    rows.append(row(2024, 0.0, at="place=south", standard_error=1.0))
    study = walk(*rows, observed={"correlation": 0.8})
    drawn = [futures_of(study, one, np.zeros((10, 1 << 16))) for one in study.observed.rows]
    np.testing.assert_allclose(np.std(drawn, axis=1), [2.0, 1.0, 1.0], rtol=0.02)
    np.testing.assert_allclose(np.corrcoef(drawn)[np.triu_indices(3, 1)], [0.8, 0.0, 0.0], atol=0.02)


def test_what_is_not_scored_is_shown_with_the_reason():
    study = walk(
        row(2019, 0.4), row(2020, 0.1), row(2023, 0.2), row(2024, 0.3, seen="priors"), row(2025, 0.3, seen="equations"),
        row(2026, 0.3, confidence="remembered"), row(2027, 0.3, confidence="derived"), row(2031, 0.3),
        observed={"seen": ["equations"]},
    )  # fmt: skip
    reading = backtest(study)[1][0]
    assert [row["time"] for row in reading.scored] == ["2023", "2024"]
    reasons = {int(row["time"]): row["apart"] for row in reading.rows if row["apart"]}
    words = {2019: "before", 2020: "before", 2025: "equations", 2026: "remembered", 2027: "derived", 2031: "beyond"}
    assert reasons.keys() == words.keys() and all(word in reasons[year] for year, word in words.items())
    assert reading.rows[0]["of_last"] == pytest.approx(0.1) and np.isnan(reading.rows[0]["of_trend"])
    assert [row["time"] for row in backtest(study, until=2023)[1][0].scored] == ["2023"]


def test_nothing_to_score_is_an_answer():
    tested = backtest(walk(row(2020, 0.1), row(2024, 0.3, confidence="remembered")))
    assert next(sentences(tested[1])).startswith("No figure")


def test_what_is_imposed_is_what_was_observed_and_what_follows_goes_by_it():
    rows = [
        row(2023, 7.0, series="height"),
        row(2023, 14.0, variable="damage", series="damage"),
        row(2024, 3.0, variable="damage", series="damage"),
    ]
    free, held = (backtest(walk(*rows), impose=impose)[1][0] for impose in ((), ("height",)))
    assert [row["series"] for row in free.scored] == ["height", "damage", "damage"]
    assert [row["series"] for row in held.scored] == ["damage", "damage"]
    assert set(held.calibration.values[0]) == {14.0}
    after, before = held.series["height"], free.series["height"]
    np.testing.assert_array_equal(after[:2], before[:2])
    np.testing.assert_allclose(after[3], 7.0 + before[3] - before[2], rtol=1e-4, atol=1e-4)


def test_each_reading_is_scored_with_all_that_have_none():
    rows = [row(2023, 0.2), row(2024, 1.0, reading="high"), row(2024, -1.0, reading="low")]
    _, readings = backtest(walk(*rows))
    assert [(one.name, [figure.value for figure in one.figures]) for one in readings] == [
        ("high", [0.2, 1.0]),
        ("low", [0.2, -1.0]),
    ]
    same = backtest(walk(*(row(2023, 0.2), *(one | {"confidence": "remembered"} for one in rows[1:]))))
    assert [one.name for one in same[1]] == [""]


def test_another_policy_of_the_file_need_not_run(tmp_path):
    text = (
        'name = "s"\nbaseline = "old"\ncompare = ["old"]\ntime = { first = 2021, last = 2030 }\nrun = { paths ='
        " 1024 }\n"
    )
    text += '[factors.drift]\nfamily = "uniform"\nlow = 1\nhigh = 2\n[policies.old]\n[policies.new]\nbrake = 1\n'
    text += (
        '[observed]\npolicy = "new"\nrows = [{ series = "h", time = 2023, variable = "height", at = "place=north",'
        ' value = 1, unit = "kt", source = "g", confidence = "read" }]\n'
    )
    (tmp_path / "s.toml").write_text(text)
    settings = ("factors.drift.high=9",)
    study = load_study(tmp_path / "s.toml", model=Walk(), settings=settings)
    tested, readings = backtest(study)
    assert tested.policy_names == ("new",) and tested.settings == settings
    assert abs(readings[0].calibration.values.mean()) < 0.2
    assert study.policy_names == ("old",)


@pytest.mark.parametrize(("factor", "added"), [("", ["new", "earlier"]), ("grip", [])])
def test_a_run_knows_the_observed_policy_where_that_draws_no_factor_of_its_own(factor, added):
    factors = {name: {"family": "uniform", "low": 0.0, "high": 1.0} for name in ("drift", factor) if name}
    new = {"brake": factor or 1.0, "before": "earlier", "start": 2022}
    study, plain = (
        walk(
            row(2023, 1.0, standard_error=0.5),
            observed={"policy": policy},
            policies={"old": {}, "other": {"brake": 0.2}, "earlier": {"brake": 0.5}, "new": new},
            factors=factors,
            compare=["old", "other"],
        )
        for policy in ("new", "old")
    )
    of_run = study_of_text(resolved_text(study), "run/study.toml", Walk())
    assert [*of_run.document["policies"]] == ["old", "other", *added] and of_run.document == study.document
    assert of_run.fingerprint == study.fingerprint == plain.fingerprint
    if factor:
        with pytest.raises(UserError, match="got none"):
            backtest(of_run)
    else:
        assert knowing(of_run, 2023, None, 1024).fingerprint == knowing(study, 2023, None, 1024).fingerprint
        (_, [of_file]), (_, [found]) = backtest(study), backtest(of_run)
        np.testing.assert_array_equal(found.calibration.values, of_file.calibration.values)


def test_all_that_cannot_be_is_refused_at_once():
    assert problems_of(backtest, walk(row(2023, 1.0)), policy="odl", impose=("damage", "heigt"), until=2010) == [
        at("--policy", "policy 'odl'", "'old'"),
        at("--impose", "'damage'", "height."),
        at("--impose", "variable 'heigt'", "'height'"),
        at("--until", 2021, 2010),
    ]
    with pytest.raises(UserError, match="observed of 'height'"):
        backtest(walk(row(2023, 1.0, variable="damage")), impose=("height",))
    with pytest.raises(UserError, match="observed figures, got none"):
        backtest(walk())
    with pytest.raises(UserError, match="expected a policy"):
        backtest(walk(row(2023, 1.0), observed={"policy": ""}))
