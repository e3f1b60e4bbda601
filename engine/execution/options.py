"""Where and with what a run is computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.execution.results import Finished
from engine.execution.stages import Observer, unobserved


@dataclass(frozen=True)
class RunOptions:
    """Where and with what a run is computed. None of it changes a number.

    Args:
      out: the run folder itself; `outputs/<name>-<fingerprint>` if not given.
      device: "cpu" or "gpu"; the GPUs if there are any that can be used, where they pay: `devices.chosen`.
      memory: main memory that the run may take, in bytes or as "4GiB"; what is free if not given.
      workers: processes on this machine that compute; this process itself if not given.
      scheduler: address of a `dask.distributed` scheduler whose workers compute.
      force: go on although other versions or another device kind made the blocks that are there, which is written down;
        or although they are not what the program gives now.
      observe: called with the `Stage` that is reached.
      answered: called with what a run has come to, where its cube is not finished yet; with nothing where it was there already.
      command: the words that started the run, for `provenance.json`; those of this process if not given.
      bound: paths that the study's rule may go to, where the study is a step on the way; the folder keeps it for whoever goes on.
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
