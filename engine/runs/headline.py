"""The headline estimate of a run in progress: the tail of its first loss, from the blocks that are done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.risk.estimation.influences import FEWEST_FOR_ES
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.measures import summary
from engine.run_folder import ledger
from engine.run_folder.folder import RunFolder
from engine.run_folder.reading import Paths
from engine.study.study import BLOCK, Study

MOST_VALUES = 1 << 23
"""Most values that are read, of all policies together (32 MiB): more would hardly narrow the interval shown."""
TAILS = {"ES99": 0.01, "ES95": 0.05}
"""Measures by preference with their tails; the first whose tail has enough paths is shown, else the mean."""


@dataclass(frozen=True)
class Headline:
    """A measure of one outcome, with its estimate under each policy."""

    variable: str
    measure: str
    estimates: Mapping[str, Estimate]


def outcome(study: Study) -> str | None:
    """The outcome that is shown, a loss if any is kept path by path; None if no outcome is kept."""
    return min(
        study.keep.outcomes, key=lambda name: (not study.is_loss(name), name not in study.headline[:1]), default=None
    )


def so_far(folder: RunFolder) -> Headline | None:
    """The headline of the blocks that are done, of which there is at least one; None if no outcome is kept."""
    study, variable = folder.study, outcome(folder.study)
    if variable is None:
        return None
    most = max(1, MOST_VALUES // (BLOCK * len(study.policies)))
    blocks = [study.block(index) for index in ledger.done_blocks(folder)][:most]
    values = Paths(folder, blocks)[variable]
    measure = next((name for name, tail in TAILS.items() if values.shape[-1] * tail >= FEWEST_FOR_ES), "mean")
    summaries = (summary(own, study.unit, study.is_loss(variable)) for own in values)
    estimates = {policy: own[measure] for policy, own in zip(study.policy_names, summaries, strict=True)}
    return Headline(variable, measure, estimates)
