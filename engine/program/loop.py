"""A study's code: random numbers of a few groups of paths, then what policies share, then policy after policy; all years in one loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from engine.draws.sampling import SAMPLERS
from engine.program.functions import function
from engine.program.listing import Listing, uniform, words
from engine.program.operations import Operation
from engine.program.stages import POLICY, SHARED, Place, Room, Stage, cut, words_of
from engine.study.study import Study

_POINTERS = {
    "table": ("arguments", "levers", "table_lasting", "table_each"),
    "shared": ("arguments", "table_lasting", "table_each", "scores", "shared_lasting", "shared_each", "kept"),
    "policy": (
        "arguments",
        "table_lasting",
        "table_each",
        "shared_lasting",
        "shared_each",
        "results",
        "cells",
    ),
    "words": ("keys", "counters", "high", "scores"),
}
OUTCOMES, YEARS, INPUTS, DRAWS, SCORES = "outcomes", "years", "inputs", "draws", "scores"
"""What code may give: outcomes; these and all yearly values; draws and shocks alone; draws alone; the random numbers that all is made of."""
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
"""What the code is handed, after the first batch, the one after the last, the first counter and its high word, the paths of the arrays,
which years of `cells` are wanted: the first of them, and how many; and how many policies there are."""


@dataclass(frozen=True)
class Layout:
    """How many numbers a path has of each kind, and how many paths are computed at once.

    Args:
      dtype: of all numbers that go in and out.
      width: lanes of a vector; each holds one group of paths.
      group: paths that share their random words.
      key: words of a stream's key.
      normals, uniforms: random numbers of a path of all years.
      table, shared: what the stages hand on.
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
        """Words of a number."""
        return words_of(np.dtype(self.dtype))

    @property
    def parts(self) -> dict[str, int]:
        """Words a lane of each part of the room that a thread works in, in their order."""
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
        """Bytes of the room that a thread works in."""
        return 4 * self.width * sum(self.parts.values())


@dataclass(frozen=True)
class Code:
    """LLVM IR of a study for vectors of some width, and where everything lies."""

    text: str
    layout: Layout


def code(
    study: Study, listing: Listing, inputs: Any, width: int, gives: str, of_scores: bool = False
) -> Code:
    """The code of a listed study.

    Args:
      inputs: as `arguments.of` gives them; their shapes count alone.
      gives: `OUTCOMES`, `YEARS`, `INPUTS`, `DRAWS` or `SCORES`.
      of_scores: whether random numbers are read, from the array "scores", in place of drawn.
    """
    dtype = listing.dtype
    unit = words_of(np.dtype(dtype))
    years = len(study.years) if study.is_path_model and gives != DRAWS else 0
    places, levers = lever_places(inputs)
    keys = {law: held.shape[1] for law, held in inputs["shock_keys"].items()}
    n_factors = len(inputs["factor_keys"])
    per_year = keys.get("normal", 0), keys.get("uniform", 0)
    normals, uniforms = n_factors + years * per_year[0], years * per_year[1]

    def place_of(operation: Operation) -> Place:
        kind, *rest = operation.detail
        at = rest[0] if rest else 0
        if kind == "argument":
            return Place("arguments", at, 0, False)
        if kind == "lever":
            return Place("levers", places[at], 0, False)
        if kind == "lever of year":
            return Place("levers", places[at], levers, False)
        if kind in ("year", "is first"):
            return Place("levers", levers - 2 + (kind == "is first"), levers, False)
        if kind == "score":
            return Place("scores", at * unit)
        first, each = (n_factors, per_year[0]) if kind == "normal" else (normals, per_year[1])
        return Place("scores", (first + at) * unit, each * unit)

    def rows(
        pointer: str, values: Sequence[Operation], first: int = 0, each: int = 0
    ) -> list[tuple[Operation, Place]]:
        return [(one, Place(pointer, (first + k) * unit, each * unit)) for k, one in enumerate(values)]

    n_draws, n_shocks, n_cells = len(listing.draws), len(listing.shocks), len(listing.cells)
    outputs = {
        OUTCOMES: {POLICY: rows("results", listing.outcomes)},
        YEARS: {POLICY: [*rows("results", listing.outcomes), *rows("cells", listing.cells, 0, n_cells)]},
        INPUTS: {SHARED: [*rows("kept", listing.draws), *rows("kept", listing.shocks, n_draws, n_shocks)]},
        DRAWS: {SHARED: rows("kept", listing.draws)},
        SCORES: {},
    }[gives]
    stages, rooms = cut(listing.operations, listing.states, place_of, outputs)
    sampler = SAMPLERS[study.sampler]
    layout = Layout(
        dtype, width, sampler.group, 2 + sampler.directions, years, len(study.policies), levers, normals, uniforms,
        rooms[0], rooms[1],
        len(listing.outcomes) if gives in (OUTCOMES, YEARS) else 0,
        n_cells if gives == YEARS else 0,
        n_draws if gives in (INPUTS, DRAWS) else 0,
        n_shocks if gives == INPUTS else 0,
        gives == SCORES,
    )  # fmt: skip
    texts, declared = [], set()
    for stage in stages:
        one, calls = function(stage, 1 if stage.name == "table" else width, _POINTERS[stage.name])
        texts.append(one)
        declared |= calls
    for law, count in (("normal", normals), ("uniform", uniforms)):
        if count and not of_scores:
            stage = _words_stage(study, law, dtype, normals + uniforms)
            one, calls = function(stage, width, _POINTERS["words"])
            texts.append(one)
            declared |= calls
    moves = [_moved(layout, "scatter"), *([_moved(layout, "gather")] if of_scores else [])]
    text = "\n".join([*sorted(declared), *texts, *moves, _driver(layout, of_scores)])
    return Code(text, layout)


