"""The work of a program on a GPU: its elementwise operations, counted from the jaxpr in instructions of the card.

Every operation of the jaxpr is priced by what the compiler makes of it, and multiplied by the elements it works on and
by the rounds of the loops around it. Two mergers that every compiler makes are made here too: a product that only a sum
reads is one multiply-add, and two shifts that are joined are one rotation. Broadcasts, slices, stores and barriers move
data and cost nothing here. The prices of functions are those of CUDA's single-precision library, counted by hand; what
the profiler says of the machine code goes before them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax.extend import core as jex

from engine.draws import random_words


@dataclass(frozen=True)
class Instructions:
    """Instructions of one lane by the unit that carries them out.

    Args:
      fma: float additions, products and multiply-adds.
      alu: integer additions, logic, shifts, comparisons, selections, conversions.
      special: 2^x, log2, reciprocals, roots, rounding.
    """

    fma: float = 0.0
    alu: float = 0.0
    special: float = 0.0

    @property
    def issued(self) -> float:
        """All of them: each takes a slot of the scheduler."""
        return self.fma + self.alu + self.special

    def __add__(self, other: Instructions) -> Instructions:
        return Instructions(self.fma + other.fma, self.alu + other.alu, self.special + other.special)

    def __sub__(self, other: Instructions) -> Instructions:
        return self + other * -1.0

    def __mul__(self, times: float) -> Instructions:
        return Instructions(self.fma * times, self.alu * times, self.special * times)


FREE = Instructions()
ONE_FMA, ONE_ALU = Instructions(fma=1), Instructions(alu=1)
DIVISION = Instructions(fma=3, alu=2, special=1)
EXPONENTIAL = Instructions(fma=6, alu=1, special=1)
LOGARITHM = Instructions(fma=13, alu=9)

PRICES = {
    **dict.fromkeys(("max", "min", "select_n", "clamp", "convert_element_type", "is_finite"), ONE_ALU),
    **dict.fromkeys(("eq", "ne", "lt", "le", "gt", "ge", "and", "or", "xor", "not"), ONE_ALU),
    **dict.fromkeys(("shift_left", "shift_right_logical", "shift_right_arithmetic"), ONE_ALU),
    **dict.fromkeys(("neg", "abs"), FREE),  # modifiers of the operand
    "sign": Instructions(alu=3),
    "div": DIVISION,
    "exp": EXPONENTIAL,
    "exp2": Instructions(fma=2, special=1),
    "expm1": Instructions(fma=14, alu=4, special=1),
    "log": LOGARITHM,
    "log1p": LOGARITHM + Instructions(fma=3, alu=1),
    "pow": LOGARITHM + EXPONENTIAL + Instructions(fma=20, alu=10),
    "integer_pow": Instructions(fma=2),
    "square": ONE_FMA,
    "sqrt": Instructions(fma=5, alu=2, special=1),
    "rsqrt": Instructions(fma=1, alu=1, special=1),
    "logistic": EXPONENTIAL + DIVISION + ONE_FMA,
    "tanh": Instructions(fma=12, alu=3, special=2),
    "erf": Instructions(fma=20, alu=4, special=1),
    "erfc": Instructions(fma=25, alu=5, special=2),
    "nextafter": Instructions(alu=8),
    **dict.fromkeys(("round", "floor", "ceil"), Instructions(special=1)),
}
MOVES = {
    "broadcast_in_dim",
    "reshape",
    "squeeze",
    "expand_dims",
    "slice",
    "concatenate",
    "stack",
    "iota",
    "copy",
    "transpose",
    "optimization_barrier",
    "bitcast_convert_type",
    "complex",
    "real",
    "imag",
    "dynamic_slice",
    "dynamic_update_slice",
    "gather",
    "rev",
    "stop_gradient",
    "pad",
    "split",
}
ARITHMETIC = {"add", "sub", "mul", "add_any"}
SUMS = {"reduce_sum", "reduce_max", "reduce_min"}


def counted(jaxpr: Any) -> Instructions:
    """Instructions of all elements that a jaxpr computes, loops multiplied out (one round if their end is unknown)."""
    equations, outputs = _without_repeats(jaxpr)
    made = {out: equation for equation in equations for out in equation.outputs}
    reads = Counter(atom for equation in equations for atom in equation.inputs)
    reads.update(outputs)
    total, merged = FREE, set()

    def only_read_here(equation: Equation, names: tuple[str, ...]) -> list[int]:
        sources = [made[atom] for atom in equation.inputs if atom in made and reads[atom] == 1]
        return [id(source) for source in sources if source.name in names]

    for equation in reversed(equations):
        if equation.inner:
            total = sum((counted(part) * equation.rounds for part in equation.inner), total)
            continue
        if id(equation) in merged:
            continue
        if equation.name in ("add", "sub") and equation.is_float:
            merged.update(only_read_here(equation, ("mul",))[:1])
        if equation.name == "or":
            shifts = only_read_here(equation, ("shift_left", "shift_right_logical"))
            merged.update(shifts if len(shifts) == 2 else ())
        total = total + equation.price * equation.elements
    return total


@dataclass(frozen=True, eq=False)
class Equation:
    """One operation: its name, what it reads and gives, what it calls."""

    name: str
    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]
    inner: tuple[Any, ...]
    rounds: int
    elements: int
    is_float: bool

    @property
    def price(self) -> Instructions:
        """Instructions for one element."""
        if self.name in MOVES:
            return FREE
        if self.name in ARITHMETIC or self.name in SUMS:
            return ONE_FMA if self.is_float else ONE_ALU
        if self.name not in PRICES:
            raise SystemExit(f"instructions.py has no price for the operation '{self.name}'")
        return PRICES[self.name]


def _without_repeats(jaxpr: Any) -> tuple[list[Equation], list[Any]]:
    """The equations but those that repeat an earlier one (every compiler computes them once); and the outputs."""
    known: dict[Any, Any] = {}
    same: dict[Any, Any] = {}
    found = []
    for equation in jaxpr.eqns:
        name, params = equation.primitive.name, equation.params
        inputs = tuple(same.get(atom, atom) for atom in map(_atom, equation.invars))
        inner = tuple(_called(params))
        key = (name, inputs, str(params))
        if not inner and key in known and name != "optimization_barrier":
            same.update(zip(equation.outvars, known[key], strict=True))
            continue
        known[key] = equation.outvars
        shaped = (equation.invars if name in SUMS else equation.outvars)[:1]
        if name == "convert_element_type" and equation.invars[0].aval.dtype == shaped[0].aval.dtype:
            name = "copy"
        elements = shaped[0].aval.size if shaped else 0
        is_float = bool(shaped) and np.issubdtype(shaped[0].aval.dtype, np.floating)
        rounds = params["length"] if name == "scan" else 1
        found.append(Equation(name, inputs, tuple(equation.outvars), inner, rounds, elements, is_float))
    return found, [same.get(atom, atom) for atom in map(_atom, jaxpr.outvars)]


def _atom(atom: Any) -> Any:
    """A variable, or the value of a literal."""
    return (str(atom.val), str(atom.aval)) if isinstance(atom, jex.Literal) else atom


def _called(params: dict[str, Any]) -> Iterator[Any]:
    """The jaxprs among the parameters of an equation."""
    for value in params.values():
        for part in value if isinstance(value, (tuple, list)) else (value,):
            if hasattr(part, "eqns") or hasattr(part, "jaxpr"):
                yield getattr(part, "jaxpr", part)


def carried(jaxpr: Any, rounds: int) -> int:
    """Floats that the loops of so many rounds hand on from round to round."""
    total = 0
    for equation in jaxpr.eqns:
        params = equation.params
        if equation.primitive.name == "scan" and params["length"] == rounds:
            # an array that stacks the rounds has one dimension more outside the loop than inside
            outside, inside = equation.outvars, params["jaxpr"].jaxpr.outvars
            handed_on = [out.aval for out, body in zip(outside, inside, strict=True) if out.aval.ndim == body.aval.ndim]
            total += sum(value.size for value in handed_on)
        total += sum(carried(part, rounds) for part in _called(params))
    return total


def per_normal() -> dict[str, Instructions]:
    """Instructions of one normal: its random word, and the inverse normal of the word."""
    word = np.uint32(0)
    pair = jax.make_jaxpr(random_words.threefry2x32)((word, word), (word, word))
    normal = jax.make_jaxpr(random_words.normal)(word)
    return {"random word": counted(pair.jaxpr) * 0.5, "inverse normal": counted(normal.jaxpr)}
