"""Writes the entry function of a processor's code: the stages for each batch of paths, results in path order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.program.lowering.llvm import Function
from engine.program.lowering.stages import Room, words_of

ARRAYS = (
    "arguments",
    "table_lasting",
    "table_each",
    "normal_keys",
    "uniform_keys",
    "scratch",
    "outcomes",
    "cells",
    "kept",
    "scores",
)
"""Array arguments of the entry function, in order.

Before them it takes eight others: the first batch, the one after the last, the low word of the first counter, a pointer
to its high word, the number of paths of the arrays, the first year and the number of years of `cells` that are wanted,
and the number of policies.
"""


@dataclass(frozen=True)
class Layout:
    """How many numbers of each kind a path has, and how many paths are computed at once.

    Args:
      dtype: floating-point type of inputs and results.
      width: lanes of a vector, each for one group of paths.
      group: paths whose random numbers come from the same random words.
      key: 32-bit words of a stream's key.
      years, policies: of the study; no years for a static model.
      levers: 32-bit words of the levers of one year.
      normals, uniforms: random numbers of a path over all years, by law.
      table, shared: memory that the stages `TABLE` and `SHARED` write for later ones.
      outcomes, cells, draws, shocks: results that are written, cells and shocks of each year; 0 where a kind is not.
      gives_scores: whether the code writes out the random numbers.
    """

    dtype: type
    width: int
    group: int
    key: int
    years: int
    policies: int
    levers: int
    normals: int
    uniforms: int
    table: Room
    shared: Room
    outcomes: int
    cells: int
    draws: int
    shocks: int
    gives_scores: bool = False

    @property
    def batch(self) -> int:
        """Paths that are computed at once."""
        return self.width * self.group

    @property
    def unit(self) -> int:
        """32-bit words of one floating-point number."""
        return words_of(self.dtype)

    @property
    def parts(self) -> dict[str, int]:
        """The parts of a thread's scratch memory in their order: name -> 32-bit words for each lane."""
        return {
            "counters": 1,
            "scores": self.unit * self.group * (self.normals + self.uniforms),
            "shared_lasting": self.group * self.shared.lasting,
            "shared_each": self.group * self.years * self.shared.each,
            "results": self.group * self.unit * self.outcomes,
            "cells": self.group * self.unit * self.years * self.cells,
            "kept": self.group * self.unit * (self.draws + self.years * self.shocks),
        }

    @property
    def scratch(self) -> int:
        """Bytes of scratch memory that a thread needs."""
        return 4 * self.width * sum(self.parts.values())


def _moved(to: Function, pointer: str, by: str | int) -> str:
    """Appends the computation of a pointer so many 32-bit words further on; returns its name."""
    return to.new(f"getelementptr inbounds i32, ptr {pointer}, i64 {by}")


def _call(to: Function, name: str, pointers: Sequence[str], *numbers: int | str) -> None:
    """Appends the call of a function without a result."""
    taken = [*(f"ptr {one}" for one in pointers), *(f"i64 {one}" for one in numbers)]
    to.lines.append(f"  call void @{name}({', '.join(taken)})")


def _taken(to: Function) -> str:
    """The lines written since the last call, which are removed."""
    text, to.lines = "\n".join(to.lines), []
    return text


