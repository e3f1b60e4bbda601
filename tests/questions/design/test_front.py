"""The front of two measures, against the closed form of y = N(3 - left - right / 2, 1) at a cost of squares."""

import numpy as np
import pytest

from engine.answers.question import Asked
from engine.errors import UserError
from engine.questions.design import front
from engine.questions.design.evaluator import Evaluator
from engine.questions.design.question import Design
from engine.questions.design.several import DESCENT, MARGIN
from engine.run_folder.finding import run_folder
from tests.questions.design.test_several import study  # noqa: F401  (a fixture)

LEVERS = ("left", "right")
BOUNDS = (0.0, 4.0, 0.0, 4.0)


def asked(of, *subject, minimise="mean of cost", other="mean of damage", observe=lambda *_: None, **options):
    """The answer for the policy `low`."""
    question = Design("low", LEVERS, subject, minimise, other, bounds=BOUNDS, **options)
    return question.answer(Asked(of, run_folder(of), observe=observe))


def test_each_point_has_the_least_cost_that_the_closed_form_gives(study):  # noqa: F811
    """The least (l^2 + r^2) / 10 with l + r / 2 >= 3 - d is 0.08 (3 - d)^2, up to the bounds."""
    rows = [*asked(study)["front"].rows()]
    assert len(rows) == front.POINTS and rows[0]["limit"] is None and rows[-1]["limit"] is None
    # d is least at (4, 4), where it is -3, and the cost at (0, 0)
    assert rows[0]["limited"].estimate == pytest.approx(-3.0, abs=0.05)
    assert rows[-1]["least"].estimate == pytest.approx(0.0, abs=0.02)
    limits = np.array([row["limit"] for row in rows[1:-1]])
    np.testing.assert_allclose(np.diff(limits), 1.0, atol=0.02)
    for row in rows[1:-1]:
        reach = 3.0 - row["limit"] + MARGIN / 128  # the limit is tightened by this error of the mean
        right = min(0.4 * reach, 4.0) if 0.8 * reach <= 4.0 else 2.0 * (reach - 4.0)
        left = reach - right / 2
        assert row["least"].estimate == pytest.approx((left**2 + right**2) / 10, rel=0.02, abs=0.02)
        assert row["limited"].estimate < row["limit"] + 0.03 and row["limited"].low < row["limited"].high
    costs = [row["least"].estimate for row in rows]
    assert costs == sorted(costs, reverse=True)


def test_points_are_judged_on_futures_that_the_search_has_not_seen_and_the_search_is_capped(study):  # noqa: F811
    seen = []
    answer = asked(study, "mean of cost <= 2", observe=lambda *one: seen.append(one))
    assert {total for *_, total in seen} == {front.POINTS * DESCENT}
    assert [done for _, done, _ in seen] == [*range(len(seen))] and len(seen) <= front.POINTS * DESCENT
    evaluator = Evaluator(study, "low", ("cost", "damage"))
    for row in answer["front"].rows():
        setting = {name: float(x) for name, x in (one.split(" = ") for one in row["levers"].split(", "))}
        (values,) = evaluator.each([setting], evaluator.futures.anew())
        assert row["least"].column == evaluator.estimate(values, "cost", "mean").column
        assert row["limited"].column == evaluator.estimate(values, "damage", "mean").column
        assert row["least"].estimate < 2.01 and row["verdict"] in ("met", "unclear")
    assert answer.finding.startswith("The mean of damage is least at left = ")
    assert answer.findings[2].startswith("The mean of cost is least at left = ")


def test_options_that_do_not_go_together_are_refused(study, tmp_path):  # noqa: F811
    for options, text in [
        ({"minimise": None}, "expected a measure for several levers or limits"),
        ({"other": "mean of dmage"}, "unknown outcome or event 'dmage'"),
        ({"write": tmp_path / "a.toml"}, "without --front"),
    ]:
        with pytest.raises(UserError, match=text):
            asked(study, **options)
