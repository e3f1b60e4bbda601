"""Words of sentences: what is measured, amounts with no more digits than their interval bears out, lists that stay
short.
"""

import pytest

from engine.answers.as_text import amount
from engine.risk.estimation.intervals import Estimate

NAN = float("nan")


def of(estimate, low=NAN, high=NAN):
    return Estimate(estimate, NAN, low, high)


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
