"""Stopping rule: a run is looked at after more and more paths, and ends when its targets are precise enough.

A pilot predicts, with half-width ~ n^(-1/2), how many paths a target needs. The run goes to 0.6 of that, at most four
times further, looks again, then goes to 1.05 of the new prediction. It ends where the 95 % interval is narrow enough;
the level is not divided among the looks. The numbers of paths follow from the study and its targets alone:
`docs/method.md`, "Stop when precise".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine.formatting import decimals, rounded
from engine.risk.estimation.events import happens
from engine.risk.estimation.flags import Reason, Sentence, text
from engine.risk.estimation.influences import FEWEST_FOR_ES_DIFFERENCE, level_of
from engine.risk.estimation.intervals import Estimate, Levels, PolicyPaths, Units, finite_units
from engine.risk.estimation.measures import difference, probability, probability_difference, summary
from engine.study.study import BLOCK, Study
from engine.study.tables.stops import Target
from engine.study.values import PROBABILITY

EXCEEDANCES = 200
"""Number of paths beyond VaR in a pilot."""
MIDDLE = 0.9
"""Level whose VaR would need as long a pilot as is run for a mean or a probability."""
SHORT, OVER, FURTHER = 0.6, 1.05, 4.0
"""Shares of the predicted paths that a run goes to at first and at last, and the largest factor between two looks."""
NEAR = 0.5
"""Share of the predicted paths from which on the next step goes to `OVER` of them."""
NUMBERS = ("estimate", "low", "high", "half_width", "wanted", "others")
"""Numbers of a look in a run's record."""
TOO_HEAVY = frozenset({Reason.NO_MEAN, Reason.NO_VARIANCE})


class State(Sentence):
    """State of a target at a look, each with a sentence that `standing` fills in."""

    MET = "met", "{half_width}, within {wanted}"
    SAME = "same", "{value:g} on all {at}; another value has a probability of at most {others:.2g} (95 %)"
    WIDE = "wide", "{half_width}, target {wanted}; about {left} more futures are needed"
    ZERO = "zero", "0 on {at}{cancelled}, so a target of {wanted} cannot be met"
    NO_INTERVAL = "no_interval", "no interval at {at} ({why})"
    HEAVY = "heavy", "no valid half-width ({why})"


class Ending(Sentence):
    """Why a run with a stopping rule ended, each with its sentence."""

    MET = "met", "The run ended at {at}, as it met its targets."
    BOUND = "bound", "The run ended at {at}, its maximum, and did not meet its targets."
    GIVEN_UP = "given_up", "The run ended at {at}, as more futures would not meet its targets."


@dataclass(frozen=True)
class Look:
    """State of a target after some number of paths.

    Args:
      target: the target.
      paths: number of paths.
      estimate: of the target's measure.
      half_width: of its 95 % interval; the whole width where an event happens never or always; NaN where there is none.
      state: state of the target.
      others: upper 95 % end of the share of paths with another value, where all paths have the same value; else NaN.
    """

    target: Target
    paths: int
    estimate: Estimate
    half_width: float
    state: State
    others: float = math.nan

    @property
    def wanted(self) -> float:
        """The wanted half-width, in the variable's unit."""
        return self.target.width * (abs(self.estimate.estimate) if self.target.is_relative else 1.0)

    @property
    def never(self) -> bool:
        """Whether the target is the probability of an event that has not happened."""
        return self.target.is_event and self.estimate.estimate == 0

    @property
    def holds(self) -> bool:
        """Whether the target is met."""
        return self.state is State.MET

    @property
    def needed(self) -> float:
        """Predicted number of paths that the target needs, n (half-width / wanted)^2; NaN where it cannot be predicted.

        For an event that has never happened the ratio is not squared.
        """
        if self.state not in (State.WIDE, State.MET) or self.wanted <= 0:
            return math.nan
        return self.paths * (self.half_width / self.wanted) ** (1 if self.never else 2)

    def as_dict(self) -> dict[str, Any]:
        """Plain data; None for numbers that are not finite."""
        numbers = vars(self) | vars(self.estimate) | {"wanted": self.wanted}
        known = {key: float(numbers[key]) if math.isfinite(numbers[key]) else None for key in NUMBERS}
        flags = [flag.reason.value for flag in self.estimate.flags]
        return {"target": str(self.target), "state": self.state.value, **known, "flags": flags}


