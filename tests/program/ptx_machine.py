"""A card without a card: the PTX that its driver would be handed, run in NumPy thread by thread.

Threads of some blocks go through the text together, those that stand lowest in it first. What a card would not survive,
or would do in an order of its own, is a `Fault` with the line where it happens.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tests.program.ptx_arithmetic import BOOL, TYPES, U32, U64, Fault, Rule, rule
from tests.program.ptx_memory import GlobalMemory

LINE = re.compile(r"^(?:@(!?)(%\w+)\s+)?([a-z][\w.]*)\s*(.*?);$")
OPERAND = re.compile(r"\{[^}]*\}|\[[^\]]*\]|[^,\s][^,]*")
ADDRESS = re.compile(r"^\[([%\w]+)(?:\+(-?\d+))?\]$")
MOST = 10_000_000
"""Instructions of a launch, after which it counts as one that never ends."""


@dataclass(frozen=True)
class Instruction:
    """A line of the text.

    Args:
      guard: predicate whose threads alone carry it out, if it has one.
      where: what the predicate must be.
    """

    line: str
    guard: str | None
    where: bool
    name: str
    operands: tuple[str, ...]


@dataclass
class Machine:
    """A kernel to be launched.

    Args:
      text: its PTX.
    """

    text: str
    code: list[Instruction] = field(default_factory=list)
    labels: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        head, body = self.text.split("{", 1)
        self.parameters = re.findall(r"\.param \.(u\d\d)[^,\n)]* (\w+)", head)
        found = re.search(r"\.maxntid (\d+)", head)
        if found is None:
            raise Fault("says nothing of how many threads a block has at most")
        self.threads = int(found[1])
        self._registers = {name: TYPES[kind] for kind, name in re.findall(r"\.reg \.(\w+)\s+(%\w+)<", body)}
        self.is_old = int(re.search(r"\.target sm_(\d+)", head)[1]) < 80
        for line in body.splitlines():
            text = line.split("//")[0].strip()
            if text.endswith(":"):
                self.labels[text[:-1]] = len(self.code)
            elif text and text not in "{}" and not text.startswith("."):
                read = LINE.match(text)
                if read is None:
                    raise Fault(f"{text}: not understood")
                self.code.append(
                    Instruction(
                        text, read[2], not read[1], read[3], tuple(one.strip() for one in OPERAND.findall(read[4]))
                    )
                )

    def register(self, operand: str) -> np.dtype | None:
        """The type of a register as it is declared; None of what is no register."""
        return self._registers.get(operand.rstrip("0123456789")) if operand.startswith("%") else None

    def launch(self, memory: GlobalMemory, given: Sequence[int], blocks: Sequence[int]) -> None:
        """Runs some blocks of a grid.

        Args:
          given: what the kernel is handed: numbers and addresses.
          blocks: their numbers.

        Raises:
          Fault: what is wrong, and the line.
        """
        with np.errstate(all="ignore"):
            _Launch(self, memory, given, blocks).run()


class _Launch:
    """Blocks of threads as they run."""

    def __init__(self, machine: Machine, memory: GlobalMemory, given: Sequence[int], blocks: Sequence[int]):
        each, self.count = machine.threads, machine.threads * len(blocks)
        self.machine, self.memory, self.steps = machine, memory, 0
        self.everyone = np.arange(self.count)
        self.parameters = {
            name: np.array(value).astype(TYPES[kind])
            for (kind, name), value in zip(machine.parameters, given, strict=True)
        }
        special = {"%tid.x": self.everyone % each, "%ctaid.x": np.repeat(blocks, each)}
        self.registers = {name: values.astype(U32) for name, values in special.items()}
        self.lacking: dict[str, np.ndarray] = {}
        self.constants: dict[tuple[str, np.dtype], np.ndarray] = {}

    def run(self) -> None:
        """All threads from the first instruction to the last."""
        code, places = self.machine.code, {0: self.everyone}
        while places:
            here = min(places)
            threads, one = places.pop(here), code[here]
            if one.name == "ret":
                continue
            try:
                onward = self._step(one, threads, here)
            except Fault as fault:
                raise Fault(f"{one.line} {fault}") from None
            for place, some in onward.items():
                places[place] = np.union1d(places[place], some) if place in places else some

    def _step(self, one: Instruction, threads: np.ndarray, here: int) -> dict[int, np.ndarray]:
        """Carries out an instruction; where its threads stand then."""
        self.steps += 1
        if self.steps > MOST:
            raise Fault("runs without end")
        acting = threads
        if one.guard is not None:
            acting = threads[self._read(one.guard, BOOL, threads) == one.where]
        if one.name in ("bra", "bra.uni"):
            goal = self.machine.labels[one.operands[0]]
            if acting.size == threads.size:
                return {goal: threads}
            others = np.setdiff1d(threads, acting, assume_unique=True)
            return {goal: acting, here + 1: others} if acting.size else {here + 1: others}
        if acting.size:
            self._carry_out(one, acting)
        return {here + 1: threads}

    def _carry_out(self, one: Instruction, threads: np.ndarray) -> None:
        name, operands = one.name, one.operands
        kind, *ways = name.split(".")
        if name.startswith("ld.param"):
            value = self.parameters[operands[1].strip("[]")]
            self._write(operands[0], np.full(threads.size, value), threads)
        elif kind == "cvta":
            self._write(operands[0], self._read(operands[1], U64, threads), threads)
        elif kind in ("ld", "st"):
            self._moved(kind, ways, operands, threads)
        elif kind == "mov" and "{" in operands[0]:
            whole = self._read(operands[1], U64, threads)
            for turn, part in enumerate(_parts(operands[0])):
                self._write(part, (whole >> U64.type(32 * turn)).astype(U32), threads)
        elif kind == "mov" and "{" in operands[1]:
            low, high = (self._read(part, U32, threads).astype(U64) for part in _parts(operands[1]))
            self._write(operands[0], low | high << U64.type(32), threads)
        else:
            if self.machine.is_old and "NaN" in ways:
                raise Fault("is not known to so old a card")
            self._computed(rule(name), operands, threads)

    def _computed(self, by: Rule, operands: tuple[str, ...], threads: np.ndarray) -> None:
        values = [self._read(one, dtype, threads) for one, dtype in zip(operands[1:], by.reads, strict=False)]
        self._write(operands[0], by.apply(*values), threads)

    def _moved(self, kind: str, ways: list[str], operands: tuple[str, ...], threads: np.ndarray) -> None:
        """A load or a store of some words, side by side."""
        place, value = operands if kind == "st" else operands[::-1]
        read = ADDRESS.match(place)
        if read is None:
            raise Fault("has an address of no known form")
        at = self._read(read[1], U64, threads).astype(np.int64) + int(read[2] or 0)
        names, dtype = _parts(value), TYPES[ways[-1]]
        if (at % (dtype.itemsize * len(names))).any():
            raise Fault("misaligned")
        for name in names:
            wide = self.machine.register(name) or dtype
            if kind == "ld":
                parts = [self.memory.load(at + k, threads, "nc" in ways) for k in range(0, dtype.itemsize, 4)]
                whole = np.stack(parts, axis=-1)
                value = np.ascontiguousarray(whole).view(dtype)[..., 0]
                self._write(name, value.astype(wide) if wide.itemsize > dtype.itemsize else value, threads)
            else:
                whole = self._read(name, wide, threads)[:, None].view(U32)
                for k in range(0, dtype.itemsize, 4):
                    self.memory.store(at + k, threads, whole[:, k // 4])
            at = at + dtype.itemsize

    def _read(self, operand: str, dtype: np.dtype, threads: np.ndarray) -> np.ndarray:
        """An operand as numbers of a type, one a thread."""
        held = self.registers.get(operand)
        if held is None:
            if operand.startswith("%"):
                raise Fault(f"reads {operand}, which is not written")
            held = self.constants.get((operand, dtype))
            if held is None:
                held = self.constants[operand, dtype] = np.full(self.count, _constant(operand, dtype))
        elif operand in self.lacking and self.lacking[operand][threads].any():
            raise Fault(f"reads {operand}, which some threads have not written")
        elif held.dtype.itemsize != dtype.itemsize:
            raise Fault(f"reads {operand} as of another size")
        return (held if threads.size == self.count else held[threads]).view(dtype)

    def _write(self, register: str, values: np.ndarray, threads: np.ndarray) -> None:
        """Gives a register of some threads its value; arrays that others hold stay as they are."""
        kind = self.machine.register(register)
        if kind is None or kind.itemsize != values.dtype.itemsize:
            raise Fault(f"writes {register}, a register of another size")
        kept = values.view(kind)
        if threads.size == self.count:
            self.lacking.pop(register, None)
        else:
            before = self.registers.get(register)
            if before is None:
                self.lacking[register] = np.ones(self.count, bool)
            whole = np.zeros(self.count, kept.dtype) if before is None else before.copy()
            whole[threads], kept = kept, whole
            if register in self.lacking:
                self.lacking[register][threads] = False
        self.registers[register] = kept


def _parts(operand: str) -> list[str]:
    return [part.strip() for part in operand.strip("{}").split(",")]


def _constant(text: str, dtype: np.dtype) -> np.ndarray:
    if text[:2] in ("0f", "0d"):
        return np.array(int(text[2:], 16), U32 if text[1] == "f" else U64).view(dtype)
    if dtype == BOOL:
        return np.array(text not in ("0", "false"))
    return np.array(int(text, 0) % (1 << 8 * dtype.itemsize), U64 if dtype.itemsize == 8 else U32).view(dtype)
