"""Key `run.until`, read to targets of precision at which a run ends; every name looked up."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from engine.errors import Problems, refusal
from engine.formatting import shown
from engine.modelling.records import Model
from engine.study.values import PROBABILITY, Names, Tables, measure_of

_TARGET = re.compile(r"(\S+) of (\S+) under (\S+)(?: minus (\S+))? within (\S+?) ?(%|(?<= )\S.*|)")


@dataclass(frozen=True)
class Target:
    """A target of precision: an estimate of a run, and the largest half-width that its 95 % interval may have.

    Args:
      measure: "probability" of an event; "mean", or a name such as "VaR95" or "ES99", of an outcome.
      less: the policy that is subtracted, on the same futures; None where the estimate is of one policy.
      width: largest half-width of the interval: in the variable's unit, or as a share of the estimate.
      is_relative: whether `width` is a share of the estimate.
      unit: of the variable; "" for none.
    """

    measure: str
    variable: str
    policy: str
    less: str | None
    width: float
    is_relative: bool
    unit: str = ""

    @property
    def is_event(self) -> bool:
        """Whether the estimate is the probability of an event under one policy."""
        return self.measure == PROBABILITY and self.less is None

    def __str__(self) -> str:
        """The target as a study file states it, always in the same words."""
        return f"{self.number} within {self.wanted}"

    @property
    def number(self) -> str:
        """The estimate in words: `ES99 of cost under old minus reform`."""
        under = self.policy if self.less is None else f"{self.policy} minus {self.less}"
        return f"{self.measure} of {self.variable} under {under}"

    @property
    def wanted(self) -> str:
        """Its half-width in words: `1 %`, `0.5 bn yuan`."""
        if self.is_relative:
            return f"{float(f'{100 * self.width:.12g}')!r}".removesuffix(".0") + " %"
        return f"{self.width!r}".removesuffix(".0") + (f" {self.unit}" if self.unit else "")


def read(
    text: Tables, running: Names, model: Model, levels: Sequence[float], kept: Names, problems: Problems, spare: Names
) -> tuple[tuple[Target, ...], tuple[Target, ...]]:
    """The targets that a study states, and, apart, those that are left out as their policies do not run.

    Args:
      running: names of the policies that run.
      levels: levels of VaR and ES that the study measures.
      kept: outcomes that are kept path by path; only these can have targets.
      problems: those of the targets are added here.
      spare: contains "run.until" where targets on policies that do not run are left out, as other policies run than the
        study states; otherwise they are problems.
    """
    targets, left = list[Target](), list[Target]()
    for sentence in text["run"]["until"]:
        with problems.within("run.until"):
            target = target_of(sentence, text["policies"], text["events"], model, levels)
            if lost := [name for name in _outcomes(target.variable, text["events"]) if name not in kept]:
                names = " and ".join(f"'{name}'" for name in lost)
                raise refusal(
                    "",
                    f"'{target.variable}' needs {names} path by path, "
                    f"which the rule looks at. Add {names} to keep.outcomes.",
                )
            idle = [name for name in (target.policy, target.less) if name and name not in running]
            if idle and "run.until" not in spare:
                raise refusal("", f"policy '{idle[0]}' does not run. Add it to compare, or to --policies.")
            (left if idle else targets).append(target)
    return tuple(dict.fromkeys(targets)), tuple(dict.fromkeys(left))


def target_of(sentence: str, policies: Names, events: Names, model: Model, levels: Sequence[float]) -> Target:
    """The target that a sentence states: `ES99 of cost under old within 1 %`, `mean of cost under old minus reform
    within 2 bn yuan`.

    Raises:
      UserError: with all problems: words that are not understood, unknown names, another unit than the variable's.
    """
    found = _TARGET.fullmatch(" ".join(sentence.split()))
    if found is None:
        raise refusal(
            "",
            "expected MEASURE of VARIABLE under POLICY [minus POLICY] within NUMBER [% or the unit]"
            f", got {shown(sentence)}. Example: '"
            f"mean of {[*model.outcomes, 'VARIABLE'][0]} under {[*policies, 'POLICY'][0]} within 1 %'.",
        )
    measure, variable, policy, less, number, unit = found.groups()
    problems = Problems()
    for name in filter(None, (policy, less)):
        problems.knows("", "policy", name, policies)
    if policy == less:
        problems.add("", f"takes '{policy}' from itself. Name two policies.")
    measure = measure_of(measure, variable, events, model.outcomes, levels, problems)
    own = model.outcomes[variable].unit if variable in model.outcomes else "1"
    own = "" if own == "1" else own
    if unit not in ("", "%", own):
        expected = f"%, or '{own}', its unit" if own else "% or nothing behind the number"
        problems.add("", f"expected {expected}, got '{unit}'.")
    width = math.nan
    with suppress(ValueError):
        width = float(number)
    if not 0 < width < math.inf:
        problems.add("", f"expected a number above 0 behind 'within', got '{number}'.")
    problems.refuse()
    is_relative = unit == "%"
    share = float(f"{width / 100:.12g}") if is_relative else width
    return Target(measure, variable, policy, less, share, is_relative, own)


def _outcomes(variable: str, events: Tables) -> list[str]:
    """The outcomes that a variable is read from."""
    event = events.get(variable, {})
    parts = event.get("all") or event.get("any") or [variable]
    names = dict.fromkeys(events.get(part, {}).get("outcome", part) for part in parts)
    return [name for name in names if name not in events]
