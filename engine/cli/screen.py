"""Where things are printed: tables on stdout, progress on stderr."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

if TYPE_CHECKING:
    from engine.work import Observer, Stage

WIDTH = 120
"""Columns of what is not printed to a terminal."""
NARROWEST = 100


def stdout() -> Console:
    """The console for tables: as wide as the terminal, but never so narrow that a table breaks."""
    console = Console(highlight=False)
    console.width = max(console.width, NARROWEST) if console.is_terminal else WIDTH
    return console


def print_records(records: Iterable[Mapping[str, Any]]) -> None:
    """One JSON list on stdout, one record a line."""
    lines = ",\n".join(json.dumps(dict(entry), allow_nan=False) for entry in records)
    sys.stdout.write(f"[\n{lines}\n]\n" if lines else "[]\n")


@contextmanager
def progress(quiet: bool) -> Iterator[Observer]:
    """What a run calls with each stage: a bar on a terminal, plain lines elsewhere, nothing if quiet."""
    console = Console(stderr=True, highlight=False)
    if quiet:
        yield lambda stage: None
    elif not console.is_terminal:
        yield _Lines()
    else:
        columns = TextColumn("{task.description:<12}"), BarColumn(), TextColumn("{task.fields[told]}")
        with Progress(*columns, console=console, transient=True) as bar:
            task, pace = bar.add_task("starting", total=None, told=""), _Pace()

            def show(stage: Stage) -> None:
                if stage.note:
                    console.print(stage.note)
                    return
                bar.update(
                    task,
                    description=stage.name,
                    completed=stage.done,
                    total=stage.total,
                    told=pace.told(stage),
                )

            yield show


class _Pace:
    """Paths per second and time left, counted from the first block on: what comes before is compiling."""

    def __init__(self) -> None:
        self.first: tuple[float, int] | None = None

    def told(self, stage: Stage) -> str:
        text = f"{stage.done:,} of {stage.total:,} paths"
        if stage.name != "simulating":
            return text
        now = time.monotonic()
        if self.first is None:
            self.first = now, stage.done
            return text
        elapsed, done = now - self.first[0], stage.done - self.first[1]
        if elapsed <= 0 or done <= 0:
            return text
        left = (stage.total - stage.done) * elapsed / done
        return f"{text}, {done / elapsed:,.0f} paths/s, {_duration(left)} left"


class _Lines:
    """Plain lines on stderr: one when a stage begins, its note when it ends, and one for every twentieth of the paths."""

    def __init__(self) -> None:
        self.pace, self.last = _Pace(), ("", -1)

    def __call__(self, stage: Stage) -> None:
        if stage.note:
            sys.stderr.write(f"{stage.note}\n")
            sys.stderr.flush()
            return
        told = self.pace.told(stage)
        at = (stage.name, 20 * stage.done // max(stage.total, 1))
        if at != self.last:
            sys.stderr.write(f"{stage.name}: {told}\n")
            sys.stderr.flush()
            self.last = at


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
