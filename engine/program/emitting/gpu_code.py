"""A study's code for a GPU: a thread computes one path under one policy, all years in one loop.

A block of threads takes some paths under some policies. Its threads divide the work of drawing the paths' random
numbers, each drawn once, into shared memory: those of the factors before the first year, those of a year at its start.
Shared memory also holds the states for which a thread has no registers. What is the same for all paths is a table,
which the host computes before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from engine.draws.sampling import SAMPLERS
from engine.program.emitting.functions import function, joined
from engine.program.lowering.host_table import lever_places, streams, table_places
from engine.program.lowering.listing import words_stage
from engine.program.lowering.llvm import NoMachineForm
from engine.program.lowering.operations import Operation
from engine.program.lowering.passes import OF_STAGES, OF_THREAD, walked
from engine.program.lowering.stages import (
    POLICY,
    SHARED,
    TABLE,
    Aim,
    Listing,
    Place,
    Room,
    Rows,
    by_path,
    section,
    words_of,
)
from engine.program.tracing.equations import Axis
from engine.study.study import Study

ARRAYS = ("counter", "normal_keys", "uniform_keys", "arguments", "table_lasting", "table_each", "outcomes")
"""Array arguments of the kernel: first group's number in two words, keys, arguments, table; and its result.

The result, "outcomes", is [policy, outcome, path].
"""
PATHS = 64
"""Paths of a block of threads."""
_WARP = 32
"""Threads of a warp, which execute an instruction together."""
_CARRIED = 100
"""Most states that a thread carries in its 255 registers; all others are in shared memory."""
_SHARED_MEMORY = 48 << 10
"""Bytes of shared memory that a block has without a special request."""


@dataclass(frozen=True)
class GpuLayout:
    """How many numbers of each kind a path has, and which threads compute it.

    Args:
      dtype: floating-point type of inputs and results.
      lanes: paths of one launch, a power of two.
      paths: paths of a block of threads.
      each: policies that a thread computes.
      together: threads of a block that compute the same path, each under other policies.
      group: paths whose random numbers come from the same random words.
      key: 32-bit words of a stream's key.
      years, policies, outcomes: of the study; no years for a static model.
      factors: random numbers of a path that are drawn once.
      normals, uniforms: random numbers of a path and year, by law.
      before: 32-bit words of a path's column of shared memory before the random numbers of the year.
      table: size of the table.
      carried: states that each thread carries in shared memory.
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
        """Blocks of threads in a launch: (along paths, along policies)."""
        return self.lanes // self.paths, self.policies // (self.each * self.together)

    @property
    def unit(self) -> int:
        """32-bit words of one floating-point number."""
        return words_of(self.dtype)

    @property
    def shared(self) -> int:
        """32-bit words of shared memory that a block needs."""
        return self.of_paths + self.unit * self.carried * self.threads

    @property
    def of_paths(self) -> int:
        """32-bit words of shared memory for the block's paths; behind them lie the states of its threads."""
        return self.paths * (self.before + self.unit * (self.normals + self.uniforms))


@dataclass(frozen=True)
class GpuCode:
    """A study's LLVM IR for a thread of a card, LLVM IR that computes its table on the host, and the layout of both."""

    thread: str
    table: str
    layout: GpuLayout


def once_a_path(operation: Operation) -> int:
    """The stage of an operation on a card: as `stages.by_path`, but never `SHARED` in or after the years."""
    stage = by_path(operation)
    return POLICY if stage == SHARED and section(operation.axes) else stage


def code(
    study: Study, listing: Listing, inputs: Any, lanes: int, paths: int = PATHS, each: int | None = None
) -> GpuCode:
    """The code of a study for graphics cards.

    Args:
      listing: the study's list of operations.
      inputs: as `arguments.of` gives them; only their shapes and types are used.
      lanes: paths of one launch, a power of two.
      paths: paths of a block of threads, a power of two; halved while shared memory is too small, down to a warp.
      each: policies that a thread computes; if not given, as many as its registers have room for.

    Raises:
      NoMachineForm: the list calls the C library, or a path has more numbers than shared memory.
    """
    if any(operation.name == "call" for operation in listing.operations):
        raise NoMachineForm("functions of the C library")
    aim = _aim(study, listing, inputs, lanes, each)
    staged = walked(OF_STAGES, listing, aim)
    layout, aim = _laid_out(study, staged, inputs, lanes, paths, aim)
    staged = walked(OF_THREAD, staged, aim)
    of_table, of_path, of_policy = staged.stages
    layout = replace(layout, table=of_table.room, carried=len(of_policy.carried))
    table = function(of_table, 1, ("arguments", "levers", "table_lasting", "table_each"))
    written = [
        function(of_path, 1, (), _signature("once", *_OF_PATH)),
        function(of_policy, 1, (), _signature("thread", *_OF_PATH, "results", *_OF_NUMBERS), _YEAR),
    ]
    for law, count in (("normal", layout.factors + layout.normals), ("uniform", layout.uniforms)):
        if count:
            # a thread takes every n-th stream of its group of paths, n being the threads of that group
            sharing = layout.threads // (layout.paths // layout.group)
            numbers = Rows(SHARED, Place("numbers", 0, sharing * layout.paths * layout.unit), layout.unit)
            stage = words_stage(study, law, layout.dtype, layout.key * sharing, "low", numbers)
            written.append(function(stage, 1, (), _signature(f"words_{law}", "keys", "low", "high", "numbers")))
    thread = joined(written, _numbers(layout, "factors", 0), _numbers(layout, "year", 1), _body(layout))
    return GpuCode(thread, joined([table]), layout)


