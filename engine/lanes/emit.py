"""Writes a nest of loops as LLVM IR: what all lanes share in scalars, all else in vectors, rare cases in branches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from engine.lanes.hints import RARELY
from engine.lanes.llvm import Function
from engine.lanes.nest import Nest, read_by, walk
from engine.lanes.operation_table import OPERATIONS
from engine.lanes.operations import (
    WORD,
    Address,
    Carried,
    Item,
    Loop,
    Operation,
    Operations,
    Region,
    Store,
    Stride,
    words_of,
)  # fmt: skip

_REGISTERS = 64
"""Most values that a loop keeps in registers in a GPU's thread; others are in memory, or ptxas would spill as many."""


class Writer:
    """A nest while its instructions are written.

    Args:
      nest: what to write.
      width: lanes of a vector.
      row: words from one word of a lane to the next in scratch memory, whose numbers of one and of two words the lane
        finds from `%scratch1` and `%scratch2` on; 0 where it is a row of vectors, `%scratch`.
    """

    def __init__(self, nest: Nest, width: int, row: int = 0):
        self.nest, self.row = nest, row
        self.wide, self.plain = Function(width), Function(1, "s")
        self.plain.lines, self.plain.declared = self.wide.lines, self.wide.declared
        self.label, self.scratch = "batch", nest.scratch
        self._bases, self._places = dict(nest.bases), dict[Operation, Address]()
        self._values: dict[Operation, str] = {}
        self._near: dict[tuple[Operation, bool], str] = {}
        self._pointers: dict[tuple[str, tuple[Stride, ...], str, int], str] = {}
        self._labels = 0
        self._users: dict[Operation, set[Item]] = defaultdict(set)
        for one in walk(nest.body):
            for operand in read_by(one):
                self._users[operand].add(one)

    @property
    def declared(self) -> str:
        """Declarations of the functions that are called."""
        return "\n".join(sorted(self.wide.declared))

    def write(self, lane: str) -> str:
        """The instructions of the nest; `lane` is the name of the lanes' numbers."""
        self._values[self.nest.lane] = lane
        self._block(self.nest.body)
        return "\n".join(self.wide.lines)

    def _block(self, items: Sequence[Item]) -> None:
        run: list[Operation] = []
        for one in items:
            if isinstance(one, Operation):
                run.append(one)
                continue
            self._compute(run)
            run = []
            if isinstance(one, Loop):
                self._loop(one)
            else:
                self._store(one)
        self._compute(run)

    def _compute(self, operations: Operations) -> None:
        """Writes operations in their order; those that only a rare case needs stand in a branch of their own."""
        rare = self._rare(operations)
        put_off = {one for each in rare.values() for one in each} | self.nest.fused
        for operation in _usual_first(operations, rare):
            if operation in rare:
                self._branch(operation, rare[operation])
            elif operation not in put_off:
                self._values[operation] = self._text(operation)

    def _value(self, one: Operation, wide: bool) -> str:
        """Name of a value as a vector, or as a scalar; writes loads, broadcasts and fused products on demand."""
        to = self.wide if wide else self.plain
        if one.is_constant:
            return to.constant(one.detail, one.dtype)
        if (one.level.wide == wide or self.wide.width == 1) and one in self._values:
            return self._values[one]
        if (one, wide) not in self._near:
            if wide and not one.level.wide:
                self._near[one, wide] = self.wide.spread(self._value(one, False), one.dtype)
            else:
                place = one.address if one.name == "input" else self._places.get(one)
                self._near[one, wide] = self._load(one, place) if place else self._text(one)
        return self._near[one, wide]

    def _text(self, one: Operation) -> str:
        wide = one.level.wide
        to = self.wide if wide else self.plain
        if one.name in ("add", "sub"):
            for side, product in enumerate(one.operands):
                if product in self.nest.fused:
                    factors_and_other = *product.operands, one.operands[1 - side]
                    parts = [self._value(part, wide) for part in factors_and_other]
                    if one.name == "sub":  # c - a b is (-a) b + c, and a b - c is a b + (-c)
                        turned = 0 if side else 2
                        parts[turned] = OPERATIONS["neg"].text(to, one, parts[turned])
                    return OPERATIONS["fma"].text(to, one, *parts)
        return OPERATIONS[one.name].text(to, one, *(self._value(part, wide) for part in one.operands))

    def _address(self, address: Address, dtype: np.dtype) -> str:
        """Pointer to a number; what addresses of a basic block have in common is computed once."""
        memory, at, strides = address.memory, address.at, address.strides
        if isinstance(memory, Region):
            at, strides = at + self._bases[memory], (*strides, *memory.copies[address.level :])
        name = f"scratch{words_of(dtype) if self.row else ''}" if isinstance(memory, Region) else memory
        is_own, each = memory == "own", 1 if memory == "shared" else self.row or self.wide.width
        key = name, strides, "%lanes" if is_own else str(each), words_of(dtype) if is_own else 0
        if key not in self._pointers:
            self._pointers[key] = self._pointer(*key)
        offset = self.plain.new(f"mul nuw nsw i64 %lanes, {at}") if is_own else str(at * each)
        return self.plain.new(f"getelementptr inbounds i32, ptr {self._pointers[key]}, i64 {offset}")

    def _pointer(self, name: str, strides: Sequence[Stride], scale: str, words: int) -> str:
        """Pointer to the first number of a memory in the turns at hand, of this lane where `words` is not 0."""
        to, pointer = self.plain, f"%{name}"
        moves = [to.new(f"mul nuw nsw i64 %turn{loop}, {each}") for loop, each in strides]
        if scale != "1":
            moves = [to.new(f"mul nuw nsw i64 {move}, {scale}") for move in moves]
        if words:
            moves.append(to.new(f"mul nuw nsw i64 %begin, {words}"))
        for move in moves:
            pointer = to.new(f"getelementptr inbounds i32, ptr {pointer}, i64 {move}")
        return pointer

    def _load(self, one: Operation, place: Address) -> str:
        to, held = self.wide if one.level.wide else self.plain, WORD if one.dtype.kind == "b" else one.dtype
        align = 4 if place.memory == "own" else 4 * to.width
        value = to.new(f"load {to.type(held)}, ptr {self._address(place, held)}, align {align}")
        return value if held is one.dtype else to.compare("ne", held, value, to.constant(0, held))

    def _store(self, one: Store) -> None:
        """Writes a number to scratch memory; of an output every NaN has the same bits."""
        to, value, kind = self.wide, self._value(one.value, True), one.value.dtype
        if kind.kind == "b":
            value, kind = to.new(f"zext {to.type(kind)} {value} to {to.type(WORD)}"), WORD
        if kind.kind == "f" and one.address.memory in self.nest.results:
            bad = to.new(f"fcmp uno {to.type(kind)} {value}, {value}")
            value = to.select(bad, to.constant(np.nan, kind), value, kind)
        to.lines.append(
            f"  store {to.type(kind)} {value}, ptr {self._address(one.address, kind)}, align {4 * to.width}"
        )

    def _loop(self, loop: Loop) -> None:
        to, n = self.wide, loop.number
        places = self._in_memory(loop) if self.row else {}
        rows = [row for row in loop.carried if row not in places]
        starts = [self._value(row.start, True) for row in rows]
        for row, place in places.items():
            self._store(Store(row.start, place))
        before = self.label
        self._enter(f"turns{n}")
        head = len(to.lines)
        for k, row in enumerate(rows):
            self._values[row.now] = f"%c{n}_{k}"
        self._places |= {one: place for row, place in places.items() for one in (row.now, row.last)}
        self._block(loop.body)
        ends = {row: self._value(row.end, True) for row in loop.carried}  # all are read before one is written
        for row, place in places.items():
            self._store(Store(row.end, place))
        lines = [f"  %turn{n} = phi i64 [ 0, %{before} ], [ %next{n}, %{self.label} ]"]
        for k, (row, start) in enumerate(zip(rows, starts, strict=True)):
            end = ends[row]
            lines.append(f"  %c{n}_{k} = phi {to.type(row.now.dtype)} [ {start}, %{before} ], [ {end}, %{self.label} ]")
            self._values[row.last] = end
        to.lines[head:head] = lines
        to.lines += [f"  %next{n} = add nuw nsw i64 %turn{n}, 1", f"  %more{n} = icmp ult i64 %next{n}, {loop.length}"]
        to.lines.append(f"  br i1 %more{n}, label %turns{n}, label %end{n}")
        self._enter(f"end{n}", jump=False)

    def _in_memory(self, loop: Loop) -> dict[Carried, Address]:
        """Addresses of what a loop carries, if with values from outside it is more than a thread has registers for.

        The values from outside are then written to scratch memory too, and read from there where they are needed.
        """
        inside = {*walk(loop.body)}
        outside = [one for one in self._values if not inside.isdisjoint(self._users.get(one, ()))]
        if len(loop.carried) + len(outside) <= _REGISTERS:
            return {}
        for one in outside:
            self._places[one] = self._place(one)
            self._store(Store(one, self._places[one]))
            del self._values[one]
        return {row: self._place(row.now) for row in loop.carried}

    def _place(self, one: Operation) -> Address:
        """A new address in a lane's scratch memory."""
        region = Region(words_of(one.dtype), ())
        self._bases[region], self.scratch = self.scratch, self.scratch + 2
        return Address(region, 0)

    def _enter(self, label: str, jump: bool = True) -> None:
        self.wide.lines += [f"  br label %{label}"] * jump + [f"{label}:"]
        self.label = label
        self._near.clear()
        self._pointers.clear()

    def _rare(self, operations: Operations) -> dict[Operation, list[Operation]]:
        """Select whose second case is rare -> the operations that this case alone needs."""
        alone: dict[Operation, list[Operation]] = {}
        for choice in operations:
            if choice.name == RARELY:
                own, elsewhere = {choice}, choice.operands[:2]
                for operation in reversed(operations):
                    users = self._users.get(operation)
                    if users and operation not in elsewhere and own.issuperset(users):
                        own.add(operation)
                alone[choice] = [one for one in operations if one in own and one is not choice]
        return alone

    def _branch(self, choice: Operation, alone: Operations) -> None:
        wide = choice.level.wide
        to = self.wide if wide else self.plain
        which, usual = (self._value(one, wide) for one in choice.operands[:2])
        every = which
        if to.width > 1:
            lanes = f"<{to.width} x i1>"
            to.declared.add(f"declare i1 @llvm.vector.reduce.and.v{to.width}i1({lanes})")
            every = to.new(f"call i1 @llvm.vector.reduce.and.v{to.width}i1({lanes} {which})")
        self._labels += 1
        rarely, then, before = f"rare{self._labels}", f"then{self._labels}", self.label
        to.lines += [f"  br i1 {every}, label %{then}, label %{rarely}", f"{rarely}:"]
        self.label, near, pointers = rarely, dict(self._near), dict(self._pointers)
        self._compute(alone)
        other = to.select(which, usual, self._value(choice.operands[2], wide), choice.dtype)
        self._near, self._pointers = near, pointers
        to.lines += [f"  br label %{then}", f"{then}:"]
        kind = to.type(choice.dtype)
        self._values[choice] = to.new(f"phi {kind} [ {usual}, %{before} ], [ {other}, %{self.label} ]")
        self.label = then


def _usual_first(operations: Operations, rare: Mapping[Operation, object]) -> Operations:
    """The operations, those that depend on a branch last: all others are in one basic block and scheduled together."""
    waiting = set(rare)
    for operation in operations:
        if not waiting.isdisjoint(operation.operands):
            waiting.add(operation)
    return [one for one in operations if one not in waiting] + [one for one in operations if one in waiting]
