"""Draws of the factors from normal scores, as JAX functions to be traced; a lane is one path."""

from __future__ import annotations

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
    joint = _joint(study, scores, inputs)
    values = study.draws.values([*joint.values()], inputs["marginals"])
    rows = [jnp.broadcast_to(value, scores.shape[-1:]) for value in values]
    changes = inputs["changes"]
    return jnp.stack(rows) * changes["scale"][:, None] + changes["shift"][:, None] if rows else scores[:0]


def joint_scores(study: Study, scores: Any, inputs: Any) -> Rows:
    """The normal score z of every factor after dependence: the draw is the prior's quantile at Phi(z).

    Args:
      scores: as `factors` takes them, traced or not.
      inputs: as `arguments.of` gives them.
    """
    joint = _joint(study, scores, inputs)
    return jnp.stack([*joint.values()]) if joint else scores[:0]


def _joint(study: Study, scores: Any, inputs: Any) -> dict[str, Any]:
    """The normal scores of all factors after dependence, by name."""
    own = {item.name: score for item, score in zip(study.inputs, scores, strict=False)}
    return correlated(own, [*scores[len(own) :]], study.groups, inputs["groups"])
