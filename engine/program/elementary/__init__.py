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


_OF_THIS_NAME = (
    acos, acosh, asin, asinh, atan, atan2, atanh, cbrt, cos, cosh, exp, exp2, expm1, log, log1p, nextafter, pow,
    sin, sinh, tan, tanh,
)  # fmt: skip
"""Functions that the C library and NumPy have by the same name."""
FUNCTIONS: Mapping[str, Elementary] = {
    **{one.__name__: Elementary(one, one.__name__, getattr(np, one.__name__)) for one in _OF_THIS_NAME},
    "digamma": Elementary(digamma, None, special.digamma),
    "erf": Elementary(erf, "erf", special.erf),
    "erf_inv": Elementary(erf_inv, None, special.erfinv),
    "erfc": Elementary(erfc, "erfc", special.erfc),
    "integer_pow": Elementary(integer_pow, integer_pow, lambda x, *, y: x**y),
    "is_finite": Elementary(is_finite, is_finite, np.isfinite),
    "lgamma": Elementary(lgamma, "lgamma", special.gammaln),
    "logistic": Elementary(logistic, logistic_in_double, special.expit),
    "rem": Elementary(rem, "fmod", np.fmod),
    "rsqrt": Elementary(rsqrt, rsqrt, lambda x: 1 / np.sqrt(x)),
    "sign": Elementary(sign, sign, np.sign),
    "square": Elementary(square, square, np.square),
}
"""By the name of the primitive in a jaxpr; the functions of `integer_pow` take the exponent as a keyword, y."""
