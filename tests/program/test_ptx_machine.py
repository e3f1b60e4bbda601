"""The PTX machine itself: its fused operation is rounded once, and what a card would not survive is found."""

from fractions import Fraction

import numpy as np
import pytest

from tests.helpers import assert_same
from tests.program.ptx_arithmetic import Fault, fused, rule
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


LEAVE = (
    "mov.u32 %r8, %ctaid.x;",
    "mul.wide.u32 %rd8, %r8, 16;",
    "add.s64 %rd8, %rd8, %rd3;",
    "add.s64 %rd8, %rd8, %rd2;",
    "st.global.b32 [%rd8], %r7;",
)


def test_threads_part_and_meet_again():
    lines = [
        "@%p1 bra $L1;",
        "mov.b32 %r7, 5;",
        "bra.uni $L2;",
        "$L1:",
        "mov.b32 %r7, 6;",
        "$L2:",
        "add.s32 %r7, %r7, 1;",
        *LEAVE,
    ]
    assert_same(words_after(*lines), np.array([7, 6, 6, 6] * 2, np.uint32))


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


def exact(a: np.float32, b: np.float32, c: np.float32) -> Fraction:
    return Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c))


def assert_nearest(value: np.float32, truth: Fraction) -> None:
    """The single number nearest to a rational one, of two as near the even one; infinite from half a step beyond the
    largest on.
    """
    largest = Fraction(float(np.finfo(np.float32).max))
    half_a_step = Fraction(2) ** 103
    if np.isinf(value):
        assert abs(truth) >= largest + half_a_step and (truth > 0) == (value > 0)
        return
    gap = abs(Fraction(float(value)) - truth)
    for beside in np.nextafter(value, np.array([-np.inf, np.inf], np.float32)):
        other = (
            Fraction(float(beside)) if np.isfinite(beside) else (largest + 2 * half_a_step) * (1 if beside > 0 else -1)
        )
        further = abs(other - truth)
        assert gap < further or (gap == further and not value.view(np.uint32) & 1)


@pytest.mark.parametrize(
    "least, most", [(0, 0xFFFFFFFF), (0x3F000000, 0x40000000), (0, 0x00FFFFFF), (0x5F000000, 0x60000000)]
)
def test_a_fused_operation_gives_the_nearest_number(least, most):
    """Of any bits, of near numbers that cancel, of subnormals, of products that overflow."""
    generator = np.random.default_rng(7)
    bits = generator.integers(least, most, (3, 2000), np.uint32)
    a, b, c = bits.view(np.float32)
    with np.errstate(all="ignore"):
        c = np.where(generator.random(2000) < 0.5, -(a * b), c)
        finite = np.isfinite(a) & np.isfinite(b) & np.isfinite(c)
        assert finite.sum() > 500
        operands = a[finite], b[finite], c[finite]
        near, cut = fused(*operands), fused(*operands, "rz")
        beyond = np.nextafter(cut, np.copysign(np.float32(np.inf), cut))
    for k, parts in enumerate(zip(*operands, strict=True)):
        truth = exact(*parts)
        assert_nearest(near[k], truth)
        assert abs(Fraction(float(cut[k]))) <= abs(truth)
        assert np.isinf(beyond[k]) or abs(Fraction(float(beyond[k]))) > abs(truth)


def test_what_is_not_a_number_is_one_and_the_same_and_extremes_know_the_sign_of_zero():
    values = np.array([np.nan, -np.nan, 1.0, 0.0, -0.0], np.float32)
    ones = np.ones_like(values)
    sums = rule("add.rn.f32").apply(values, ones).view(np.uint32)
    assert sums[0] == sums[1] == 0x7FFFFFFF
    assert_same(rule("max.f32").apply(values, ones), ones)
    assert_same(rule("max.NaN.f32").apply(values, ones).view(np.uint32)[:2], sums[:2])
    zeros = values[3:], values[:2:-1]
    assert_same(rule("max.f32").apply(*zeros), np.zeros(2, np.float32))
    assert_same(rule("min.f32").apply(*zeros), -np.zeros(2, np.float32))
    assert_same(rule("mul.rz.f32").apply(values[3:], ones[3:]), values[3:])
