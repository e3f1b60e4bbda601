"""Progress of a run, as it is reported to an observer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.study.study import Block


@dataclass(frozen=True)
class Progress:
    """Progress of a run at one moment.

    Args:
      name: what is being done now.
      done: paths finished.
      total: paths asked for.
      note: a remark on the stage, such as how long compilation took; "" for none.
      block: the block that has just been committed.
    """

    name: str
    done: int
    total: int
    note: str = ""
    block: Block | None = None


Observer = Callable[[Progress], None]


def unobserved(stage: Progress) -> None:
    """The observer that shows nothing."""