def _words_stage(study: Study, law: str, dtype: type, streams: int) -> Stage:
    """Random numbers of many streams, one a round."""
    listing = words(study.sampler, law, dtype)
    unit = words_of(np.dtype(dtype))
    size = 2 + SAMPLERS[study.sampler].directions
    places: dict[tuple[Any, ...], Place] = {
        **{("key", k): Place("keys", k, size, False) for k in range(size)},
        ("counter",): Place("counters", 0),
        ("high",): Place("high", 0, 0, False),
    }
    outputs = [(one, Place("scores", k * streams * unit, unit)) for k, one in enumerate(listing.numbers)]
    stages, _ = cut(
        listing.operations, (), lambda one: places[one.detail], {SHARED: outputs}, lambda one: SHARED
    )
    stage = stages[SHARED]
    stage.name = f"words_{law}"
    return stage


def lever_places(inputs: Any) -> tuple[list[int], int]:
    """Where each lever of a year lies, in words, and how many words a year takes: behind them the year, and whether it is the first."""
    sizes = [words_of(np.asarray(leaf).dtype) for leaf in jax.tree.leaves(inputs["levers"])]
    ends = np.cumsum([0, *sizes])
    return [int(end) for end in ends[:-1]], int(ends[-1]) + 2


def argument_words(inputs: Any) -> int:
    """Words of the arguments that are the same for all paths, policies and years."""
    return sum(leaf.size * words_of(leaf.dtype) for leaf in uniform(inputs)[1])


def table_inputs(study: Study, inputs: Any) -> tuple[np.ndarray, np.ndarray]:
    """Arguments and levers as the table is computed from: words [argument], and [policy, year, lever]."""
    _, leaves = uniform(inputs)
    arguments = [_as_words(leaf).reshape(-1) for leaf in leaves]
    places, count = lever_places(inputs)
    years = study.years if study.is_path_model else (0,)
    policies = inputs["levers"]["start"].shape[-1]
    rows: np.ndarray = np.zeros((policies, len(years), count), np.uint32)
    for place, leaf in zip(places, jax.tree.leaves(inputs["levers"]), strict=True):
        held = _as_words(np.asarray(leaf)[..., None])
        rows[..., place : place + held.shape[-1]] = held.swapaxes(0, 1)
    rows[..., -2] = np.asarray(years, np.int32).view(np.uint32)
    rows[:, 0, -1] = 1
    return np.concatenate([np.zeros(0, np.uint32), *arguments]), rows


def _as_words(leaf: np.ndarray) -> np.ndarray:
    kind = np.uint32 if leaf.dtype == bool else leaf.dtype
    return np.ascontiguousarray(leaf, kind).view(np.uint32)


