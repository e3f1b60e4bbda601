"""Ctrl-C outside the work of a command: the process ends at once, with exit code 130 and without a traceback."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from types import FrameType

STOPPED = 130
"""Exit code of a command stopped by Ctrl-C, by the convention of shells."""


def take_over() -> None:
    """Has Ctrl-C end the process at once, where it would raise `KeyboardInterrupt`."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, at_once)


def at_once(number: int, frame: FrameType | None) -> None:
    """The handler of SIGINT that ends the process."""
    leave("\nStopped.\n")


def leave(message: str) -> None:
    """Ends the process with a message, as if it were killed."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, RuntimeError):  # RuntimeError: it is written to at this moment
            stream.flush()
    with suppress(OSError):
        os.write(2, message.encode(errors="replace"))
    os._exit(STOPPED)


def is_importing(frame: FrameType | None) -> bool:
    """Whether a module is imported at this point of the program.

    `KeyboardInterrupt` must not be raised there: extension modules turn it into another error, or abort.
    """
    while frame is not None and not frame.f_code.co_filename.startswith("<frozen importlib"):
        frame = frame.f_back
    return frame is not None
