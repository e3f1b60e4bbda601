"""Sentences on a sensitivity claim no more than their intervals, and tables stand in the order of these."""

import pytest

from tests.questions.test_flip import Wager, wager
from tests.questions.test_sensitivity import asked, chosen, textbook
from tests.questions.test_sensitivity_of_little import alike


def test_inputs_stand_in_the_order_of_the_finding():
    given = asked(chosen(1 << 12), "cost", "dear")
    assert given["shares"].labels("input")[0] == "noise"
    assert given.finding.startswith(
        "Most of the spread of the difference in cost between risky and sure comes from noise"
    )


@pytest.mark.parametrize(
    ("study", "outcome", "text"),
    [
        (alike(paths=1 << 12), "cost", "Most of the spread of the difference in cost between open and shut comes from"),
        (alike(paths=1 << 12), "fee", "The difference in fee between open and shut is the same on every path: no"),
        (chosen(8), "cost", "No interval shows which input causes most of the spread of the difference in cost"),
        (textbook(1 << 12), "ishigami", "X2 and x1 have the largest shares in the spread of ishigami under one."),
    ],
    ids=["one", "constant", "few", "open"],
)
def test_the_sentence_claims_no_more_than_its_intervals(study, outcome, text):
    assert asked(study, outcome).finding.startswith(text)


def test_nothing_is_drawn():
    fixed = {name: {"family": "fixed", "value": 1.0} for name in Wager.factors}
    given = asked(wager(64, factors=fixed, groups={}))
    assert given.findings == ("Nothing is drawn: no input has a share.",) and not given.tables
