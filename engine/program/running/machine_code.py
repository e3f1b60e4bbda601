"""LLVM IR to machine code of this processor, kept in the private folder so that the next process need not compile it again."""

from __future__ import annotations

import ctypes
import hashlib
import platform
import threading
from typing import Any

import llvmlite
import llvmlite.binding as llvm

from engine.program.running import compilation_cache, object_code

_LOADED: dict[str, Any] = {}
_LOADING = threading.Lock()
"""What holds code is made once: LLVM ends the process where one is given up that another replaced."""
_ENDED: dict[str, object_code.CompilerEnded] = {}


def width() -> int:
    """Paths that a vector register holds."""
    features = llvm.get_host_cpu_features()
    if features.get("avx512f") and features.get("avx512dq"):
        return 16
    return 8 if features.get("avx2") and features.get("fma") else 4


def compiler() -> str:
    """What the machine code is made by, as far as it may change with it."""
    return f"llvmlite {llvmlite.__version__}, LLVM {'.'.join(map(str, llvm.llvm_version_info))}"


def made_by() -> str:
    """The compiler's version and the target that it compiles for."""
    return f"LLVM {'.'.join(map(str, llvm.llvm_version_info))} for {llvm.get_default_triple()}, {llvm.get_host_cpu_name()}"


def surroundings() -> list[str]:
    """All but its text that machine code follows from."""
    cpu = llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()
    return [compiler(), object_code.CODE_MODEL, *cpu, platform.machine()]


def key_of(text: str) -> str:
    """What the machine code of a text is kept by."""
    return hashlib.blake2b("\0".join([text, *surroundings()]).encode(), digest_size=16).hexdigest()


def loaded(text: str) -> Any:
    """What holds the functions of a text of LLVM IR in memory.

    Raises:
      CompilerEnded: LLVM ended its process over it.
    """
    key = key_of(text)
    engine = kept(key)
    if engine is None:
        if key in _ENDED:
            raise _ENDED[key]
        try:
            code = object_code.emitted_apart(text)
        except object_code.CompilerEnded as ended:
            _ENDED[key] = ended
            raise
        compilation_cache.keep("code", key, code)
        engine = _in_memory(key, code)
    return engine


def kept(key: str) -> Any | None:
    """As `loaded`, of machine code that is there already; None where it is not."""
    if key in _LOADED:
        compilation_cache.asked(there=True)
        return _LOADED[key]
    code = compilation_cache.kept(key)
    return None if code is None else _in_memory(key, code)


def _in_memory(key: str, code: bytes) -> Any:
    with _LOADING:
        if key not in _LOADED:
            _LOADED[key] = object_code.in_memory(code)
        return _LOADED[key]


def function(engine: Any, name: str, kinds: list[Any]) -> Any:
    """A function in memory, to be called with arguments of these types; other threads run meanwhile."""
    return ctypes.CFUNCTYPE(None, *kinds)(engine.get_function_address(name))
