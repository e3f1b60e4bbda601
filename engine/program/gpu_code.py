"""A study's code for a GPU: a thread computes one path under one policy, all years in one loop.

A block of threads takes some paths under some policies. Its threads share out the random numbers of these paths, each made once, in
memory that the block shares; those of the factors before the years, those of a year at its start. There too lies what a thread
carries from year to year beyond what its registers have room for. What does not differ by path is a table, computed before on the host.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine.draws.sampling import SAMPLERS
from engine.program.equations import Axis
from engine.program.functions import function
from engine.program.gpu_memory import carried, in_columns, padded
from engine.program.listing import Listing, words
from engine.program.llvm import NoMachineForm
from engine.program.loop import lever_places
from engine.program.operations import Operation
from engine.program.scheduling import few_waiting
from engine.program.stages import POLICY, SHARED, TABLE, Place, Room, State, cut, section, words_of
from engine.study.study import Study

ARRAYS = ("counter", "normal_keys", "uniform_keys", "arguments", "table_lasting", "table_each", "outcomes")
"""What the code is handed: the first group's number in two words, keys, tables; the last is written, [policy, outcome, path]."""
PATHS = 64
"""Paths of a block of threads."""
_WARP = 32
"""Threads that a GPU takes an instruction on together."""
_CARRIED = 100
"""Numbers that a thread carries from year to year in registers; it has 255. What is more lies in the memory of its block."""
_SHARED_MEMORY = 48 << 10
"""Bytes that a block may share without asking."""


@dataclass(frozen=True)
class GpuLayout:
    """How many numbers a path has of each kind, and which threads compute it.

    Args:
      lanes: paths of one launch, a power of two.
      paths: paths of a block of threads.
      each: policies that a thread computes.
      together: threads of a path in a block, each for other policies.
      group: paths that share their random words.
      key: words of a stream's key.
      factors, normals, uniforms: random numbers of a path, and of a path and year by law.
      before: words that a path has in the memory of its block before its numbers of the year.
      table: words that the table hands on.
      carried: numbers that a thread carries from year to year in the memory of its block.
    """

    dtype: type
    lanes: int
    paths: int
    each: int
    together: int
    group: int
    key: int
    years: int
    policies: int
    outcomes: int
    factors: int
    normals: int
    uniforms: int
    before: int
    table: Room
    carried: int

    @property
    def threads(self) -> int:
        """Threads of a block."""
        return self.paths * self.together

    @property
    def grid(self) -> tuple[int, int]:
        """Blocks along paths and along policies."""
        return self.lanes // self.paths, self.policies // (self.each * self.together)

    @property
    def unit(self) -> int:
        """Words of a number."""
        return words_of(np.dtype(self.dtype))

    @property
    def shared(self) -> int:
        """Words of the memory that a block shares."""
        return self.of_paths + self.unit * self.carried * self.threads

    @property
    def of_paths(self) -> int:
        """Words of it that its paths have, whichever thread reads them."""
        return self.paths * (self.before + self.unit * (self.normals + self.uniforms))


@dataclass(frozen=True)
class GpuCode:
    """LLVM IR of a study for a thread, of its table for the host, and where everything lies."""

    thread: str
    table: str
    layout: GpuLayout


def once_a_path(operation: Operation) -> int:
    """The stage of an operation where only what is the same in all years is computed once for all policies."""
    if Axis.PATH not in operation.axes:
        return TABLE
    return POLICY if Axis.POLICY in operation.axes or section(operation.axes) else SHARED


