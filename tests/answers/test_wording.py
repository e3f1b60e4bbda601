"""Words of sentences: what is measured, amounts with no more digits than their interval bears out, lists that stay
short.
"""

from types import SimpleNamespace

import pytest

from engine.answers.as_text import amount, amounts, measured, share, size, some
from engine.risk.estimation.intervals import Estimate

NAN = float("nan")
LABELS = {"loss": "banks' capital shortfall", "ruin": "banks wrecked"}
STUDY = SimpleNamespace(
    phrase=lambda kind, name: LABELS[name], events_by_name={"ruin": 0}, model=SimpleNamespace(outcomes={"loss": 0})
)


def of(estimate, low=NAN, high=NAN):
    return Estimate(estimate, NAN, low, high)


@pytest.mark.parametrize(
    ("name", "measure", "text"),
    [
        ("ruin", "probability", "the chance of banks wrecked"),
        ("loss", "mean", "the mean of banks' capital shortfall"),
        ("loss", "ES97.5", "banks' capital shortfall in the worst 2.5 % of futures"),
        ("loss", "VaR99", "the level of banks' capital shortfall that 1 % of futures pass"),
    ],
)
def test_measures_are_said_in_words(name, measure, text):
    assert measured(STUDY, name, measure) == text


@pytest.mark.parametrize(
    ("unit", "one", "text"),
    [
        ("1/yr", of(0.238, 0.228, 0.248), "24 % a year"),
        ("1/yr", of(3.2, 3.0, 3.4), "3.2 a year"),
        ("k persons", of(86.63, 86.1, 87.2), "86.6 thousand persons"),
        ("k yr", of(2247.0, 2150.0, 2360.0), "2,250 thousand years"),
        ("% of 2015 GDP", of(1.884, 1.856, 1.912), "1.88 % of 2015 GDP"),
        ("1", of(0.1234567), "0.123"),
        ("EUR", of(0.0), "0 EUR"),
        ("1 = nothing is lost", of(0.5), "0.500"),
    ],
)
def test_an_amount_has_no_more_digits_than_its_interval_bears_out(unit, one, text):
    assert amount(unit, one) == text


def test_amounts_beside_each_other_are_rounded_alike_and_name_their_unit_once():
    assert amounts("1/yr", of(0.238, 0.228, 0.248), 0.4033) == ["24 % a year", "40 %"]
    assert amounts("k EUR", of(14.21, 14.0, 14.4), 10.0) == ["14.2 thousand EUR", "10.0"]


def test_sizes_have_no_sign_and_shares_are_in_per_cent():
    assert size("probability", "1", of(-0.1487, -0.154, -0.144)) == "14.9 points"
    assert size("mean", "EUR", of(-3.21, -3.3, -3.1)) == "3.2 EUR"
    assert share(of(0.0242, 0.0218, 0.0265)) == "2.4 %"


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["a"], "a"),
        (["a", "b"], "a and b"),
        (["a", "b", "c d e", "f", "g"], "a, b and 3 more"),
        (["a b c d e f g", "b"], "a b c d e f g and 1 more"),
    ],
)
def test_a_list_takes_few_words(names, text):
    assert some(names, 6) == text
