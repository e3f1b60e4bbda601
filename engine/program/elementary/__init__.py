"""Elementary functions in operations that IEEE 754 rounds in one way: the same bits on every machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from jaxtyping import Array

from engine.program.elementary.circular import acos, asin, atan, atan2, cos, sin, tan
from engine.program.elementary.error_functions import erf, erf_inv, erfc
from engine.program.elementary.exact import FUSED, fused
from engine.program.elementary.exponentials import exp, exp2, expm1, log, log1p, logistic, tanh
from engine.program.elementary.gamma_functions import digamma, lgamma
from engine.program.elementary.hyperbolic import acosh, asinh, atanh, cosh, sinh
from engine.program.elementary.powers import cbrt, integer_pow, pow, rsqrt, square
from engine.program.elementary.remainders import is_finite, nextafter, rem, sign

__all__ = ["FORMS", "FUSED", "fused"]

FORMS: Mapping[str, Callable[..., Array]] = {
    "acos": acos, "acosh": acosh, "asin": asin, "asinh": asinh, "atan": atan, "atan2": atan2, "atanh": atanh, "cbrt": cbrt,
    "cos": cos, "cosh": cosh, "digamma": digamma, "erf": erf, "erf_inv": erf_inv, "erfc": erfc, "exp": exp, "exp2": exp2,
    "expm1": expm1, "integer_pow": integer_pow, "is_finite": is_finite, "lgamma": lgamma, "log": log, "log1p": log1p,
    "logistic": logistic, "nextafter": nextafter, "pow": pow, "rem": rem, "rsqrt": rsqrt, "sign": sign, "sin": sin, "sinh": sinh,
    "square": square, "tan": tan, "tanh": tanh,
}  # fmt: skip
"""What an operation of XLA is computed by, by its name in a jaxpr: float32 to float32; `integer_pow` takes its y by name.

The forms by way of float64 are traced with `jax.enable_x64`.
"""
