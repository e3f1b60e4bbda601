"""Where a run stands, for whoever shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.study.study import Block


@dataclass(frozen=True)
class Stage:
    """A moment of a run.

    Args:
      name: what is being done now.
      done: paths finished.
      total: paths asked for.
      note: what there is to say of a stage that is over.
      block: the block that has just been committed.
    """

    name: str
    done: int
    total: int
    note: str = ""
    block: Block | None = None


Observer = Callable[[Stage], None]


def unobserved(stage: Stage) -> None:
    """The observer that shows nothing."""
