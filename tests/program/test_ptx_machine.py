"""The PTX machine itself: its fused operation is rounded once, and what a card would not survive is found."""

import numpy as np
import pytest

from tests.program.ptx_arithmetic import Fault
from tests.program.ptx_machine import Machine
from tests.program.ptx_memory import GlobalMemory, address

THREADS = 4
KERNEL = """
.version 8.0
.target sm_{capability}
.address_size 64
.visible .entry paths(
	.param .u64 .ptr .align 16 paths_param_0,
	.param .u64 .ptr .align 16 paths_param_1,
	.param .u64 .ptr .align 16 paths_param_2
)
.maxntid 4
{{
	.reg .pred 	%p<9>;
	.reg .b32 	%r<9>;
	.reg .b64 	%rd<9>;
	ld.param.b64 	%rd1, [paths_param_0];
	ld.param.b64 	%rd2, [paths_param_1];
	mov.u32 	%r1, %tid.x;
	mul.wide.u32 	%rd3, %r1, 4;
	ld.param.b64 	%rd4, [paths_param_2];
	mov.u32 	%r2, %ctaid.x;
	mul.wide.u32 	%rd5, %r2, 16;
	add.s64 	%rd4, %rd4, %rd5;
	add.s64 	%rd4, %rd4, %rd3;
	setp.eq.b32 	%p1, %r1, 0;
{lines}
	ret;
}}
"""


def words_after(*lines: str, capability: int = 90) -> np.ndarray:
    """What the threads of two blocks leave that begin with their number as %r1, four bytes times it as %rd3, the place
    of their own word of scratch memory as %rd4.
    """
    text = KERNEL.format(lines="\n".join(lines), capability=capability)
    memory = GlobalMemory([np.arange(10, 14, dtype=np.uint32)], [2 * THREADS, 2 * THREADS])
    Machine(text).launch(memory, [address(0), address(1), address(2)], (0, 1))
    return memory.arrays[1]


FAULTS = {
    "reads what another thread writes": [
        "st.global.b32 [%rd4], %r1;",
        "ld.param.b64 %rd5, [paths_param_2];",
        "ld.global.b32 %r2, [%rd5];",
    ],
    "written by two threads": ["ld.param.b64 %rd5, [paths_param_2];", "st.global.b32 [%rd5], %r1;"],
    "read before it is written": ["ld.global.b32 %r2, [%rd4];"],
    "misaligned": ["ld.global.nc.b32 %r2, [%rd1+2];"],
    "out of bounds": ["ld.global.nc.b32 %r2, [%rd1+16];"],
    "writes array 0": ["st.global.b32 [%rd1], %r1;"],
    "reads what is written": ["ld.global.nc.b32 %r2, [%rd2];"],
    "which is not written": ["add.s32 %r2, %r1, %r5;"],
    "which some threads have not written": ["@%p1 mov.b32 %r5, 1;", "add.s32 %r2, %r1, %r5;"],
    "of another size": ["add.s64 %rd5, %r1, 1;"],
    "runs without end": ["$L1:", "bra.uni $L1;"],
    "mul.f32 is not known": ["mul.f32 %r2, %r1, %r1;"],
    "add.rn.ftz.f32 is not known": ["add.rn.ftz.f32 %r2, %r1, %r1;"],
    "divided by zero": ["div.u32 %r2, %r1, 0;"],
}


@pytest.mark.parametrize("found", FAULTS)
def test_what_a_card_would_not_survive_is_found(monkeypatch, found):
    monkeypatch.setattr("tests.program.ptx_machine.MOST", 1000)
    with pytest.raises(Fault, match=found.strip()):
        words_after(*FAULTS[found])