def _aim(study: Study, listing: Listing, inputs: Any, lanes: int, each: int | None) -> Aim:
    """The aim of the passes `OF_STAGES`: inputs, results and policies of a thread, before shared memory is laid out."""
    unit = words_of(listing.dtype)
    _, levers = lever_places(inputs)
    places = {
        **table_places(inputs),
        "score": Place("scores", 0),
        "normal": Place("year", 0),
        "uniform": Place("year", streams(inputs)[1] * unit),
    }
    return Aim(
        places,
        {"outcomes": Rows(POLICY, Place("results", 0), lanes * unit)},
        once_a_path,
        each or _policies_of_a_thread(listing, len(study.policies)),
        max(1, len(study.years)) * levers,
    )


def _laid_out(study: Study, staged: Listing, inputs: Any, lanes: int, paths: int, aim: Aim) -> tuple[GpuLayout, Aim]:
    """The layout of a block's threads and shared memory, where states beyond the registers get what room is left.

    Raises:
      NoMachineForm: a path has more numbers than a block has memory.
    """
    _, of_path, of_policy = staged.stages
    unit, policies = words_of(staged.dtype), len(study.policies)
    factors, normals, uniforms = streams(inputs)
    alike = all(words_of(one.dtype) == unit for one, _ in of_path.stores)
    # the thread that overwrites a path's scores with lasting values is the only one to read them
    start = 0 if alike else factors * unit
    sampler = SAMPLERS[study.sampler]
    layout = GpuLayout(
        dtype=staged.dtype,
        lanes=lanes,
        paths=paths,
        each=aim.policies,
        together=next(count for count in (4, 3, 2, 1) if policies // aim.policies % count == 0),
        group=sampler.group,
        key=2 + sampler.directions,
        years=len(study.years),
        policies=policies,
        outcomes=len(staged.results["outcomes"]) // aim.policies,
        factors=factors,
        normals=normals,
        uniforms=uniforms,
        before=max(factors * unit, start + of_path.room.lasting),
        table=staged.stages[TABLE].room,
        carried=0,
    )
    asked = max(0, len(of_policy.states) - _CARRIED)
    while True:
        row = layout.threads * unit
        room = (_SHARED_MEMORY // 4 - layout.shared) // row
        if room >= asked or layout.paths <= _WARP:
            break
        layout = replace(layout, paths=layout.paths // 2)
    if room < 0:
        raise NoMachineForm("so many numbers of a path")
    return layout, replace(aim, paths=layout.paths, start=start, carried=min(asked, room), row=row)


def _policies_of_a_thread(listing: Listing, policies: int) -> int:
    """The most policies, a divisor of their number, whose states still fit into a thread's registers; at least 1."""
    of_policy = sum(Axis.POLICY in state.now.axes for state in listing.states)
    shared = len(listing.states) - of_policy
    counts = [count for count in range(1, policies + 1) if policies % count == 0]
    return max(count for count in counts if count == 1 or shared + count * of_policy <= _CARRIED)


_OF_PATH = ("arguments", "table_lasting", "table_each", "column1", "column2", "year", "carried")
_OF_NUMBERS = ("numbers", "low", "high", "normal_keys", "uniform_keys", "i32 %thread")


def _signature(name: str, *taken: str) -> str:
    return f"define internal void @{name}({_listed(*taken)}, i64 %count) alwaysinline"


def _listed(*names: str) -> str:
    return ", ".join(name if "%" in name else f"ptr %{name}" for name in names)


_YEAR = f"  call void @year({_listed(*_OF_NUMBERS)}, i64 %turn)"


def _numbers(layout: GpuLayout, name: str, of_year: int) -> str:
    """A function by which a block's threads draw its random numbers and wait for each other at a barrier.

    Args:
      name: of the function.
      of_year: 1 for the random numbers of a year, 0 for those of the factors.
    """
    groups, unit = layout.paths // layout.group, layout.unit
    streams = layout.threads // groups
    parts = []
    laws = [("normal", layout.normals, 0), ("uniform", layout.uniforms, layout.normals)]
    for law, count, row in laws if of_year else [("normal", layout.factors, 0)]:
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
    """The function of one thread, given its number in the block and the block's numbers along paths and policies."""
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
