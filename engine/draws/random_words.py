"""Counter-based random words: a pure function of (seed, stream name, step, counter), equal on every device.

Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3. SC'11,
doi:10.1145/2063384.2063405), unrolled so that it fuses, both output words used.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int32, UInt32

from engine.lanes.hints import rarely

Words = UInt32[Array, "..."]
Floats = Float[Array, "..."]
_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA


def stream_key(seed: int, stream: str, step: int = 0, replicate: int = 0) -> np.ndarray:
    """Key of a stream in one step, uint32 [2]: BLAKE2b of (seed, name, step), and of the replicate unless it is 0.

    Streams differ by name alone, so that adding or removing one changes no other. Replicate 0 is the stream itself; any
    other is an independent new draw of the same stream.
    """
    again = f"\0{replicate}" if replicate else ""
    text = f"rustbelt/1\0{seed}\0{stream}\0{step}{again}"
    return np.frombuffer(hashlib.blake2b(text.encode(), digest_size=8).digest(), dtype="<u4").astype(np.uint32)


def threefry2x32(key: tuple[Words, Words], counter: tuple[Words, Words]) -> tuple[Words, Words]:
    """The two random words for each (key, counter), by 20 rounds; arguments are broadcast."""
    k0, k1 = key
    schedule = (k0, k1, k0 ^ k1 ^ jnp.uint32(_PARITY))
    x0, x1 = counter[0] + k0, counter[1] + k1
    for group in range(5):
        for rotation in _ROTATIONS[group % 2]:
            x0 = x0 + x1
            x1 = (x1 << rotation) | (x1 >> (32 - rotation))
            x1 = x1 ^ x0
        x0 = x0 + schedule[(group + 1) % 3]
        x1 = x1 + schedule[(group + 2) % 3] + jnp.uint32(group + 1)
    return x0, x1


def uniform(word: Words, dtype: type = np.float32) -> Floats:
    """Uniform on (0, 1): (word + 1/2) / 2^32, finely spaced near 0; `~word` gives one minus it, up to rounding."""
    below_one = np.nextafter(dtype(1.0), dtype(0.0))
    return jnp.minimum((word.astype(dtype) + 0.5) * dtype(2.0**-32), below_one)


# Minimax polynomials of z / x, x = 1 - 2p: in w below w = 5, in sqrt(w) above, where w = -log(4 p (1 - p));
# the form of Giles (Approximating the erfinv function, GPU Computing Gems 2, 2012, ch. 10), refitted to |z| <= 6.34.
_CENTRE = (
    2.1233131885528564, 0.34880363941192627, -0.005906121805310249, -0.0017743168864399195, 0.00030735955806449056,
    -5.790068826172501e-06, -4.5055203372612596e-06, 4.4637258156399184e-07,
)  # fmt: skip
_TAIL = (
    4.631627559661865, 1.4240339994430542, 0.005216009449213743, -0.0032318877056241035, 0.0017834509490057826,
    -0.001403124420903623, 0.0009006763575598598, -0.00023856162442825735,
)  # fmt: skip


def normal(word: Words, dtype: type = np.float32) -> Floats:
    """Standard normal from all 32 bits: exactly antisymmetric, `normal(~word) == -normal(word)`, |z| <= 6.34.

    The normal quantile of `uniform(word)`: the top bit is the sign and the other 31 give the tail probability
    p = (k + 1/2) / 2^32, so that the tail is as fine as its probability allows. In float32 within 3e-6 of the exact
    quantile of p everywhere, 1.2e-6 relative beyond |z| = 0.05.
    """
    # the bits of a word in the upper half are inverted; for words in the lower half the score's sign bit is set
    top = jax.lax.shift_right_arithmetic(_as_int(word), np.int32(31))
    k = (_as_int(word) ^ top).astype(dtype)
    if dtype != np.float32:
        size = -jax.scipy.special.ndtri((k + 0.5) * dtype(2.0**-32))
        return jnp.where(top == 0, -size, size)
    size = size_exceeded(k * np.float32(2.0**-31) + np.float32(2.0**-32))
    return jax.lax.bitcast_convert_type(_as_int(size) ^ (~top & np.int32(-(2**31))), jnp.float32)


def _as_int(x: Array) -> Int32[Array, "..."]:
    return jax.lax.bitcast_convert_type(x, jnp.int32)


def tails(z: Floats) -> tuple[Floats, Floats]:
    """(Phi(z), 1 - Phi(z)), each accurate to its own relative precision."""
    tail = 0.5 * jax.lax.erfc(jnp.abs(z) * math.sqrt(0.5))
    return jnp.where(z < 0, tail, 1.0 - tail), jnp.where(z < 0, 1.0 - tail, tail)


def size_exceeded(both: Floats) -> Floats:
    """The size s of a normal score with P(|Z| > s) = `both`, from 0 (not included) to 1, in float32."""
    w = _minus_log(both * (np.float32(2.0) - both))
    near = horner(_CENTRE, w - np.float32(2.5))
    far = horner(_TAIL, jnp.sqrt(w) - np.float32(3.44))
    return (np.float32(1.0) - both) * rarely(w < np.float32(5.0), near, far)


# Minimax polynomial of log(1 + f) / f for 1 + f within sqrt(1/2) and sqrt(2)
_LOG = (
    1.0000032186508179,
    -0.5000196695327759,
    0.3330329954624176,
    -0.24881339073181152,
    0.20604674518108368,
    -0.18901976943016052,
    0.11827471852302551,
)
_ROOT_HALF = np.int32(0x3F3504F3)  # the bits of sqrt(1/2)


def _minus_log(x: Floats) -> Floats:
    """-log x in float32, within 3e-7 where it is small; x is a positive normal number, neither zero nor infinite.

    Every draw evaluates this polynomial; the logarithm in a model is computed by a more accurate one.
    """
    bits = _as_int(x)
    exponent = (bits - _ROOT_HALF) >> 23  # e in x = 2^e (1 + f), with 1 + f from sqrt(1/2) to sqrt(2)
    f = jax.lax.bitcast_convert_type(bits - (exponent << 23), jnp.float32) - 1.0
    return exponent.astype(jnp.float32) * np.float32(-np.log(2.0)) - f * horner(_LOG, f)


def horner(coefficients: Sequence[Any], x: Any) -> Any:
    """Value at x of the polynomial with these ascending coefficients."""
    value = coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        value = value * x + coefficient
    return value
