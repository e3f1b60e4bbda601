"""Object files can be loaded wherever memory lies, and what ends the compiler ends nothing else."""

import struct
import warnings
from dataclasses import replace

import jax.numpy as jnp
import llvmlite.binding as llvm
import numpy as np
import pytest
from click.testing import CliRunner

from engine.cli import main
from engine.modelling.folds import total
from engine.modelling.records import Factor, Lever, Outcome, PathModel, Shock, Yearly
from engine.program.emitting import loop
from engine.program.lowering.stages import Listing
from engine.program.running import object_code
from engine.program.running.kernel import form_of, kind_for, listing_of, program_on
from engine.program.running.native import LoopProgram
from engine.program.running.xla import XlaProgram
from engine.program.tracing import arguments
from engine.study.loading import read_study
from tests.helpers import assert_close, assert_same
from tests.pairs import in_turn
from tests.program.test_loop import STUDIES, on, outcomes as of_block

PROCESSORS = {
    "AVX-512": ("x86_64-unknown-linux-gnu", "skylake-avx512", 16),
    "AVX2": ("x86_64-unknown-linux-gnu", "haswell", 8),
    "SSE2": ("x86_64-unknown-linux-gnu", "x86-64", 4),
    "ARM": ("aarch64-unknown-linux-gnu", "generic", 4),
}
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
    """An object file for another processor, by the rules of all."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    triple, name, _ = PROCESSORS[processor]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(object_code, "CODE_MODEL", code_model)
        return object_code.target_for(triple, name, "").emit_object(llvm.parse_assembly(text))


class Rates(PathModel):
    """Numbers known beforehand, looked up by the year, by the state, or by both."""

    factors = {"size": Factor("1")}
    shocks = {"luck": Shock("1")}
    levers = {"aid": Lever("1", default=0.0)}
    yearly = {"cost": Yearly("1", loss=True)}
    outcomes = {"cost": Outcome("1", total("cost"), loss=True)}

    def __init__(self, count, tables, by):
        rng = np.random.default_rng(count)
        self.tables = [jnp.asarray(rng.normal(size=count), jnp.float32) for _ in range(tables)]
        self.by = by

    def init(self, factors, levers):
        return factors.size

    def step(self, state, year, factors, shocks, levers):
        at = {"year": lambda: year - 1, "state": lambda: jnp.int32(state), "both": lambda: year + jnp.int32(state)}
        rates = sum(table[at[self.by]()] for table in self.tables)
        return state * 1.25, {"cost": state * rates + levers.aid + 0.1 * shocks.luck}


def rates(count, tables=1, by="year", paths=256):
    text = {
        "name": "rates",
        "run": {"paths": paths, "sampler": "random"},
        "time": {"first": 1, "last": 6},
        "factors": {"size": {"family": "uniform", "low": 0.0, "high": 1.3 * count}},
        "policies": {"none": {}, "aid": {"aid": 1.0}},
    }
    return read_study(text, "rates.toml", model=Rates(count, tables, by))


CASES = in_turn([(1, 1), (3, 1), (16, 3), (256, 2), (257, 1), (10_000, 1)], ("year", "state", "both"))


@pytest.mark.parametrize(("count", "tables", "by"), CASES)
def test_numbers_by_place_are_looked_up(count, tables, by):
    study = rates(count, tables, by)
    program = program_on(study, on(1))
    is_loop = isinstance(listing_of(study, np.float32), Listing)
    assert is_loop == (count <= 256)
    assert isinstance(program, LoopProgram if is_loop else XlaProgram)
    expected = of_block(program_on(study, on(1), form="xla"), 0, 256)
    assert_close(of_block(program, 0, 256), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("processor", PROCESSORS)
@pytest.mark.parametrize("name", ["rates", "cost-random", pytest.param("farms-antithetic", marks=pytest.mark.slow)])
def test_no_address_in_an_object_is_too_short_for_any_memory(name, processor, dtype):
    study = rates(40, 3, "both") if name == "rates" else STUDIES[name]()
    width = PROCESSORS[processor][2] // (np.dtype(dtype).itemsize // 4)
    text = loop.code(study, listing_of(study, dtype), arguments.of(study, dtype), width, "outcomes").text
    machine, found = relocations(emitted_for(text, processor))
    assert found
    short = [one for one in found if one[0] not in WHOLE_WORDS[machine] | BRANCHES.get(machine, set())]
    assert not short, short[:5]
    # with short addresses the test sees them
    *_, before = relocations(emitted_for(text, processor, "small"))
    assert any(kind not in WHOLE_WORDS[machine] and kind not in BRANCHES.get(machine, ()) for kind, *_ in before)


# ------------------------------------------------------------------------------- what ends the compiler

FATAL = """
declare void @llvm.nvvm.barrier0()
define void @none() {
  call void @llvm.nvvm.barrier0()
  ret void
}"""
"""No processor has it, and LLVM ends its process over it."""


def with_fatal(monkeypatch, *gives):
    """Code of some kinds comes with what ends LLVM."""
    write = loop.code

    def written(study, listing, inputs, width, kind, of_scores=False):
        made = write(study, listing, inputs, width, kind, of_scores)
        return replace(made, text=made.text + FATAL) if kind in gives else made

    monkeypatch.setattr(loop, "code", written)


def test_what_ends_the_compiler_is_named_and_ends_nothing_else():
    with pytest.raises(object_code.CompilerEnded, match=r"SIGABRT.*Cannot select"):
        object_code.emitted_apart(FATAL)


def test_what_is_no_text_of_llvms_is_refused_as_it_would_be_here():
    with pytest.raises(RuntimeError, match="expected top-level entity"):
        object_code.emitted_apart("none")


def test_a_study_that_ends_the_compiler_runs_in_xlas_form_and_says_so(monkeypatch):
    with_fatal(monkeypatch, "outcomes")
    study = rates(5)
    with pytest.warns(UserWarning, match=r"Rates \(outcomes\).*SIGABRT.*--program xla") as seen:
        program = program_on(study, on(1))
    assert isinstance(program, XlaProgram) and len(seen) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert kind_for(study, "cpu") == "cpu"
        assert "SIGABRT" in form_of(study, np.float32)
    assert_same(of_block(program, 0, 64), of_block(program_on(study, on(1), form="xla"), 0, 64))


def test_code_that_is_made_later_and_ends_the_compiler_is_an_error_with_its_remedy(monkeypatch):
    with_fatal(monkeypatch, "years")
    program = program_on(rates(6), on(1))
    assert isinstance(program, LoopProgram)
    of_block(program, 0, 64)
    with pytest.raises(object_code.CompilerEnded, match=r"Rates.*years.*SIGABRT.*--program xla"):
        program.first_years(64)


@pytest.mark.parametrize(("kind", "code"), [("outcomes", 0), ("years", 1)])
def test_the_command_line_ends_by_itself(monkeypatch, tmp_path, kind, code):
    with_fatal(monkeypatch, kind)
    (tmp_path / "model.py").write_text(MODEL)
    (tmp_path / "study.toml").write_text(STUDY)
    words = [
        "run",
        str(tmp_path / "study.toml"),
        "--model",
        f"{tmp_path / 'model.py'}:Rates",
        "--out",
        str(tmp_path / "out"),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("default")  # a warning is no error to a user
        done = CliRunner().invoke(main, words)
    assert done.exit_code == code, done.output
    assert "SIGABRT" in done.stderr and "Rates" in done.stderr and "--program xla" in done.stderr


MODEL = """
import jax.numpy as jnp
from engine import Factor, Lever, Outcome, PathModel, Yearly, total

RATES = jnp.array([0.1, 0.2, 0.4, 0.3, 0.6])

class Rates(PathModel):
    factors = {"size": Factor("1")}
    levers = {"aid": Lever("1", default=0.0)}
    yearly = {"cost": Yearly("1", loss=True)}
    outcomes = {"cost": Outcome("1", total("cost"), loss=True)}

    def init(self, factors, levers):
        return factors.size

    def step(self, state, year, factors, shocks, levers):
        return state, {"cost": state * RATES[year - 1] + levers.aid}
"""
STUDY = """
name = "rates"
question = "What does it cost?"
baseline = "none"
run = { paths = 1024, seed = 1 }
time = { first = 1, last = 5, unit = "year" }
policies = { none = { about = "None" }, aid = { about = "Aid", aid = 1.0 } }

[factors.size]
about = "How large it is"
unit = "1"
family = "uniform"
low = 0.0
high = 4.0
source = "a test"
"""
