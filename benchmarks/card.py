"""What an H100's assembler makes of the kernels of toy and rustbelt: python benchmarks/card.py [--check]

Compiles the kernels to PTX, assembles it for sm_90a and counts instructions, registers and spilled bytes. Nothing of it
has run on a card. `--check` ends with 1 where a figure is more than a tenth above its budget.

Needs `ptxas` and `nvdisasm`: pip install '.[benchmark]'.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import sass
from timing import table

from engine.draws.sampling import SAMPLERS
from engine.lanes import ptx
from engine.program.cpu_program import traced
from engine.program.path import OUTCOMES
from engine.study.loading import load_model_file, load_study
from engine.study.study import Study

BUDGET = {"toy": (2_400, 0), "rustbelt": (15_600, 1_680)}
"""Instructions of a kernel, and bytes that a thread stores and loads for want of registers (`ptxas -v`)."""
_MORE = 1.1


@dataclass(frozen=True)
class Figures:
    """A kernel as machine code.

    Args:
      registers: of a thread.
      instructions: of the kernel.
      memory: instructions that load or store.
      spilled: bytes of a thread's stores and loads for want of registers.
      scratch: bytes of a thread's scratch memory.
    """

    registers: int
    instructions: int
    memory: int
    spilled: int
    scratch: int


def studies() -> dict[str, Study]:
    """The studies by name."""
    here = Path(__file__).parent
    toy = load_study(here / "toy.toml", model=load_model_file(f"{here / 'toy_model.py'}:Toy"))
    return {"toy": toy, "rustbelt": load_study("rustbelt")}


def figures(study: Study) -> Figures:
    """The figures of a study's outcomes on a card."""
    found = traced(study, study.dtype)
    assert not isinstance(found, str), found
    kernel = ptx.compile_nest(found.nest((OUTCOMES,)), "sm_90", SAMPLERS[study.sampler].group)
    machine = sass.assembled(kernel.text)
    code = [name.partition(".")[0] for name, _ in machine.code if name != "LABEL"]
    memory = sum(name in sass.MEMORY for name in code)
    return Figures(machine.registers, len(code), memory, machine.spilled, 4 * kernel.layout.scratch)


def shown(found: dict[str, Figures]) -> str:
    """The table."""
    rows = [(name, *(f"{vars(one)[name]:,}" for one in found.values())) for name in Figures.__annotations__]
    return table(("one thread", *found), rows)


def above(found: dict[str, Figures]) -> list[str]:
    """Sentences on the figures that are more than a tenth above their budgets."""
    rows = [
        (name, what, value, most)
        for name, one in found.items()
        for what, value, most in zip(
            ("instructions", "spilled bytes"), (one.instructions, one.spilled), BUDGET[name], strict=True
        )
    ]
    return [f"{name}: {value:,} {what}, budget {most:,}" for name, what, value, most in rows if value > _MORE * most]


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--check", action="store_true", help="fail where a figure is above its budget")
    options = parser.parse_args()
    found = {name: figures(study) for name, study in studies().items()}
    print(shown(found))
    problems = above(found) if options.check else []
    if problems:
        raise SystemExit("\n".join(problems))


if __name__ == "__main__":
    main()
