"""What a probability is called, by the scale that the IPCC calibrates its words to."""

from __future__ import annotations

_SCALE = (
    ("virtually certain", 0.99, 1.0),
    ("exceptionally unlikely", 0.0, 0.01),
    ("very likely", 0.9, 1.0),
    ("very unlikely", 0.0, 0.1),
    ("about as likely as not", 0.33, 0.66),
    ("unlikely", 0.0, 0.33),
    ("likely", 0.66, 1.0),
)
"""Mastrandrea and others (2010), Guidance Note for Lead Authors of the IPCC Fifth Assessment Report, table 1; the narrowest first."""


def likelihood(low: float, high: float) -> str:
    """The narrowest word of the scale that holds all of an interval of a probability; "" where none does, or an end is no number.

    Args:
      low, high: ends of the interval, as shares.
    """
    return next((word for word, least, most in _SCALE if least <= low <= high <= most), "")
