"""Limits of factors in words: "SOE bank exposure above .45, its upper fifth"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from engine.formatting import rounded

CALLED = {"prim": "PRIM", "cart": "CART"}
"""What proposes boxes, by what it is called in words."""
FRACTIONS = {
    0.05: "twentieth", 0.1: "tenth", 0.2: "fifth", 0.25: "quarter", 1 / 3: "third", 0.5: "half", 2 / 3: "two thirds",
    0.75: "three quarters", 0.8: "four fifths", 0.9: "nine tenths",
}  # fmt: skip
NEAR = 0.01
"""How near a share is to a fraction that it is called by, and the shares on either side of what is called the middle to one another."""


def restriction(name: str, unit: str, low: float, high: float, below: float, above: float) -> str:
    """A number's limits in words, and which part of its prior they leave.

    Args:
      name: what the factor is called.
      low, high: NaN or infinite where there is none.
      below, above: shares of the prior outside of them.
    """
    unit = "" if unit == "1" or "=" in unit else f" {unit}"
    left = 1 - below - above
    if np.isfinite(low) and np.isfinite(high):
        if abs(below - above) <= NEAR:
            part = f"its middle {part_of(left)}"
        else:
            part = f"from its {percent(below)} to its {percent(1 - above)} quantile"
        return f"{name} from {number(low)} to {number(high)}{unit}, {part}"
    if np.isfinite(low):
        return f"{name} above {number(low)}{unit}, its upper {part_of(left)}"
    return f"{name} below {number(high)}{unit}, its lower {part_of(left)}"


def category(name: str, allowed: Sequence[str], outside: float) -> str:
    """A category's labels in words, and which part of its prior they are."""
    *most, last = allowed
    listed = f"{', '.join(most)} or {last}" if most else last
    return f"{name} is {listed}, {percent(1 - outside)} of its prior"


def labels_of(allowed: Sequence[float], labels: Mapping[str, float]) -> list[str]:
    """Labels of some values of a category, in its order."""
    return [label for label, value in labels.items() if np.isclose(value, allowed).any()]


def part_of(share: float) -> str:
    """`fifth`, or `17 %` where no plain fraction is near."""
    near = min(FRACTIONS, key=lambda fraction: abs(fraction - share))
    return FRACTIONS[near] if abs(near - share) <= min(NEAR, near / 10) else percent(share)


def number(value: float) -> str:
    """Three significant digits, without zeros that say nothing."""
    text = rounded(float(f"{value:.3g}"), None)
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def percent(share: float) -> str:
    """`17 %`, `0.8 %`."""
    return f"{100 * share:.{0 if share >= 0.0095 else 1}f} %"
