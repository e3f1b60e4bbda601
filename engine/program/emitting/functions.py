"""Writes a stage as one function: straight-line code around a loop over the years, branches for rare cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.draws.random_words import RARELY
from engine.program.lowering.llvm import Function
from engine.program.lowering.operation_table import OPERATIONS
from engine.program.lowering.operations import Operation, Operations, readers
from engine.program.lowering.stages import Stage, State, section


def function(
    stage: Stage, width: int, pointers: Sequence[str], signature: str | None = None, each_round: str | None = None
) -> tuple[str, set[str]]:
    """LLVM IR of a stage's function, and the declarations of the functions that it calls.

    Args:
      width: lanes of a vector.
      pointers: names of the pointers that the function takes; after them it takes the number of rounds.
      signature: its first line, in place of the one that follows from `pointers`.
      each_round: an instruction to put at the start of each round.
    """
    text = _Text(stage, width)
    text.compute(stage.before)
    text.write(0)
    if stage.rounds or stage.states or any(place.stride for _, place in stage.stores):
        text.loop(each_round)
    text.compute(stage.after)
    text.write(2)
    taken = ", ".join(f"ptr noalias %{name}" for name in pointers)
    signature = signature or f"define void @{stage.name}({taken}, i64 %count) noinline"
    return "\n".join([f"{signature} {{\nentry:", *text.written.lines, "  ret void", "}"]), text.written.declared


def joined(written: Sequence[tuple[str, set[str]]], *texts: str) -> str:
    """One text of what `function` gave for several stages, and of other functions: declarations first."""
    declared = sorted({one for _, calls in written for one in calls})
    return "\n".join([*declared, *(text for text, _ in written), *texts])


class _Text:
    """A stage while its function is written.

    Args:
      values: operation computed so far -> name of its value.
      loaded: operation read from memory in the current basic blocks -> name of its value.
      label: label of the basic block that is being written.
    """

    def __init__(self, stage: Stage, width: int):
        self.stage, self.written = stage, Function(width)
        self.values: dict[Operation, str] = {}
        self.loaded: dict[Operation, str] = {}
        self.label = "entry"
        self._labels = 0
        self._written_back: dict[Operation, list[State]] = {}
        for state in stage.carried:
            self._written_back.setdefault(state.after, []).append(state)

    def value(self, operation: Operation) -> str:
        """Name of an operation's value; writes a load where it was not computed in this function."""
        if operation.is_constant:
            return self.written.constant(operation.detail, operation.dtype)
        if operation in self.values:
            return self.values[operation]
        if operation not in self.loaded:
            self.loaded[operation] = self.written.load(operation.dtype, self.stage.loads[operation])
        return self.loaded[operation]

    def compute(self, operations: Operations) -> None:
        """Writes operations in their order; those that only a rare case needs stand in a branch of their own."""
        rare = self._rare(operations)
        put_off = {one for each in rare.values() for one in each}
        for operation in _usual_first(operations, rare):
            if operation in rare:
                self._branch(operation, rare[operation])
            elif operation not in put_off:
                values = [self.value(one) for one in operation.operands]
                self.values[operation] = OPERATIONS[operation.name].text(self.written, operation, *values)
                for state in self._written_back.get(operation, ()):
                    self.value(state.now)  # load the old value before it is overwritten
                    self._write_back(state, operation)

    def write(self, part: int) -> None:
        """Writes the stores of one part of the function: 0 before the loop, 1 in each round, 2 after it."""
        for operation, place in self.stage.stores:
            if (1 if place.stride else 2 if section(operation.axes) == 2 else 0) == part:
                self.written.store(self.value(operation), operation.dtype, place)

    def loop(self, each_round: str | None = None) -> None:
        """Writes the loop; states are phi nodes, except for those that are carried in memory."""
        written, before = self.written, self.label
        states = [state for state in self.stage.states if state not in self.stage.carried]
        for state in self.stage.carried:
            self._write_back(state, state.before)
        starts = [self.value(state.before) for state in states]
        self.loaded.clear()
        written.lines += ["  br label %rounds", "rounds:"]
        self.label = "rounds"
        head = len(written.lines)
        for number, state in enumerate(states):
            self.values[state.now] = f"%s{number}"
        if each_round:
            written.lines.append(each_round)
        self.compute(self.stage.rounds)
        self.write(1)
        ends = [self.value(state.after) for state in states]
        self.loaded.clear()
        lines = [f"  %turn = phi i64 [ 0, %{before} ], [ %next, %{self.label} ]"]
        for number, (state, start, end) in enumerate(zip(states, starts, ends, strict=True)):
            kind = written.type(state.now.dtype)
            lines.append(f"  %s{number} = phi {kind} [ {start}, %{before} ], [ {end}, %{self.label} ]")
            self.values[state.last] = end
        written.lines[head:head] = lines
        written.lines += [
            "  %next = add nuw nsw i64 %turn, 1",
            "  %more = icmp ult i64 %next, %count",
            "  br i1 %more, label %rounds, label %end",
            "end:",
        ]
        self.label = "end"

    def _write_back(self, state: State, operation: Operation) -> None:
        self.written.store(self.value(operation), operation.dtype, self.stage.carried[state])

    def _rare(self, operations: Operations) -> dict[Operation, list[Operation]]:
        """Select whose second case is rare -> the operations that this case alone needs."""
        rare = [one for one in operations if one.name == RARELY]
        if not rare:
            return {}
        users = readers((*self.stage.before, *self.stage.rounds, *self.stage.after))
        kept = {one for one, _ in self.stage.stores}
        kept |= {one for state in self.stage.states for one in (state.before, state.after)}
        alone: dict[Operation, list[Operation]] = {}
        for choice in rare:
            own, elsewhere = {choice}, kept.union(choice.operands[:2])
            for operation in reversed(operations):
                if operation in users and operation not in elsewhere and own.issuperset(users[operation]):
                    own.add(operation)
            alone[choice] = [one for one in operations if one in own and one is not choice]
        return alone

    def _branch(self, choice: Operation, alone: Operations) -> None:
        written = self.written
        which, usual = (self.value(one) for one in choice.operands[:2])
        if written.width > 1:
            lanes = f"<{written.width} x i1>"
            written.declared.add(f"declare i1 @llvm.vector.reduce.and.v{written.width}i1({lanes})")
            every = written.new(f"call i1 @llvm.vector.reduce.and.v{written.width}i1({lanes} {which})")
        else:
            every = which
        self._labels += 1
        rarely, then, before = f"rare{self._labels}", f"then{self._labels}", self.label
        written.lines += [f"  br i1 {every}, label %{then}, label %{rarely}", f"{rarely}:"]
        self.label, loaded = rarely, dict(self.loaded)
        self.compute(alone)
        other = written.select(which, usual, self.value(choice.operands[2]), choice.dtype)
        self.loaded = loaded
        written.lines += [f"  br label %{then}", f"{then}:"]
        kind = written.type(choice.dtype)
        self.values[choice] = written.new(f"phi {kind} [ {usual}, %{before} ], [ {other}, %{self.label} ]")
        self.label = then


def _usual_first(operations: Operations, rare: Mapping[Operation, Any]) -> Operations:
    """The operations, those that depend on a branch last: all others are in one basic block and scheduled together."""
    waiting = set(rare)
    for operation in operations:
        if not waiting.isdisjoint(operation.operands):
            waiting.add(operation)
    return [one for one in operations if one not in waiting] + [one for one in operations if one in waiting]
