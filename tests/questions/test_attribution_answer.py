"""What an attribution says: a sentence that claims no more than its intervals, and tables that add up."""

from types import SimpleNamespace

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


def test_most_is_said_of_more_than_half_alone():
    sure, unsure = stated((8.0, 7.5, 8.5), (2.0, 1.5, 2.5)), stated((5.2, 4.5, 5.9), (4.8, 4.1, 5.0))
    assert sure == "Going from old to new adds 10.0 EUR to average cost, mostly through a (80 %)."
    assert "most of all through a (52 %)" in unsure


def test_groups_that_cannot_be_distinguished_are_not_ranked():
    text = stated((5.2, 4.5, 5.9), (4.8, 4.1, 5.0), leaders=("a", "b"))
    assert text.endswith("to average cost. The largest share may be that of a and b.")


def test_what_works_against_it_and_what_cannot_be_distinguished_from_zero_are_named():
    text = stated((12.0, 11.0, 13.0), (-2.0, -2.5, -1.5), (0.1, -0.1, 0.3))
    assert text.endswith("The share of b has the opposite sign. The share of c is not clear.")


def test_a_difference_that_cannot_be_distinguished_from_zero_has_no_leader():
    text = stated((3.0, 2.5, 3.5), (-3.0, -3.5, -2.5), (0.0, -1.0, 1.0), whole=(0.1, -0.5, 0.7))
    assert text.startswith("The effect on average cost of going from old to new is not clear. ")
    assert text.endswith("Levers with clear shares in it: a and b.")


def test_what_has_no_interval_is_said_to_have_none():
    nan = float("nan")
    text = stated((1.0, 0.5, 1.5), whole=(5.0, nan, nan))
    assert text.startswith("The effect on average cost of going from old to new has no interval.")
    assert stated((8.0, 7.5, 8.5), (2.0, nan, nan)).endswith("The share of b has no interval.")
