"""One compiled program with changed inputs: the same futures under a changed study."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any, TypeVar

import jax
import numpy as np

from engine.program import arguments
from engine.program.contract import Outcomes, Program
from engine.program.cpu_program import CpuProgram
from engine.study.components import Change
from engine.study.study import Block
from engine.study.tables.changes import changed

Key = TypeVar("Key")
AHEAD = 2
"""Blocks that are computed or wait to be read: one is computed while another is read."""


def fed(program: Program, change: Change) -> Program:
    """The program with a change of its study applied; its random keys, and so its futures, stay the same."""
    own, inputs = program.study, dict(program.inputs)
    if change.levers or change.groups:
        other = arguments.of(changed(own, change), program.dtype)
        inputs["groups"] = other["groups"]
        inputs["levers"] = other["levers"] | {"drawn": _as_compiled(inputs["levers"], other["levers"])}
    return program.fed(inputs | {"changes": arguments.changes(change.factors, own, program.dtype)})


def beside_each_other(program: CpuProgram, changes: Sequence[Change]) -> tuple[CpuProgram, list[tuple[int, int]]]:
    """The program for the policies that some changes of levers affect, side by side.

    Also gives, for each of its policies, the index of the change and that of the policy in the study.
    """
    own, others = program.inputs["levers"], [fed(program, change).inputs["levers"] for change in changes]

    def is_moved(levers: Any, row: int) -> bool:
        pairs = zip(jax.tree.leaves(own), jax.tree.leaves(levers), strict=True)
        return any(a[..., row].tobytes() != b[..., row].tobytes() for a, b in pairs)

    rows = range(program.policies)
    moved = [(k, row) for k, levers in enumerate(others) for row in rows if is_moved(levers, row)]
    if not moved:
        return program, []
    side_by_side = jax.tree.map(lambda *of: np.stack([of[k][..., row] for k, row in moved], axis=-1), *others)
    return program.under(side_by_side), moved


def redrawn(program: Program, streams: Mapping[str, int]) -> Program:
    """The program with some random streams replaced by replicates: only the inputs of these are drawn again.

    Args:
      streams: random stream -> replicate, 0 being the stream itself; `IndependentInput.streams` belong together.
    """
    return program.fed({**program.inputs, **arguments.keys(program.study, streams)})


def _as_compiled(own: Any, other: Any) -> dict[str, Any]:
    """Weights of the factors that levers are drawn from, in the compiled form: 0 where a lever is no longer drawn."""
    return {
        side: {
            lever: {
                factor: other["drawn"][side].get(lever, {}).get(factor, tuple(map(np.zeros_like, weights)))
                for factor, weights in factors.items()
            }
            for lever, factors in levers.items()
        }
        for side, levers in own["drawn"].items()
    }


def results(programs: Iterable[tuple[Key, Program]], blocks: Iterable[Block]) -> Iterator[tuple[Key, Outcomes]]:
    """The outcomes of all blocks of each program with its key, program by program.

    The next block is computed while one is read.
    """
    wanted = [*blocks]
    started = ((key, partial(program.submit(block).of, block)) for key, program in programs for block in wanted)
    waiting = deque(islice(started, AHEAD))
    while waiting:
        key, outcomes = waiting.popleft()
        yield key, outcomes()
        waiting.extend(islice(started, 1))
