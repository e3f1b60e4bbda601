"""How fast an H100 would run the one loop, computed without an H100: python benchmarks/card.py [--check]

Emits the PTX of the toy and of the rustbelt, assembles it for sm_90a and counts its instructions on the way that
ordinary numbers take. Estimated speed: the card hands out 128 instructions a clock in each of 132 multiprocessors at
1.98 GHz, and .6 of that is taken to be reached. Nothing of it has run on a card. `--check` ends with 1 where a figure
is more than a tenth above its budget.

Needs `ptxas` and `nvdisasm`: pip install '.[benchmark]'.
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import dataclass

import sass
from on_device import studies
from roofline import CARDS, ISSUED
from timing import table

from engine.program.emitting import gpu_code, ptx
from engine.program.emitting.gpu_code import GpuLayout
from engine.program.running.kernel import listing_of
from engine.program.tracing import arguments
from engine.study.study import Study

LANES = 1 << 20
REACHED = 0.6
"""Share of the issue rate that is taken to be reached."""
LIMITS = {"toy": 14.82e9, "rustbelt": 3.05e9}
"""Path-years a second that the instruction rate allows, as `instructions.py` counted before the work on this form."""
BUDGET = {"toy": 2_600, "rustbelt": 16_960}
"""Instructions a path-year, all policies together."""
SPILLED = {"toy": 0, "rustbelt": 700}
"""Bytes that a thread stores and loads for want of registers, as instructions: `ptxas -v`."""
_MORE = 1.1
_RARE = 1 - (1 - 0.0034) ** 32
"""Share of cases in which any of a warp's 32 threads has a number in the tails, whose polynomial is then computed."""


@dataclass(frozen=True)
class Figures:
    """The instructions and memory that a path-year takes on a card, all policies together.

    Args:
      units: instructions by unit.
      written: bytes of outcomes.
      spilled: bytes of a thread's stores and loads for want of registers, as the assembler counts them.
    """

    layout: GpuLayout
    registers: int
    spilled: int
    units: Counter[str]
    written: float

    @property
    def instructions(self) -> float:
        """Instructions of all units."""
        return sum(self.units.values())

    @property
    def rate(self) -> float:
        """Path-years a second, estimated."""
        card = CARDS["H100"]
        return REACHED * ISSUED * card.multiprocessors * card.clock * 1e9 / self.instructions


def figures(study: Study, **block: int) -> Figures:
    """The figures of a study on a card.

    Args:
      block: as `gpu_code.code` takes them.
    """
    listing, inputs = listing_of(study, study.dtype), arguments.of(study, study.dtype)
    code = gpu_code.code(study, listing, inputs, LANES, **block)
    machine = sass.assembled(ptx.text(code))
    layout = code.layout
    threads = layout.policies // layout.each  # of a path
    units = sass.counted(machine.code, [each * threads for each in _times(machine.code, layout)])
    written = 4 * layout.unit * layout.policies * layout.outcomes / layout.years
    return Figures(layout, machine.registers, machine.spilled, units, written)


def _times(code: sass.Code, layout: GpuLayout) -> list[float]:
    """How often a thread executes each instruction, per year."""
    loops = sass.loops(code)
    years = max(loops, key=lambda loop: loop.last - loop.first)
    times = [1 / layout.years] * len(code)
    times[years.first : years.last + 1] = [1.0] * (years.last + 1 - years.first)
    before = [loop for loop in loops if loop.last < years.first]
    within = [loop for loop in loops if years.holds(loop)]
    of_year = [count for count in (layout.normals, layout.uniforms) if count]
    if len(before) != bool(layout.factors) or len(within) != len(of_year):
        raise SystemExit("card.py: the loops over random numbers are not where they were")
    streams = layout.threads // (layout.paths // layout.group)
    for loop, count in (*zip(before, [layout.factors], strict=False), *zip(within, of_year, strict=True)):
        for place in range(loop.first, loop.last + 1):
            times[place] *= count / streams
    for loop in (*before, *within):
        for first, last in sass.skipped(code[loop.first : loop.last + 1]):
            if any("RSQ" in name for name, _ in code[loop.first + first : loop.first + last]):
                for place in range(loop.first + first, loop.first + last):
                    times[place] *= _RARE
    start = before[-1].last if before else 0
    once = max(sass.skipped(code[start : years.first]), key=lambda part: part[1] - part[0], default=(0, 0))
    for place in range(start + once[0], start + once[1]):
        times[place] /= layout.together
    return times


def shown(found: dict[str, Figures]) -> str:
    """The table."""
    head = ("one path and year, all policies", *found)
    rows = [
        ("policies of a thread", *(f"{one.layout.each} of {one.layout.policies}" for one in found.values())),
        ("threads of a block", *(str(one.layout.threads) for one in found.values())),
        ("registers", *(str(one.registers) for one in found.values())),
        ("spilled, bytes of stores and loads", *(f"{one.spilled:,}" for one in found.values())),
        ("shared memory of a block, bytes", *(f"{4 * one.layout.shared:,}" for one in found.values())),
        ("instructions", *(f"{one.instructions:,.0f}" for one in found.values())),
        *((f"- {unit}", *(f"{one.units[unit]:,.0f}" for one in found.values())) for unit in sass.UNITS),
        ("bytes of memory written", *(f"{one.written:.1f}" for one in found.values())),
        ("estimate, G path-years/s", *(f"{one.rate / 1e9:.2f}" for one in found.values())),
        ("of the instruction limit", *(f"{100 * one.rate / LIMITS[name]:.0f} %" for name, one in found.items())),
    ]  # fmt: skip
    return table(head, rows)


def above(found: dict[str, Figures]) -> list[str]:
    """Sentences on the figures that are more than a tenth above their budgets."""
    rows = [
        (name, what, value, budget[name])
        for name, one in found.items()
        for what, value, budget in (
            ("instructions a path-year", one.instructions, BUDGET),
            ("spilled bytes", one.spilled, SPILLED),
        )
    ]
    return [f"{name}: {value:,.0f} {what}, budget {most:,}" for name, what, value, most in rows if value > _MORE * most]


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--check", action="store_true", help="fail where a figure is above its budget")
    parser.add_argument("--paths", type=int, default=gpu_code.PATHS, help="paths of a block of threads")
    parser.add_argument("--each", type=int, help="policies that a thread computes")
    options = parser.parse_args()
    found = {name: figures(study, paths=options.paths, each=options.each) for name, study in studies().items()}
    print(shown(found))
    problems = above(found) if options.check else []
    if problems:
        raise SystemExit("\n".join(problems))


if __name__ == "__main__":
    main()
