"""Counter-based random words: a pure function of (seed, stream name, step, counter), equal on every device.

Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3. SC'11,
doi:10.1145/2063384.2063405), unrolled so that it fuses, both output words used.
"""

from __future__ import annotations

import hashlib
import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, UInt32

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA


def stream_key(seed: int, stream: str, step: int = 0) -> np.ndarray:
    """The two key words of one stream in one step, uint32 [2]: BLAKE2b of (seed, name, step).

    Streams differ by name alone, so that a stream added or removed changes no other.
    """
    text = f"rustbelt/1\0{seed}\0{stream}\0{step}".encode()
    return np.frombuffer(hashlib.blake2b(text, digest_size=8).digest(), dtype="<u4").astype(np.uint32)


def threefry2x32(
    key: tuple[UInt32[Array, "..."], UInt32[Array, "..."]],
    counter: tuple[UInt32[Array, "..."], UInt32[Array, "..."]],
) -> tuple[UInt32[Array, "..."], UInt32[Array, "..."]]:
    """The two random words of each (key, counter), 20 rounds; arguments broadcast."""
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


def paired(first: UInt32[Array, "..."], second: UInt32[Array, "..."]) -> Complex[Array, "..."]:
    """Two words in one number: XLA on CPU computes the twenty rounds again for each array that it writes."""
    parts = (jax.lax.bitcast_convert_type(word, jnp.float32) for word in (first, second))
    return jax.lax.complex(*parts)


def parted(pair: Complex[Array, "... n"]) -> UInt32[Array, "... 2 n"]:
    """The words of `paired` numbers along a new axis, the first ones, then the second ones."""
    first, second = (
        jax.lax.bitcast_convert_type(part, jnp.uint32)[..., None, :]
        for part in (jnp.real(pair), jnp.imag(pair))
    )
    # chosen by index rather than concatenated: a concatenation is computed one number at a time
    index = jax.lax.broadcasted_iota(jnp.int32, (*pair.shape[:-1], 2, pair.shape[-1]), pair.ndim - 1)
    return jnp.where(index == 0, first, second)


def uniform(word: UInt32[Array, "..."], dtype: type = np.float32) -> Float[Array, "..."]:
    """Uniform on (0, 1): (word + 1/2) / 2^32, fine near 0; `~word` gives one minus it to rounding."""
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


def normal(word: UInt32[Array, "..."], dtype: type = np.float32) -> Float[Array, "..."]:
    """Standard normal from all 32 bits: exactly antisymmetric, `normal(~word) == -normal(word)`, |z| <= 6.34.

    The normal quantile of `uniform(word)`: the top bit is the sign and the other 31 give the tail probability
    p = (k + 1/2) / 2^32, so that the tail is as fine as its probability allows. In float32 within 3e-6 of the exact
    quantile of p everywhere, 1.2e-6 relative beyond |z| = 0.05.
    """
    upper = (word >> 31) == 1
    k = jnp.where(upper, ~word, word)
    # int32 first: unsigned conversions are slow where only signed ones are native
    p = (k.astype(jnp.int32).astype(dtype) + 0.5) * dtype(2.0**-32)
    size = upper_score(p) if dtype == np.float32 else -jax.scipy.special.ndtri(p)
    return jnp.where(upper, size, -size)


def tails(z: Float[Array, "..."]) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """(Phi(z), 1 - Phi(z)), each to its own relative precision."""
    tail = 0.5 * jax.lax.erfc(jnp.abs(z) * math.sqrt(0.5))
    return jnp.where(z < 0, tail, 1.0 - tail), jnp.where(z < 0, 1.0 - tail, tail)


def upper_score(p: Float[Array, "..."]) -> Float[Array, "..."]:
    """z with upper tail probability p in (0, 1/2], float32: the size of a normal score."""
    w = -_log(4.0 * (p - p * p))
    near, far = w - 2.5, jnp.sqrt(w) - 3.44
    d = jnp.where(w < 5.0, near, far)
    value = jnp.where(w < 5.0, jnp.float32(_CENTRE[-1]), jnp.float32(_TAIL[-1]))
    for centre, tail in zip(_CENTRE[-2::-1], _TAIL[-2::-1], strict=True):
        value = value * d + jnp.where(w < 5.0, jnp.float32(centre), jnp.float32(tail))
    return (1.0 - 2.0 * p) * value


# Minimax polynomial of log(1 + f) / f for 1 + f within sqrt(1/2) and sqrt(2)
_LOG = (
    1.0000032186508179, -0.5000196695327759, 0.3330329954624176, -0.24881339073181152, 0.20604674518108368, -0.18901976943016052, 0.11827471852302551,
)  # fmt: skip
_ROOT_HALF = np.int32(0x3F3504F3)  # the bits of sqrt(1/2)


def _log(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """Natural logarithm of a positive normal number, within 3e-7 where it is small: no case for zero or infinity.

    Its polynomial is part of every draw; models are given the finer one of `engine.program.elementary`.
    """
    exponent, f = binary_parts(x)
    return exponent * jnp.float32(np.log(2.0)) + f * horner(_LOG, f)


def binary_parts(x: Float[Array, "..."]) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """(e, f) of a positive normal float32 number x = 2^e (1 + f), e whole, 1 + f within sqrt(1/2) and sqrt(2)."""
    bits = jax.lax.bitcast_convert_type(x, jnp.int32)
    exponent = (bits - _ROOT_HALF) >> 23
    f = jax.lax.bitcast_convert_type(bits - (exponent << 23), jnp.float32) - 1.0
    return exponent.astype(jnp.float32), f


def horner(coefficients: tuple[float, ...], x: Float[Array, "..."]) -> Float[Array, "..."]:
    """The polynomial with these coefficients, ascending, at x, in float32."""
    value = jnp.float32(coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        value = value * x + jnp.float32(coefficient)
    return value
