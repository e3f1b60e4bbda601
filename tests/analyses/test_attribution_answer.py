"""What an attribution says: a sentence that claims no more than its intervals, and tables that add up."""

from dataclasses import replace

import engine
from engine.analyses.attribution import Attribution, Part
from engine.analyses.attribution_answer import sentence
from engine.analyses.coalitions import Player
from engine.risk.intervals import Estimate
from engine.study.loading import load_study
from tests.analyses.test_attribution import game
from tests.helpers import assert_close


def test_the_answer_is_labelled_and_adds_up(tmp_path):
    answer = engine.attribute(game(tmp_path), "old", "new", ["product", "dear"], device="cpu")
    shares = answer["outcomes"]
    assert shares.dims == ("of", "group") and shares.by_name["difference"].head == "new less old"
    assert {*shares["unit"]} == {"EUR"} and {*answer["events"]["unit"]} == {"points"}
    for table in (shares, answer["events"]):
        for label in table.labels("of"):
            rows = [*table.where(of=label)]
            assert_close(sum(row["share"].estimate for row in rows), rows[0]["difference"].estimate)
    assert [*answer["groups"].where(group="a")] == [{"group": "a", "levers": "a"}]


def stated(*shares, whole=(10.0, 9.5, 10.5), leaders=("a",)):
    """The finding of shares given by their estimates and ends, of groups a, b, c."""
    of = [Estimate(x, (high - low) / 4, low, high) for x, low, high in (whole, *shares)]
    players = tuple(Player(name, ()) for name in "abc"[: len(shares)])
    part = Part("cost", "mean", of[0], tuple(of[1:]), (), (), leaders)
    study = load_study("rustbelt", paths=100)
    outcomes = {"cost": replace(study.model.outcomes["public_cost"], unit="EUR")}
    study = replace(study, model=type("Costs", (), {"outcomes": outcomes})())
    return sentence(Attribution(study, "old", "new", players, (part,), 0), part)


def test_most_is_said_of_more_than_half_alone():
    sure, unsure = stated((8.0, 7.5, 8.5), (2.0, 1.5, 2.5)), stated((5.2, 4.5, 5.9), (4.8, 4.1, 5.0))
    assert (
        sure
        == "new less old, mean of cost: 10.0 [9.5, 10.5] EUR; a carries most of it, 8.0 [7.5, 8.5] (80 %)."
    )
    assert "a carries the largest part of it, 5.2" in unsure


def test_groups_that_cannot_be_distinguished_are_not_ranked():
    text = stated((5.2, 4.5, 5.9), (4.8, 4.1, 5.0), leaders=("a", "b"))
    assert text.endswith(
        "a and b carry the largest parts of it, and which of these carries most cannot be distinguished."
    )


def test_what_works_against_it_and_what_cannot_be_distinguished_from_zero_are_named():
    text = stated((12.0, 11.0, 13.0), (-2.0, -2.5, -1.5), (0.1, -0.1, 0.3))
    assert text.endswith("; b (-2.0 [-2.5, -1.5]) works against it; c cannot be distinguished from zero.")


def test_a_difference_that_cannot_be_distinguished_from_zero_has_no_leader():
    text = stated((3.0, 2.5, 3.5), (-3.0, -3.5, -2.5), (0.0, -1.0, 1.0), whole=(0.1, -0.5, 0.7))
    assert text.startswith(
        "new cannot be distinguished from old in mean of cost (0.1 [-0.5, 0.7] EUR), though"
    )
    assert "a 3.0 [2.5, 3.5], b -3.0" in text and "c" not in text.partition("though")[2].replace("cost", "")
