"""Compiles JAX functions of one lane to machine code over millions of lanes.

`compile(function, shared)` gives a callable for any number of lanes: `docs/lanes.md`. Nothing here knows of studies,
years or policies, and nothing else of the engine is imported.
"""

from engine.lanes.cpu import Compiled as Compiled, compile as compile
from engine.lanes.hints import fused as fused, rarely as rarely
from engine.lanes.llvm import NoMachineForm as NoMachineForm
from engine.lanes.object_code import CompilerEnded as CompilerEnded
from engine.lanes.operations import NoScalarForm as NoScalarForm
