"""Why an estimate has no interval, or a warning about it: reasons with numbers, and a sentence for each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

import numpy as np
from jaxtyping import Float


class Sentence(StrEnum):
    """Names of what can be wrong, each with a sentence that says it."""

    sentence: str

    def __new__(cls, name: str, sentence: str) -> Self:
        """The member with this name, and its sentence, with places for its numbers."""
        member = str.__new__(cls, name)
        member._value_, member.sentence = name, sentence
        return member


class Reason(Sentence):
    """Names of what can be wrong with an estimate, in the order in which several are reported.

    Cubes store flags by position in this list: add new reasons at the end.
    """

    NOT_FINITE = "not_finite", "{got:.0f} of {limit:.0f} paths not finite"
    NO_PATHS = "no_paths", "no paths"
    ONE_UNIT = "one_unit", "one independent unit: no error"
    FEW_REPLICATES = "few_replicates", "{got:.0f} replicates, {limit:.0f} needed"
    ONE_GROUP = "one_group", "one group of paths: no error"
    FEW_GROUPS = "few_groups", "too few groups of paths for an interval here"
    NO_MEAN = "heavy_tail_no_mean", "heavy tail: an infinite mean is not excluded (tail shape {got:.2f})"
    NO_VARIANCE = "heavy_tail_no_variance", "heavy tail: infinite variance (tail shape {got:.2f})"
    FEW_TAIL_PATHS = "few_tail_paths", "its tail depends on {got:.0f} paths"
    FEW_EFFECTIVE_EXCEEDANCES = "few_effective_exceedances", "{got:.0f} effective exceedances, {limit:.0f} needed"
    FEW_EXCEEDANCES = "few_exceedances", "{got:.0f} exceedances, {limit:.0f} needed"
    FEW_IN_SAMPLE = "few_in_sample", "no interval from this sample"
    BINNED = "binned", "from a histogram: the interval includes the uncertainty of its bins"
    UNRECORDED = "unrecorded", "no interval"
    HEAVY_TAIL = "heavy_tail", "heavy tail: the interval may be too narrow (tail shape {got:.2f}, limit {limit:g})"
    NO_FOURTH_MOMENT = (
        "heavy_tail_no_fourth_moment",
        "heavy tail: infinite fourth moment, which a deviation's interval needs (tail shape {got:.2f})",
    )
    INFINITE_MEAN = "heavy_tail_infinite_mean", "heavy tail: infinite mean (tail shape {got:.2f})"
    FEW_TAIL_VALUES = "few_tail_values", "{got:.0f} values are a tail here, {limit:.0f} needed to go beyond them"
    FEW_DISTINCT = (
        "few_distinct_tail_values",
        "{got:.0f} different values in the tail, {limit:.0f} needed to go beyond them",
    )
    NO_LAW = "no_tail_law", "no generalised Pareto law fits the tail"
    ENDING_TAIL = (
        "ending_tail",
        "the tail ends: no interval by its likelihood (tail shape {got:.2f}, above {limit:g} needed)",
    )
    TIED = "tied", "tied values: no interval of a difference of quantiles"


WARNINGS = frozenset({Reason.BINNED, Reason.HEAVY_TAIL, Reason.NOT_FINITE})
"""Reasons that leave the interval in place; all others withhold it."""
DETAILS = ("got", "limit")
"""The numbers of a flag, in the order in which a cube stores them."""


@dataclass(frozen=True)
class Flag:
    """One reason with its numbers.

    Args:
      reason: what is wrong. All reasons except `WARNINGS` withhold the interval; none withholds the estimate.
      got: observed number: of paths, units, groups or exceedances; the tail's shape; for `BINNED`, the share of
        the interval's width that comes from bins.
      limit: number it is compared with: how many are needed, or how many there are; the limit of the shape. 0 for none.
    """

    reason: Reason
    got: float = 0.0
    limit: float = 0.0

    @property
    def withholds(self) -> bool:
        """Whether the interval is withheld because of it."""
        return self.reason not in WARNINGS


def text(*flags: Flag) -> str:
    """The sentences of some flags, each once, joined by semicolons; empty for no flag."""
    return "; ".join(dict.fromkeys(flag.reason.sentence.format_map(vars(flag)) for flag in flags))


def as_array(flags: Iterable[Flag]) -> Float[np.ndarray, "reason detail"]:
    """Numbers of each reason, float64 [reason, detail], in order of `Reason` and `DETAILS`; NaN where not flagged."""
    array = np.full((len(Reason), len(DETAILS)), np.nan)
    for flag in flags:
        array[list(Reason).index(flag.reason)] = flag.got, flag.limit
    return array


def of_array(array: Float[np.ndarray, "reason detail"]) -> tuple[Flag, ...]:
    """The flags whose numbers an array from `as_array` holds."""
    return tuple(
        Flag(reason, float(got), float(limit))
        for reason, (got, limit) in zip(Reason, array, strict=True)
        if np.isfinite(limit)
    )
