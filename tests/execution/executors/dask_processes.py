"""Processes of a dask cluster."""

import os
import socket
import subprocess
import sys

DASK = [sys.executable, "-m", "dask"]


class Processes:
    """A scheduler and its workers on the loopback, as a user starts them."""

    def __init__(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", str(self.port))
        self.workers = []

    def add_worker(self):
        """One more worker, with a single thread."""
        words = ["worker", self.address, "--nthreads", "1", "--no-nanny", "--host", "127.0.0.1", "--memory-limit", "0"]
        self.workers.append(self._start(*words))
        return self.workers[-1]

    def _start(self, *words):
        env = {**os.environ, "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "60", "JAX_PLATFORMS": "cpu"}
        return subprocess.Popen(
            [*DASK, *words, "--no-dashboard"], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def end(self):
        """All of them killed."""
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()
