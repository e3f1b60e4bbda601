"""Locks on a folder, for one run alone or for the shards of a job array together; and who holds one that is taken.

The lock is the system's (`flock`), so it ends with its process, however that ends. Where a file system knows no such
locks, a file that only one process can create stands in; if its process on this machine has ended, it is ignored.

Written by hand, as filelock does not say who holds a lock. Here a refused process learns which process on which machine
holds it, since when and with which command; the shards of a job array share a lock; and a dead process blocks nobody.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import secrets
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from engine.storage.files import content_of

GLANCE = 0.5
"""Seconds for which to wait for a lock, as `is_taken` of another process holds it for a moment."""
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP}


@dataclass(frozen=True)
class Holder:
    """The process that holds a folder's lock.

    Args:
      host, pid: the machine and the process.
      since: when it took the lock, ISO 8601.
      command: its command line, cut to 200 characters.
      token: a random text that identifies this hold of the lock.
      shared: whether others may hold the folder at the same time.
    """

    host: str
    pid: int
    since: str
    command: str
    token: str
    shared: bool = False

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {self.since}: {self.command}"


class Taken(Exception):
    """The folder is held by another process.

    Args:
      holder: that process; None where the lock file does not say.
      remedy: what to do if that process has ended without the system noticing; "" where this cannot happen.
    """

    def __init__(self, holder: Holder | None, remedy: str = ""):
        self.holder, self.remedy = holder, remedy
        super().__init__(holder, remedy)


@contextmanager
def held(place: Path, shared: bool = False) -> Iterator[Holder]:
    """A `with` block that holds the lock file `place`, alone or together with others that share it; gives the holder.

    Raises:
      Taken: another process holds it in a way that excludes this one.
    """
    me = Holder(
        socket.gethostname(),
        os.getpid(),
        datetime.now(UTC).isoformat(timespec="seconds"),
        " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])[:200],
        secrets.token_hex(8),
        shared,
    )
    with open(place, "a+", encoding="utf-8", opener=_without_links) as handle, ExitStack() as stack:
        try:
            _take(handle, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        except BlockingIOError:
            raise Taken(holder(place)) from None
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            stack.enter_context(_own_file(place.with_name(f"{place.name}.held"), me))
        _tell(handle, me)
        yield me


def _take(handle: IO[str], how: int) -> None:
    """Locks the file; waits up to `GLANCE` for a process that has locked it only to look (`is_taken`)."""
    until = time.monotonic() + GLANCE
    while True:
        try:
            fcntl.flock(handle, how | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)


def holder(place: Path) -> Holder | None:
    """The last process that took the lock file, which may have released it since (`is_taken`); None if none did."""
    try:
        return Holder(**json.loads(content_of(place)))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def is_taken(place: Path) -> bool:
    """Whether a process holds the lock file now."""
    # some network file systems lock only what is open for writing
    mode = "rb+" if os.access(place, os.W_OK) else "rb"
    with suppress(FileNotFoundError, NotADirectoryError), open(place, mode, buffering=0) as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return place.with_name(f"{place.name}.held").exists()
    return False


def _without_links(place: str, flags: int) -> int:
    """Opens a file but no link, which could lead what is written into any other file."""
    return os.open(place, flags | os.O_NOFOLLOW, 0o666)


def _tell(handle: IO[str], me: Holder) -> None:
    handle.truncate(0)
    handle.write(json.dumps(asdict(me)))
    handle.flush()
    os.fsync(handle.fileno())  # workers on other machines look for the token


@contextmanager
def _own_file(place: Path, me: Holder) -> Iterator[None]:
    """A `with` block that holds a file which only one process can make: alone, even where the lock could be shared.

    Raises:
      Taken: another process has made it, and has not ended as far as this machine can tell.
    """
    while True:
        try:
            with open(place, "x") as file:
                json.dump(asdict(me), file)
            break
        except FileExistsError:
            other = holder(place)
            if other is None or other.host != me.host or _lives(other.pid):
                raise Taken(other, f"If it is gone, delete {place}.") from None
            _put_aside(place, other)
    try:
        yield
    finally:
        place.unlink(missing_ok=True)


def _put_aside(place: Path, gone: Holder) -> None:
    """Removes the file of a holder that has ended, unless another process has put its own there in the meantime."""
    aside = place.with_name(f"{place.name}.{secrets.token_hex(4)}.tmp")
    with suppress(FileNotFoundError):
        os.rename(place, aside)
        if holder(aside) != gone:
            os.link(aside, place)
        aside.unlink()


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
