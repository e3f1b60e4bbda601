"""Where and with what a run is computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.execution.progress import Observer, unobserved
from engine.execution.results import Finished


@dataclass(frozen=True)
class RunOptions:
    """Where and with what a run is computed; no number depends on it.

    Args:
      out: the run folder itself; `outputs/<name>-<fingerprint>` if not given.
      device: "cpu" or "gpu"; if not given, usable GPUs where they pay (`devices.chosen`), else the processors.
      memory: main memory that the run may take, in bytes or as "4GiB"; what is free if not given.
      workers: processes on this machine that compute; this process itself if not given.
      scheduler: address of a `dask.distributed` scheduler whose workers compute.
      force: go on although stored blocks were made by other versions or on another device kind, which is recorded; or
        although the program does not reproduce them now.
      observe: called with the `Progress` that is reached.
      answered: called with the `Finished` run once its tables are known, before its cube is written; not called where
        the run was finished already.
      command: the words that started the run, for `provenance.json`; those of this process if not given.
      bound: most paths that the study's stopping rule may use, where this study is one step of it; stored in the
        folder, so that whoever resumes the run has it.
    """

    out: str | Path | None = None
    device: str | None = None
    memory: int | str | None = None
    workers: int | None = None
    scheduler: str | None = None
    force: bool = False
    observe: Observer = unobserved
    answered: Callable[[Finished], None] = lambda finished: None
    command: Sequence[str] = ()
    bound: int | None = None
