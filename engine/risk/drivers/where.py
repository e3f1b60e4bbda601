"""Selection of futures across policies: "reform worse than old in cost", "EVENT under POLICY"."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from engine.errors import Problems, UserError, look_up, refusal
from engine.risk.estimation.conditional import Condition, not_kept, parse_condition
from engine.risk.estimation.events import ByName, Happens, known_events, thresholds
from engine.study.study import Study

VERSUS = re.compile(r"(\S+)\s+(worse|better)\s+than\s+(\S+)\s+in\s+(\S+)")
UNDER = re.compile(r"(?P<what>.+?)\s+under\s+(?P<policy>\S+)")
NAME = re.compile(r"[^\s<>=]+")
EXPECTED = (
    "expected 'POLICY worse than POLICY in OUTCOME', 'EVENT under POLICY' or 'OUTCOME > NUMBER under POLICY', "
    "several joined by 'and'"
)


@dataclass(frozen=True)
class Versus:
    """Condition that a policy does worse, or better, than another in an outcome on the same future."""

    policy: str
    worse: bool
    other: str
    outcome: str

    @property
    def reads(self) -> set[str]:
        """Names of the outcomes that it reads."""
        return {self.outcome}

    def holds(self, study: Study, values: ByName) -> Happens:
        """On which futures it holds, from outcomes by name [policy, path]."""
        one, other = (values[self.outcome][study.row(policy)] for policy in (self.policy, self.other))
        return one > other if self.worse == study.is_loss(self.outcome) else one < other


@dataclass(frozen=True)
class Under:
    """Condition that comparisons with numbers hold under a policy.

    Those of an event have its name as their text.
    """

    what: Condition
    policy: str

    @property
    def reads(self) -> set[str]:
        """Names of the outcomes that it reads."""
        return {term.name for term in self.what.terms}

    def holds(self, study: Study, values: ByName) -> Happens:
        """On which futures it holds, from outcomes by name [policy, path]."""
        return self.what.holds({name: values[name][study.row(self.policy)] for name in self.reads})


@dataclass(frozen=True)
class Where:
    """Conditions that must all hold on a future, and the text that they were parsed from."""

    text: str
    parts: tuple[Versus | Under, ...]

    @property
    def outcomes(self) -> set[str]:
        """Names of the outcomes that the conditions read."""
        return {name for part in self.parts for name in part.reads}

    def holds(self, study: Study, values: ByName) -> tuple[Happens, Happens]:
        """On which futures all conditions hold, and on which that is known because every outcome they read is finite.

        A future on which an outcome is not finite under one policy is left out under all of them.

        Args:
          values: the outcomes that the conditions read, and perhaps others, by name [policy, path].
        """
        known = np.isfinite(np.stack([values[name] for name in self.outcomes])).all(axis=(0, 1))
        holds = np.stack([part.holds(study, values) for part in self.parts]).all(axis=0)
        return holds & known, known


def parse_where(study: Study, text: str, unkept: Iterable[str] = ()) -> Where:
    """The selection of futures that a text states: conditions joined by `and`.

    A condition without a policy takes that of the next one that has it, or the only policy of the study.

    Args:
      unkept: names of outcomes whose values are not kept path by path.

    Raises:
      UserError: all problems at once: text that is no condition, unknown names, outcomes that are not kept.
    """
    problems, parts = Problems(), list[Versus | Under]()
    policy = study.policy_names[0] if len(study.policies) == 1 else None
    for words in reversed(re.split(r"\s+and\s+", text.strip())):
        with problems.within(""):
            if versus := VERSUS.fullmatch(words):
                parts.insert(0, _versus(study, versus, unkept))
                continue
            if under := UNDER.fullmatch(words):
                look_up("policy", under["policy"], study.policy_names)
                policy, words = under["policy"], under["what"]
            what = _what(study, words, unkept)
            if policy is None:
                listed = " or ".join(f"'{words} under {name}'" for name in study.policy_names[:2])
                raise refusal("", f"expected under which policy, such as {listed}.")
            parts.insert(0, Under(what, policy))
    if problems:
        raise UserError("--where", [*problems][::-1])
    return Where(" ".join(text.split()), tuple(parts))


def _versus(study: Study, match: re.Match[str], unkept: Iterable[str]) -> Versus:
    policy, side, other, outcome = match.groups()
    if outcome in unkept:
        raise refusal("", not_kept(outcome, study.keep.outcomes))
    problems = Problems()
    for kind, name, known in (
        ("policy", policy, study.policy_names),
        ("policy", other, study.policy_names),
        ("outcome", outcome, study.keep.outcomes),
    ):
        problems.knows("", kind, name, known)
    problems.refuse()
    if policy == other:
        raise refusal("", f"expected two policies, got '{policy}' twice.")
    return Versus(policy, side == "worse", other, outcome)


def _what(study: Study, words: str, unkept: Iterable[str]) -> Condition:
    events = study.events_by_name
    if words in events:
        kept = {event.name for event in known_events(study, study.keep.outcomes)}
        if words not in kept:
            raise refusal("", not_kept(words, [*study.keep.outcomes, *kept]))
        return Condition(words, thresholds(study, events[words]))
    if re.search("[<>=]", words):
        return parse_condition(words, study.keep.outcomes, unkept)
    if NAME.fullmatch(words):
        look_up("event", words, list(events))
    raise refusal("", f"{EXPECTED}, got '{words}'.")
