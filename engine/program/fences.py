"""What is computed once: barriers behind costly values that several readers share, reciprocals, what does not change by the year.

XLA on CPU copies a cheap-looking value into each of its readers, and copies multiply along a chain: a year of the
rustbelt model grew sevenfold that way. The rule: a value that is read more than once, or by more policies or paths than
it differs by, is fenced by an optimization barrier where that spares a dozen operations. A model says nothing of it.

What is the same every year (functions of the factors alone) is computed once, before the years.

Another rule keeps the bits, and saves divisions: a quotient by a value that policies or paths share is the product with
its reciprocal, which is taken once. XLA does the same to it or not, depending on how many devices it compiles for. Other
quotients stay what they are: x / x is 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from engine.program.equations import Atom, Constant, Equation, Rule, Value
from engine.program.packs import Axis, Pack, differences, is_table

WORTH_FENCING = 4
"""Operations from which on a value may be fenced."""
WORTH_A_PASS = 12
"""Operations that must be spared: what writing a value and reading it again costs."""
WORTH_KEEPING = 8
"""Operations from which on a value that is the same every year is computed before the years, and read in each."""
_COSTLY = {
    name: 20
    for name in (
        "exp", "exp2", "expm1", "log", "log1p", "logistic", "tanh", "sin", "cos", "tan", "asin", "acos", "atan", "atan2",
        "erf", "erfc", "erf_inv", "pow", "lgamma", "digamma", "cbrt",
    )
}  # fmt: skip
_COSTLY |= {"div": 8, "sqrt": 8, "rsqrt": 8, "rem": 8, "integer_pow": 2}
_FREE = {
    "broadcast_in_dim",
    "reshape",
    "squeeze",
    "copy",
    "stop_gradient",
    "expand_dims",
    "convert_element_type",
}


def with_reciprocals(rule: Rule, axes: Sequence[Axis]) -> Rule:
    """The same rule with quotients by shared values as products with one reciprocal of each."""
    differs = differences(rule, axes)
    reciprocals: dict[Atom, Value] = {}
    equations: list[Equation] = []
    for equation in rule.equations:
        if equation.name != "div" or not jnp.issubdtype(equation.outputs[0].dtype, jnp.floating):
            equations.append(equation)
            continue
        numerator, divisor = equation.inputs
        if differs.get(divisor, Axis.NONE) in (Axis.NONE, differs[equation.outputs[0]]):
            equations.append(equation)
            continue
        if divisor not in reciprocals:
            one = Constant(np.ones(divisor.shape, divisor.dtype))
            reciprocals[divisor] = Value(divisor.shape, divisor.dtype)
            equations.append(replace(equation, inputs=(one, divisor), outputs=(reciprocals[divisor],)))
        factors = (numerator, reciprocals[divisor])
        equations.append(replace(equation, primitive=jax.lax.mul_p, params=_of_a_product(), inputs=factors))
    return replace(rule, equations=tuple(equations))


@cache
def _of_a_product() -> dict[str, Any]:
    """What JAX hands a product beside its factors, which differs between versions."""
    return dict(jax.make_jaxpr(jax.lax.mul)(1.0, 1.0).eqns[0].params)


def fenced(packs: Sequence[Pack], outputs: Sequence[Atom], sizes: Mapping[Axis, int]) -> set[int]:
    """The places of the packs behind which a barrier stands; what the rule gives back is read once more."""
    reads: Counter[Atom] = Counter(outputs)
    differs: dict[Atom, Axis] = {value: pack.axes for pack in packs for value in pack.outputs}
    for pack in packs:
        for equation in pack.equations:
            for atom in equation.inputs:
                reads[atom] += _times(pack.axes & ~differs.get(atom, pack.axes), sizes)

    def ends(pack: Pack, worth: int) -> bool:
        reciprocal = pack.name == "div" and isinstance(pack.equations[0].inputs[0], Constant)
        again = max(reads[value] for value in pack.outputs) - 1
        return reciprocal or (worth >= WORTH_FENCING and worth * again >= WORTH_A_PASS)

    return _places(packs, ends)


def _times(further: Axis, sizes: Mapping[Axis, int]) -> int:
    """How often a value is computed for a reader that differs by further axes; a loop over paths mostly keeps it."""
    policies = sizes[Axis.POLICY] if Axis.POLICY in further else 1
    return max(policies, 2 if Axis.PATH in further and sizes[Axis.PATH] > 1 else 1)


def kept(packs: Sequence[Pack]) -> set[int]:
    """The places of the packs that are computed before the years: costly, and the same every year."""
    return _places(packs, lambda pack, worth: worth >= WORTH_KEEPING and Axis.YEAR not in pack.axes)


def _places(packs: Sequence[Pack], ends: Callable[[Pack, int], bool]) -> set[int]:
    """The places of the packs that end a chain, by what it takes to compute them again; it then costs their readers nothing."""
    places, price = set(), dict[Atom, int]()
    for place, pack in enumerate(packs):
        worth = _worth(pack, price)
        if ends(pack, worth):
            places.add(place)
            worth = 0
        price.update((value, worth) for value in pack.outputs)
    return places


def needed(packs: Sequence[Pack], outputs: Collection[Atom], given: Collection[Atom]) -> list[int]:
    """The places of the packs that outputs take to compute, where some values are given already."""
    read = set(outputs)
    places = []
    for place in reversed(range(len(packs))):
        pack = packs[place]
        if any(value in read and value not in given for value in pack.outputs):
            places.append(place)
            read.update(atom for equation in pack.equations for atom in equation.inputs)
    return places[::-1]


def _worth(pack: Pack, price: Mapping[Atom, int]) -> int:
    """Operations that it takes to compute a row again, from what has been kept or fenced.

    A table is copied together, which is never worth doing twice.
    """
    first = pack.equations[0]
    if is_table(first):
        return WORTH_FENCING
    own = 0 if pack.name in _FREE else _COSTLY.get(pack.name, 1)
    return own + sum(price.get(atom, 0) for atom in first.inputs)
