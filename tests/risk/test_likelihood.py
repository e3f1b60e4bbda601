"""Words for probabilities: the narrowest that holds the whole interval, or none."""

import math

import pytest

from engine.risk.likelihood import likelihood


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        (0.0, 0.01, "exceptionally unlikely"),
        (0.009, 0.011, "very unlikely"),
        (0.05, 0.1, "very unlikely"),
        (0.09, 0.33, "unlikely"),
        (0.33, 0.66, "about as likely as not"),
        (0.32, 0.34, ""),
        (0.65, 0.67, ""),
        (0.66, 0.95, "likely"),
        (0.9, 0.995, "very likely"),
        (0.99, 1.0, "virtually certain"),
        (0.0, 1.0, ""),
        (math.nan, math.nan, ""),
    ],
)
def test_a_word_holds_the_whole_interval(low, high, word):
    assert likelihood(low, high) == word
