"""Elementary functions (exp, sin, erf, ...) as operations that IEEE 754 rounds correctly.

Their bits are equal on every machine. In these files "within e of itself" means a relative error of at most e.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from jaxtyping import Array

from engine.lanes.elementary.circular import cos, sin, tan
from engine.lanes.elementary.error_functions import erf, erf_inv, erfc
from engine.lanes.elementary.exponentials import exp, exp2, expm1, log, log1p, log2, logistic, tanh
from engine.lanes.elementary.hyperbolic import cosh, sinh
from engine.lanes.elementary.powers import cbrt, pow, rsqrt, square
from engine.lanes.elementary.remainders import clamp, is_finite, le_to, lt_to, nextafter, rem, sign

Form = Callable[..., Array] | str
"""A JAX function of arrays, or the name of a C library function of double-precision numbers."""


_WRITTEN_OUT = cbrt, cos, cosh, erf, erfc, exp, exp2, expm1, log, log1p, nextafter, pow, sin, sinh, tan, tanh
"""Functions that the C library has by the same name."""
_OF_EITHER_TYPE = clamp, is_finite, le_to, log2, logistic, lt_to, rsqrt, sign, square
"""Functions that are the same operations in float32 and float64."""
_CALLED = "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "lgamma"
"""Functions of the C library that are rare in models."""
_ALIKE = {**{one.__name__: one for one in _OF_EITHER_TYPE}, **{name: name for name in _CALLED}}
FUNCTIONS: Mapping[str, Form] = {**{one.__name__: one for one in (*_WRITTEN_OUT, erf_inv, rem)}, **_ALIKE}
"""How a JAX primitive without a machine instruction of its own is computed for float32 or integers, by its name.

A JAX function is made of correctly rounded operations; it is traced with `jax.enable_x64`, as some compute in float64.
Code that calls the C library runs on processors alone.
"""
IN_DOUBLE: Mapping[str, Form] = {**{one.__name__: one.__name__ for one in _WRITTEN_OUT}, "rem": "fmod", **_ALIKE}
"""The same for float64. Double precision serves to measure rounding errors, so its bits may differ between machines."""
