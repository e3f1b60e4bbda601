"""Draws of the factors from normal scores, as JAX functions to be traced; a lane is one path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from engine.draws import random_words
from engine.draws.dependence import correlated
from engine.draws.sampling import Counter, Sampler
from engine.study.study import Study

Draws = Mapping[str, Float[Array, "lane"] | Float[Array, "label lane"]]


def factors(study: Study, scores: Float[Array, "stream lane"], inputs: Any) -> Draws:
    """Factor draws by name, [lane]; labels of a factor that share a prior stand under the first name, [label, lane].

    Args:
      scores: normal scores of all factors in the order of the study, then of the latent factors that groups share.
      inputs: as `arguments.of` gives them.
    """
    if not study.inputs:
        return {}
    lanes = scores.shape[-1]
    own = {study.inputs[run[0]].name: scores[run[0]] for run in study.runs if len(run) == 1}
    joint = _joint(study, own, scores, inputs)
    values = study.draws.values([joint[name] for name in own], inputs["marginals"])
    drawn = {name: jnp.broadcast_to(value, (lanes,)) for name, value in zip(own, values, strict=True)}
    longer = [run for run in study.runs if len(run) > 1]
    for run, draws, fed in zip(longer, study.draws_of_runs, inputs["runs"], strict=True):
        (value,) = draws.values([scores[run.start : run.stop].reshape(-1)], fed)
        drawn[study.inputs[run[0]].name] = jnp.broadcast_to(value, (len(run) * lanes,)).reshape(len(run), lanes)
    return _changed(study, inputs["changes"], drawn)


def numbers(sampler: Sampler, law: str, key: Any, first: Counter, count: int, dtype: type) -> Any:
    """Random numbers of a law, "normal" or "uniform", from streams with these keys, `count` paths from a group on."""
    if law == "normal":
        return sampler.normals(key, first, count, dtype)
    return random_words.uniform(sampler.words(key, first, count), dtype)


def joint_scores(study: Study, scores: Any, inputs: Any) -> Float[Array, "factor lane"]:
    """The normal score z of every factor after dependence: the draw is the prior's quantile at Phi(z).

    Args:
      scores: as `factors` takes them, traced or not.
      inputs: as `arguments.of` gives them.
    """
    own = {item.name: scores[k] for k, item in enumerate(study.inputs)}
    joint = _joint(study, own, scores, inputs)
    return jnp.stack([joint[item.name] for item in study.inputs]) if own else scores[:0]


def _joint(study: Study, own: dict[str, Any], scores: Any, inputs: Any) -> dict[str, Any]:
    shared = [scores[k] for k in range(len(study.inputs), scores.shape[0])]
    return correlated(own, shared, study.groups, inputs["groups"])


def _changed(study: Study, changes: Any, drawn: Draws) -> Draws:
    """Draws x scale + shift, factor by factor."""
    values = {}
    for run in study.runs:
        name, at = study.inputs[run[0]].name, (slice(run.start, run.stop), None) if len(run) > 1 else run.start
        values[name] = drawn[name] * changes["scale"][at] + changes["shift"][at]
    return values


def stacked(study: Study, draws: Draws) -> Float[Array, "factor lane"]:
    """Factor draws, as `factors` gives them, as rows in the order of the study."""
    # not in the order of the dict: a JAX transformation gives dicts back sorted by name
    values = [draws[study.inputs[run[0]].name] for run in study.runs]
    return jnp.concatenate([value if value.ndim == 2 else value[None] for value in values])


def by_run(study: Study, rows: Any) -> dict[str, Any]:
    """Rows of draws by name, as `factors` gives them: the inverse of `stacked`.

    Args:
      rows: [factor, lane], traced or not.
    """
    return {
        study.inputs[run[0]].name: rows[run.start : run.stop] if len(run) > 1 else rows[run.start] for run in study.runs
    }
