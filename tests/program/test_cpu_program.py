"""Compiled lanes give the same bits for every width of vectors, number of threads and first path."""

import ctypes
import functools
import hashlib
import platform
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh

from engine.draws.sobol import POINTS
from engine.lanes import cpu, machine_code
from engine.modelling.folds import total
from engine.modelling.records import Factor, Lever, Outcome, PathModel, Shock, StaticModel, Yearly
from engine.program import contract, cpu_program
from engine.program.cpu_program import CpuProgram
from engine.study.loading import load_study, read_study
from engine.study.study import BLOCK, Block
from tests.helpers import assert_same
from tests.shock_study import walk
from tests.user_models import farms, static

WIDTHS = (16, 8, 4, 1)
SAMPLERS = ("random", "antithetic", "sobol")
PATHS = 1024


class Cost(StaticModel):
    """What a price and an amount come to, less an aid."""

    factors = {"price": Factor("M"), "amount": Factor("1")}
    levers = {"aid": Lever("M")}
    outcomes = {"cost": Outcome("M", loss=True), "share": Outcome("1")}

    def evaluate(self, factors, levers):
        cost = factors.price * jnp.exp(0.1 * factors.amount) - levers.aid
        return {"cost": cost, "share": jnp.tanh(cost / (1 + factors.amount**2))}


COST = {
    "price": {"family": "lognormal", "median": 3.0, "sigma": 0.5, "group": "market"},
    "amount": {"family": "gamma", "a": 2.0, "group": "market"},
}


def cost(sampler="random", tables=(), **policies):
    more = {"groups": {"market": {"copula": "t", "df": 4.0, "kendall": 0.5}}} | dict(tables)
    paths = POINTS if sampler == "sobol" else PATHS
    return static(Cost(), COST, paths, {"none": {}, "aid": {"aid": 2.0}, **policies}, run={"sampler": sampler}, **more)


STUDIES = {
    **{f"cost-{sampler}": functools.partial(cost, sampler) for sampler in SAMPLERS},
    **{f"farms-{sampler}": functools.partial(farms, paths=PATHS, sampler=sampler) for sampler in SAMPLERS[:-1]},
    "farms-sobol": functools.partial(farms, {"keep": {"yearly": POINTS}}, paths=POINTS, sampler="sobol"),
    "walk-antithetic": functools.partial(walk, paths=PATHS, sampler="antithetic", tile=256),
}


def on(count):
    """A mesh of so many threads; they need not be cores."""
    return Mesh(np.array(jax.devices("cpu")[:1] * count), ("device",))


def lanes(study, width=None, dtype=np.float32, threads=1):
    """The study's compiled lanes, traced anew."""
    return CpuProgram(study, on(threads), dtype, width=width)


@functools.cache
def made(name, width=None, dtype=np.float32):
    return lanes(STUDIES[name](), width, dtype)


