"""LLVM IR to an object file, in a process of its own: an assertion of LLVM's ends that process and nothing else.

The file is also that process's script. It imports nothing of this package, so that it starts in a tenth of a second.
"""

from __future__ import annotations

import functools
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm

CODE_MODEL = "large"
"""Addresses are whole words of 64 bits. With those of 32 an object could be loaded only where its sections come to lie below 2 GiB, or
within 2 GiB of each other, and nobody promises that; LLVM checks it by an assertion, which ends the process."""
_START = "import runpy, sys; sys.path.append(sys.argv[1]); runpy.run_path(sys.argv[2], run_name='__main__')"
"""With no folder that Python would look for modules in by itself, but that of llvmlite."""
_PYTHONS_OWN = 1, 2
"""Exit codes of a script that raised, or that Python could not run."""


class CompilerEnded(Exception):
    """LLVM ended its process over a text; how, and with which words, is the text."""


@functools.cache
def target() -> Any:
    """The processor that this process runs on."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features().flatten()
    return target_for(llvm.get_default_triple(), llvm.get_host_cpu_name(), features)


def target_for(triple: str, processor: str, features: str) -> Any:
    """A processor as LLVM has it, and the rules by which code is made for any."""
    return llvm.Target.from_triple(triple).create_target_machine(
        cpu=processor, features=features, opt=2, codemodel=CODE_MODEL, jit=True
    )


def emitted(text: str) -> bytes:
    """The object file of a text of LLVM IR, made here."""
    return target().emit_object(llvm.parse_assembly(text))


def in_memory(code: bytes) -> Any:
    """What holds the functions of an object file."""
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target())
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return engine


def emitted_apart(text: str) -> bytes:
    """The object file of a text, made, and put in memory once, in another process.

    Raises:
      CompilerEnded: LLVM ended it.
    """
    home = str(Path(llvm.__file__).parents[2])
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _START, home, __file__],
            input=text.encode(),
            capture_output=True,
            check=False,
        )
    except OSError:  # no other process may be started here
        return emitted(text)
    if done.returncode == 0:
        return done.stdout
    if done.returncode in _PYTHONS_OWN:  # the same is raised here, if it was for the text
        return emitted(text)
    last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    raise CompilerEnded(
        f"LLVM ended by {_named(done.returncode)}" + (f", with the words: {last}" if last else "")
    )


def _named(code: int) -> str:
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"exit code {code}"


if __name__ == "__main__":
    made = emitted(sys.stdin.buffer.read().decode())
    in_memory(made)
    sys.stdout.buffer.write(made)
