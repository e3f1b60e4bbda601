"""Worker processes on this machine, each with a share of the cores or a GPU: a dask cluster of this process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from engine.errors import UserError
from engine.program import devices, hardware
from engine.study.study import Study


class OwnWorkers:
    """Worker processes that share the cores of this machine, or have a GPU each; none is started before `started`.

    Args:
      count: how many.
      device: "cpu" or "gpu"; if not given, the GPUs where they pay.
      study: what is to be computed, where that is known.

    Raises:
      UserError: there are fewer cores, or fewer GPUs, than workers.
    """

    def __init__(self, count: int, device: str | None = None, study: Study | None = None):
        found = devices.without_cards(device, study)
        if found is not None:
            found.warn_where_missing()
        gpus = [] if found is not None else hardware.visible_cards()
        cores = devices.cores()
        have, kind = (len(gpus), "GPU") if gpus or device == "gpu" else (len(cores), "core")
        if not 1 <= count <= have:
            expected = f"expected 1 to {have}, a worker for each {kind} of this machine, got {count}."
            raise UserError("--workers", [expected if have else f"found no {kind} on this machine."])
        self.device, self.why = (device, "") if found is None else ("cpu", found.why)
        self.options: list[dict[str, Any]] = [
            {
                "nthreads": 1,  # a lost worker then loses few tasks, and the deadly one is known
                "env": {"RUSTBELT_CPU_DEVICES": os.environ.get("RUSTBELT_CPU_DEVICES", f"{len(cores[k::count]) or 1}")}
                | ({"CUDA_VISIBLE_DEVICES": gpus[k]} if gpus else {"JAX_PLATFORMS": "cpu"}),
            }
            for k in range(count)
        ]
        self.launch = devices.blocks_of_launch(device, study, apart=True) if study else 0
        self._process: subprocess.Popen[str] | None = None

    def started(self) -> str:
        """Starts the workers and their scheduler, and gives its address.

        Raises:
          UserError: they ended as they started.
        """
        self._folder = tempfile.TemporaryDirectory(prefix="rustbelt-workers-", ignore_cleanup_errors=True)
        asked = {"folder": self._folder.name, "workers": self.options}
        home = str(Path(__file__).parents[3])
        # with -P the engine's modules are found, whatever files the folder holds in which the run was started
        paths = os.pathsep.join([home, *filter(None, [os.environ.get("PYTHONPATH")])])
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "engine.execution.executors.local_cluster", json.dumps(asked)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": paths},
            start_new_session=True,  # Ctrl-C ends the coordinator, which ends its workers
        )
        assert self._process.stdout is not None
        address = self._process.stdout.readline().strip()
        if not address:
            raise UserError("--workers", ["the workers ended during startup."])
        return address

    def end(self) -> None:
        """Kills the workers and their scheduler; blocks that they have committed are kept."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()
        self._folder.cleanup()
