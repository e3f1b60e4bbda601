"""The IPCC's words for how likely something is, by the whole interval."""

import pytest

from engine.risk.likelihood import likelihood

NAN = float("nan")


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        (0.0, 0.01, "exceptionally unlikely"),
        (0.0, 0.011, "very unlikely"),
        (0.02, 0.1, "very unlikely"),
        (0.0, 0.33, "unlikely"),
        (0.09, 0.11, "unlikely"),
        (0.33, 0.66, "about as likely as not"),
        (0.32, 0.34, ""),
        (0.65, 0.67, ""),
        (0.66, 0.95, "likely"),
        (0.9, 0.995, "very likely"),
        (0.99, 1.0, "virtually certain"),
        (0.0, 1.0, ""),
        (NAN, NAN, ""),
        (0.5, NAN, ""),
        (-0.1, 0.2, ""),
    ],
)
def test_a_word_holds_the_whole_interval_and_is_the_narrowest_that_does(low, high, word):
    assert likelihood(low, high) == word