@dataclass(frozen=True)
class Ended:
    """A run that its stopping rule has ended.

    Args:
      bound: largest number of paths that it was allowed.
      looks: the looks at all targets, for each number of paths, ascending.
    """

    bound: int
    looks: tuple[tuple[Look, ...], ...]

    @property
    def paths(self) -> int:
        """Number of paths at which it ended."""
        return self.looks[-1][0].paths

    @property
    def ending(self) -> Ending:
        """Why it ended."""
        if all(look.holds for look in self.looks[-1]):
            return Ending.MET
        return Ending.BOUND if self.paths >= self.bound else Ending.GIVEN_UP

    def as_dict(self) -> dict[str, Any]:
        """Plain data for the run's record."""
        return {
            "ended": self.ending.value,
            "bound": self.bound,
            "looks": [look[0].paths for look in self.looks],
            "targets": [look.as_dict() for look in self.looks[-1]],
        }


def walk(first: int, bound: int, look_at: Callable[[int], Sequence[Look]], unit: int) -> Iterator[tuple[Look, ...]]:
    """The looks at all targets, yielded after each step until the rule ends the run.

    Args:
      first: number of paths of the pilot.
      bound: largest number of paths allowed.
      look_at: gives the looks after a number of paths.
      unit: paths in an independent unit.
    """
    paths, heavy_before = min(first, bound), set[Target]()
    while True:
        looks = tuple(look_at(paths))
        yield looks
        heavy = {look.target for look in looks if look.state is State.HEAVY}
        hopeless = heavy & heavy_before  # a tail has been too heavy for an interval at two looks
        left = [following(look) for look in looks if not look.holds and look.target not in hopeless]
        if paths >= bound or not left:
            return
        paths, heavy_before = min(rounded_up(max(left), unit), bound), heavy


def following(look: Look) -> float:
    """Number of paths at which to look again at a target that is not met."""
    if look.paths >= NEAR * look.needed:
        return OVER * look.needed
    return float(np.fmin(SHORT * look.needed, FURTHER * look.paths))


def first_look(targets: Sequence[Target], unit: int) -> int:
    """Number of paths of a pilot: for each target 200 beyond VaR and as many as its interval needs, in whole units."""

    def first(target: Target) -> float:
        fewest = FEWEST_FOR_ES_DIFFERENCE if target.less and target.measure.startswith("ES") else EXCEEDANCES
        # a level of 99 % in floating point leaves a little less than a hundredth
        return round(fewest / (1 - (level_of(target.measure) or MIDDLE)), 6)

    return rounded_up(max(*map(first, targets), Units(0, unit).needed * unit), unit)


