"""Progress of a run, as it is reported to an observer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.study.study import Block


@dataclass(frozen=True)
class Progress:
    """Progress of a run at one moment.

    Args:
      name: what is being done now, an activity such as "simulating"; or what is counted, such as "inputs".
      done: paths finished by an activity; or how many of what is counted are finished.
      total: how many there are.
      note: a remark on the stage, such as how long compilation took; "" for none.
      block: the block that has just been committed.
    """

    name: str
    done: int
    total: int
    note: str = ""
    block: Block | None = None

    @property
    def counted(self) -> str:
        """`262,144 of 1,048,576 paths` of an activity, `12 of 67` of what is counted itself."""
        unit = " paths" if self.name.partition(" ")[0].endswith("ing") else ""
        return f"{self.done:,} of {self.total:,}{unit}"


Observer = Callable[[Progress], None]


def unobserved(stage: Progress) -> None:
    """The observer that shows nothing."""
