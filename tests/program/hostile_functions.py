"""A static model of functions at values that break them: not a number, overflow, subnormals, zeros of both signs,
conversions.
"""

import jax
import jax.numpy as jnp
import numpy as np

from engine.modelling.records import Factor, Lever, Outcome, StaticModel
from engine.study.study import Study
from tests.user_models import static

VALUES = np.array(
    [
        *(np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, -3e-39, 1.1754944e-38, 3.4e38, -3e38, 1.0, -1.0, 0.5, 2.5),
        *(2147483648.0, -2147483904.0, 4294967296.0, 16777217.0, 1e-20, -88.0, 710.0, 3.1415927),
    ],
    np.float32,
)
"""What the functions are asked at, in pairs."""
FUNCTIONS = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "fused": lambda x, y: x * y + 1,
    "sqrt": lambda x, y: jnp.sqrt(x),
    "abs": lambda x, y: jnp.abs(x) - y,
    "neg": lambda x, y: 1 / -x,
    "sign": lambda x, y: jnp.sign(x) * y,
    "max": jnp.maximum,
    "min": jnp.minimum,
    "max of zeros": lambda x, y: 1 / jnp.maximum(x * 0, y * 0),
    "clip": lambda x, y: jnp.clip(x, -1, y),
    "floor": lambda x, y: jnp.floor(x),
    "ceil": lambda x, y: jnp.ceil(x),
    "round": lambda x, y: jnp.round(x),
    "to int": lambda x, y: x.astype(jnp.int32).astype(jnp.float32),
    "to uint": lambda x, y: x.astype(jnp.uint32).astype(jnp.float32),
    "int div": lambda x, y: (x.astype(jnp.int32) // y.astype(jnp.int32)).astype(jnp.float32),
    "int rem": lambda x, y: (x.astype(jnp.int32) % y.astype(jnp.int32)).astype(jnp.float32),
    "shift": lambda x, y: jnp.right_shift(x.astype(jnp.int32), y.astype(jnp.int32)).astype(jnp.float32),
    "less": lambda x, y: jnp.where(x < y, 1.0, 2.0),
    "other": lambda x, y: jnp.where(x != y, 1.0, 2.0),
    "is nan": lambda x, y: jnp.where(jnp.isnan(x), 1.0, y),
    "log": lambda x, y: jnp.log(x),
    "log1p": lambda x, y: jnp.log1p(x),
    "exp": lambda x, y: jnp.exp(x),
    "expm1": lambda x, y: jnp.expm1(x),
    "pow": lambda x, y: x**y,
    "cbrt": lambda x, y: jnp.cbrt(x),
    "logistic": lambda x, y: jax.nn.sigmoid(x),
    "softplus": lambda x, y: jax.nn.softplus(x),
    "sin": lambda x, y: jnp.sin(x),
    "tan": lambda x, y: jnp.tan(x),
    "asin": lambda x, y: jnp.arcsin(x),
    "atan2": jnp.arctan2,
    "acos": lambda x, y: jnp.arccos(x),
    "atan": lambda x, y: jnp.arctan(x),
    "cosh": lambda x, y: jnp.cosh(x),
    "asinh": lambda x, y: jnp.arcsinh(x),
    "acosh": lambda x, y: jnp.arccosh(x),
    "atanh": lambda x, y: jnp.arctanh(x),
    "sinh": lambda x, y: jnp.sinh(x),
    "tanh": lambda x, y: jnp.tanh(x),
    "erf": lambda x, y: jax.scipy.special.erf(x),
    "erfc": lambda x, y: jax.scipy.special.erfc(x),
    "exp2": lambda x, y: jnp.exp2(x),
    "cos": lambda x, y: jnp.cos(x),
    "log2": lambda x, y: jnp.log2(x),
    "erfinv": lambda x, y: jax.lax.erf_inv(x),
    "lgamma": lambda x, y: jax.scipy.special.gammaln(x),
    "fmod": jnp.fmod,
    "mod": jnp.mod,
    "rem of large": lambda x, y: jnp.fmod(x * 1e9, y),
}


def study(names: list[str]) -> Study:
    """A study whose outcomes are these functions, of every pair of values on some path."""

    class Hostile(StaticModel):
        factors = {"first": Factor("1"), "second": Factor("1")}
        levers = {"scale": Lever("1", default=1.0)}
        outcomes = {name.replace(" ", "_"): Outcome("1") for name in names}

        def evaluate(self, factors, levers):
            x, y = (jnp.asarray(VALUES)[place.astype(jnp.int32)] for place in (factors.first, factors.second))
            return {name.replace(" ", "_"): FUNCTIONS[name](x, y * levers.scale) for name in names}

    anywhere = {"family": "uniform", "low": 0.0, "high": float(len(VALUES))}
    return static(Hostile(), {"first": anywhere, "second": anywhere}, 1000, {"plain": {}, "turned": {"scale": -1.0}})
