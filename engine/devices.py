"""Which local devices take part: every CPU core as a device of its own, or every GPU."""

from __future__ import annotations

import contextlib
import os

import jax
import numpy as np
from jax.sharding import Mesh

from engine.errors import UserError
from engine.kernel import AXIS


def use_every_core() -> None:
    """Makes each core that this process may use an XLA device of its own; to be called before JAX is first used.

    `RUSTBELT_CPU_DEVICES` sets another count (a power of two, at most 32).
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    asked = os.environ.get("RUSTBELT_CPU_DEVICES", str(cores))
    if not asked.isdecimal() or int(asked) < 1:
        raise UserError("RUSTBELT_CPU_DEVICES", [f"expected a number of devices, got '{asked}'."])
    wanted = int(asked)
    with contextlib.suppress(RuntimeError):  # JAX has been used already: its devices stay as they are
        jax.config.update("jax_num_cpu_devices", max(1, min(wanted, 32)))


def mesh(kind: str | None = None) -> Mesh:
    """All local devices of one kind in a row.

    Args:
      kind: "cpu" or "gpu"; None takes the GPUs if there are any.

    Raises:
      UserError: where there is no device of the kind.
    """
    try:
        devices = jax.local_devices(backend={"gpu": "cuda"}.get(kind or "", kind))
    except RuntimeError as failure:
        have = sorted({device.platform for device in jax.local_devices()})
        remedy = (
            "install rustbelt[cuda] on a machine with an NVIDIA GPU"
            if kind == "gpu"
            else "leave --device out"
        )
        raise UserError(
            "--device", [f"expected a {kind} device, found {', '.join(have)}; {remedy}."]
        ) from failure
    return Mesh(np.array(devices), (AXIS,))
