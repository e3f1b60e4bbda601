"""Compiles LLVM IR to an object file in another process, so that a failed assertion in LLVM does not end this one.

The file is also the script of that process. It imports nothing of this package, so that it starts in 0.1 s.
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
"""LLVM's code model: addresses have 64 bits.

With 32 bits the sections of an object would have to be loaded below 2 GiB, or within 2 GiB of each other, which is not
guaranteed; where it fails an LLVM assertion ends the process.
"""
OPTIMISED, QUICK = 2, 0
"""Levels of code generation: code for many paths; code that is made in a third of the time, for few paths."""
_START = "import runpy, sys; sys.path.append(sys.argv[1]); runpy.run_path(sys.argv[2], run_name='__main__')"
"""Starts the script with a module search path of the standard library and llvmlite's folder alone."""


class CompilerEnded(Exception):
    """Raised where LLVM crashed on a text of LLVM IR; the message says by which signal, and LLVM's last words."""


@functools.cache
def target(level: int = OPTIMISED) -> Any:
    """LLVM's target machine for the processor that this process runs on, at a level of code generation."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=level,
        codemodel=CODE_MODEL,
        jit=True,
    )


def emitted(text: str, level: int = OPTIMISED) -> bytes:
    """The object file of a text of LLVM IR, compiled in this process."""
    return target(level).emit_object(llvm.parse_assembly(text))


def in_memory(code: bytes) -> Any:
    """An execution engine with the functions of an object file, loaded into memory."""
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target())
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return engine


def emitted_apart(text: str, level: int = OPTIMISED) -> bytes:
    """The object file of a text of LLVM IR, compiled and loaded once as a test in another process.

    Where no process can be started, or Python fails in it, the text is compiled here.

    Raises:
      CompilerEnded: LLVM crashed in that process.
    """
    home = str(Path(llvm.__file__).parents[2])
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _START, home, __file__, str(level)],
            input=text.encode(),
            capture_output=True,
            check=False,
        )
    except OSError:  # no other process may be started here
        return emitted(text, level)
    if done.returncode < 0:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise CompilerEnded(f"LLVM ended by {signal.Signals(-done.returncode).name}, with the words: {last}")
    # a code above 0 is Python's own; if the text is at fault the same is raised here
    return emitted(text, level) if done.returncode else done.stdout


if __name__ == "__main__":
    made = emitted(sys.stdin.buffer.read().decode(), int(sys.argv[3]))
    in_memory(made)
    sys.stdout.buffer.write(made)
