"""Standard output and standard error: control characters are written out, and a model's prints kept from results.

A study, a model, a cube and a data file may hold any text. All that goes to a terminal goes through here: as plain text
through a `Stream`, which replaces `sys.stdout` and `sys.stderr`, or laid out by a `Screen`, which lets its own colours
pass but none from a text.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import Any, TextIO, cast

from rich.console import Console, RenderableType
from rich.segment import Segment
from rich.text import Text

from engine.formatting import printable


class Stream:
    """A standard stream on which control characters are shown and not obeyed.

    Args:
      raw: the stream below.
      about: what an error calls it; "" where a failure to write is no failure, as for progress and messages.
      results: the stream that the results of a command go to, where it is another.
    """

    def __init__(self, raw: TextIO, about: str = "", results: Stream | None = None):
        self._raw, self._about, self.results = raw, about, results

    def __getattr__(self, name: str) -> Any:
        if name == "buffer":  # bytes written to it would not pass through `write`
            raise AttributeError(name)
        return getattr(self._raw, name)

    def write(self, text: str | bytes) -> int:
        """Writes the text, control characters written out; it comes as bytes when click completes for a shell."""
        return self.write_codes(printable(text.decode() if isinstance(text, bytes) else text))

    def write_codes(self, text: str) -> int:
        """Writes the text as it is, for a caller that has written out the control characters already."""
        if text:
            self._tried(self._raw.write, text)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Writes each of the lines."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Flushes the stream below."""
        self._tried(self._raw.flush)

    def _tried(self, act: Any, *args: str) -> None:
        try:
            act(*args)
        except OSError as error:
            if error.errno == errno.EPIPE and self._about:
                raise  # the reader of the results has closed them; click handles that
            _forget(self._raw)
            if self._about:
                raise OSError(error.errno, error.strerror, self._about) from error


class _Codes:
    """The file of a `Screen`: a stream that takes colours and moves of the cursor as they are."""

    def __init__(self, stream: Stream):
        self._stream = stream
        self.write = stream.write_codes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Screen(Console):
    """A console that writes out the control characters in a text, wherever the text comes from.

    Args:
      stream: where it prints.
      options: as of rich's `Console`.
    """

    def __init__(self, stream: Any, **options: Any):
        file = _Codes(stream) if isinstance(stream, Stream) else stream
        super().__init__(file=cast(Any, file), highlight=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """The text with its markup, as rich lays it out."""
        return super().render_str(printable(text), **options)

    def render(self, renderable: RenderableType, options: Any = None) -> Iterable[Segment]:
        """Yields the segments to print: rich's own control codes stay, those in a text are written out."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)


def results() -> Any:
    """The stream for the results of a command, also within `prints_apart`."""
    return getattr(sys.stdout, "results", None) or sys.stdout


def messages() -> Any:
    """The stream for progress, warnings and errors."""
    return sys.stderr


@contextmanager
def guarded() -> Iterator[None]:
    """A block of code in which `sys.stdout` and `sys.stderr` write out control characters, and exist even if closed."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:  # else the next file to be opened would get what is meant for a standard stream
            os.open(os.devnull, os.O_RDWR)
    streams = []
    for raw in (sys.stdout, sys.stderr):
        if hasattr(raw, "reconfigure"):
            raw.reconfigure(errors="replace")  # a terminal that cannot show a dagger is no failure
        streams.append(raw if raw is not None else open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
    out, err = streams
    with redirect_stdout(Stream(out, "standard output")), redirect_stderr(Stream(err)):
        yield


@contextmanager
def prints_apart() -> Iterator[None]:
    """A block of code in which what a model prints goes to standard error, and only `results` to standard output."""
    out, err = sys.stdout, sys.stderr
    if not (isinstance(out, Stream) and isinstance(err, Stream)):
        yield
        return
    with redirect_stdout(Stream(cast(TextIO, err), results=results())):
        yield
    out.flush()


def _forget(raw: TextIO) -> None:
    """Leads a stream that cannot be written to the null device, so that Python does not complain as it ends."""
    with suppress(OSError, ValueError):
        number = raw.fileno()
        if number in (1, 2):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, number)
            os.close(nowhere)
