"""Tallies of outcomes that are not stored per path: histograms and counts by group of paths, which merge.

A group is a number of consecutive paths in whole units. A tally has a bounded size whatever the values: it holds
the occupied bins (`histograms.py`), and one number for each group, policy and question.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float, Int

from engine.risk.estimation.events import ByName, happens, known_events
from engine.risk.estimation.histograms import BINS, Bins, Histogram, Numbers, counted, edges_of
from engine.study.components import Event
from engine.study.study import BLOCK, Study

GROUP = 1 << 13
"""Largest number of paths in a group of the first blocks."""
GROUPS_OF_BLOCK = BLOCK // GROUP
GROUPS = 64
"""Number of groups that remain after merging; the groups of all blocks are added to them in turn."""
FINE = 2 * GROUPS
"""Number of first blocks that are cut into groups; each later block is one group, whose tally is a third as large."""
TOGETHER = 8
"""Tallies of blocks that are read at a time while they are merged."""
LANES = 256, 16
"""Numbers of lanes in the two steps of `added`."""
_BY_GROUP = ("sizes", "totals", "worse", "regret", "events")
_STORED = {"bins": (np.uint32,), "counts": (np.uint16, np.uint32), "steps": (np.uint32, np.uint64)}


@dataclass(frozen=True)
class Tally:
    """Counts and sums over the paths of each group, for the outcomes `unkept` and the events `unkept_events`.

    Args:
      sizes: number of paths, int64 [group].
      bins: index of outcome and policy, row-major, times 2^16 plus the bin; ascending, int64 [bin].
      counts, steps: of these bins, as from `histograms.counted`, int64 [group, bin] and [bin].
      totals: sum of the values, float64 [outcome, policy, group].
      least, most: smallest and largest value, in the study's precision [outcome, policy].
      worse: number of paths on which the policy is worse than the baseline, int64 [outcome, policy, group].
      regret: sum of the distances from the best policy of the same path, float64 [outcome, policy, group].
      events: number of paths on which the event happens, int64 [event, policy, group].
    """

    sizes: Numbers
    bins: Bins
    counts: Int[np.ndarray, "group bin"]
    steps: Bins
    totals: Float[np.ndarray, "outcome policy group"]
    least: Float[np.ndarray, "outcome policy"]
    most: Float[np.ndarray, "outcome policy"]
    worse: Int[np.ndarray, "outcome policy group"]
    regret: Float[np.ndarray, "outcome policy group"]
    events: Int[np.ndarray, "event policy group"]

    def histogram(self, outcome: int, policy: int) -> Histogram:
        """Histogram of one outcome under one policy, by their indices."""
        row = outcome * self.least.shape[1] + policy
        first, last = np.searchsorted(self.bins, [row * BINS, (row + 1) * BINS])
        return Histogram(
            *edges_of(self.bins[first:last] - row * BINS),
            self.counts[:, first:last],
            self.steps[first:last],
            self.totals[outcome, policy],
            float(self.least[outcome, policy]),
            float(self.most[outcome, policy]),
            rounded=self.most.dtype != np.float32,
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """The fields by name, in the smallest types that hold a block's tally."""
        arrays = dict(vars(self))
        for name, types in _STORED.items():
            most = arrays[name].max(initial=0)
            arrays[name] = arrays[name].astype(next(one for one in types if most <= np.iinfo(one).max))
        return arrays

    @staticmethod
    def of_arrays(arrays: ByName) -> Tally:
        """The tally whose fields `arrays` gave."""
        return Tally(**{n: array.astype(np.int64) if n in _STORED else array for n, array in arrays.items()})


def unkept(study: Study) -> tuple[str, ...]:
    """Names of the outcomes that are not kept per path, in the order of the model."""
    return tuple(name for name in study.model.outcomes if name not in study.keep.outcomes)


def unkept_events(study: Study) -> tuple[Event, ...]:
    """Events that depend on an outcome that is not kept per path, in the order of the study."""
    known = known_events(study, study.keep.outcomes)
    return tuple(event for event in study.events if event not in known)


def tally(study: Study, outcomes: Float[np.ndarray, "policy outcome path"], size: int = GROUP) -> Tally:
    """Tally of one block, from all outcomes of the model in its order; paths that are left out are NaN throughout.

    Values are rounded to single precision for their bins alone, not for totals and comparisons of policies.

    Args:
      size: largest number of paths in a group: `group_size` of the block.
    """
    starts = group_starts(outcomes.shape[-1], study.unit, size)
    sound = np.isfinite(outcomes[0, 0])
    if not sound.all():
        outcomes = outcomes[..., sound]
        starts = np.searchsorted(np.flatnonzero(sound), starts)
        starts = starts[np.diff(starts, append=outcomes.shape[-1]) > 0]
    values = {name: outcomes[:, k] for k, name in enumerate(study.model.outcomes)}
    own, base = {name: values[name] for name in unkept(study)}, study.row(study.baseline)
    bins, counts, steps = zip(*(counted(row, starts) for of in own.values() for row in of), strict=True)
    worse, regret = [], []
    for name, of in own.items():
        losses = of if study.is_loss(name) else -of
        worse.append(_numbers(losses > losses[base], starts))
        regret.append(added(losses - losses.min(axis=0), starts))
    events = [_numbers(happens(study, event, values), starts) for event in unkept_events(study)]
    return Tally(
        sizes=np.diff(starts, append=outcomes.shape[-1]),
        bins=np.concatenate([row * BINS + held for row, held in enumerate(bins)]),
        counts=np.concatenate(counts, axis=1),
        steps=np.concatenate(steps),
        totals=np.array([added(of, starts) for of in own.values()]),
        # adding 0 turns -0.0 into 0.0
        least=np.array([of.min(axis=-1, initial=np.inf) for of in own.values()]) + 0,
        most=np.array([of.max(axis=-1, initial=-np.inf) for of in own.values()]) + 0,
        worse=np.array(worse),
        regret=np.array(regret),
        events=np.array(events, np.int64).reshape(len(events), len(study.policies), len(starts)),
    )


