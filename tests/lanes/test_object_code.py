"""Object files can be loaded anywhere in memory, and a crash of the compiler does not end the process."""

import struct

import jax
import jax.numpy as jnp
import llvmlite.binding as llvm
import numpy as np
import pytest
from jax import lax

from engine.lanes import cpu, machine_code, object_code
from engine.lanes.nest import trace

PROCESSORS = {
    "AVX-512": ("x86_64-unknown-linux-gnu", "skylake-avx512", 16),
    "AVX2": ("x86_64-unknown-linux-gnu", "haswell", 8),
    "SSE2": ("x86_64-unknown-linux-gnu", "x86-64", 4),
    "ARM": ("aarch64-unknown-linux-gnu", "generic", 4),
}
"""Target, processor and 32-bit values of a vector register."""
WHOLE_WORDS = {62: {1, 24}, 183: {257, 260, 263, 264, 265, 266, 267, 268, 269}}
"""By machine, relocations that hold any address: R_X86_64_64 and PC64; R_AARCH64_ABS64, PREL64 and the quarters of a
word, MOVW_UABS.
"""
BRANCHES = {183: {282, 283}}
"""R_AARCH64_JUMP26 and CALL26: to the same section, or by way of a stub at its end, which holds a whole word."""


def relocations(code):
    """The relocations of an ELF object for a machine: its number, and (type, section that it is in, section that it
    means) of each.
    """
    machine, at = struct.unpack_from("<H", code, 18)[0], struct.unpack_from("<Q", code, 40)[0]
    size, count, _ = struct.unpack_from("<HHH", code, 58)
    sections = [struct.unpack_from("<IIQQQQIIQQ", code, at + size * k) for k in range(count)]
    found = []
    for _, kind, _, _, first, length, symbols, target, *_ in sections:
        if kind == 4:
            for place in range(first, first + length, 24):
                _, about, _ = struct.unpack_from("<QQq", code, place)
                symbol = sections[symbols][4] + 24 * (about >> 32)
                found.append((about & 0xFFFFFFFF, target, struct.unpack_from("<H", code, symbol + 6)[0]))
        assert kind != 9, "relocations of the other kind"
    return machine, found


def emitted_for(text, processor, code_model=object_code.CODE_MODEL):
    """The object file of a text for another processor."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    triple, name, _ = PROCESSORS[processor]
    target = llvm.Target.from_triple(triple).create_target_machine(cpu=name, opt=2, codemodel=code_model, jit=True)
    return target.emit_object(llvm.parse_assembly(text))


def various(shared, lane, own):
    """Constants, lookups, loops, branches, and calls of the C library."""

    def turn(c, x):
        return lax.cond(c > x, lambda: jnp.exp(c) * 0.3, lambda: jnp.arctan(c) + shared[jnp.int32(c)]), jnp.sin(c) * x

    last, rows = lax.scan(turn, own, jnp.linspace(0.1, 1.7, 9, dtype=own.dtype))
    return {"last": last, "rows": rows, "erf": jax.scipy.special.erf(own) ** own}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("processor", PROCESSORS)
def test_no_address_in_an_object_is_too_short_for_any_memory(processor, dtype):
    with jax.enable_x64(dtype == np.float64):
        nest = trace(various, np.ones(40, dtype), jax.ShapeDtypeStruct((), dtype)).nest()
    text = cpu.text_of(nest, PROCESSORS[processor][2] // (np.dtype(dtype).itemsize // 4))
    machine, found = relocations(emitted_for(text, processor))
    assert found
    short = [one for one in found if one[0] not in WHOLE_WORDS[machine] | BRANCHES.get(machine, set())]
    assert not short, short[:5]
    # the test sees short addresses where the code model has them
    *_, before = relocations(emitted_for(text, processor, "small"))
    assert any(kind not in WHOLE_WORDS[machine] and kind not in BRANCHES.get(machine, ()) for kind, *_ in before)


def test_spilled_vectors_lie_in_one_cache_line_each():
    nest = trace(various, np.ones(40, np.float32), jax.ShapeDtypeStruct((), np.float32)).nest()
    text = cpu.text_of(nest, PROCESSORS["AVX-512"][2])
    aligned = b"\x48\x83\xe4\xc0"  # and rsp, -64
    assert aligned in emitted_for(text, "AVX-512")
    assert aligned not in emitted_for(text.replace("alignstack(64)", ""), "AVX-512")


FATAL = """
declare void @llvm.nvvm.barrier0()
define void @none() {
  call void @llvm.nvvm.barrier0()
  ret void
}"""
"""No processor has this instruction, and LLVM aborts its process where it is asked for."""


def test_a_crash_of_the_compiler_is_an_exception_with_its_last_words():
    with pytest.raises(object_code.CompilerEnded, match=r"SIGABRT.*Cannot select"):
        object_code.emitted_apart(FATAL)
    with pytest.raises(object_code.CompilerEnded, match="SIGABRT"):
        machine_code.loaded(FATAL)


SUM = """
define double @sum(ptr %at) {
  %one = load double, ptr %at
  br label %more
more:
  %place = getelementptr double, ptr %at, i64 1
  %other = load double, ptr %place
  %both = fadd double %one, %other
  ret double %both
}"""


@pytest.mark.parametrize("level", [object_code.OPTIMISED, object_code.QUICK])
def test_code_of_a_level_is_the_same_where_no_process_can_be_started(monkeypatch, level):
    def refused(*words, **options):
        raise OSError("no process")

    apart = object_code.emitted_apart(SUM, level)
    monkeypatch.setattr("subprocess.run", refused)
    assert object_code.emitted_apart(SUM, level) == object_code.emitted(SUM, level) == apart
    (other,) = {object_code.OPTIMISED, object_code.QUICK} - {level}
    assert object_code.emitted(SUM, other) != apart
    assert machine_code.key_of(SUM, other) != machine_code.key_of(SUM, level)
