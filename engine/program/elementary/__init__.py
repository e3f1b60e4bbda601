"""Elementary functions (exp, sin, erf, ...) with the same bits on every machine.

They are made of operations that IEEE 754 rounds correctly. In these files "within e of itself" means a relative error
of at most e.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Array
from scipy import special

from engine.program.elementary.circular import acos, asin, atan, atan2, cos, sin, tan
from engine.program.elementary.error_functions import erf, erf_inv, erfc
from engine.program.elementary.exact import FUSED, fused
from engine.program.elementary.exponentials import exp, exp2, expm1, log, log1p, logistic, logistic_in_double, tanh
from engine.program.elementary.gamma_functions import digamma, lgamma
from engine.program.elementary.hyperbolic import acosh, asinh, atanh, cosh, sinh
from engine.program.elementary.powers import cbrt, integer_pow, pow, rsqrt, square
from engine.program.elementary.remainders import is_finite, nextafter, rem, sign

__all__ = ["FUNCTIONS", "FUSED", "fused"]


@dataclass(frozen=True)
class Elementary:
    """How a JAX primitive without a machine instruction of its own, such as `exp`, is computed.

    Args:
      form: JAX function of arrays of float32 or integers, made of correctly rounded operations; traced with
        `jax.enable_x64`, as some of them compute in float64.
      double: the same for float64, as a JAX function or as the name of a C library function. Double precision serves to
        measure rounding errors, so its bits may differ between machines. None where there is no such function.
      numbers: NumPy's or SciPy's function of NumPy arrays, which may differ from `form` in the last bits.
    """

    form: Callable[..., Array]
    double: Callable[..., Array] | str | None
    numbers: Callable[..., Any]


FUNCTIONS: Mapping[str, Elementary] = {
    "acos": Elementary(acos, "acos", np.arccos),
    "acosh": Elementary(acosh, "acosh", np.arccosh),
    "asin": Elementary(asin, "asin", np.arcsin),
    "asinh": Elementary(asinh, "asinh", np.arcsinh),
    "atan": Elementary(atan, "atan", np.arctan),
    "atan2": Elementary(atan2, "atan2", np.arctan2),
    "atanh": Elementary(atanh, "atanh", np.arctanh),
    "cbrt": Elementary(cbrt, "cbrt", np.cbrt),
    "cos": Elementary(cos, "cos", np.cos),
    "cosh": Elementary(cosh, "cosh", np.cosh),
    "digamma": Elementary(digamma, None, special.digamma),
    "erf": Elementary(erf, "erf", special.erf),
    "erf_inv": Elementary(erf_inv, None, special.erfinv),
    "erfc": Elementary(erfc, "erfc", special.erfc),
    "exp": Elementary(exp, "exp", np.exp),
    "exp2": Elementary(exp2, "exp2", np.exp2),
    "expm1": Elementary(expm1, "expm1", np.expm1),
    "integer_pow": Elementary(integer_pow, integer_pow, lambda x, *, y: x**y),
    "is_finite": Elementary(is_finite, is_finite, np.isfinite),
    "lgamma": Elementary(lgamma, "lgamma", special.gammaln),
    "log": Elementary(log, "log", np.log),
    "log1p": Elementary(log1p, "log1p", np.log1p),
    "logistic": Elementary(logistic, logistic_in_double, special.expit),
    "nextafter": Elementary(nextafter, "nextafter", np.nextafter),
    "pow": Elementary(pow, "pow", np.power),
    "rem": Elementary(rem, "fmod", np.fmod),
    "rsqrt": Elementary(rsqrt, rsqrt, lambda x: 1 / np.sqrt(x)),
    "sign": Elementary(sign, sign, np.sign),
    "sin": Elementary(sin, "sin", np.sin),
    "sinh": Elementary(sinh, "sinh", np.sinh),
    "square": Elementary(square, square, np.square),
    "tan": Elementary(tan, "tan", np.tan),
    "tanh": Elementary(tanh, "tanh", np.tanh),
}
"""By the name of the primitive in a jaxpr; the functions of `integer_pow` take the exponent as a keyword, y."""
