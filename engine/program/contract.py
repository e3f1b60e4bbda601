"""The interface of every form of a study's program, what follows from its outputs, and the records that it gives."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

import numpy as np
from jax.sharding import Mesh
from jaxtyping import Float

from engine.errors import UserError
from engine.formatting import form_as_text
from engine.modelling.cell_axis import cell_count
from engine.program import arguments
from engine.program.path import DRAWS, OUTCOMES, SCORES, SHOCKS, YEARLY
from engine.study.study import Block, Study

Outcomes = Float[np.ndarray, "policy outcome path"]
YearlyValues = Float[np.ndarray, "policy year cell path"]
FactorDraws = Float[np.ndarray, "factor path"]
Shocks = Float[np.ndarray, "year stream path"]
Scores = Float[np.ndarray, "stream path"]
PART = 1 << 27
"""Most bytes of yearly values in memory at a time: fresh memory costs more time than computing paths again."""


@dataclass(frozen=True)
class Trace:
    """Consecutive paths with everything that is known of them.

    Args:
      outcomes: [policy, outcome, path].
      yearly: values of the yearly variables [policy, year, cell, path]; None for a static model.
      draws: factor draws [factor, path], factors in the order of the study.
      shocks: [year, stream, path], streams in the order of the model; None for a model without shocks.
    """

    outcomes: Outcomes
    yearly: YearlyValues | None
    draws: FactorDraws
    shocks: Shocks | None = None


@dataclass(frozen=True)
class Form:
    """The form of a program and the devices that it runs on.

    Args:
      name: "loop" (the engine's own code on processors), "kernel" (the same on graphics cards) or "XLA".
      on: the devices, such as "2 x cpu".
      why: the reason, where another form or other devices may have been expected.
    """

    name: str
    on: str
    why: str = ""

    def __str__(self) -> str:
        return form_as_text(self.name, self.on, self.why)


class CardFailed(Exception):
    """Raised where a graphics card fails, gives wrong bytes or cannot be used; the text says why."""


class CardLost(UserError):
    """XLA's program failed on a card; the run ends, as XLA on other devices would give other last bits.

    Args:
      on: the devices, as `in_a_row` gives them.
      why: the failure, as `in_words` gives it.
    """

    def __init__(self, on: str, why: str):
        remedy = "Compute on processors in another folder: --device cpu --out FOLDER; or run the same command again."
        super().__init__("--device", [f"{on} failed: {why}. {remedy}"])


def in_words(failure: BaseException | str) -> str:
    """An exception of a card, its driver or its compiler in one line, with a remedy where one is known."""
    text = str(failure).strip().partition("\n")[0]
    if "RESOURCE_EXHAUSTED" in text or "out of memory" in text.lower():
        return f"its memory is full; end what else runs there ({text})"
    if "DEVICE_UNAVAILABLE" in text or "busy or unavailable" in text:
        return f"another process has it alone; end that, or let others in by nvidia-smi -c 0 ({text})"
    return text if isinstance(failure, str | CardFailed) else f"{type(failure).__name__}: {text}"


def in_a_row(mesh: Mesh) -> str:
    """The number and kind of a mesh's devices, such as "2 x cpu"."""
    return f"{mesh.devices.size} x {mesh.devices.flat[0].device_kind}"


class Pass:
    """Outcomes of consecutive paths from `first` on, which may still be computed; `values` waits for them.

    Args:
      first: number of the first path.
      wait: waits for the outcomes and gives them; called once.
    """

    def __init__(self, first: int, wait: Callable[[], Outcomes]):
        self.first = first
        self._wait: Callable[[], Outcomes] | None = wait
        self._values: Outcomes | None = None
        self._lock = threading.Lock()

    def values(self) -> Outcomes:
        """The outcomes in main memory, [policy, outcome, path]; may be called by several threads."""
        with self._lock:
            if self._wait is not None:
                self._values, self._wait = self._wait(), None
            assert self._values is not None
            return self._values

    def of(self, block: Block) -> Outcomes:
        """The outcomes of a block in path order; its paths must be among those of the pass."""
        at = block.first - self.first
        return np.ascontiguousarray(self.values()[..., at : at + block.count])


class Program(Protocol):
    """The compiled program of one study: computes paths by their numbers, independently of how the work is divided.

    A form of it gives `computed`, from which most of what else is asked of it follows.

    Args:
      study: the resolved study.
      mesh: the devices, in a row.
      dtype: of all numbers but the random words.
      inputs: its arguments, as `arguments.of` gives them.
      traces: how often the code that computes blocks was compiled, or loaded from the cache.
      form: the form that it was made in.
    """

    study: Study
    mesh: Mesh
    dtype: type
    inputs: Any
    traces: int
    form: Form

    @property
    def forms(self) -> tuple[Form, ...]:
        """The form that computes the outcomes of blocks; two, in order of use, where the second replaced the first."""
        return (self.form,)

    def computed(
        self, outputs: tuple[str, ...], first: int, count: int, scores: Scores | None = None, years: range | None = None
    ) -> Mapping[str, np.ndarray]:
        """Outputs of the path function for `count` paths from number `first` on, by name.

        Args:
          scores: random numbers of the paths that are given in place of drawn, as `scores` gives them.
          years: consecutive years, from 0, whose yearly values are wanted; all if not given.
        """

    def fed(self, inputs: Any) -> Self:
        """The same compiled program with other arguments; nothing is traced or compiled again.

        Args:
          inputs: as `arguments.of` gives them, with the names, shapes and types of the program's own.
        """
        arguments.must_be_alike(inputs, self.inputs)
        other = copy(self)
        other.inputs = inputs
        return other

    @property
    def policies(self) -> int:
        """Number of policies that outcomes are computed under."""
        return int(self.inputs["levers"]["start"].shape[-1])

    def prepare(self, years: bool = False) -> None:
        """Compiles the code for blocks ahead of time; another thread may compute paths meanwhile.

        Args:
          years: whether to compile the code for yearly values instead.
        """

    @property
    def ahead(self) -> int:
        """Number of blocks best started before the first is waited for."""
        return 1

    def submit(self, block: Block) -> Pass:
        """Starts the computation of a block without waiting; `Pass.of` gives its outcomes."""

    def path(self, number: int) -> Trace:
        """One path in full; its outcomes are computed by the code of a run, so that every bit is that of its block."""
        return replace(self._in_full(number, 1), outcomes=self.computed((OUTCOMES,), number, 1)[OUTCOMES])

    def trace(self, first_path: int) -> Trace:
        """A tile of paths for each device in full, from path `first_path` on."""
        return self._in_full(first_path, self.study.tile * self.mesh.devices.size)

    def first_years(self, count: int) -> YearlyValues:
        """Yearly values of paths 0 to `count - 1`, [policy, year, cell, path]."""
        return self.computed((YEARLY,), 0, count)[YEARLY]

    def years_in_parts(self, count: int) -> Iterator[YearlyValues]:
        """The values of `first_years`, in consecutive parts along the years, each small enough to be held in memory."""
        years = len(self.study.years)
        each = self.policies * cell_count(self.study.model) * count * np.dtype(self.dtype).itemsize
        step = max(PART // max(each, 1), 1)
        for first in range(0, years, step):
            yield self.computed((YEARLY,), 0, count, years=range(first, min(first + step, years)))[YEARLY]

    def draws(self, block: Block) -> FactorDraws:
        """Factor draws of a block's paths, [factor, path]."""
        return self.computed((DRAWS,), block.first, block.count)[DRAWS]

    def scores(self, block: Block) -> Scores:
        """The random numbers of a block's paths [stream, path], in the order of `arguments.streams`."""
        return self.computed((SCORES,), block.first, block.count)[SCORES]

    def outcomes_of(self, scores: Scores) -> Outcomes:
        """Outcomes of futures with the given random numbers, as `scores` gives them.

        The random numbers of a path give the outcomes of that path.
        """
        scores = arguments.checked_scores(scores, self.study)
        return self.computed((OUTCOMES,), 0, scores.shape[-1], scores)[OUTCOMES]

    def trace_of(self, scores: Scores) -> Trace:
        """Futures with the given random numbers in full, as paths from 0 on."""
        scores = arguments.checked_scores(scores, self.study)
        return self._in_full(0, scores.shape[-1], scores)

    def _in_full(self, first: int, count: int, scores: Scores | None = None) -> Trace:
        outputs = [OUTCOMES, DRAWS]
        if self.study.is_path_model:
            outputs += [YEARLY, SHOCKS] if self.study.model.shocks else [YEARLY]
        made = self.computed(tuple(outputs), first, count, scores)
        return Trace(made[OUTCOMES], made.get(YEARLY), made[DRAWS], made.get(SHOCKS))
