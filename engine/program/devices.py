"""Which local devices take part, and what memory there is."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
import platform
import resource
from pathlib import Path

import jax
import numpy as np
from jax.sharding import Mesh

from engine.errors import UserError, install
from engine.program.contract import Program
from engine.program.kernel import program_on
from engine.program.xla import AXIS
from engine.study.study import Study

GPU_LANES = 1 << 20
"""Paths that a GPU takes at once: a step of the shipped model is then some thousand times longer than its launch."""
LANE = 4 << 10
"""Bytes that a path takes on a device under each policy in single precision, at most: the shipped model takes 1.3 KiB."""
THREADS = 768 << 20, 64 << 20
"""Bytes of addresses that XLA's threads take as they start, and for each core; where the system has fewer, XLA aborts the process."""


def use_every_core() -> None:
    """Makes each core that this process may use an XLA device of its own; to be called before JAX is first used.

    `RUSTBELT_CPU_DEVICES` sets another count; a path has the same bits with any.
    """
    count = os.environ.get("RUSTBELT_CPU_DEVICES", str(len(cores())))
    if not count.isdecimal() or int(count) < 1:
        raise UserError("RUSTBELT_CPU_DEVICES", [f"expected a number of devices, got '{count}'."])
    with contextlib.suppress(RuntimeError):  # JAX has been used already: its devices stay as they are
        jax.config.update("jax_num_cpu_devices", int(count))


def cores() -> list[int]:
    """Numbers of the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def gpus_of_machine() -> list[str]:
    """What `CUDA_VISIBLE_DEVICES` calls each GPU that this process may see, without waking any; none without JAX for CUDA."""
    if not any(importlib.util.find_spec(f"jax_cuda{version}_plugin") for version in (12, 13)):
        return []
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if given is not None:
        return [gpu.strip() for gpu in given.split(",") if gpu.strip() not in ("", "-1")]
    return [str(k) for k, _ in enumerate(Path("/proc/driver/nvidia/gpus").glob("*"))]


def kind(mesh: Mesh) -> str:
    """What the devices of a mesh are, as far as rounding depends on it: "cpu x86_64", or a GPU's name.

    Processors of one architecture have the same bits (seen with AVX2 and with AVX-512), but for those without fused
    multiply-add, which round twice.
    """
    device = mesh.devices.flat[0]
    if device.platform != "cpu":
        return device.device_kind
    return f"cpu {platform.machine()}{'' if _fuses() else ' without fma'}"


def flags() -> str:
    """The flags that XLA is given from outside, but for the number of devices, which changes no bit."""
    given = os.environ.get("XLA_FLAGS", "").split()
    return " ".join(sorted(flag for flag in given if "device_count" not in flag))


@functools.cache
def _fuses() -> bool:
    """Whether the processor multiplies and adds with one rounding; so it is taken to where it does not tell."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return True
    flags = next((line.split() for line in lines if line.startswith("flags")), ["fma"])
    return "fma" in flags


def mesh(kind: str | None = None) -> Mesh:
    """All local devices of one kind in a row.

    Args:
      kind: "cpu" or "gpu"; None takes the GPUs if there are any.

    Raises:
      UserError: where there is no device of the kind, or this process may not take the memory that threads need.
    """
    _check_room_for_threads()
    try:
        devices = jax.local_devices(backend={"gpu": "cuda"}.get(kind or "", kind))
    except RuntimeError as failure:
        have = sorted({device.platform for device in jax.local_devices()})
        gpu = f"{install('cuda')} on a machine with an NVIDIA GPU"
        remedy = gpu if kind == "gpu" else "leave --device out"
        problem = f"expected a {kind} device, found {', '.join(have)}; {remedy}."
        raise UserError("--device", [problem]) from failure
    return Mesh(np.array(devices), (AXIS,))


@functools.cache
def _check_room_for_threads() -> None:
    """Once, as the threads that run already need no more."""
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    if most == resource.RLIM_INFINITY:
        return
    with contextlib.suppress(OSError):
        taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        need = taken + THREADS[0] + THREADS[1] * len(cores())
        if most < need:
            text = f"expected at least {need >> 10} KiB of memory for this process and its threads, got {most >> 10}. Raise its limit (ulimit -v)."
            raise UserError("the system", [text])


def program(study: Study, kind: str | None = None) -> Program:
    """The study's program on all local devices of one kind, its tile sized by the device; as `mesh` chooses them."""
    chosen = mesh(kind)
    return program_on(study, chosen, lanes_for(study, chosen))


def lanes_for(study: Study, mesh: Mesh) -> int:
    """Paths of a tile: on a CPU what its cache holds, which is the study's; on a GPU enough to keep all of it busy."""
    if mesh.devices.flat[0].platform == "cpu":
        return study.tile
    lanes, room = GPU_LANES, device_memory(mesh)
    each = len(study.policies) * LANE * np.dtype(study.dtype).itemsize // 4
    while room is not None and lanes > study.tile and lanes * each > room // 2:
        lanes //= 2
    return lanes


def device_memory(mesh: Mesh) -> int | None:
    """Bytes that JAX may take on each device of the mesh (of the smallest); None where a device does not tell, as CPUs do not."""
    limits = [(device.memory_stats() or {}).get("bytes_limit", 0) for device in mesh.devices.flat]
    return min(limits) or None


def memory_free() -> int | None:
    """Bytes of main memory that are free, or could be; None where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError, IndexError):
        return None
