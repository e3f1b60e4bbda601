"""Machine code for a card, made without one: PTX through NVIDIA's own assembler, and its instructions by unit.

Needs `ptxas` and `nvdisasm`, of the wheels `nvidia-cuda-nvcc` and `nvidia-cuda-nvdisasm`; no card, no driver.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SPECIAL = {"MUFU", "I2F", "F2I", "FRND", "F2F", "POPC", "BREV", "FLO", "FCHK"}
FLOAT = {"FFMA", "FADD", "FMUL", "HFMA2", "HADD2", "HMUL2", "FSWZADD"}
DOUBLE = {"DFMA", "DADD", "DMUL", "DSETP"}
MEMORY = {
    "LDG", "STG", "LDS", "STS", "LDL", "STL", "LDC", "ULDC", "ATOM", "ATOMG", "ATOMS", "RED", "LD", "ST", "SHFL",
}  # fmt: skip
CONTROL = {
    "BRA", "EXIT", "CALL", "RET", "BSSY", "BSYNC", "S2R", "CS2R", "NOP", "DEPBAR", "BAR", "WARPSYNC", "BREAK", "JMP",
    "BRX", "VOTE", "R2UR", "YIELD", "S2UR",
}  # fmt: skip
Code = Sequence[tuple[str, str]]
"""Instructions and labels in their order, each as (operation, text)."""
UNITS = ("float", "integer", "special", "double", "memory", "control")


@dataclass(frozen=True)
class Assembled:
    """A kernel's machine code, with the assembler's figures.

    Args:
      registers: of a thread.
      spilled: bytes of the stores and loads of values that have no register.
    """

    registers: int
    spilled: int
    code: Code


@dataclass(frozen=True)
class Loop:
    """A loop: the instructions from `first` to `last`, which is the branch back."""

    first: int
    last: int

    def holds(self, other: Loop) -> bool:
        """Whether another loop lies within it."""
        return self != other and self.first <= other.first and other.last <= self.last


def tool(name: str) -> str | None:
    """The path of a tool of CUDA: of a wheel beside this Python, or of the machine."""
    spec = importlib.util.find_spec("nvidia")
    for folder in spec.submodule_search_locations or () if spec else ():
        for found in sorted(Path(folder).glob(f"cu*/bin/{name}")):
            return str(found)
    return shutil.which(name)


def assembled(ptx: str, processor: str = "sm_90a", options: Sequence[str] = ()) -> Assembled:
    """A kernel, alone in its text, as machine code."""
    with tempfile.TemporaryDirectory() as folder:
        text, cubin = Path(folder) / "kernel.ptx", Path(folder) / "kernel.cubin"
        text.write_text(ptx)
        command = [_needed("ptxas"), f"-arch={processor}", "-v", *options, str(text), "-o", str(cubin)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"ptxas: {done.stderr}")
        listing = subprocess.run(
            [_needed("nvdisasm"), "-c", str(cubin)], capture_output=True, text=True, check=True
        ).stdout
    spilled = sum(map(int, re.findall(r"(\d+) bytes spill", done.stderr)))
    registers = int(re.findall(r"Used (\d+) registers", done.stderr)[0])
    return Assembled(registers, spilled, tuple(_code(listing)))


def _needed(name: str) -> str:
    at = tool(name)
    if at is None:
        raise SystemExit(f"{name} is missing: pip install nvidia-cuda-nvcc nvidia-cuda-nvdisasm")
    return at


def _code(listing: str) -> list[tuple[str, str]]:
    """Instructions and labels up to the last exit of the kernel itself: behind it stand slow paths and padding."""
    code = []
    for line in listing.splitlines():
        label = re.match(r"(\.L_x_\d+):", line)
        instruction = re.match(r"\s+/\*[0-9a-f]+\*/\s+(?:@!?U?P\w+\s+)?([A-Z][\w.]*)(.*)", line)
        if label:
            code.append(("LABEL", label[1]))
        elif instruction:
            code.append((instruction[1], line.strip()))
    last = max(at for at, (name, _) in enumerate(code) if name == "EXIT")
    return code[: last + 1]


def loops(code: Code) -> list[Loop]:
    """The loops, by their first instruction."""
    at = {text: place for place, (name, text) in enumerate(code) if name == "LABEL"}
    ends: dict[int, int] = {}
    for place, (name, text) in enumerate(code):
        goal = re.search(r"`\((\.L_x_\d+)\)", text) if name.startswith("BRA") else None
        start = at.get(goal[1]) if goal else None
        if start is not None and start < place:
            ends[start] = place
    return [Loop(first, last) for first, last in sorted(ends.items())]


def skipped(code: Code) -> list[tuple[int, int]]:
    """Ranges that a condition may skip: from the instruction after a branch to the one that it leads to."""
    at = {text: place for place, (name, text) in enumerate(code) if name == "LABEL"}
    found = []
    for place, (name, text) in enumerate(code):
        goal = re.search(r"`\((\.L_x_\d+)\)", text) if name.startswith("BRA") and "@" in text else None
        end = at.get(goal[1]) if goal else None
        if end is not None and end > place:
            found.append((place + 1, end))
    return found


def taken(code: Code) -> list[bool]:
    """Whether each instruction is on the way of ordinary numbers; subnormal and non-finite ones take calls."""
    keep = [True] * len(code)
    start = 0
    for place, (name, _) in enumerate(code):
        if name == "LABEL":
            start = place
        if name.startswith("BRA") or place + 1 == len(code) or code[place + 1][0] == "LABEL":
            block = range(start, place + 1)
            if any(code[k][0].startswith("CALL") for k in block):
                for k in block:
                    keep[k] = False
            start = place + 1
    return keep


def unit(operation: str) -> str:
    """The unit that carries an operation out."""
    name = operation.split(".")[0]
    for names, found in (
        (SPECIAL, "special"),
        (FLOAT, "float"),
        (DOUBLE, "double"),
        (MEMORY, "memory"),
        (CONTROL, "control"),
    ):
        if name in names:
            return found
    return "integer"


def counted(code: Code, times: Sequence[float]) -> Counter[str]:
    """Number of instructions by unit, each counted as often as `times` says."""
    units: Counter[str] = Counter()
    for (name, _), keep, often in zip(code, taken(code), times, strict=True):
        if keep and name not in ("LABEL", "NOP"):
            units[unit(name)] += often
    return units