def code(
    study: Study, listing: Listing, inputs: Any, lanes: int, paths: int = PATHS, each: int | None = None
) -> GpuCode:
    """The code of a listed study.

    Args:
      inputs: as `arguments.of` gives them; their shapes count alone.
      lanes: paths of one launch, a power of two.
      paths: paths of a block of threads, a power of two; fewer where these share more memory than there is.
      each: policies that a thread computes; as many as its registers have room for if not given.

    Raises:
      NoMachineForm: what a GPU does not have.
    """
    dtype, unit = listing.dtype, words_of(np.dtype(listing.dtype))
    if any(operation.name == "call" for operation in listing.operations):
        raise NoMachineForm("functions of the C library")
    years = len(study.years) if study.is_path_model else 0
    places, levers = lever_places(inputs)
    keys = {law: held.shape[1] for law, held in inputs["shock_keys"].items()}
    factors, normals, uniforms = len(inputs["factor_keys"]), keys.get("normal", 0), keys.get("uniform", 0)

    def place_of(operation: Operation) -> Place:
        kind, *rest = operation.detail
        at = rest[0] if rest else 0
        if kind == "argument":
            return Place("arguments", at, 0, False)
        if kind in ("lever", "lever of year"):
            before = rest[1] * max(1, years) * levers
            return Place("levers", before + places[at], levers * (kind != "lever"), False)
        if kind in ("year", "is first"):
            return Place("levers", levers - 2 + (kind == "is first"), levers, False)
        if kind == "score":
            return Place(f"column{unit}", at * unit * paths)
        return Place("year", (at + (kind == "uniform") * normals) * unit * paths)

    policies = len(study.policies)
    each = each or _policies_of_a_thread(listing, policies)
    operations, states, outcomes = _for_policies(listing, each)
    rows = [(one, Place("results", k * lanes * unit)) for k, one in enumerate(outcomes)]
    stages, rooms = cut(operations, states, place_of, {POLICY: rows}, once_a_path)
    of_years = stages[POLICY]
    read_later = {state.after for state in of_years.states} | {one for one, _ in of_years.stores}
    of_years.rounds = few_waiting(of_years.rounds, read_later)
    alike = all(words_of(one.dtype) == unit for one, _ in stages[SHARED].stores)
    # a path's scores are read by the thread alone that writes what lasts in their place
    start = 0 if alike else factors * unit
    in_columns(stages, start, paths)
    table = padded(stages, rooms[TABLE])
    together = next(count for count in (4, 3, 2, 1) if policies // each % count == 0)
    sampler = SAMPLERS[study.sampler]
    layout = GpuLayout(
        dtype, lanes, paths, each, together, sampler.group, 2 + sampler.directions, years, policies, len(listing.outcomes),
        factors, normals, uniforms, max(factors * unit, start + rooms[SHARED].lasting), table, 0,
    )  # fmt: skip
    row = layout.threads * unit
    room = (_SHARED_MEMORY // 4 - layout.shared) // row
    asked = max(0, len(of_years.states) - _CARRIED)
    if room < asked and paths > _WARP:
        return code(study, listing, inputs, lanes, paths // 2, each)
    if room < 0:
        raise NoMachineForm("so many numbers of a path")
    layout = replace(layout, carried=carried(of_years, dtype, min(asked, room), row))
    filled, calls = function(stages[TABLE], 1, ("arguments", "levers", "table_lasting", "table_each"))
    once, declared = function(stages[SHARED], 1, (), _signature("once", *_OF_PATH))
    thread, more = function(
        stages[POLICY], 1, (), _signature("thread", *_OF_PATH, "results", *_OF_NUMBERS), _YEAR
    )
    declared |= more
    texts = [once, thread]
    for law, count in (("normal", factors + normals), ("uniform", uniforms)):
        if count:
            text, more = _words(study, law, layout)
            texts.append(text)
            declared |= more
    texts += [_numbers(layout, "factors", 0), _numbers(layout, "year", 1), _body(layout)]
    return GpuCode("\n".join([*sorted(declared), *texts]), "\n".join([*sorted(calls), filled]), layout)


def _policies_of_a_thread(listing: Listing, policies: int) -> int:
    """As many policies as leave a thread room in its registers, beside what goes from year to year."""
    of_policy = sum(Axis.POLICY in state.now.axes for state in listing.states)
    shared = len(listing.states) - of_policy
    counts = [count for count in range(1, policies + 1) if policies % count == 0]
    return max(count for count in counts if count == 1 or shared + count * of_policy <= _CARRIED)


def _for_policies(listing: Listing, count: int) -> tuple[list[Operation], list[State], list[Operation]]:
    """Operations, states and outcomes [policy, outcome] of some policies: what differs by policy stands there for each."""
    made: dict[tuple[Operation, int], Operation] = {}

    def of(operation: Operation, policy: int) -> Operation:
        return made.get((operation, policy), operation)

    operations = []
    for operation in listing.operations:
        if Axis.POLICY not in operation.axes:
            operations.append(operation)
            continue
        for policy in range(count):
            operands = tuple(of(operand, policy) for operand in operation.operands)
            detail = (*operation.detail, policy) if operation.name == "input" else operation.detail
            one = Operation(operation.name, operands, operation.dtype, detail, operation.axes)
            made[operation, policy] = one
            operations.append(one)
    states = []
    for state in listing.states:
        for policy in range(count if Axis.POLICY in state.now.axes else 1):
            parts = (state.before, state.now, state.after, state.last)
            states.append(State(*(of(part, policy) for part in parts)))
    outcomes = [of(outcome, policy) for policy in range(count) for outcome in listing.outcomes]
    return operations, states, outcomes


_OF_PATH = ("arguments", "table_lasting", "table_each", "column1", "column2", "year", "carried")
_OF_NUMBERS = ("numbers", "low", "high", "normal_keys", "uniform_keys", "i32 %thread")


def _signature(name: str, *taken: str) -> str:
    return f"define internal void @{name}({_listed(*taken)}, i64 %count) alwaysinline"


def _listed(*names: str) -> str:
    return ", ".join(name if "%" in name else f"ptr %{name}" for name in names)


_YEAR = f"  call void @year({_listed(*_OF_NUMBERS)}, i64 %turn)"


def _words(study: Study, law: str, layout: GpuLayout) -> tuple[str, set[str]]:
    """A function: random numbers of one group of paths, of one stream after the other, those that lie between left out."""
    listing, unit = words(study.sampler, law, layout.dtype), layout.unit
    streams = layout.threads // (layout.paths // layout.group)
    places: dict[tuple[Any, ...], Place] = {
        **{("key", k): Place("keys", k, layout.key * streams, False) for k in range(layout.key)},
        ("counter",): Place("low", 0),
        ("high",): Place("high", 0, 0, False),
    }
    outputs = [
        (one, Place("numbers", k * unit, streams * layout.paths * unit))
        for k, one in enumerate(listing.numbers)
    ]
    stages, _ = cut(
        listing.operations, (), lambda one: places[one.detail], {SHARED: outputs}, lambda one: SHARED
    )
    return function(stages[SHARED], 1, (), _signature(f"words_{law}", "keys", "low", "high", "numbers"))


def _numbers(layout: GpuLayout, name: str, of_year: int) -> str:
    """A function: the block's threads make the numbers of the factors, or those of a year, and wait for each other."""
    groups, unit = layout.paths // layout.group, layout.unit
    streams = layout.threads // groups
    parts = []
    laws = (
        (
            ("normal", layout.normals, 0),
            ("uniform", layout.uniforms, layout.normals),
        )
        if of_year
        else (("normal", layout.factors, 0),)
    )
    for law, count, row in laws:
        if not count:
            continue
        # keys of the factors stand before those of the years
        before = layout.factors if of_year and law == "normal" else 0
        parts.append(f"""
  %{law}_some = icmp ult i64 %stream, {count}
  br i1 %{law}_some, label %{law}, label %{law}_end
{law}:
  %{law}_year = mul i64 %turn, {layout.key * count}
  %{law}_first = add i64 %{law}_year, {layout.key * before}
  %{law}_own = mul i64 %stream, {layout.key}
  %{law}_place = add i64 %{law}_first, %{law}_own
  %{law}_key = getelementptr inbounds i32, ptr %{law}_keys, i64 %{law}_place
  %{law}_left = sub i64 {count + streams - 1}, %stream
  %{law}_count = udiv i64 %{law}_left, {streams}
  %{law}_row = add i64 %stream, {row}
  %{law}_line = mul i64 %{law}_row, {layout.paths * unit}
  %{law}_column = add i64 %{law}_line, %member
  %{law}_start = add i64 %{law}_column, {of_year * layout.before * layout.paths}
  %{law}_to = getelementptr inbounds i32, ptr %numbers, i64 %{law}_start
  call void @words_{law}(ptr %{law}_key, ptr %low, ptr %high, ptr %{law}_to, i64 %{law}_count)
  br label %{law}_end
{law}_end:""")
    body = "".join(parts)
    waits = "\n  call void @together()" if parts else ""
    before_year = waits if of_year else ""
    return f"""
define internal void @{name}({_listed(*_OF_NUMBERS)}, i64 %turn) alwaysinline {{
entry:{before_year}
  %number = zext i32 %thread to i64
  %stream = udiv i64 %number, {groups}
  %of_group = urem i64 %number, {groups}
  %member = mul i64 %of_group, {layout.group * unit}{body}{waits}
  ret void
}}"""


def _body(layout: GpuLayout) -> str:
    """What a thread is asked for, by its number in the block and that of the block along paths and policies."""
    taken = ", ".join(f"ptr %{name}" for name in ARRAYS)
    groups, unit = layout.paths // layout.group, layout.unit
    of_path = "ptr %arguments, ptr %lasting, ptr %each, ptr %column1, ptr %column2, ptr %year, ptr %carried"
    return f"""
define internal void @body({taken}, ptr %numbers, i32 %thread, i32 %block, i32 %strip) alwaysinline {{
entry:
  %low = alloca i32
  %first = load i32, ptr %counter
  %high = getelementptr inbounds i32, ptr %counter, i64 1
  %before = mul i32 %block, {groups}
  %of_block = add i32 %first, %before
  %of_group = urem i32 %thread, {groups}
  %group = add i32 %of_block, %of_group
  store i32 %group, ptr %low
  %in_strip = udiv i32 %thread, {layout.paths}
  %policies = mul i32 %strip, {layout.together}
  %policy32 = add i32 %policies, %in_strip
  %policy = zext i32 %policy32 to i64
  %in_block = urem i32 %thread, {layout.paths}
  %own = zext i32 %in_block to i64
  %blocks = zext i32 %block to i64
  %paths = mul i64 %blocks, {layout.paths}
  %path = add i64 %paths, %own
  %lasting_at = mul i64 %policy, {layout.table.lasting}
  %lasting = getelementptr inbounds i32, ptr %table_lasting, i64 %lasting_at
  %each_at = mul i64 %policy, {layout.years * layout.table.each}
  %each = getelementptr inbounds i32, ptr %table_each, i64 %each_at
  %column1 = getelementptr inbounds i32, ptr %numbers, i64 %own
  %twice = mul i64 %own, 2
  %column2 = getelementptr inbounds i32, ptr %numbers, i64 %twice
  %year = getelementptr inbounds i32, ptr %column{unit}, i64 {layout.before * layout.paths}
  %number = zext i32 %thread to i64
  %numbered = mul i64 %number, {unit}
  %carried_at = add i64 %numbered, {layout.of_paths}
  %carried = getelementptr inbounds i32, ptr %numbers, i64 %carried_at
  %rows = mul i64 %policy, {layout.each * layout.outcomes * layout.lanes}
  %result = add i64 %rows, %path
  %result_at = mul i64 %result, {unit}
  %results = getelementptr inbounds i32, ptr %outcomes, i64 %result_at
  call void @factors({_listed(*_OF_NUMBERS)}, i64 0)
  %is_first = icmp eq i32 %in_strip, 0
  br i1 %is_first, label %once, label %thread_of_its_own
once:
  call void @once({of_path}, i64 0)
  br label %thread_of_its_own
thread_of_its_own:
  call void @together()
  call void @thread({of_path}, ptr %results, {_listed(*_OF_NUMBERS)}, i64 {layout.years})
  ret void
}}"""
