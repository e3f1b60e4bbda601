"""The headline estimate of a run in progress: the tail of its first loss, from the blocks that are done."""

from __future__ import annotations

import numpy as np

from engine.risk.estimation.evidence import FEWEST_FOR_ES
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.measures import summary
from engine.run_folder import ledger
from engine.run_folder.folder import RunFolder
from engine.run_folder.reading import Paths
from engine.study.study import Block

MOST_VALUES = 1 << 23
"""Most values that are read, of all policies together (32 MiB): more would hardly narrow the interval shown."""
TAILS = {"ES99": 0.01, "ES95": 0.05}
"""Measures by preference with their tails; the first whose tail has enough paths is shown, else the mean."""


class Tightening:
    """An estimate whose interval narrows as blocks are done; `variable` is the outcome, "" if none is stored.

    Args:
      folder: of the run.
    """

    def __init__(self, folder: RunFolder):
        study = folder.study
        self._folder, self._study = folder, study
        kept = sorted(study.keep.outcomes, key=lambda name: name not in study.headline[:1])
        losses = [name for name in kept if study.model.outcomes[name].loss]
        self.variable = (losses or [*kept, ""])[0]
        self._values: dict[int, np.ndarray] = {}
        self._count, self._taken = 0, set[int]()

    def add(self, block: Block) -> None:
        """Takes in a block that has been committed; the first call also takes in all blocks that are done already."""
        blocks = [block]
        if not self._taken:
            done = ledger.done_blocks(self._folder)
            blocks += [self._study.block(index) for index in done]
        for each in blocks if self.variable else ():
            if each.index in self._taken:  # the first call found it in the ledger already
                continue
            self._taken.add(each.index)
            if (self._count + each.count) * len(self._study.policies) <= MOST_VALUES:
                self._values[each.index] = Paths(self._folder, [each])[self.variable]
                self._count += each.count

    def estimates(self) -> tuple[str, dict[str, Estimate]]:
        """The measure, and its estimate under every policy; "" and no estimates before the first block."""
        if not self._values:
            return "", {}
        values = np.concatenate([self._values[index] for index in sorted(self._values)], axis=-1)
        level = next((name for name, tail in TAILS.items() if self._count * tail >= FEWEST_FOR_ES), "mean")
        loss = self._study.is_loss(self.variable)
        estimates = {
            policy: summary(values[k], self._study.unit, loss)[level]
            for k, policy in enumerate(self._study.policy_names)
        }
        return level, estimates
