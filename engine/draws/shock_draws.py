"""From a year's random words to the model's shocks: dependence, memory, distributions, jumps; traced."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from engine.draws.distributions.device import Draws
from engine.draws.factors import correlated, latent_streams
from engine.draws.shocks import Shocks


class ShockDraws:
    """How a model's shocks are drawn in a year according to the study, from the random words of `streams`."""

    def __init__(self, streams: Mapping[str, Sequence[str]], laws: Mapping[str, str], shocks: Shocks):
        """The draws of a model's shocks.

        Args:
          streams: names of the random streams of each shock.
          laws: the model's own distribution of each, "normal" or "uniform".
          shocks: what the study changes in them.
        """
        self._shocks, self._of = shocks, streams
        moving = list(shocks.moving.values())
        self._scored = [stream for one in moving if one.law for stream in one.streams]
        self._lasting = {stream: one.persistence for one in moving if one.persistence for stream in one.streams}
        self._jumping = [(one, one.jumps) for one in moving if one.jumps is not None]
        self.draws = Draws([one.law for one in moving if one.law for _ in one.streams])
        jumps = [(stream, jumps) for one, jumps in self._jumping for stream in one.streams]
        sizes = {f"shock:{stream}/size/{k + 1}": each.size for stream, each in jumps for k in range(each.most)}
        self.sizes, self._sizes = Draws([*sizes.values()]), [*sizes]
        plain = {
            law: [
                stream
                for name in streams
                if name not in shocks.moving and laws[name] == law
                for stream in streams[name]
            ]
            for law in ("normal", "uniform")
        }
        self.streams = {
            "normal": [
                *(f"shock:{stream}" for stream in (*plain["normal"], *self._scored)),
                *latent_streams(shocks.groups),
                *self._sizes,
            ],
            "uniform": [
                *(f"shock:{stream}" for stream in plain["uniform"]),
                *(f"shock:{stream}/jumps" for stream, _ in jumps),
            ],
        }
        """Names of the random streams whose words become normal scores, and of those whose words become uniforms."""

    def arrays(self, dtype: type = np.float32) -> dict[str, Any]:
        """Arguments of the program besides the keys: parameters of distributions, copulas, memory and jumps."""
        return {
            "laws": self.draws.arrays(dtype),
            "sizes": self.sizes.arrays(dtype),
            "groups": {name: group.copula.parameters(dtype) for name, group in self._shocks.groups.items()},
            "persistence": np.array([*self._lasting.values()], dtype),
            "chances": [jumps.tails().astype(dtype) for _, jumps in self._jumping if not isinstance(jumps.chance, str)],
        }

    def before(self, lanes: int, dtype: type) -> Any:
        """State before the first year: scores of shocks with memory."""
        return jnp.zeros((len(self._lasting), lanes), dtype)

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
        numbers = {
            stream: row
            for law, names in self.streams.items()
            for stream, row in zip(names, words.get(law, ()), strict=True)
        }
        values = {
            name: jnp.stack([numbers[f"shock:{stream}"] for stream in streams])
            for name, streams in self._of.items()
            if name not in self._shocks.moving
        }
        groups = self._shocks.groups
        own = {stream: numbers[f"shock:{stream}"] for stream in self._scored}
        scores = correlated(own, [numbers[stream] for stream in latent_streams(groups)], groups, fed["groups"])
        scores, remembered = self._with_memory(scores, fed["persistence"], past, is_first)
        sizes = self.sizes.values([numbers[stream] for stream in self._sizes], fed["sizes"])
        values |= self._jump_sums(numbers, sizes, fed["chances"], factors)
        drawn = iter(self.draws.values([scores[stream] for stream in self._scored], fed["laws"]))
        lawful = (one for one in self._shocks.moving.values() if one.law)
        values |= {one.name: jnp.stack([next(drawn) for _ in one.streams]) for one in lawful}
        return [values[name][:, None] for name in self._of], remembered

    def _with_memory(self, scores: dict[str, Any], a: Any, past: Any, is_first: Any) -> tuple[dict[str, Any], Any]:
        """Autoregressive scores s = a s' + sqrt(1 - a^2) e, standard normal in every year; without s' in the first."""
        if not self._lasting:
            return scores, past
        new = jnp.stack([scores[stream] for stream in self._lasting])
        kept = jnp.where(is_first, 0.0, a)[:, None]
        # fenced: which of the products becomes part of a fused multiply-add differs between programs, and so would the
        # last bit
        parts = jax.lax.optimization_barrier((kept * past, jnp.sqrt(1.0 - kept * kept) * new))
        now = parts[0] + parts[1]
        return scores | dict(zip(self._lasting, now, strict=True)), now

    def _jump_sums(
        self, numbers: Mapping[str, Any], sizes: Sequence[Any], chances: Sequence[Any], factors: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Sum of jump sizes for each jumping shock: jump k occurs where a uniform number is below P(N >= k)."""
        values, known, size = {}, iter(chances), iter(sizes)
        for one, jumps in self._jumping:
            if not isinstance(jumps.chance, str):
                reached = [*next(known)]
            elif jumps.kind == "probability":
                reached = [factors[jumps.chance]]
            else:
                reached = poisson_tails(factors[jumps.chance], jumps.most)
            totals = []
            for stream in one.streams:
                u = numbers[f"shock:{stream}/jumps"]
                totals.append(sum((jnp.where(u < p, next(size), 0.0) for p in reached), start=jnp.zeros_like(u)))
            values[one.name] = jnp.stack(totals)
        return values


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
