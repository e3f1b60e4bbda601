"""Progress of a run on stderr: a bar on a terminal, else plain or JSON lines; with the headline as it tightens."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import Group
from rich.live import Live
from rich.progress import BarColumn, Progress as Bar, TextColumn
from rich.table import Column
from rich.text import Text

from engine.cli.show.screen import print_words
from engine.cli.show.streams import Screen, messages
from engine.formatting import decimals, rounded

if TYPE_CHECKING:
    from engine.execution.progress import Observer, Progress
    from engine.risk.estimation.intervals import Estimate
    from engine.runs.headline import Tightening

WAYS = ("auto", "json")
"""How progress is shown: as suits stderr, or one JSON object a line."""
NAME, SHORTEST_BAR, LONGEST_BAR = 12, 10, 40
"""Columns of the name of a stage, and of the bar behind it."""
BETWEEN_LINES = 10.0
"""Seconds after which a stage has a further line where progress is plain lines."""
_SHARE = 0.05
"""Largest share of a run's time that may be spent on estimates of its headline."""


@contextmanager
def progress(quiet: bool, headline: Tightening | None = None, way: str = "auto") -> Iterator[Observer]:
    """The observer that shows each stage of a run on stderr.

    Args:
      quiet: nothing is shown.
      headline: an estimate to show while blocks are computed.
      way: "auto", or "json" whatever stderr is.
    """
    console, news = Screen(messages()), _News(headline)
    if quiet:
        yield lambda stage: None
    elif way == "json":
        yield _Objects(news)
    elif not console.is_terminal:
        yield _Lines(news)
    else:
        length, whole = BarColumn(LONGEST_BAR), Column(no_wrap=True, overflow="crop")
        columns = (
            TextColumn("{task.description}", table_column=whole),
            length,
            TextColumn("{task.fields[pace]}", table_column=whole),
        )
        bar, line = Bar(*columns, console=console), Text("", "dim", no_wrap=True, overflow="crop")
        task, pace = bar.add_task("starting", total=None, pace=""), _Pace()
        with Live(Group(bar, line), console=console, transient=True, refresh_per_second=8):

            def show(stage: Progress) -> None:
                if stage.note:
                    print_words(console, stage.note)
                    return
                name = f"{stage.name:<{NAME}}"
                room = console.width - len(name) - 2
                text = fitting(pace.texts(stage), room - SHORTEST_BAR)
                length.bar_width = max(0, min(LONGEST_BAR, room - len(text)))
                bar.update(task, description=name, completed=stage.done, total=stage.total, pace=text)
                if news.update(stage):
                    line.plain = fitting(news.sentences(), console.width)

            yield show


def fitting(texts: Iterable[str], room: int) -> str:
    """The first of these texts that is no wider than the room; "" where none is."""
    return next((text for text in texts if cell_len(text) <= room), "")


class _Pace:
    """Paths per second and time left, counted from the first block on: before it the program is compiled."""

    def __init__(self) -> None:
        self.first: tuple[float, int] | None = None

    def numbers(self, stage: Progress) -> tuple[float, float] | None:
        """Paths per second and seconds left; None until paths have been computed after the first block."""
        if stage.name != "simulating":
            return None
        now = time.monotonic()
        if self.first is None:
            self.first = now, stage.done
            return None
        elapsed, done = now - self.first[0], stage.done - self.first[1]
        if elapsed <= 0 or done <= 0:
            return None
        return done / elapsed, (stage.total - stage.done) * elapsed / done

    def texts(self, stage: Progress) -> Iterator[str]:
        """Yields `262,144 of 1,048,576 paths, 240,000 paths/s, 0:03 left`, then shorter and shorter texts."""
        text, known = stage.counted, self.numbers(stage)
        if known is not None:
            yield f"{text}, {known[0]:,.0f} paths/s, {_duration(known[1])} left"
            yield f"{text}, {_duration(known[1])} left"
        yield text
        yield f"{100 * stage.done // max(stage.total, 1)} %"


class _News:
    """The headline's estimates, computed again after a block if that costs little of the run's time."""

    def __init__(self, headline: Tightening | None):
        self._headline, self._began, self._spent = headline, time.monotonic(), 0.0
        self._variable, self._measure = headline.variable if headline else "", ""
        self._estimates: Mapping[str, Estimate] = {}

    def update(self, stage: Progress) -> bool:
        """Takes in the stage's block; gives whether there are new estimates."""
        if self._headline is None or stage.block is None:
            return False
        now = time.monotonic()
        self._headline.add(stage.block)
        last = stage.done == stage.total
        if self._estimates and not last and self._spent > _SHARE * (now - self._began):
            return False
        self._measure, self._estimates = self._headline.estimates()
        self._spent += time.monotonic() - now
        return bool(self._estimates)

    def sentences(self) -> Iterator[str]:
        """Yields `ES99 of loss so far: old 40.5 [40.2, 40.8], reform 22.8 [22.5, 23.1]`, then shorter sentences."""
        head = f"{self._measure} of {self._variable} so far: "
        bare, parts = [], []
        for policy, estimate in self._estimates.items():
            places = decimals(estimate.standard_error)
            text = "none" if math.isnan(estimate.estimate) else rounded(estimate.estimate, places)
            bare.append(f"{policy} {text}")
            known = math.isfinite(estimate.low + estimate.high)
            ends = f" [{rounded(estimate.low, places)}, {rounded(estimate.high, places)}]" if known else ""
            parts.append(bare[-1] + ends)
        yield head + ", ".join(parts)
        yield head + ", ".join(bare)
        for count in range(len(bare) - 1, 0, -1):
            yield head + ", ".join([*bare[:count], "..."])

    def numbers(self) -> dict[str, Any]:
        """The estimates as plain data for JSON: None where a number is not finite."""
        policies = {
            policy: {key: _plain(getattr(estimate, key)) for key in ("estimate", "low", "high")}
            for policy, estimate in self._estimates.items()
        }
        return {"variable": self._variable, "measure": self._measure, "policies": policies}


class _Lines:
    """Prints plain lines: one as a stage begins, one at most every ten seconds of it, and one for each note.

    A line has the headline if it is new.
    """

    def __init__(self, news: _News) -> None:
        self.pace, self.news, self.name, self.said = _Pace(), news, "", 0.0

    def __call__(self, stage: Progress) -> None:
        updated, now = self.news.update(stage), time.monotonic()
        if stage.note:
            _say(stage.note)
        elif stage.name != self.name or now - self.said >= BETWEEN_LINES:
            self.name, self.said = stage.name, now
            text = next(self.pace.texts(stage))
            _say(f"{stage.name}: {text}" + (f"; {next(self.news.sentences())}" if updated else ""))


class _Objects:
    """Prints one JSON object a line for each report of progress."""

    def __init__(self, news: _News) -> None:
        self.pace, self.news = _Pace(), news

    def __call__(self, stage: Progress) -> None:
        entry: dict[str, Any] = {"stage": stage.name, "done": stage.done, "total": stage.total}
        if stage.note:
            entry["note"] = stage.note
        known = self.pace.numbers(stage)
        if known is not None:
            entry |= {"paths_per_second": round(known[0]), "seconds_left": round(known[1], 1)}
        if self.news.update(stage):
            entry["headline"] = self.news.numbers()
        _say(json.dumps(entry, allow_nan=False))


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