def rounded_up(paths: float, unit: int) -> int:
    """Least number of paths, at least `paths`, in whole units and, beyond one block, in whole eighths of a block.

    The next step computes an unfinished last block again, so that each step repeats at most one block.
    """
    of = unit if paths <= BLOCK else math.lcm(unit, BLOCK // 8)
    return of * math.ceil(paths / of)


def look(study: Study, target: Target, outcomes: Mapping[str, PolicyPaths]) -> Look:
    """State of a target in the first paths of a study.

    Args:
      outcomes: values on these paths, by name, of the outcomes that the target depends on.
    """
    rows = [study.row(policy) for policy in (target.policy, target.less) if policy is not None]
    name, is_event = target.variable, target.measure == PROBABILITY
    # a NaN is no event, as in every table
    values = happens(study, study.events_by_name[name], outcomes) if is_event else outcomes[name]
    return look_at(target, [*values[rows]], study.unit, is_event or study.is_loss(name), study.levels)


def look_at(target: Target, values: Sequence[np.ndarray], unit: int, loss: bool, levels: Levels) -> Look:
    """State of a target on values [path], or on the difference of two on the same paths; for an event they are bool."""
    own, *other = values
    paths, of_quantile = len(own), target.measure.startswith("VaR") and not other
    if target.measure == PROBABILITY:
        estimate = probability_difference(own, other[0], unit) if other else probability(own, unit)
    else:
        found = difference(own, other[0], unit, loss, levels) if other else summary(own, unit, loss, levels)
        estimate = found[target.measure]
        kept, _, _ = finite_units(tuple(values), unit)
        gap = np.subtract(*kept, dtype=np.float64) if other else kept[0]
        # the interval of a single quantile is distribution-free, as that of a share: it holds whatever is not seen
        if not of_quantile and paths > unit and len(gap) and gap.min() == gap.max():
            others = probability(np.zeros(paths, bool), unit).high
            return Look(target, paths, estimate, math.nan, State.SAME, others)
    half_width = (estimate.high - estimate.low) / 2
    if target.is_event and estimate.estimate in (0, 1):
        half_width *= 2
    seen = Look(target, paths, estimate, half_width, State.WIDE)
    if any(flag.reason in TOO_HEAVY for flag in estimate.flags):
        return replace(seen, state=State.HEAVY)
    if math.isnan(half_width):
        return replace(seen, state=State.NO_INTERVAL)
    if target.is_relative and estimate.estimate == 0:
        return seen if half_width else replace(seen, state=State.ZERO)
    return replace(seen, state=State.MET) if half_width <= seen.wanted else seen


def few_digits(number: float) -> str:
    """A predicted number of paths to two digits: `310,000`."""
    return f"{float(f'{number:.2g}'):,.0f}" if math.isfinite(number) and number > 0 else "unknown many"


def _futures(paths: int) -> str:
    return f"{paths:,} future{'s' * (paths != 1)}"


def half_width(look: Look) -> str:
    """Half-width as text: `±1.8 %` for a relative target, else in the unit; `not once: at most 0.002` for no hit."""
    if look.never:
        return f"no occurrence: at most {look.estimate.high:.2g}"
    if look.target.is_relative and look.estimate.estimate:
        return f"±{100 * look.half_width / abs(look.estimate.estimate):.2g} %"
    return f"±{look.half_width:.2g} {look.target.unit}".rstrip()


def standing(look: Look) -> str:
    """State of a target as text: `ES99 of cost under old: ±1.8 %, wanted 1 %: about 1,200,000 futures to go`."""
    own, target, sentence = look.estimate, look.target, look.state.sentence
    if look.state is State.MET and not look.half_width:
        sentence = f"{rounded(own.estimate, decimals(own.standard_error))} without error"
    elif look.state is State.WIDE and target.is_relative:
        if look.never:
            sentence = "{half_width} of {at} (95 %)"
        elif own.low <= 0 <= own.high:
            sentence = "not significantly different from 0 on {at}; state the target of {wanted} in the unit"
    found = sentence.format(
        at=_futures(look.paths),
        # a mean without error may be zero although its values are not
        cancelled=" by its pairs, which cancel" * (target.measure == "mean"),
        half_width=half_width(look),
        left=few_digits(look.needed - look.paths),
        others=look.others,
        value=own.estimate + 0.0,
        wanted=target.wanted,
        why=text(*(flag for flag in own.flags if flag.withholds)) or "too few of them",
    )
    return f"{target.number}: {found}"


def ending(ended: Ended, held: int = 0) -> list[str]:
    """Lines of text: why a run ended, then the state of each target.

    Args:
      held: number of paths in the run's folder, which may be more than those at which the rule ends.
    """
    looks, at = ended.looks[-1], "its first " * (held > ended.paths) + _futures(ended.paths)
    head, wide = ended.ending.sentence.format(at=at), [look.needed for look in looks if not look.holds]
    if ended.ending is Ending.BOUND and np.isfinite(wide).all():
        head += f" About {few_digits(max(wide))} are enough: --paths {float(f'{1.1 * max(wide):.2g}'):.0f}."
    return [head, *(f"{standing(look)}." for look in looks)]
