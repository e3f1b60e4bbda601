"""Compiles LLVM IR to machine code for this processor, with a cache on disk, and loads it."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import platform
import threading
from collections.abc import Callable, Mapping
from typing import Any

import llvmlite
import llvmlite.binding as llvm

from engine.lanes import compilation_cache, object_code

_LLVM = f"LLVM {'.'.join(map(str, llvm.llvm_version_info))}"
_LOADED: dict[str, Any] = {}
_LOADING = threading.Lock()
"""Held while code is loaded, so that each is loaded once: LLVM crashes where a duplicate is freed."""


def width() -> int:
    """Number of 32-bit values that a vector register of this processor holds: 16, 8 or 4."""
    features = llvm.get_host_cpu_features()
    if features.get("avx512f") and features.get("avx512dq"):
        return 16
    return 8 if features.get("avx2") and features.get("fma") else 4


def has_fma() -> bool:
    """Whether this processor has fused multiply-add; True where LLVM does not say: such processors all have it."""
    return bool(llvm.get_host_cpu_features().get("fma", True))


def compiler() -> str:
    """Versions of llvmlite and LLVM as text; machine code may change with them."""
    return f"llvmlite {llvmlite.__version__}, {_LLVM}"


def made_by() -> str:
    """LLVM's version and the target and processor that it compiles for, as text."""
    return f"{_LLVM} for {llvm.get_default_triple()}, {llvm.get_host_cpu_name()}"


@functools.cache
def surroundings() -> tuple[str, ...]:
    """What machine code depends on besides its text: compiler, code model, processor and its features."""
    cpu = llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()
    return compiler(), object_code.CODE_MODEL, *cpu, platform.machine()


def key_of(text: str, level: int = object_code.OPTIMISED) -> str:
    """Cache key of the machine code of a text of LLVM IR on this processor: 32 hex digits."""
    return digest_of(text, str(level), *surroundings())


def digest_of(*texts: str) -> str:
    """Digest of some texts: 32 hex digits."""
    return hashlib.blake2b("\0".join(texts).encode(), digest_size=16).hexdigest()


def loaded(text: str, level: int = object_code.OPTIMISED) -> Any:
    """The execution engine that holds the functions of a text of LLVM IR: from memory, from the cache, or compiled.

    Raises:
      CompilerEnded: LLVM crashed on the text.
    """
    key = key_of(text, level)
    engine = kept(key)
    if engine is None:
        code = object_code.emitted_apart(text, level)
        compilation_cache.keep("code", key, code)
        engine = _in_memory(key, code)
    return engine


def kept(key: str) -> Any | None:
    """As `loaded`, given the key; None where the code is neither in memory nor in the cache.

    Every `Watch` counts the look-up.
    """
    engine = _LOADED.get(key)
    if engine is None and (code := compilation_cache.held("code", key)) is not None:
        engine = _in_memory(key, code)
    compilation_cache.asked(engine is not None)
    return engine


def _in_memory(key: str, code: bytes) -> Any:
    with _LOADING:
        if key not in _LOADED:
            _LOADED[key] = object_code.in_memory(code)
        return _LOADED[key]


def function(engine: Any, name: str, kinds: list[Any]) -> Any:
    """A function of an execution engine as a ctypes function with these argument types; calls release the GIL."""
    return ctypes.CFUNCTYPE(None, *kinds)(engine.get_function_address(name))


def functions(texts: Mapping[str, str], kinds: list[Any]) -> dict[str, Callable[..., None]]:
    """Functions with these argument types, by their names, compiled together from the LLVM IR of each.

    Raises:
      CompilerEnded: LLVM crashed on the code.
    """
    engine = loaded("\n".join(texts.values()))
    return {name: function(engine, name, kinds) for name in texts}
