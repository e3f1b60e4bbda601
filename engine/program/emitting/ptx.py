"""Compiles a GPU's code to PTX, the assembly that NVIDIA's driver takes, by LLVM's back end.

No operation is contracted or approximated, and subnormal numbers are kept, so a card gives the same bits as any other
machine does.
"""

from __future__ import annotations

import functools
from typing import Any

import llvmlite.binding as llvm

from engine.program.emitting.gpu_code import ARRAYS, GpuCode

KERNEL = "paths"
"""Name of the kernel in the PTX."""
_PROCESSORS = 75, 80, 86, 87, 89, 90
"""Architectures (sm_75, ...) that PTX is written for; drivers translate it for newer cards."""
NEWEST = f"sm_{_PROCESSORS[-1]}"


def processor(capability: float) -> str:
    """Newest architecture, such as "sm_89", whose PTX a card of this compute capability, such as 8.9, takes."""
    return f"sm_{max((one for one in _PROCESSORS if one <= round(10 * capability)), default=_PROCESSORS[0])}"


@functools.cache
def _target(processor: str) -> Any:
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    target = llvm.Target.from_triple("nvptx64-nvidia-cuda")
    return target.create_target_machine(cpu=processor, features="+ptx80", opt=3)


def kernel(code: GpuCode) -> str:
    """LLVM IR of the kernel, which every thread of the grid runs."""
    layout = code.layout
    taken = [f"ptr noalias {'' if name == 'outcomes' else 'readonly '}align 16 %{name}" for name in ARRAYS]
    given = ", ".join(f"ptr %{name}" for name in ARRAYS)
    return f"""
target triple = "nvptx64-nvidia-cuda"
@numbers = internal addrspace(3) global [{max(1, layout.shared)} x i32] undef, align 16
declare void @llvm.nvvm.barrier0()
declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.ctaid.y()
define internal void @together() alwaysinline {{
  call void @llvm.nvvm.barrier0()
  ret void
}}
{code.thread}
!nvvm.annotations = !{{!0}}
!0 = !{{ptr @{KERNEL}, !"maxntidx", i32 {layout.threads}}}
define ptx_kernel void @{KERNEL}({", ".join(taken)}) {{
  %numbers = addrspacecast ptr addrspace(3) @numbers to ptr
  %thread = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %block = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
  %strip = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.y()
  call void @body({given}, ptr %numbers, i32 %thread, i32 %block, i32 %strip)
  ret void
}}"""


def text(code: GpuCode, processor: str = NEWEST) -> str:
    """The PTX of a study's code for an architecture, such as "sm_90"."""
    target = _target(processor)
    module = llvm.parse_assembly(kernel(code))
    builder = llvm.create_pass_builder(target, llvm.create_pipeline_tuning_options(speed_level=2))
    passes = llvm.create_new_module_pass_manager()
    passes.add_always_inliner_pass()
    passes.add_sroa_pass()
    passes.add_simplify_cfg_pass()
    passes.run(module, builder)
    return target.emit_assembly(module)
