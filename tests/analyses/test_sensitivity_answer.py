"""What a sensitivity says: a sentence that claims no more than its intervals, and tables that hold what was looked
at."""

from dataclasses import replace

import pytest

from engine.analyses.sensitivity import sensitivity
from engine.analyses.sensitivity_answer import sentences
from engine.run_folder.finding import run_folder
from engine.runs.asking import Asking, answered
from tests.analyses.test_sensitivity import chosen
from tests.analyses.test_sensitivity_of_little import alike


def asked(study, **options):
    """The answer of a study that has not been run."""
    return answered("sensitivity", options, Asking(study, run_folder(study)))


@pytest.fixture(scope="module")
def given():
    """What is known of a choice."""
    return asked(chosen(1 << 12), outcome=("cost", "dear"))


def test_tables_hold_the_numbers_that_were_computed(given):
    of = given.of
    for one in of.shares:
        labels = {
            "variable": one.quantity.variable,
            "measure": one.quantity.measure,
            "policy": one.quantity.policy,
            "against": one.quantity.against,
        }
        for k, item in enumerate(of.inputs):
            (row,) = given["shares"].where(**labels, input=item.name)
            assert (row["share"], row["alone"], row["total"]) == (one.shapley[k], one.first[k], one.total[k])
        (row,) = given["known"].where(**labels)
        assert (row["factors"], row["shocks"], row["sd"]) == (one.known, one.accidents, one.sd)
    for worth in of.worths:
        rows = {
            row["knowing"]: row["worth"] for row in given["worth"].where(outcome=worth.outcome, measure=worth.measure)
        }
        assert [*rows.values()] == [worth.everything, worth.known, *worth.inputs]
    for swing in of.swings:
        for k, one in enumerate(of.swung):
            table = given["event_swings" if one.measure == "probability" else "swings"]
            labels = {"variable": one.variable, "measure": one.measure, "policy": one.policy, "factor": swing.factor}
            (row,) = table.where(**labels)
            assert (row["low"], row["high"]) == (swing.low[k], swing.high[k])
            assert (row["low_value"], row["high_value"]) == swing.values


def test_probabilities_are_moved_by_points_and_inputs_stand_in_the_order_of_the_finding(given):
    assert {*given["event_swings"]["unit"]} == {"points"} and {*given["swings"]["unit"]} == {"1"}
    assert given["shares"].labels("input")[0] == "noise" and given.finding.startswith(
        "How risky and sure differ in cost hangs mostly on noise: "
    )


def test_the_sentence_claims_no_more_than_its_intervals():
    of = sensitivity(alike(paths=1 << 12), ["cost", "fee"])
    first, *_ = sentences(of, ["cost"])
    assert first == "How open and shut differ in cost hangs mostly on own: 100 % of the spread."
    assert [*sentences(of, ["fee"])] == [
        "How open and shut differ in fee is the same on every path: no input has a share."
    ]
    few = sensitivity(alike(paths=4), ["cost"])
    gap = next(one for one in few.shares if one.quantity.policy == "open" and not one.quantity.against)
    (text,) = sentences(replace(few, shares=(gap,)))
    assert text.endswith("hangs on what cannot be said: too few paths, or too heavy a tail, for an interval.")
    assert [*sentences(replace(of, inputs=()))] == ["Nothing is drawn: no input has a share."]
