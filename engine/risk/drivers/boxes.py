"""Boxes of factors: limits within which futures of a kind are frequent, also in words; how much of them a box covers, and how purely."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Bool, Float, Int8, Int16
from scipy.special import bdtrc

from engine.formatting import rounded
from engine.risk.estimation.intervals import Estimate, Units, moments_of_totals
from engine.risk.estimation.measures import correlation as related, probability, share_difference

TOLERANCE = 0.1
"""Share of the best correlation with the futures that are looked for which a box may give up for having fewer limits."""
Draws = Mapping[str, Float[np.ndarray, "path"]]
Happens = Bool[np.ndarray, "path"]


@dataclass(frozen=True)
class Limits:
    """What a box leaves of one factor.

    Args:
      low, high: of a number, both within; infinite where it is not limited on that side.
      allowed: of a category, the values that are within; None of a number.
    """

    low: float = -np.inf
    high: float = np.inf
    allowed: tuple[float, ...] | None = None

    def hold(self, values: np.ndarray) -> np.ndarray:
        """Which values are within: bool, shaped as they are."""
        if self.allowed is not None:
            return np.isin(values, np.asarray(self.allowed, values.dtype))
        within = np.ones(values.shape, bool)
        if self.low > -np.inf:
            within &= values >= self.low
        if self.high < np.inf:
            within &= values <= self.high
        return within

    @property
    def ends(self) -> tuple[Limits, ...]:
        """Its restrictions one by one: the lower and the upper limit, those that there are; of a category itself."""
        if self.allowed is not None:
            return (self,)
        sides = (Limits(low=self.low), Limits(high=self.high))
        return tuple(side for side in sides if side != Limits())


Box = Mapping[str, Limits]
"""Limits by factor, of those that are restricted."""


@dataclass(frozen=True)
class Restriction:
    """One factor of a box, judged.

    Args:
      limits: of the factor.
      below, above: shares of its prior that lie below and above the limits; of a category 0, and the share that is not within.
      quasi_p: of the lower and of the upper limit (of a category of all of it, first): how likely the box would hold as many of the
        futures that are looked for if that limit told nothing; NaN where there is none.
      coverage, density: of the box without this factor.
    """

    limits: Limits
    below: float
    above: float
    quasi_p: tuple[float, float]
    coverage: float
    density: float


@dataclass(frozen=True)
class Judged:
    """A box, judged on futures that did not find it.

    Args:
      box: limits by factor.
      coverage: share of the futures that are looked for which lie within.
      density: share of the futures within that are looked for.
      mass: share of all futures that lie within.
      restrictions: by factor, the one that costs most to leave out first.
    """

    box: Box
    coverage: Estimate
    density: Estimate
    mass: Estimate
    restrictions: Mapping[str, Restriction]

    @property
    def cheapest(self) -> str | None:
        """The factor that costs least to leave out, where there are several."""
        return [*self.restrictions][-1] if len(self.restrictions) > 1 else None


def inside(box: Box, draws: Draws, paths: int) -> Happens:
    """Which futures lie within a box."""
    within = np.ones(paths, bool)
    for name, limits in box.items():
        within &= limits.hold(draws[name])
    return within


def correlation(within: Happens, cases: Happens) -> float:
    """Correlation over futures of being within a box and of being looked for (phi); 0 where one of them is none or all.

    0 for a box of everything, whatever share of the futures is looked for; of few of them, nearly the geometric mean of coverage and density.
    Source: Yule (1912), J. R. Statist. Soc. 75, 579-652, doi:10.2307/2340126.
    """
    n, a, b = len(cases), int(np.count_nonzero(within)), int(np.count_nonzero(cases))
    both = int(np.count_nonzero(within & cases))
    spread = a * (n - a) * b * (n - b)
    return 0.0 if spread == 0 else (n * both - a * b) / float(np.sqrt(float(spread)))


def correlations(withins: Sequence[Happens], cases: Happens, units: Units) -> tuple[list[Estimate], Estimate]:
    """Correlations with being looked for, of being within each of some sets of futures, and the first less the second; 95 % intervals over units.

    With a and b standardised each path adds a b - r (a^2 + b^2) / 2 to r; the interval is symmetric in Fisher's arctanh r, that of the gap is combined
    from the two and their own correlation. Source: Zou (2007), Psychol. Methods 12, 399-413, doi:10.1037/1082-989X.12.4.399.
    """
    estimates, residuals = [], []
    for within in withins:
        r = correlation(within, cases)
        a, b = ((one - one.mean()) / (one.std() or 1.0) for one in (within, cases))
        totals = units.totals(a * b - r * (a * a + b * b) / 2)
        error = float(moments_of_totals(totals, units).error)
        reach = units.reach * error / (1 - r * r) if error > 0 else 0.0
        known = units.count >= units.needed
        low, high = np.tanh(np.arctanh(r) + np.array([-reach, reach])) if reach else (r, r)
        estimates.append(Estimate(r, error, *((float(low), float(high)) if known else (np.nan, np.nan))))
        residuals.append(totals - totals.mean())
    one, two = estimates[:2]
    return estimates, share_difference(one, two, 0.0, related(*residuals[:2]))


def distance(values: np.ndarray, cases: Happens) -> float:
    """Kolmogorov and Smirnov's distance of the laws that values have among the futures looked for, and among the others."""
    order = np.argsort(values)
    among = cases[order]
    gaps = np.cumsum(among) / among.sum() - np.cumsum(~among) / (~among).sum()
    ascending = values[order]
    return float(np.abs(gaps[:-1][ascending[1:] > ascending[:-1]]).max(initial=0.0))