def driver(layout: Layout, of_scores: bool) -> str:
    """LLVM IR of the entry function `run`, and of the functions that move rows between scratch memory and arrays.

    Args:
      of_scores: whether random numbers are read from the array "scores" in place of drawn.
    """
    width, group, unit = layout.width, layout.group, layout.unit
    to = Function(width, "d")
    parts: dict[str, str] = {}
    at = 0

    def own(names: Sequence[str], member: int) -> list[str]:
        """Pointers to the parts of scratch memory that belong to one member of every group."""
        return [_moved(to, parts[name], member * (layout.parts[name] // group) * width) for name in names]

    def scatter(name: str, pointer: str, part: int | str, each: int, of_year: int = 0, back: bool = False) -> None:
        """Moves the rows of all members of the groups to the array, as its part number `part`, or `back`; only the
        wanted years of cells.
        """
        if each:
            rows, first = f"{each}", parts[name]
            if of_year:
                rows = to.new(f"mul i64 %years, {of_year}")
                first = _moved(to, first, to.new(f"mul i64 %year, {of_year * unit * width}"))
            offset = to.new(f"mul i64 {rows}, {part}")
            offset = to.new(f"mul i64 %paths, {offset}")
            offset = to.new(f"add i64 {offset}, {base}")
            there = _moved(to, pointer, to.new(f"mul i64 {offset}, {unit}"))
            ends = (there, first) if back else (first, there)
            _call(to, "gather" if back else "scatter", ends, rows, each, "%paths")

    for name, size in layout.parts.items():
        parts[name] = _moved(to, "%scratch", at * width)
        at += size
    entry = _taken(to)
    _count_lanes(to, width, parts["counters"])
    given = (parts["counters"], "%high")
    if layout.normals and not of_scores:
        _call(to, "words_normal", ("%normal_keys", *given, parts["scores"]), layout.normals)
    if layout.uniforms and not of_scores:
        behind = _moved(to, parts["scores"], unit * layout.normals * width)
        _call(to, "words_uniform", ("%uniform_keys", *given, behind), layout.uniforms)
    base = to.new(f"mul i64 %batch, {layout.batch}")
    if of_scores or layout.gives_scores:
        scatter("scores", "%scores", 0, layout.normals + layout.uniforms, back=of_scores)
    for member in range(group):
        rooms = own(("scores", "shared_lasting", "shared_each", "kept"), member)
        _call(to, "shared", ("%arguments", "%table_lasting", "%table_each", *rooms), layout.years)
    scatter("kept", "%kept", 0, layout.draws + layout.years * layout.shocks)
    of_batch = _taken(to)
    if layout.outcomes:
        lasting = _moved(to, "%table_lasting", to.new(f"mul i64 %policy, {layout.table.lasting}"))
        each = _moved(to, "%table_each", to.new(f"mul i64 %policy, {layout.years * layout.table.each}"))
        for member in range(group):
            rooms = own(("shared_lasting", "shared_each", "results", "cells"), member)
            _call(to, "policy", ("%arguments", lasting, each, *rooms), layout.years)
        scatter("results", "%outcomes", "%policy", layout.outcomes)
        scatter("cells", "%cells", "%policy", layout.years * layout.cells, layout.cells)
    moves = ["scatter", "gather"] if of_scores else ["scatter"]
    return "\n".join([*(_rows_moved(layout, name) for name in moves), _run(entry, of_batch, _taken(to))])


def _count_lanes(to: Function, width: int, counters: str) -> None:
    """Stores the number of each lane's group of paths, its counter."""
    vector = f"<{width} x i32>" if width > 1 else "i32"
    lane = to.new(f"mul i64 %batch, {width}")
    lane = to.new(f"trunc i64 {lane} to i32")
    lane = to.new(f"add i32 {lane}, %low")
    if width > 1:
        lanes = ", ".join(f"i32 {one}" for one in range(width))
        first = to.new(f"insertelement {vector} poison, i32 {lane}, i64 0")
        first = to.new(f"shufflevector {vector} {first}, {vector} poison, {vector} zeroinitializer")
        lane = to.new(f"add {vector} {first}, <{lanes}>")
    to.lines.append(f"  store {vector} {lane}, ptr {counters}, align {4 * width}")


def _run(entry: str, of_batch: str, of_policy: str) -> str:
    """The text of `run`, given the instructions that are done once, for each batch, and for each policy of a batch."""
    taken = ", ".join(f"ptr %{name}" for name in ARRAYS)
    counts = "i64 %paths, i64 %year, i64 %years, i64 %policies"
    return f"""
define void @run(i64 %first, i64 %last, i32 %low, ptr %high, {counts}, {taken}) {{
entry:
{entry}
  %some = icmp ult i64 %first, %last
  br i1 %some, label %batches, label %end
batches:
  %batch = phi i64 [ %first, %entry ], [ %following, %done ]
{of_batch}
  br label %under
under:
  %policy = phi i64 [ 0, %batches ], [ %other, %under ]
{of_policy}
  %other = add i64 %policy, 1
  %another = icmp ult i64 %other, %policies
  br i1 %another, label %under, label %done
done:
  %following = add i64 %batch, 1
  %more = icmp ult i64 %following, %last
  br i1 %more, label %batches, label %end
end:
  ret void
}}"""


def _rows_moved(layout: Layout, name: str) -> str:
    """A function that copies rows of scratch memory [member, row, lane] to rows of paths [row, lane, member].

    It takes the number of rows to copy and `each`, the rows that a member has in scratch memory.

    Args:
      name: "scatter"; or "gather" for the opposite direction.
    """
    width, group, kind = layout.width, layout.group, f"i{32 * layout.unit}"
    source, target = ("fp", "tp") if name == "scatter" else ("tp", "fp")
    rooms, paths = ("from", "to") if name == "scatter" else ("to", "from")
    members = "\n".join(
        f"""  %fm{k} = mul i64 %each, {k * width}
  %fr{k} = add i64 %f, %fm{k}
  %fi{k} = add i64 %fr{k}, %l
  %fp{k} = getelementptr inbounds {kind}, ptr %{rooms}, i64 %fi{k}
  %ti{k} = add i64 %ls, {k}
  %tp{k} = getelementptr inbounds {kind}, ptr %{paths}, i64 %ti{k}
  %value{k} = load {kind}, ptr %{source}{k}, align 4
  store {kind} %value{k}, ptr %{target}{k}, align 4"""
        for k in range(group)
    )
    return f"""
define void @{name}(ptr noalias %from, ptr noalias %to, i64 %rows, i64 %each, i64 %paths) noinline {{
entry:
  br label %row
row:
  %r = phi i64 [ 0, %entry ], [ %r2, %next ]
  %f = mul i64 %r, {width}
  %t = mul i64 %r, %paths
  br label %lane
lane:
  %l = phi i64 [ 0, %row ], [ %l2, %lane ]
  %lg = mul i64 %l, {group}
  %ls = add i64 %t, %lg
{members}
  %l2 = add i64 %l, 1
  %m = icmp ult i64 %l2, {width}
  br i1 %m, label %lane, label %next
next:
  %r2 = add i64 %r, 1
  %more = icmp ult i64 %r2, %rows
  br i1 %more, label %row, label %end
end:
  ret void
}}"""