def _moved(layout: Layout, name: str) -> str:
    """Some rows of a lane each, [member, row, lane], to rows of paths, the members of a group side by side; a member has `each`.

    Args:
      name: "scatter"; or "gather", which is the way back.
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


def _driver(layout: Layout, of_scores: bool) -> str:
    """The function that is called from outside, for batches of paths one after the other."""
    width, group, unit = layout.width, layout.group, layout.unit
    lines: list[str] = []
    count = 0

    def new(text: str) -> str:
        nonlocal count
        count += 1
        lines.append(f"  %d{count} = {text}")
        return f"%d{count}"

    def moved(pointer: str, by: str | int) -> str:
        return new(f"getelementptr inbounds i32, ptr {pointer}, i64 {by}")

    def call(name: str, *pointers: str, rounds: int) -> None:
        lines.append(f"  call void @{name}({', '.join(f'ptr {p}' for p in pointers)}, i64 {rounds})")

    def own(name: str, member: int) -> str:
        """The room of one member of a group."""
        return moved(parts[name], member * (layout.parts[name] // group) * width)

    def scatter(name: str, to: str, part: int | str, each: int, of_year: int = 0, back: bool = False) -> None:
        """The rows that each member of a group has, as part number so and so; of those that are by year the wanted ones."""
        if each:
            rows, first = f"{each}", parts[name]
            if of_year:
                rows = new(f"mul i64 %years, {of_year}")
                first = moved(first, new(f"mul i64 %year, {of_year * unit * width}"))
            offset = new(f"mul i64 {rows}, {part}")
            offset = new(f"mul i64 %paths, {offset}")
            offset = new(f"add i64 {offset}, {base}")
            there = moved(to, new(f"mul i64 {offset}, {unit}"))
            ends = f"ptr {there}, ptr {first}" if back else f"ptr {first}, ptr {there}"
            called = "gather" if back else "scatter"
            lines.append(f"  call void @{called}({ends}, i64 {rows}, i64 {each}, i64 %paths)")

    parts, at = {}, 0
    for name, size in layout.parts.items():
        parts[name] = moved("%scratch", at * width)
        at += size
    prepared, lines = lines, []
    lanes = ", ".join(f"i32 {lane}" for lane in range(width))
    vector = f"<{width} x i32>" if width > 1 else "i32"
    lane = new(f"mul i64 %batch, {width}")
    lane = new(f"trunc i64 {lane} to i32")
    lane = new(f"add i32 {lane}, %low")
    if width > 1:
        first = new(f"insertelement {vector} poison, i32 {lane}, i64 0")
        first = new(f"shufflevector {vector} {first}, {vector} poison, {vector} zeroinitializer")
        lane = new(f"add {vector} {first}, <{lanes}>")
    lines.append(f"  store {vector} {lane}, ptr {parts['counters']}, align {4 * width}")
    if layout.normals and not of_scores:
        call(
            "words_normal", "%normal_keys", parts["counters"], "%high", parts["scores"], rounds=layout.normals
        )
    if layout.uniforms and not of_scores:
        to = moved(parts["scores"], unit * layout.normals * width)
        call(
            "words_uniform",
            "%uniform_keys",
            parts["counters"],
            "%high",
            to,
            rounds=layout.uniforms,
        )
    base = new(f"mul i64 %batch, {layout.batch}")
    if of_scores or layout.gives_scores:
        scatter("scores", "%scores", 0, layout.normals + layout.uniforms, back=of_scores)
    for member in range(group):
        scores = own("scores", member)
        shared = own("shared_lasting", member), own("shared_each", member)
        given = "%arguments", "%table_lasting", "%table_each", scores
        call("shared", *given, *shared, own("kept", member), rounds=layout.years)
    scatter("kept", "%kept", 0, layout.draws + layout.years * layout.shocks)
    of_batch, lines = lines, []
    if layout.outcomes:
        lasting = moved("%table_lasting", new(f"mul i64 %policy, {layout.table.lasting}"))
        each = moved("%table_each", new(f"mul i64 %policy, {layout.years * layout.table.each}"))
        for member in range(group):
            shared = own("shared_lasting", member), own("shared_each", member)
            ends = own("results", member), own("cells", member)
            call("policy", "%arguments", lasting, each, *shared, *ends, rounds=layout.years)
        scatter("results", "%outcomes", "%policy", layout.outcomes)
        scatter("cells", "%cells", "%policy", layout.years * layout.cells, layout.cells)
    taken = ", ".join(f"ptr %{name}" for name in ARRAYS)
    counts = "i64 %paths, i64 %year, i64 %years, i64 %policies"
    return f"""
define void @run(i64 %first, i64 %last, i32 %low, ptr %high, {counts}, {taken}) {{
entry:
{chr(10).join(prepared)}
  %some = icmp ult i64 %first, %last
  br i1 %some, label %batches, label %end
batches:
  %batch = phi i64 [ %first, %entry ], [ %following, %done ]
{chr(10).join(of_batch)}
  br label %under
under:
  %policy = phi i64 [ 0, %batches ], [ %other, %under ]
{chr(10).join(lines)}
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
