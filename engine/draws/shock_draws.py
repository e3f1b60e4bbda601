"""From a year's random words to the model's shocks: dependence, memory, distributions, jumps, regimes; traced."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy import special

from engine.draws.dependence import correlated, latent_streams
from engine.draws.distributions.device import Draws
from engine.draws.shocks import Shocks


class ShockDraws:
    """How a model's shocks are drawn in a year according to the study, from the random words of `streams`."""

    def __init__(self, streams: Mapping[str, Sequence[str]], laws: Mapping[str, str], shocks: Shocks):
        """For shocks given by their streams and by the model's distribution of each, "normal" or "uniform"."""
        self._shocks, self._of = shocks, streams
        moving = list(shocks.moving.values())
        self._scored = [stream for one in moving if one.laws for stream in one.streams]
        self._lasting = [one for one in moving if one.persistence]
        self._jumping = [(one, one.jumps) for one in moving if one.jumps is not None]
        drawn = [(stream, law) for one in moving for law in one.laws for stream in one.streams]
        self._drawn = [stream for stream, _ in drawn]
        self.draws = Draws([law for _, law in drawn])
        jumping = [(stream, jumps) for one, jumps in self._jumping for stream in one.streams]
        self.sizes = Draws([jumps.size for _, jumps in jumping for _ in range(jumps.most)])
        self._plain = {
            law: [name for name in self._of if name not in shocks.moving and laws[name] == law]
            for law in ("normal", "uniform")
        }
        """Names of the shocks with the model's own distribution, by that distribution."""
        plain = {law: [s for name in names for s in self._of[name]] for law, names in self._plain.items()}
        self.streams = {
            "normal": [
                *(f"shock:{stream}" for stream in (*plain["normal"], *self._scored)),
                *latent_streams(shocks.groups),
                *(f"shock:{stream}/size/{k + 1}" for stream, jumps in jumping for k in range(jumps.most)),
            ],
            "uniform": [
                *(f"shock:{stream}" for stream in plain["uniform"]),
                *(f"shock:{stream}/jumps" for stream, _ in jumping),
                *(chain.stream for chain in shocks.regimes.values()),
            ],
        }
        """Names of the random streams whose words become normal scores, and of those whose words become uniforms."""

    def arrays(self, dtype: type = np.float32) -> dict[str, Any]:
        """Arguments of the program besides the keys: parameters of distributions, copulas, memory, jumps and chains."""
        return {
            "laws": self.draws.arrays(dtype),
            "sizes": self.sizes.arrays(dtype),
            "groups": {name: group.copula.parameters(dtype) for name, group in self._shocks.groups.items()},
            "persistence": np.array([one.persistence for one in self._lasting for _ in one.streams], dtype),
            "chances": [
                _tails(jumps.kind, jumps.chance, jumps.most).astype(dtype)
                for _, jumps in self._jumping
                if not isinstance(jumps.chance, str)
            ],
            "chains": [chain.sums().astype(dtype) for chain in self._shocks.regimes.values()],
        }

    def before(self, lanes: int, dtype: type) -> Any:
        """State before the first year: scores of shocks with memory, and states of the Markov chains."""
        lasting = sum(len(one.streams) for one in self._lasting)
        chains = [jnp.full((lanes,), len(chain.states), jnp.int32) for chain in self._shocks.regimes.values()]
        return jnp.zeros((lasting, lanes), dtype), chains

    def of_year(
        self, words: Mapping[str, Any], fed: Mapping[str, Any], past: Any, is_first: Any, factors: Mapping[str, Any]
    ) -> tuple[list[Any], Any]:
        """The shocks of a year, [stream, 1, lane] in the order of the model, and the state that the next year needs.

        Args:
          words: normal scores and uniforms [stream, lane] of `streams`, under "normal" and "uniform".
          fed: from `arrays`.
          past: state from the year before, or from `before`.
          is_first: whether the year is the first.
          factors: factor draws [lane] by name.
        """
        normal, uniform = (_Rows(words.get(law)) for law in ("normal", "uniform"))
        values: dict[str, Any] = {}
        for rows, names in zip((normal, uniform), self._plain.values(), strict=True):
            for name in names:
                values[name] = rows.take(len(self._of[name]))
        own = dict(zip(self._scored, normal.each(len(self._scored)), strict=True))
        shared = normal.each(len(latent_streams(self._shocks.groups)))
        scores = correlated(own, shared, self._shocks.groups, fed["groups"])
        scores, remembered = self._with_memory(scores, fed["persistence"], past[0], is_first)
        sizes = self.sizes.values(normal.each(len(self.sizes.laws)), fed["sizes"])
        values |= self._jump_sums(uniform, sizes, fed["chances"], factors)
        states = [
            _next_state(sums, state, u)
            for sums, state, u in zip(fed["chains"], past[1], uniform.each(len(past[1])), strict=True)
        ]
        by_regime = dict(zip(self._shocks.regimes, states, strict=True))
        values |= self._of_laws(scores, by_regime, fed["laws"], fed["persistence"].dtype)
        return [values[name][:, None] for name in self._of], (remembered, states)

    def _with_memory(self, scores: dict[str, Any], a: Any, past: Any, is_first: Any) -> tuple[dict[str, Any], Any]:
        """Autoregressive scores s = a s' + sqrt(1 - a^2) e, standard normal in every year; without s' in the first."""
        streams = [stream for one in self._lasting for stream in one.streams]
        if not streams:
            return scores, past
        new = jnp.stack([scores[stream] for stream in streams])
        kept = jnp.where(is_first, 0.0, a)[:, None]
        # fenced: which of the products becomes part of a fused multiply-add differs between programs, and so would the
        # last bit
        parts = jax.lax.optimization_barrier((kept * past, jnp.sqrt(1.0 - kept * kept) * new))
        now = parts[0] + parts[1]
        return scores | dict(zip(streams, now, strict=True)), now

    def _of_laws(self, scores: Mapping[str, Any], states: Mapping[str, Any], laws: Any, dtype: Any) -> dict[str, Any]:
        """Values of shocks that have a distribution, one for each state of their regime, or that are the regime's
        state.
        """
        drawn = iter(self.draws.values([scores[stream] for stream in self._drawn], laws))
        values = {}
        for name, one in self._shocks.moving.items():
            if one.is_state:
                state = states[one.regime or ""].astype(dtype)
                values[name] = jnp.stack([state for _ in one.streams])
            elif one.laws:
                by_law = [jnp.stack([next(drawn) for _ in one.streams]) for _ in one.laws]
                value = by_law[0]
                for k, other in enumerate(by_law[1:], start=1):
                    value = jnp.where(states[one.regime or ""] == k, other, value)
                values[name] = value
        return values

    def _jump_sums(
        self, uniform: _Rows, sizes: Sequence[Any], chances: Sequence[Any], factors: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Sum of jump sizes for each jumping shock: jump k occurs where a uniform number is below P(N >= k)."""
        values, number, size = {}, iter(chances), iter(sizes)
        for one, jumps in self._jumping:
            rows = []
            if not isinstance(jumps.chance, str):
                known = next(number)
                reached = [known[k] for k in range(jumps.most)]
            elif jumps.kind == "probability":
                reached = [factors[jumps.chance]]
            else:
                reached = poisson_tails(factors[jumps.chance], jumps.most)
            for u in uniform.each(len(one.streams)):
                total = jnp.zeros_like(u)
                for p in reached:
                    total = total + jnp.where(u < p, next(size), 0.0)
                rows.append(total)
            values[one.name] = jnp.stack(rows)
        return values


class _Rows:
    """Rows of numbers, taken one after the other."""

    def __init__(self, rows: Any):
        self._rows, self._at = rows, 0

    def take(self, count: int) -> Any:
        """The next rows, [row, lane]."""
        begin, self._at = self._at, self._at + count
        return self._rows[begin : self._at]

    def each(self, count: int) -> list[Any]:
        """The next rows, one by one."""
        return list(self.take(count)) if count else []


def poisson_tails(rate: Any, most: int) -> list[Any]:
    """P(N >= 1), ..., P(N >= most) of a Poisson number, with the probability beyond `most` taken as zero.

    Each is summed from its smallest term on.
    """
    log_rate = jnp.log(rate)
    # fenced: a product that is part of a fused multiply-add in one program only would differ in its last bit
    powers = jax.lax.optimization_barrier([k * log_rate for k in range(1, most + 1)])
    masses = [jnp.exp(power - (rate + math.lgamma(k + 2))) for k, power in enumerate(powers)]
    tails, total = [], jnp.zeros_like(masses[0])
    for mass in reversed(masses):
        total = total + mass
        tails.append(total)
    return tails[::-1]


def _tails(kind: str, chance: float, most: int) -> np.ndarray:
    """P(N >= k) for k = 1 ... most, as in `Jumps`."""
    return np.array([chance]) if kind == "probability" else special.pdtrc(np.arange(most), chance)


def _next_state(sums: Any, state: Any, u: Any) -> Any:
    """The chain's state this year: how many cumulative probabilities, in the row of the last state, `u` exceeds."""
    after = jnp.zeros_like(state)
    for column in range(sums.shape[1]):
        limit = jnp.zeros_like(u)
        for row in range(sums.shape[0]):
            limit = jnp.where(state == row, sums[row, column], limit)
        after = after + (u > limit)
    return after
