"""Draws of the factors from normal scores, as JAX functions to be traced; a lane is one path."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from engine.draws.factors import correlated
from engine.study.study import Study

Rows = Float[Array, "factor lane"]


def factors(study: Study, scores: Float[Array, "stream lane"], inputs: Any) -> Rows:
    """Factor draws x scale + shift, factors in the order of the study.

    Args:
      scores: normal scores of all factors in the order of the study, then of the latent factors that groups share.
      inputs: as `arguments.of` gives them.
    """
    lanes = scores.shape[-1]
    joint = _joint(study, [run[0] for run in study.runs if len(run) == 1], scores, inputs)
    alone = iter(study.draws.values([*joint.values()], inputs["marginals"]))
    longer = iter(zip(study.draws_of_runs, inputs["runs"], strict=True))
    rows = []
    for run in study.runs:
        if len(run) == 1:
            value = next(alone)
        else:
            draws, fed = next(longer)
            (value,) = draws.values([scores[run.start : run.stop].reshape(-1)], fed)
        rows.append(jnp.broadcast_to(value, (len(run) * lanes,)).reshape(len(run), lanes))
    changes = inputs["changes"]
    return jnp.concatenate(rows) * changes["scale"][:, None] + changes["shift"][:, None] if rows else scores[:0]


def joint_scores(study: Study, scores: Any, inputs: Any) -> Rows:
    """The normal score z of every factor after dependence: the draw is the prior's quantile at Phi(z).

    Args:
      scores: as `factors` takes them, traced or not.
      inputs: as `arguments.of` gives them.
    """
    joint = _joint(study, range(len(study.inputs)), scores, inputs)
    return jnp.stack([*joint.values()]) if joint else scores[:0]


def _joint(study: Study, own: Iterable[int], scores: Any, inputs: Any) -> dict[str, Any]:
    """The normal scores after dependence by name, of some factors by number; they include all members of groups."""
    shared = [scores[k] for k in range(len(study.inputs), len(scores))]
    return correlated({study.inputs[k].name: scores[k] for k in own}, shared, study.groups, inputs["groups"])
