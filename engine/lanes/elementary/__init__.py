"""Elementary functions (exp, sin, erf, ...) as operations that IEEE 754 rounds correctly.

Their bits are equal on every machine. In these files "within e of itself" means a relative error of at most e.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from jaxtyping import Array

from engine.lanes.elementary.circular import cos, sin, tan
from engine.lanes.elementary.error_functions import erf, erf_inv, erfc
from engine.lanes.elementary.exponentials import exp, exp2, expm1, log, log1p, log2, logistic, tanh
from engine.lanes.elementary.hyperbolic import cosh, sinh
from engine.lanes.elementary.powers import cbrt, pow, rsqrt, square
from engine.lanes.elementary.remainders import clamp, is_finite, le_to, lt_to, nextafter, rem, sign

Form = Callable[..., Array] | str
"""A JAX function of arrays, or the name of a C library function of double-precision numbers."""


@dataclass(frozen=True)
class Elementary:
    """How a JAX primitive without a machine instruction of its own, such as `exp`, is computed.

    Args:
      form: for float32 or integers. A JAX function is made of correctly rounded operations; it is traced with
        `jax.enable_x64`, as some compute in float64. Code that calls the C library runs on processors alone.
      double: for float64. Double precision serves to measure rounding errors, so its bits may differ between machines.
        None where there is no such function.
    """

    form: Form
    double: Form | None


_WRITTEN_OUT = cbrt, cos, cosh, erf, erfc, exp, exp2, expm1, log, log1p, nextafter, pow, sin, sinh, tan, tanh
"""Functions that the C library has by the same name."""
_OF_EITHER_TYPE = clamp, is_finite, le_to, log2, logistic, lt_to, rsqrt, sign, square
"""Functions that are the same operations in float32 and float64."""
_CALLED = "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "lgamma"
"""Functions of the C library that are rare in models."""
FUNCTIONS: Mapping[str, Elementary] = {
    **{one.__name__: Elementary(one, one.__name__) for one in _WRITTEN_OUT},
    **{name: Elementary(name, name) for name in _CALLED},
    **{one.__name__: Elementary(one, one) for one in _OF_EITHER_TYPE},
    "erf_inv": Elementary(erf_inv, None),
    "rem": Elementary(rem, "fmod"),
}
"""By the name of the primitive in a jaxpr."""
