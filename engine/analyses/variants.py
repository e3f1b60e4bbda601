"""One compiled program with changed inputs: the same futures under a changed study."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from itertools import islice
from typing import Any, TypeVar

import jax
import numpy as np

from engine.program import arguments
from engine.program.contract import Outcomes, Program
from engine.program.cpu_program import CpuProgram
from engine.study.components import Change
from engine.study.study import BLOCK, Block, Study
from engine.study.tables.changes import changed

PATHS = BLOCK
"""Default number of paths."""
Observer = Callable[[str, int, int], None]
"""Called with the stage, how much of it is done, and how much there is."""
Key = TypeVar("Key")
Job = TypeVar("Job")
AHEAD = 2
"""Blocks that are computed or wait to be read: one is computed while another is read."""
REPLICATES = 4
"""Replicates, beside the study's own, whose random keys are cached."""


def unobserved(stage: str, done: int, total: int) -> None:
    """The observer that shows nothing."""


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
    own = program.inputs["levers"]
    changed_levers = [fed(program, change).inputs["levers"] for change in changes]
    leaves = [jax.tree.leaves(one) for one in (own, *changed_levers)]
    moved = [
        (k, row)
        for k, other in enumerate(leaves[1:])
        for row in range(len(program.study.policies))
        if any(a[..., row].tobytes() != b[..., row].tobytes() for a, b in zip(leaves[0], other, strict=True))
    ]
    rows = [[leaf[..., row] for leaf in leaves[k + 1]] for k, row in moved]
    columns = [np.stack(some, axis=-1) for some in zip(*rows, strict=True)]
    return program.under(jax.tree.unflatten(jax.tree.structure(own), columns)) if moved else program, moved


class Keys:
    """The keys of a study's random streams at their replicates, of which the latest are cached.

    For many mixes of few replicates: the keys of a replicate are computed once, and a mix selects rows of them.
    """

    def __init__(self, study: Study):
        self._study = study
        self._names = dict.fromkeys(one.name for one in arguments.streams(study))
        self._held: dict[int, dict[str, Any]] = {}

    def fed(self, program: Program, streams: Mapping[str, int]) -> Program:
        """The program with some random streams replaced by replicates: only the inputs of these are drawn again.

        Args:
          streams: random stream -> replicate, 0 being the stream itself; `IndependentInput.streams` belong together.
        """
        once, by_law = self._order
        keys = self._at(0)
        factors = keys["factor_keys"]
        shocks = keys["shock_keys"]
        for replicate in {*streams.values()} - {0}:
            other = self._at(replicate)
            read = {name for name, of in streams.items() if of == replicate}
            factors = np.where(_among(once, read)[:, None], other["factor_keys"], factors)
            shocks = {
                law: np.where(_among(by_law[law], read)[:, None], other["shock_keys"][law], words)
                for law, words in shocks.items()
            }
        return program.fed({**program.inputs, "factor_keys": factors, "shock_keys": shocks})

    @cached_property
    def _order(self) -> tuple[list[str], dict[str, list[str]]]:
        """Names of the streams in the order of their keys: drawn once per path; and by law, drawn in every year."""
        every = arguments.streams(self._study)
        once = [one.name for one in every if one.year is None]
        by_law: dict[str, list[str]] = {}
        for one in every:
            if one.year == 0:
                by_law.setdefault(one.law, []).append(one.name)
        return once, by_law

    def _at(self, replicate: int) -> dict[str, Any]:
        if replicate not in self._held:
            others = [one for one in self._held if one]
            if len(others) == REPLICATES:
                del self._held[others[0]]
            self._held[replicate] = arguments.keys(self._study, dict.fromkeys(self._names, replicate))
        return self._held[replicate]


def _among(names: list[str], some: Container[str]) -> np.ndarray:
    return np.array([name in some for name in names], bool)


def with_fixed(program: Program, values: Mapping[str, float]) -> Program:
    """The program with some factors fixed at a value in place of their draws, on every path.

    Raises:
      ValueError: a name is not a factor of the study.
    """
    unknown_names = values.keys() - {item.name for item in program.study.inputs}
    if unknown_names:
        raise ValueError(f"no factors of the study: {', '.join(sorted(unknown_names))}")
    return fed(program, Change(factors={name: (0.0, value) for name, value in values.items()}))


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
    for key, outcomes in ahead(started):
        yield key, outcomes()


def ahead(jobs: Iterator[Job]) -> Iterator[Job]:
    """The same jobs in order, `AHEAD` of them already started when the first is handed on."""
    waiting = deque(islice(jobs, AHEAD))
    while waiting:
        yield waiting.popleft()
        waiting.extend(islice(jobs, 1))