def best(candidates: Iterable[Box], draws: Draws, cases: Happens) -> Box | None:
    """The box of the highest correlation with as few limits as cost `TOLERANCE` of it, the cheapest left out first; None where none is above 0."""

    @cache
    def beyond(name: str, end: Limits) -> Int8[np.ndarray, "path"]:
        """1 where a future lies beyond a limit, else 0: looked at once however many boxes have it."""
        return (~end.hold(draws[name])).view(np.int8)

    def misses(box: Box) -> Int16[np.ndarray, "path"]:
        """Beyond how many limits of a box each future lies."""
        count = np.zeros(len(cases), np.int16)
        for name, limits in box.items():
            for end in limits.ends:
                count += beyond(name, end)
        return count

    boxes = [*candidates]
    values = [correlation(misses(box) == 0, cases) for box in boxes]
    if not boxes or max(values) <= 0:
        return None
    kept = boxes[int(np.argmax(values))]
    missed, value = misses(kept), max(values)
    while True:
        ends = [(name, end) for name, limits in kept.items() for end in limits.ends]
        # within all limits but one are those that miss that one at most
        values = [correlation(missed == beyond(*end), cases) for end in ends]
        k = int(np.argmax(values))
        lesser = _without(kept, *ends[k])
        if not lesser or values[k] < (1 - TOLERANCE) * value:
            return kept
        missed = missed - beyond(*ends[k])
        kept, value = lesser, max(value, values[k])


def judged(box: Box, draws: Draws, cases: Happens, units: Units, left: Happens) -> Judged:
    """What a box holds of some futures.

    Args:
      draws: of the futures [path].
      cases: which of them are looked for.
      units: theirs.
      left: which of them lie in no earlier box: what does is not counted again, in coverage and mass neither.
    """
    n = len(cases)
    within = inside(box, draws, n) & left
    parts: list[tuple[float, str, Restriction]] = []
    for name, limits in box.items():
        wider = inside(_without(box, name), draws, n) & left
        values = draws[name]
        if limits.allowed is None:
            below, above = float(np.mean(values < limits.low)), float(np.mean(values > limits.high))
        else:
            below, above = 0.0, float(np.mean(~limits.hold(values)))
        hits = int((wider & cases).sum())
        shares = hits / max(int(cases.sum()), 1), hits / max(int(wider.sum()), 1)
        quasi_p = _quasi_ps(box, name, draws, cases, within, left)
        part = Restriction(limits, below, above, quasi_p, *shares)
        parts.append((correlation(wider, cases), name, part))
    return Judged(
        box,
        probability(within[cases], units.take(cases)),
        probability(cases[within], units.take(within)),
        probability(within, units),
        {name: part for _, name, part in sorted(parts, key=lambda one: one[:2])},
    )


def _quasi_ps(
    box: Box, name: str, draws: Draws, cases: Happens, within: Happens, left: Happens
) -> tuple[float, float]:
    """P(Bin(n, p) >= k) with n futures and k of those looked for within, p their share where one limit of a factor is left out.

    Source: Bryant and Lempert (2010), Technol. Forecast. Soc. Change 77, 34-49, doi:10.1016/j.techfore.2009.08.002.
    """
    n, k = int(within.sum()), int((within & cases).sum())
    values = [np.nan, np.nan]
    for end in box[name].ends:
        wider = inside(_without(box, name, end), draws, len(cases)) & left
        share = float(cases[wider].mean()) if wider.any() else 0.0
        side = 0 if end.allowed is not None or end.low > -np.inf else 1
        values[side] = float(bdtrc(k - 1, n, share)) if k else 1.0
    return values[0], values[1]


def _without(box: Box, name: str, end: Limits | None = None) -> dict[str, Limits]:
    """The box without a factor, or without one of its limits."""
    others = [one for one in box[name].ends if end and one != end]
    rest = {other: limits for other, limits in box.items() if other != name}
    return rest | ({name: others[0]} if others else {})


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
