"""Compiles the nest of a function of one lane to PTX, the assembly of NVIDIA's cards: each thread computes a lane.

No operation is contracted or approximated and subnormal numbers are kept, so that a card gives the bits of a processor.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, replace
from typing import Any

import llvmlite.binding as llvm

from engine.lanes import compilation_cache, machine_code
from engine.lanes.cpu import copy_text
from engine.lanes.emit import Writer
from engine.lanes.layout import Layout, layout_of
from engine.lanes.llvm import NoMachineForm
from engine.lanes.nest import Nest

KERNEL = "run"
"""Name of the kernel in the PTX."""
THREADS = 128
"""Threads of a block; the number of lanes of a launch is a multiple of it."""
_ARCHITECTURES = 75, 80, 86, 87, 89, 90
"""Architectures (sm_75, ...) that PTX is written for; drivers translate it for newer cards."""
_KERNEL = """target triple = "nvptx64-nvidia-cuda"
declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
{declared}
{copies}
!nvvm.annotations = !{{!0}}
!0 = !{{ptr @{kernel}, !"maxntidx", i32 {threads}}}
define ptx_kernel void @{kernel}(i64 %before, i32 %low, ptr noalias readonly %shared,
  ptr noalias %scratch, ptr noalias readonly %rows4, i64 %n4, ptr noalias readonly %rows8, i64 %n8) {{
batch:
  %thread = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %block = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
  %own = zext i32 %thread to i64
  %blocks = zext i32 %block to i64
  %earlier = mul i64 %blocks, {threads}
  %begin = add i64 %earlier, %own
  %begin32 = trunc i64 %begin to i32
  %begun = add i32 %begin32, %low
  %of_blocks = mul i64 %blocks, {room}
  %of_block = getelementptr inbounds i32, ptr %scratch, i64 %of_blocks
  %scratch1 = getelementptr inbounds i32, ptr %of_block, i64 %own
  %scratch2 = getelementptr inbounds i64, ptr %of_block, i64 %own
{body}
  %place = add i64 %before, %begin
  call void @copy4(ptr %scratch1, ptr %rows4, i64 %n4, i64 %place)
  call void @copy8(ptr %scratch2, ptr %rows8, i64 %n8, i64 %place)
  ret void
}}"""


def architecture(capability: float) -> str:
    """Newest architecture, such as "sm_89", whose PTX a card of this compute capability, such as 8.9, takes."""
    return f"sm_{max((one for one in _ARCHITECTURES if one <= round(10 * capability)), default=_ARCHITECTURES[0])}"


@functools.cache
def _target(processor: str) -> Any:
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    target = llvm.Target.from_triple("nvptx64-nvidia-cuda")
    return target.create_target_machine(cpu=processor, features="+ptx80", opt=3)


@dataclass(frozen=True)
class Kernel:
    """A function of one lane as the PTX of a kernel without inputs of each lane.

    Its parameters are the number of lanes before those of the launch, as int64; the low word of the number of the
    first lane, as uint32; addresses of the shared words and of scratch memory, `layout.scratch` words for each lane;
    and for numbers of 4 and of 8 bytes the address of a table, as `cpu.row_table` gives it, and its length, as int64.

    Args:
      layout: of its memory.
      text: the PTX.
    """

    layout: Layout
    text: str


def compile_nest(nest: Nest, processor: str, items: int = 1) -> Kernel:
    """The kernel of a nest, from the cache or compiled.

    Args:
      processor: as `architecture` gives it.
      items: as of `cpu.compile`.

    Raises:
      NoMachineForm: an operation has no form in PTX.
    """
    writer = Writer(nest, 1, THREADS)
    body, room = writer.write("%begun"), writer.scratch * THREADS
    if called := re.findall(r"@(?!llvm\.)(\w+)", writer.declared):
        raise NoMachineForm(f"function {called[0]} of the C library")
    copies = "\n".join(copy_text(size, 1, items, THREADS) for size in (4, 8))
    text = _KERNEL.format(declared=writer.declared, copies=copies, body=body, kernel=KERNEL, threads=THREADS, room=room)
    layout = replace(layout_of(nest, 1, items), scratch=writer.scratch)
    key = machine_code.digest_of(text, processor, machine_code.compiler())
    held = compilation_cache.held("kernel", key)
    compilation_cache.asked(held is not None)
    if held is None:
        held = _assembly(text, processor).encode()
        compilation_cache.keep("kernel", key, held)
    return Kernel(layout, held.decode())


def _assembly(text: str, processor: str) -> str:
    """PTX of a text of LLVM IR."""
    target, module = _target(processor), llvm.parse_assembly(text)
    builder = llvm.create_pass_builder(target, llvm.create_pipeline_tuning_options(speed_level=2))
    passes = llvm.create_new_module_pass_manager()
    passes.add_always_inliner_pass()
    passes.add_sroa_pass()
    passes.add_simplify_cfg_pass()
    passes.run(module, builder)
    made: str = target.emit_assembly(module)
    return made
