"""Statements about a distribution in a study: quantiles, mean, standard deviation, mode."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.draws.distributions.closed import FAMILIES, Marginal
from engine.draws.distributions.law import Law
from engine.draws.distributions.scipy_laws import Named
from engine.draws.limits import LARGEST
from engine.errors import Problems, refusal

EXACT = 1e-6
"""Largest deviation, relative to the statements' spread, from as many statements as there are free parameters."""
NARROWEST = 1e-9
"""Spread of statements, relative to the largest, below which they are too close to be distinct numbers."""


PERCENTILES = {
    f"p{percent:02d}": percent / 100 for percent in (1, 5, 10, 20, 25, 30, 40, 50, 60, 70, 75, 80, 90, 95, 99)
}
"""Probabilities of single quantiles by their key."""
RANGE = (0.05, 0.95)
"""Probabilities of the two ends of `range90`."""
MOMENTS = ("mean", "sd", "mode")
KEYS = ("quantiles", "range90", *PERCENTILES, *MOMENTS)
"""Keys of all statements, whatever the family."""


@dataclass(frozen=True)
class Statement:
    """One statement about a distribution.

    Args:
      key: key in the study's table.
      kind: "quantile", "mean", "sd" or "mode".
      value: stated value.
      probability: probability of a quantile.
    """

    key: str
    kind: str
    value: float
    probability: float = math.nan

    @property
    def label(self) -> str:
        """Name in messages: `p05`, `p99.9`, `mean`."""
        percent = f"{100 * self.probability:.10g}"
        return self.kind if self.kind != "quantile" else f"p{percent.zfill(2) if '.' not in percent else percent}"

    def of(self, law: Law) -> float:
        """Value of the stated quantity for a distribution."""
        if self.kind == "quantile":
            return float(law.quantile(self.probability))
        if self.kind == "mode":
            return mode(law)
        return law.mean() if self.kind == "mean" else law.sd()


Statements = Sequence[Statement]


def read(table: Mapping[str, Any]) -> list[Statement]:
    """Statements of a study's table: quantiles by ascending probability, then mean, sd and mode.

    Raises:
      UserError: for ranges, pairs or values that are not possible.
    """
    statements = [Statement(key, "quantile", table[key], p) for key, p in PERCENTILES.items() if key in table]
    if "range90" in table:
        ends = table["range90"]
        if len(ends) != 2 or not ends[0] < ends[1]:
            raise refusal("range90", f"expected [low, high], the two rising, got {list(ends)}.")
        statements += [Statement("range90", "quantile", x, p) for p, x in zip(RANGE, ends, strict=True)]
    for pair in table.get("quantiles", ()):
        if len(pair) != 2 or not 0 < pair[0] < 1:
            raise refusal("quantiles", f"expected pairs [probability, value], 0 < probability < 1, got {list(pair)}.")
        if not abs(pair[1]) <= LARGEST:
            raise refusal("quantiles", f"expected finite numbers, got {pair[1]:g}.")
        statements.append(Statement("quantiles", "quantile", float(pair[1]), float(pair[0])))
    statements.sort(key=lambda s: s.probability)
    problems = Problems()
    for low, high in itertools.pairwise(statements):
        if high.probability == low.probability:
            problems.add(high.key, f"states {high.label} twice.")
        elif not high.value > low.value:
            problems.add(high.key, f"expected more than {low.label} = {low.value:g}, got {high.value:g}.")
    statements += [Statement(key, key, table[key]) for key in MOMENTS if key in table]
    if table.get("sd") is not None and not table["sd"] > 0:
        zero = " For no spread use family 'fixed'." if table["sd"] == 0 else ""
        problems.add("sd", f"expected more than 0, got {table['sd']:g}.{zero}")
    problems.refuse("prior")
    return statements


def mode(law: Law) -> float:
    """Value of highest density for scores from -4 to 4; if the density rises towards an end, its 3e-5 quantile.

    Families with a closed form give the exact mode. The law is one of these or a continuous one of SciPy.
    """
    if isinstance(law, Marginal):
        closed = FAMILIES[law.family].mode
        assert closed is not None
        return float(closed(*law.parameters))
    assert isinstance(law, Named)
    from scipy import optimize

    x = law.at_score(np.linspace(-4.0, 4.0, 161))
    at = int(np.argmax(np.nan_to_num(law.density(x), posinf=0.0)))
    low, high = x[max(at - 1, 0)], x[min(at + 1, len(x) - 1)]
    if not high > low:
        return float(x[at])
    options = {"xatol": 1e-10 * (high - low)}
    peak = optimize.minimize_scalar(
        lambda value: -float(law.density(value)), bounds=(low, high), method="bounded", options=options
    )
    return float(peak.x)


def spread(statements: Statements) -> float:
    """Scale by which deviations from statements are measured; raises a refusal for statements that are nearly equal."""
    sds = [s.value for s in statements if s.kind == "sd"]
    wide = max([float(np.ptp([s.value for s in statements if s.kind != "sd"] or [0.0])), *sds])
    largest = max(abs(s.value) for s in statements)
    if 0 < wide < NARROWEST * largest:
        raise refusal(
            statements[-1].key,
            f"states a law that is too narrow for its precision: {wide:.3g} around {largest:.3g}. Use family 'fixed'.",
        )
    return wide if wide > 0 else max(abs(statements[0].value), 1e-300)


def refuse_far(family: str, law: Law, statements: Statements, off: float, free: int) -> None:
    """Raises a refusal if `off` is above `EXACT` although there are no more statements than free parameters.

    Args:
      off: largest deviation from a statement, relative to the statements' spread.
      free: number of free parameters.
    """
    if len(statements) > free or off <= EXACT:
        return
    nearest = ", ".join(f"{s.label} = {s.of(law):.4g}" for s in statements)
    raise refusal(
        "",
        f"no '{family}' law has {listed(statements)}; the nearest has {nearest}. Move a value or take another family.",
    )


def listed(statements: Statements) -> str:
    """Statements with their values as text: `p05 = 1, mean = 3`."""
    return ", ".join(f"{s.label} = {s.value:g}" for s in statements)
