"""Blocks that are reduced on the devices: what a device must give of a block, and the tally made from its results."""

from __future__ import annotations

import numpy as np

from engine.program.reductions import Asked, Reduced
from engine.risk.estimation.events import thresholds
from engine.risk.estimation.tallies import Tally, group_size, group_starts, unkept, unkept_events
from engine.study.study import Block, Study


def reduction(study: Study, block: Block) -> Asked | None:
    """The numbers that a device must give of a block; None where all outcomes are kept, and in double precision."""
    tallied = unkept(study)
    if not tallied or study.dtype != np.float32:
        return None
    place = {name: k for k, name in enumerate(study.model.outcomes)}
    return Asked(
        count=block.count,
        starts=tuple(_starts(block, study).tolist()),
        kept=tuple(place[name] for name in study.keep.outcomes),
        tallied=tuple(place[name] for name in tallied),
        losses=tuple(study.is_loss(name) for name in tallied),
        baseline=study.row(study.baseline),
        events=tuple(
            tuple((place[name], above, limit) for name, above, limit in thresholds(study, event))
            for event in unkept_events(study)
        ),
    )


def tally_of(reduced: Reduced, study: Study) -> Tally:
    """The tally of a reduced block, the same as `risk.estimation.tallies.tally` gives of its outcomes."""
    block = reduced.block
    return Tally(sizes=np.diff(_starts(block, study), append=block.count), **reduced.tally)


def _starts(block: Block, study: Study) -> np.ndarray:
    return group_starts(block.count, study.unit, group_size(block.index))