class Folding:
    """Accumulates the tallies of blocks, in the order of the blocks, into one over at most `GROUPS` groups.

    Integers summed over all groups are the same in any order; sums of values depend on it in their last bits.

    Args:
      first: tally of the first block, for its shapes; it is not added yet.
    """

    def __init__(self, first: Tally):
        self.blocks, self._groups = 0, 0
        of_first = {name: getattr(first, name) for name in _BY_GROUP}
        self._held = Tally(
            bins=np.zeros(0, np.int64),
            counts=np.zeros((GROUPS, 0), np.int64),
            steps=np.zeros(0, np.int64),
            least=first.least.copy(),
            most=first.most.copy(),
            **{name: np.zeros((*of.shape[:-1], GROUPS), of.dtype) for name, of in of_first.items()},
        )

    def add(self, part: Tally) -> None:
        """Adds the tally of the next block."""
        held, every = self._held, np.union1d(self._held.bins, part.bins)
        if len(every) > len(held.bins):
            known = np.searchsorted(every, held.bins)
            counts, steps = (np.zeros((*of.shape[:-1], len(every)), np.int64) for of in (held.counts, held.steps))
            counts[:, known], steps[known] = held.counts, held.steps
            held = self._held = replace(held, bins=every, counts=counts, steps=steps)
        groups, columns = (self._groups + np.arange(len(part.sizes))) % GROUPS, np.searchsorted(every, part.bins)
        for group, of_group in zip(groups, part.counts, strict=True):
            held.counts[group][columns] += of_group
        held.steps[columns] += part.steps
        np.minimum(held.least, part.least, out=held.least)
        np.maximum(held.most, part.most, out=held.most)
        for name in _BY_GROUP:
            getattr(held, name)[..., groups] += getattr(part, name)
        self._groups += len(groups)
        self.blocks += 1

    def tally(self) -> Tally:
        """The tally of all blocks added so far."""
        held, some = self._held, self._held.sizes > 0
        of_groups = {name: getattr(held, name)[..., some] for name in _BY_GROUP}
        return replace(held, counts=held.counts[some], **of_groups)


def folded(parts: Iterable[Tally]) -> Tally:
    """One tally from those of blocks, which must come in the order of the blocks.

    Raises:
      ValueError: for no blocks.
    """
    folding: Folding | None = None
    for part in parts:
        folding = folding or Folding(part)
        folding.add(part)
    if not folding:
        raise ValueError("no blocks: expected at least one")
    return folding.tally()


def group_size(index: int) -> int:
    """Largest number of paths in a group of the block with this index."""
    return GROUP if index < FINE else BLOCK


def group_starts(count: int, unit: int, size: int) -> Numbers:
    """First path of each group of a block of `count` paths: groups of whole units and about equal size.

    Args:
      size: largest number of paths in a group.
    """
    groups = -(-count // size)
    return np.arange(groups) * count // groups // unit * unit


def added(values: Float[np.ndarray, "policy path"], starts: Numbers) -> Float[np.ndarray, "policy group"]:
    """Sum of the values of each group, float64, in a fixed order of additions.

    The values are dealt to 256 lanes in turn, each of which adds them in order; the lanes' sums are dealt to 16 lanes
    in the same way; these are added from the first to the last.
    """
    sizes = np.diff(starts, append=values.shape[-1])
    width = -(-int(sizes.max(initial=0)) // LANES[0]) * LANES[0]
    if (sizes == width).all():
        rows = values.reshape(len(values), len(starts), width)
    else:
        rows = np.zeros((len(values), len(starts), width), values.dtype)
        for group, (begin, end) in enumerate(pairwise([*starts, values.shape[-1]])):
            rows[:, group, : end - begin] = values[:, begin:end]
    for lanes in LANES:
        rows = rows.reshape(*rows.shape[:2], rows.shape[2] // lanes, lanes).sum(axis=2, dtype=np.float64)
    return functools.reduce(np.add, np.moveaxis(rows, -1, 0)) + 0.0


def _numbers(holds: Bool[np.ndarray, "policy path"], starts: Numbers) -> np.ndarray:
    """Number of paths of each group on which a property holds, int64 [policy, group]."""
    ends = pairwise([*starts, holds.shape[-1]])
    numbers = [np.count_nonzero(holds[:, begin:end], axis=-1) for begin, end in ends]
    return np.array(numbers, np.int64).reshape(len(starts), len(holds)).T
