"""What an attribution says: a sentence that claims no more than its intervals, and tables that add up."""

import re
from types import SimpleNamespace

import pytest

import engine
from engine.questions.attribute import sentences
from engine.risk.estimation.intervals import Estimate
from tests.helpers import assert_close
from tests.questions.test_attribution import game


def test_the_answer_is_labelled_and_adds_up(tmp_path):
    answer = engine.attribute(game(tmp_path), "old", "new", ["product", "dear"], device="cpu")
    shares = answer["outcomes"]
    assert shares.dims == ("of", "group") and shares.title == "Contributions to new less old"
    assert {*shares["unit"]} == {"EUR"} and {*answer["events"]["unit"]} == {"points"}
    assert shares.by_name["difference"].over == ("of",) and shares.by_name["share"].over in (None, shares.dims)
    for table in (shares, answer["events"]):
        for label in table.labels("of"):
            rows = [*table.where(of=label)]
            assert_close(sum(row["share"].estimate for row in rows), rows[0]["difference"].estimate)
    assert [*answer["groups"].where(group="a")] == [{"group": "a", "levers": "a"}]


NAN = float("nan")


def stated(*shares, whole=(10.0, 9.5, 10.5), leaders=("a",)):
    """The finding of shares given by their estimates and ends, of groups a, b, c."""
    difference, *of = [Estimate(x, (high - low) / 4, low, high) for x, low, high in (whole, *shares)]
    rows = [
        {"variable": "cost", "measure": "mean", "group": name, "difference": difference, "share": one,
         "leads": name in leaders}
        for name, one in zip("abc", of, strict=False)
    ]  # fmt: skip
    study = SimpleNamespace(
        phrase=lambda kind, name: name,
        events_by_name={},
        unit_of=lambda name: "EUR",
        model=SimpleNamespace(outcomes={"cost": 0}),
        lever_groups={},
    )
    return " ".join(sentences(study, "old", "new", rows))


TOLD = {
    "most is said of more than half alone": (
        [(8.0, 7.5, 8.5), (2.0, 1.5, 2.5)], {},
        "Going from old to new raises the mean of cost by 10.0 EUR, mostly through a (80 %).",
    ),
    "a share that may be half": ([(5.2, 4.5, 5.9), (4.8, 4.1, 5.0)], {}, "... most of all through a (52 %)..."),
    "groups that cannot be distinguished are not ranked": (
        [(5.2, 4.5, 5.9), (4.8, 4.1, 5.0)], {"leaders": ("a", "b")},
        "Going from old to new raises the mean of cost by 10.0 EUR. The largest share may be that of a and b.",
    ),
    "what works against it and what is not distinguished from zero": (
        [(12.0, 11.0, 13.0), (-2.0, -2.5, -1.5), (0.1, -0.1, 0.3)], {},
        "... The share of b has the opposite sign. The share of c is not clear.",
    ),
    "a difference that is not distinguished from zero has no leader": (
        [(3.0, 2.5, 3.5), (-3.0, -3.5, -2.5), (0.0, -1.0, 1.0)], {"whole": (0.1, -0.5, 0.7)},
        "The effect on the mean of cost of going from old to new is not clear. ... and b.",
    ),
    "levers with clear shares in it": (
        [(3.0, 2.5, 3.5), (-3.0, -3.5, -2.5), (0.0, -1.0, 1.0)], {"whole": (0.1, -0.5, 0.7)},
        "... Levers with clear shares in it: a and b.",
    ),
    "a difference without an interval": (
        [(1.0, 0.5, 1.5)], {"whole": (5.0, NAN, NAN)},
        "The effect on the mean of cost of going from old to new has no interval....",
    ),
    "a share without an interval": ([(8.0, 7.5, 8.5), (2.0, NAN, NAN)], {}, "... The share of b has no interval."),
}  # fmt: skip
"""Shares, what else is stated, and the sentences, `...` standing for others."""


@pytest.mark.parametrize("case", TOLD)
def test_sentences_claim_no_more_than_the_intervals(case):
    shares, more, told = TOLD[case]
    assert re.fullmatch(".*".join(map(re.escape, told.split("..."))), stated(*shares, **more))
