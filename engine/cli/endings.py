"""How a command ends early: by an error that the user can correct, by a fault of this program, or by Ctrl-C."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

import click

from engine.errors import UserError
from engine.formatting import command_line, printable
from engine.interrupts import STOPPED, at_once, is_importing, leave
from engine.modelling.loading import blamed

PATIENCE = 2.0
"""Seconds that Python has to act on a Ctrl-C, which it cannot while a program is compiled."""
_UNMAPPED = "failed to map segment from shared object"
"""What the system's loader says of a library for which a process has no room."""
_KEPT = {"run": "Finished blocks are kept. To continue", "repair": "Repaired blocks are kept. To continue"}


def users(error: BaseException) -> UserError | None:
    """A failure as an error that the user can correct; None where it is a fault of this program.

    The user can correct what the system refuses: an unreadable folder, a full disk, too little memory, no more threads.
    """
    if isinstance(error, UserError):
        return error
    if (models := blamed(error)) is not None:
        return models
    if isinstance(error, MemoryError):
        return UserError("memory", ["expected less than is free; reduce it with fewer --paths, or end other programs."])
    if any(_UNMAPPED in str(one) for one in (error, error.__context__)):
        remedy = "Raise the limit of this process (ulimit -v), or end other programs."
        return UserError("memory", [f"expected enough to load a library, got too little. {remedy}"])
    if isinstance(error, RuntimeError) and "start new thread" in str(error):
        remedy = "Raise its limits (ulimit -v, ulimit -u), or end other programs."
        return UserError("the system", [f"does not allow this process more threads. {remedy}"])
    if isinstance(error, UnicodeEncodeError) and error.reason == "surrogates not allowed":
        got = "expected names of files and folders in UTF-8, got one of other bytes"
        return UserError(str(error.object)[:200].strip(), [f"{got}. Rename it, or work in another folder."])
    if isinstance(error, RuntimeError) and str(error).startswith("Symlink loop from "):  # Python before 3.13
        place = str(error).partition(" from ")[2].strip("'")
        return UserError(place, ["expected a file or folder, got a symbolic link to itself. Choose another place."])
    if not isinstance(error, OSError):
        return None
    reason = f"{error.strerror or error}."
    if error.filename is not None:
        remedy = "Correct that, or name another place."
        return UserError(error.filename, [f"cannot be read or written: {reason} {remedy}"])
    if _is_adrift():
        return UserError(
            "the current folder", [f"{reason} It was removed or cannot be read. Change to another folder."]
        )
    return UserError("the system", [reason])


def _is_adrift() -> bool:
    """Whether the folder that this process is in is gone."""
    try:
        os.getcwd()
    except OSError:
        return True
    return False


def stopped(words: Sequence[str]) -> str:
    """The message after Ctrl-C: what is kept, and how to go on.

    Args:
      words: the command and its arguments, as they were given.
    """
    kept = _KEPT.get(words[0] if words else "", "Nothing was changed. Once more")
    return f"\nStopped. {kept}: {command_line(*words)}\n"


@contextmanager
def stopping_at_once(message: Callable[[], str]) -> Iterator[None]:
    """A block of code that one Ctrl-C ends, also while it compiles, which Python cannot interrupt.

    The process then has `PATIENCE` seconds to end by itself; after them it ends as if it were killed, which does no
    harm to a run folder. While a module is imported, it ends at once.

    Args:
      message: gives the message that is printed then.

    Raises:
      click.exceptions.Exit: with `STOPPED`, after Ctrl-C.
    """
    told, ended = threading.Event(), threading.Event()
    with _deadline(told, ended, message):
        try:
            yield
        except KeyboardInterrupt:
            told.set()
            click.echo(message(), err=True, nl=False)
            raise click.exceptions.Exit(STOPPED) from None
        except BaseException:
            ended.set()
            raise
        ended.set()


@contextmanager
def _deadline(told: threading.Event, ended: threading.Event, message: Callable[[], str]) -> Iterator[None]:
    """A block of code with a thread beside it that ends the process `PATIENCE` seconds after Ctrl-C.

    Args:
      told: set when the message has been printed.
      ended: set when the block has ended without Ctrl-C; the process then goes on.
    """
    handler = signal.getsignal(signal.SIGINT)
    is_ours = handler in (signal.default_int_handler, at_once)
    if not is_ours or threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        if is_importing(frame):
            leave(printable(message()))
        raise KeyboardInterrupt

    listening, noted = os.pipe()
    os.set_blocking(noted, False)

    def watch() -> None:
        while (number := os.read(listening, 1)) and number[0] != signal.SIGINT:
            pass
        os.close(listening)
        if number and not ended.wait(PATIENCE):
            leave("" if told.is_set() else printable(message()))

    before = signal.set_wakeup_fd(noted, warn_on_full_buffer=False)
    threading.Thread(target=watch, name="Ctrl-C", daemon=True).start()
    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        signal.set_wakeup_fd(before)
        os.close(noted)


def ours(error: BaseException, is_debugged: bool) -> str:
    """The message about a fault of this program."""
    remedy = "" if is_debugged else " Run the same command with --debug for the details."
    return f"{type(error).__name__}: {error}\nThis is an error of rustbelt, not of your input.{remedy}"
