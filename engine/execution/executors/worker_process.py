"""A process that computes parts of a run which another process coordinates.

Lines of JSON come in and go out: no pickle, and nothing but numbers and names. First how the process is set up,
answered by its versions; then the site; then blocks, each answered when it is committed. The end of the lines is the
end of the work, also where the coordinator was killed.
"""

from __future__ import annotations

import io
import json
import logging
import os
import sys
import traceback
from collections.abc import Iterator
from dataclasses import asdict
from typing import IO, Any

from engine.errors import UserError
from engine.execution.executors import site
from engine.execution.nonfinite import refuse_bad_year
from engine.formatting import printable
from engine.lanes import memory
from engine.modelling.loading import blamed, end_quietly
from engine.program import devices
from engine.study.study import Block


class _Complaints(io.TextIOWrapper):
    """Standard error on which control characters are written as escapes, as a model may print anything."""

    def write(self, text: str) -> int:
        super().write(printable(text))
        return len(text)


def main() -> None:
    """Reads requests from standard input, line by line, until it ends."""
    lines, replies = sys.stdin, os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a model prints is no reply
    logging.getLogger("jax._src.callback").setLevel(logging.CRITICAL)  # a reply says what a callback raised
    sys.stdout = sys.stderr = _Complaints(open(2, "wb", buffering=0, closefd=False), write_through=True)  # noqa: SIM115

    def reply(**message: Any) -> None:
        replies.write(json.dumps(message) + "\n")

    try:
        try:
            _serve(lines, reply)
        except BrokenPipeError:
            raise
        except UserError as error:
            reply(source=error.source, problems=[asdict(problem) for problem in error.problems])
        except BaseException as error:
            if (models := blamed(error)) is None:
                reply(failure=traceback.format_exc())
            else:
                end_quietly()
                reply(source=models.source, problems=[asdict(problem) for problem in models.problems])
    except BrokenPipeError:  # the coordinator is gone, so nobody would read a message about it
        os.dup2(os.open(os.devnull, os.O_WRONLY), replies.fileno())


def _serve(lines: IO[str], reply: Any) -> None:
    start = json.loads(lines.readline())
    if start["cores"] and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, start["cores"])
    devices.use_every_core()
    memory.keep()
    reply(versions=site.versions(start["device"]))
    line = lines.readline()
    if not line:
        return
    work = site.work_at(site.from_plain(json.loads(line)))

    def requests() -> Iterator[Block]:
        for line in lines:
            index = json.loads(line)
            if index is None:
                refuse_bad_year(work.study, work.yearly())
                reply(done=None, forms=[])
            else:
                yield work.study.block(index)

    for block in work.blocks(requests()):
        reply(done=block.index, forms=[asdict(form) for form in work.forms])


if __name__ == "__main__":
    main()
