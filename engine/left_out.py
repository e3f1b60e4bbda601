"""Laws of SciPy that are not supported, with the reasons."""

from __future__ import annotations

LEFT_OUT = {
    "levy_stable": "SciPy's probabilities of its tails are wrong (0 where they are 1e-5). Use 't', 'cauchy' or 'nct'.",
    "studentized_range": "each of its probabilities is a double integral, and a table of them takes minutes.",
    "poisson_binom": "its probabilities are a list, and parameters are numbers. Use 'binomial'.",
}
"""Laws of SciPy that no study may ask for, with the reason."""