def outcomes(program, first=0, count=PATHS):
    block = Block(first // BLOCK, first, count)
    return program.submit(block).of(block)


def everything(program, first=0, count=PATHS):
    """All that a program gives of some paths."""
    block = Block(first // BLOCK, first, count)
    given = {"outcomes": outcomes(program, first, count), "draws": program.draws(block)}
    for number in (first, first + count - 1):
        trace = program.path(number)
        given |= {
            f"{name} of path {number}": getattr(trace, name) for name in ("outcomes", "draws", "shocks", "yearly")
        }
    if program.study.is_path_model:
        given["yearly"] = program.first_years(200)
    return given


def assert_all_same(found, expected):
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert (found[name] is None) == (values is None), name
        if values is not None:
            assert_same(found[name], values)


# ------------------------------------------------------------------------------- widths


@pytest.mark.parametrize(
    "name",
    [
        "cost-sobol",
        "farms-antithetic",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("farms-sobol", "walk-antithetic")),
        *(
            pytest.param(name, marks=[pytest.mark.slow, pytest.mark.sweep])
            for name in ("cost-random", "cost-antithetic", "farms-random")
        ),
    ],
)
def test_the_width_of_vectors_changes_no_bit(name):
    expected = everything(made(name, 1))
    for width in WIDTHS[:-1]:
        assert_all_same(everything(made(name, width)), expected)


# ------------------------------------------------------------------------------- parts of the paths


@pytest.mark.parametrize("name", ["cost-sobol", "farms-antithetic"])
@pytest.mark.parametrize(("first", "count"), [(0, 1), (1, 1), (63, 2), (333, 77), (1023, 1)])
def test_some_paths_alone_are_those_of_all(name, first, count):
    whole = outcomes(made(name))
    assert_same(outcomes(made(name), first, count), whole[..., first : first + count])
    draws = made(name).draws(Block(0, 0, PATHS))
    assert_same(made(name).draws(Block(0, first, count)), draws[:, first : first + count])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("count", [77, PATHS])
def test_years_come_in_parts_that_are_all_of_them_side_by_side(count, dtype, monkeypatch):
    program = made("farms-antithetic", dtype=dtype)
    whole = program.first_years(count)
    assert len(list(program.years_in_parts(count))) == 1
    monkeypatch.setattr(contract, "PART", whole[:, :2].nbytes)
    parts = list(program.years_in_parts(count))
    n_years = whole.shape[1]
    assert [part.shape[1] for part in parts] == [2] * (n_years // 2) + [1] * (n_years % 2)
    assert_same(np.concatenate(parts, axis=1), whole)


@pytest.mark.parametrize("name", ["cost-random", "cost-sobol", "farms-antithetic"])
@pytest.mark.parametrize("width", [16, 1])
def test_paths_go_on_where_a_word_ends(name, width):
    """A word counts groups of paths: 2 of them, 4 with their mirrors."""
    program = made(name, width)
    group = 4 if name.endswith("antithetic") else 2
    edge = group << 32
    for first, count in ((edge - 333, 333), (edge, 667)):
        part = outcomes(program, first, count)
        assert not np.array_equal(part, outcomes(program, first - edge + 1000, count))
        assert_same(part, outcomes(made(name, 4), first, count))
        assert_same(program.path(first).outcomes[..., 0], part[..., 0])
    with pytest.raises(ValueError, match="none beyond"):
        outcomes(program, edge - 333, 1000)


@functools.cache
def blocks():
    """Outcomes of two blocks and a bit on one thread, in order."""
    study = cost()
    program = lanes(study)
    return [outcomes(program, index * BLOCK, count) for index, count in ((0, BLOCK), (1, BLOCK), (2, 77))]


@pytest.mark.parametrize(("threads", "order"), [(1, (2, 1, 0)), (2, (1, 0, 2)), (4, (0, 2, 1))])
def test_neither_threads_nor_the_order_of_blocks_change_a_bit(threads, order):
    program = lanes(cost(), threads=threads)
    counts = BLOCK, BLOCK, 77
    asked = [Block(index, index * BLOCK, counts[index]) for index in order]
    running = [(block, program.submit(block)) for block in asked]
    for block, started in running:
        assert_same(started.of(block), blocks()[block.index])
    assert program.traces == 1


# ------------------------------------------------------------------------------- what nobody else reads


@pytest.mark.parametrize("name", ["cost-random", "farms-antithetic"])
def test_policies_have_their_bits_alone_beside_others_and_in_any_order(name):
    program = made(name)
    every = everything(program)
    for rows in ([1], [1, 0], [0, 1, 1, 0, 1]):
        levers = jax.tree.map(lambda leaf, rows=rows: leaf[..., rows], program.inputs["levers"])
        found = everything(program.under(levers))
        assert_same(found["outcomes"], every["outcomes"][rows])
        assert_same(found["draws"], every["draws"])
        if "yearly" in every:
            assert_same(found["yearly"], every["yearly"][rows])
    with pytest.raises(ValueError, match="expected"):
        program.under(program.inputs["levers"] | {"start": np.zeros((1, 2), np.float32)})


class Halving(PathModel):
    """Halves a number again and again."""

    factors = {"start": Factor("1")}
    shocks = {"luck": Shock(law="uniform")}
    levers = {"floor": Lever("1")}
    yearly = {"rest": Yearly("1")}
    outcomes = {"rest": Outcome("1", lambda state: state), "sum": Outcome("1", total("rest"))}

    def init(self, factors, levers):
        return factors.start

    def step(self, state, year, factors, shocks, levers):
        state = state * 0.5 + levers.floor * 0.25
        return state, {"rest": state}


def halving():
    text = {
        "name": "halving",
        "run": {"paths": 64, "sampler": "random"},
        "time": {"first": 1, "last": 40},
        "factors": {"start": {"family": "fixed", "value": 1e-38}},
        "policies": {"none": {}, "floor": {"floor": 1e-44}},
    }
    return read_study(text, "halving.toml", model=Halving())


CONTROL = """
declare void @llvm.x86.sse.ldmxcsr(ptr)
declare void @llvm.x86.sse.stmxcsr(ptr)
define void @get(ptr %to) {
  call void @llvm.x86.sse.stmxcsr(ptr %to)
  ret void
}
define void @set(ptr %from) {
  call void @llvm.x86.sse.ldmxcsr(ptr %from)
  ret void
}"""


@contextmanager
def flushing():
    """A thread that flushes subnormal numbers and rounds down, as some libraries leave it; those that it starts do so
    as well.
    """
    code = machine_code.loaded(CONTROL)
    get, put = (machine_code.function(code, name, [ctypes.c_void_p]) for name in ("get", "set"))
    before = ctypes.c_uint32()
    get(ctypes.addressof(before))
    put(ctypes.addressof(ctypes.c_uint32(before.value | 0x8040 | 0x2000)))
    try:
        yield
    finally:
        put(ctypes.addressof(before))


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="of x86 alone")
def test_what_other_libraries_set_a_processor_to_changes_no_bit():
    program, other = lanes(halving()), lanes(halving())
    expected = everything(program, 0, 64)
    cpu.threads_of.cache_clear()
    try:
        with flushing():
            assert np.float32(1e-38) * np.float32(0.5) == 0
            found = everything(other, 0, 64)
    finally:
        cpu.threads_of.cache_clear()
    assert_all_same(found, expected)


# ------------------------------------------------------------------------------- any machine


GOLDEN = {
    "cost-random": "edc1a58b787d5c04",
    "farms-antithetic": "4f071ae3323ddb7a",
    "farms-sobol": "63eb8962d5abcb04",
    "walk-antithetic": "3b1d0ad06129f3af",
}
"""Digests of the outcomes of the first 512 paths on every machine, with any version of jax."""
SHIPPED = {
    "rustbelt": ("a70ebfe0dc3b2397", "7e5a580999c9b519", "6c55de2635944dce", "83f422faff650e25"),
    "warming": ("83b2ac676954d3f6", "1f4807a85a50f18b", "feeb419c47bf6795", "3de6cf5ce8dff6e0"),
    "rustbelt_2016": ("c7fe485d1029c6f9", "d64b795113b24930", "6c55de2635944dce", "a8c3a43fdd22746f"),
}
"""The same of the shipped studies: outcomes, draws, scores, yearly values."""


def digest(values):
    return hashlib.sha256(np.ascontiguousarray(values).astype("<f4").tobytes()).hexdigest()[:16]


@pytest.mark.parametrize("name", GOLDEN)
def test_outcomes_are_those_of_every_machine(name):
    assert digest(outcomes(made(name), 0, 512)) == GOLDEN[name]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "width"),
    [
        *((name, width) for name in ("rustbelt", "warming") for width in WIDTHS),
        *(pytest.param("rustbelt_2016", width, marks=pytest.mark.sweep) for width in WIDTHS),
    ],
)
def test_shipped_studies_have_their_bits_in_vectors_of_every_width(name, width):
    program = lanes(load_study(name, paths=512), width)
    trace, scores = program.trace(0), program.scores(Block(0, 0, 512))
    found = trace.outcomes, trace.draws, scores, trace.yearly
    assert tuple(digest(values[..., :512]) for values in found) == SHIPPED[name]


THREADS = 8


def at_once(function, *given):
    """What threads that begin together find, each with its own argument."""
    ready = threading.Barrier(len(given))

    def begun(one):
        ready.wait(30)
        return function(one)

    with ThreadPoolExecutor(len(given)) as threads:
        return list(threads.map(begun, given))


def test_code_that_many_threads_ask_for_is_compiled_once(monkeypatch):
    compiled, asked = cpu_program.compiled, []
    monkeypatch.setattr(cpu_program, "compiled", lambda *of: (asked.append(of[2]), compiled(*of))[1])
    program = lanes(STUDIES["cost-random"](), threads=2)
    found = at_once(lambda _: program.draws(Block(0, 0, 500)).tobytes(), *range(THREADS))
    assert len(asked) == len({*found}) == 1
