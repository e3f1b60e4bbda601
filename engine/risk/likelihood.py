"""How likely something is in the words that the IPCC calibrates: guidance note on the treatment of uncertainties, 2010, table 1."""

CLASSES = (
    ("exceptionally unlikely", 0.0, 0.01),
    ("virtually certain", 0.99, 1.0),
    ("very unlikely", 0.0, 0.1),
    ("very likely", 0.9, 1.0),
    ("unlikely", 0.0, 0.33),
    ("about as likely as not", 0.33, 0.66),
    ("likely", 0.66, 1.0),
)
"""Each word with the least and the largest probability that it stands for, the narrowest first."""


def likelihood(low: float, high: float) -> str:
    """The word of the narrowest class that holds a whole interval of a probability; empty where none does, or there is no interval."""
    return next((word for word, least, most in CLASSES if least <= low <= high <= most), "")
