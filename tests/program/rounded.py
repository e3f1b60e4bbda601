"""A traced function of numbers computed by NumPy with every operation rounded as IEEE 754 says, `fused` once."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np
from jax.extend import core as jex

from engine.program.elementary import FUSED

SIZE = {"int32": np.uint32(32), "int64": np.uint64(64)}


def equations(jaxpr: Any) -> Iterator[Any]:
    """All equations, those within calls but `fused` too."""
    for equation in jaxpr.eqns:
        if equation.primitive.name in ("jit", "pjit") and equation.params["name"] != FUSED:
            yield from equations(equation.params["jaxpr"].jaxpr)
        else:
            yield equation


def traced(function: Callable[..., Any], *dtypes: Any, **parameters: Any) -> Any:
    """The jaxpr of a function of scalars, float32 unless other types are named."""
    with jax.enable_x64(True):
        examples = [np.dtype(dtype).type(1) for dtype in dtypes or (np.float32,)]
        return jax.make_jaxpr(lambda *values: function(*values, **parameters))(*examples)


def computed(closed: Any, *values: np.ndarray) -> np.ndarray:
    """The one result of a jaxpr for arrays of arguments."""
    with np.errstate(all="ignore"):
        return np.asarray(_run(closed.jaxpr, closed.consts, values)[0])


def _run(jaxpr: Any, consts: Any, values: Any) -> list[Any]:
    known = dict(zip((*jaxpr.constvars, *jaxpr.invars), (*consts, *values), strict=True))

    def read(atom: Any) -> Any:
        return np.asarray(atom.val, atom.aval.dtype) if isinstance(atom, jex.Literal) else known[atom]

    for equation in jaxpr.eqns:
        inside = [read(atom) for atom in equation.invars]
        name, params = equation.primitive.name, equation.params
        if name in ("jit", "pjit"):
            if params["name"] == FUSED:
                results = [_fused(*inside)]
            else:
                results = _run(params["jaxpr"].jaxpr, params["jaxpr"].consts, inside)
        else:
            results = [OPERATIONS[name](params, *inside)]
        for var, result in zip(equation.outvars, results, strict=True):
            assert np.asarray(result).dtype == var.aval.dtype, equation
            known[var] = result
    return [read(atom) for atom in jaxpr.outvars]


def _fused(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """a b + c; rounded twice, which shows in one case of 2^28 (float32) or 2^50 (float64), never where it is exact."""
    if np.asarray(a).dtype == np.float32:
        return (np.asarray(a, np.float64) * b + c).astype(np.float32)
    product = a * b
    rest = _product_rest(a, b, product)
    total = product + c
    part = total - product
    lost = (product - (total - part)) + (c - part)  # by the sum; Knuth
    exact = total + (lost + rest)
    return np.where(np.isfinite(exact) & ((exact != 0) | (total != 0)), exact, total)


def _product_rest(a: np.ndarray, b: np.ndarray, product: np.ndarray) -> np.ndarray:
    """What a product lost by its rounding; Dekker and Veltkamp."""
    halves = []
    for x in (a, b):
        spread = np.float64(2**27 + 1) * x
        high = spread - (spread - x)
        halves.append((high, x - high))
    (a1, a2), (b1, b2) = halves
    return ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2


def _converted(params: Any, x: np.ndarray) -> np.ndarray:
    return np.asarray(x).astype(params["new_dtype"])


def _shifted_left(_: Any, x: np.ndarray, by: np.ndarray) -> np.ndarray:
    assert np.all((by >= 0) & (by < 8 * np.asarray(x).dtype.itemsize))
    return np.left_shift(x, by)


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda _, *values: function(*values)


def _nearest(params: Any, x: np.ndarray) -> np.ndarray:
    assert params["rounding_method"] == jax.lax.RoundingMethod.TO_NEAREST_EVEN
    return np.rint(x)


OPERATIONS: dict[str, Callable[..., Any]] = {
    "bitcast_convert_type": lambda params, x: np.asarray(x).view(params["new_dtype"]),
    "convert_element_type": _converted,
    "round": _nearest,
    "select_n": lambda _, which, no, yes: np.where(which, yes, no),
    "shift_left": _shifted_left,
    **{
        name: _plain(function)
        for name, function in {
            "abs": np.abs,
            "add": np.add,
            "and": np.bitwise_and,
            "div": np.divide,
            "eq": np.equal,
            "floor": np.floor,
            "ge": np.greater_equal,
            "gt": np.greater,
            "le": np.less_equal,
            "lt": np.less,
            "mul": np.multiply,
            "ne": np.not_equal,
            "neg": np.negative,
            "not": np.invert,
            "or": np.bitwise_or,
            "shift_right_arithmetic": np.right_shift,
            "sqrt": np.sqrt,
            "sub": np.subtract,
        }.items()
    },
}
"""The operations that a form may use."""
