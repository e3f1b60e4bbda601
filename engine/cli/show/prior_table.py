"""Priors as a table: values asked for beside those fitted, quantiles, and each law as a small curve of text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.cli.show.rows import Column, columns_of, print_rows

if TYPE_CHECKING:
    from rich.console import Console

    from engine.study.study import Input

LEVELS = " ▁▂▃▄▅▆▇█"
WIDTH = 15
ENDS = (0.005, 0.995)
"""Quantiles between which a curve is drawn."""
ASKED = "asked (fitted, where it differs)"
DRAWN = "0.5 % to 99.5 %"


def print_priors(console: Console, inputs: Sequence[Input]) -> None:
    """Prints the table of priors, a row for each."""
    rows = []
    for item in inputs:
        asked = targets_text(item) or item.parameters
        quantiles = [f"{float(item.marginal.quantile(p)):.3g}" for p in (0.05, 0.5, 0.95)]
        rows.append((item.family, asked, *quantiles, mean(item), curve(item)))
    law = ("p05", "p50", "p95", "mean", DRAWN)
    units = [f" [{item.unit}]" if item.unit != "1" else "" for item in inputs]
    names = [f"{item.name}{unit}" for item, unit in zip(inputs, units, strict=True)]
    columns = columns_of(("family", ASKED, *law), rows, ("family", DRAWN), (ASKED,), law)
    print_rows(console, "Priors", Column("factor [unit]", names, left=True, words=True), columns)


def targets_text(item: Input) -> str:
    """`p05 1.4 (1.42), p95 6.4`: the values asked for, and the fitted law's in brackets where three digits differ."""
    words = []
    for label, value, fitted in _to_three_digits(item):
        text = f"{label} {value}" + (f" ({fitted})" if fitted != value else "")
        words.append(text.replace(" ", "\N{NO-BREAK SPACE}"))
    return ", ".join(words)


def meets(item: Input) -> bool:
    """Whether three digits of the values asked for and of the fitted law's are the same."""
    return all(value == fitted for _, value, fitted in _to_three_digits(item))


def _to_three_digits(item: Input) -> list[tuple[str, str, str]]:
    return [(target.label, f"{target.value:.3g}", f"{target.fitted:.3g}") for target in item.targets]


def mean(item: Input) -> str:
    """The expectation as text; "none" where it is not finite."""
    value = item.marginal.mean()
    return f"{value:.3g}" if math.isfinite(value) else "none"


def curve(item: Input) -> str:
    """The density of a law from its 0.5 % to its 99.5 % quantile as text: a character a bin, or a value if few."""
    import numpy as np

    law = item.marginal
    steps = law.steps
    if steps is not None and len(steps[0]) <= WIDTH:
        values = np.asarray(steps[0])
        masses = np.diff(law.cdf(values), prepend=0.0)
    else:
        low, high = (float(x) for x in law.quantile(np.array(ENDS)))
        if not high > low:
            return LEVELS[-1]
        edges = np.linspace(low, high, WIDTH + 1)
        below = law.cdf(edges)
        below[0] = law.below(low)  # the probability of the value `low` itself belongs to the first bin
        masses = np.diff(below)
    top = masses.max()
    return "".join(LEVELS[math.ceil(8 * max(m, 0.0) / top)] for m in masses) if top > 0 else ""
