"""Progress of a run on stderr: a bar on a terminal, else plain or JSON lines; with the headline as it tightens."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import Group
from rich.live import Live
from rich.progress import BarColumn, Progress as Bar, TextColumn
from rich.text import Text

from engine.answers.as_text import interval
from engine.cli.show.screen import folded, print_words
from engine.cli.show.streams import Screen, messages
from engine.execution.progress import Observer, Progress, unobserved
from engine.formatting import decimals, rounded

if TYPE_CHECKING:
    from engine.runs.headline import Headline

WAYS = ("auto", "json")
"""How progress is shown: as suits stderr, or one JSON object a line."""
NAME, SHORTEST_BAR, LONGEST_BAR = 12, 10, 40
"""Columns of the name of a stage, and of the bar behind it."""
BETWEEN_LINES = 10.0
"""Seconds after which a stage has a further line where progress is plain lines."""


@contextmanager
def progress(
    quiet: bool, estimate: Callable[[], Headline | None] | None = None, way: str = "auto"
) -> Iterator[Observer]:
    """The observer that shows each stage of a run on stderr.

    Args:
      quiet: nothing is shown.
      estimate: gives the headline of the blocks that are done, to show while blocks are computed.
      way: "auto", or "json" whatever stderr is.
    """
    console, news = Screen(messages()), _News(estimate)
    if quiet:
        yield unobserved
    elif way == "json":
        yield lambda stage: _say(json.dumps(news.record(stage), allow_nan=False))
    elif not console.is_terminal:
        yield _Lines(news)
    else:
        length = BarColumn()
        bar = Bar(TextColumn("{task.description}"), length, TextColumn("{task.fields[pace]}"), console=console)
        task, line = bar.add_task("starting", total=None, pace=""), Text(style="dim")
        with Live(Group(bar, line), console=console, transient=True, refresh_per_second=8):

            def show(stage: Progress) -> None:
                if stage.note:
                    print_words(console, stage.note)
                    return
                name = f"{stage.name:<{NAME}}"
                room = console.width - len(name) - 2
                text = fitting(news.pace(stage), room - SHORTEST_BAR)
                length.bar_width = max(0, min(LONGEST_BAR, room - len(text)))
                bar.update(task, description=name, completed=stage.done, total=stage.total, pace=text)
                if headline := news.headline(stage):
                    line.plain = "\n".join(folded(sentence(headline), console.width))

            yield show


def fitting(texts: Iterable[str], room: int) -> str:
    """The first of these texts that is no wider than the room; "" where none is."""
    return next((text for text in texts if cell_len(text) <= room), "")


def sentence(headline: Headline) -> str:
    """`ES99 of loss so far: old 40.5 [40.2, 40.8], reform 22.8 [22.5, 23.1]`."""
    parts = []
    for policy, one in headline.estimates.items():
        places = decimals(one.standard_error)
        ends = f" {interval(one.low, one.high, 1.0, places)}" if math.isfinite(one.low + one.high) else ""
        parts.append(f"{policy} {rounded(one.estimate, places)}{ends}")
    return f"{headline.measure} of {headline.variable} so far: {', '.join(parts)}"


class _News:
    """What is known of a run beside its stages: its pace, counted from the first block on, and its headline.

    Before the first block the program is compiled. The headline is estimated when the number of paths has doubled, and
    at the end, so that all estimates together take about twice the time of the last.
    """

    def __init__(self, estimate: Callable[[], Headline | None] | None):
        self._estimate, self._estimated = estimate, 0
        self.first: tuple[float, int] | None = None

    def speed(self, stage: Progress) -> tuple[float, float] | None:
        """Paths per second and seconds left; None until paths have been computed after the first block."""
        if stage.name != "simulating":
            return None
        now = time.monotonic()
        if self.first is None or stage.done < self.first[1]:  # it has begun, or begun again
            self.first = now, stage.done
        first, before = self.first
        elapsed, done = now - first, stage.done - before
        return (done / elapsed, (stage.total - stage.done) * elapsed / done) if elapsed > 0 and done > 0 else None

    def pace(self, stage: Progress) -> Iterator[str]:
        """Yields `262,144 of 1,048,576 paths, 240,000 paths/s, 0:00:03 left`, then shorter and shorter texts."""
        if known := self.speed(stage):
            left = timedelta(seconds=round(known[1]))
            yield f"{stage.counted}, {known[0]:,.0f} paths/s, {left} left"
            yield f"{stage.counted}, {left} left"
        yield stage.counted
        yield f"{100 * stage.done // max(stage.total, 1)} %"

    def headline(self, stage: Progress) -> Headline | None:
        """The headline if it is estimated anew at this stage."""
        is_due = stage.done >= 2 * self._estimated or stage.done == stage.total
        if self._estimate is None or stage.block is None or not is_due:
            return None
        self._estimated = stage.done
        return self._estimate()

    def record(self, stage: Progress) -> dict[str, Any]:
        """The stage as plain data for JSON: None where an estimate is not finite."""
        entry: dict[str, Any] = {"stage": stage.name, "done": stage.done, "total": stage.total}
        if stage.note:
            entry["note"] = stage.note
        if known := self.speed(stage):
            entry |= {"paths_per_second": round(known[0]), "seconds_left": round(known[1], 1)}
        if headline := self.headline(stage):
            policies = {
                policy: {name: _finite(getattr(one, name)) for name in ("estimate", "low", "high")}
                for policy, one in headline.estimates.items()
            }
            entry["headline"] = {"variable": headline.variable, "measure": headline.measure, "policies": policies}
        return entry


class _Lines:
    """Prints plain lines: one as a stage begins, one at most every ten seconds of it, and one for each note.

    A line has the headline if it is estimated anew.
    """

    def __init__(self, news: _News) -> None:
        self.news, self.name, self.said = news, "", 0.0

    def __call__(self, stage: Progress) -> None:
        now = time.monotonic()
        if stage.note:
            _say(stage.note)
        elif stage.name != self.name or now - self.said >= BETWEEN_LINES:
            self.name, self.said = stage.name, now
            headline = self.news.headline(stage)
            _say(f"{stage.name}: {next(self.news.pace(stage))}" + (f"; {sentence(headline)}" if headline else ""))


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
