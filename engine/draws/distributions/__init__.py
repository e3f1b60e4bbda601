"""Marginals: what a study may say a number is drawn from."""

from engine.draws.distributions.closed import FAMILIES, Marginal
from engine.draws.distributions.law import Law
from engine.draws.distributions.prior import Prior, Target, prior

__all__ = ["FAMILIES", "Law", "Marginal", "Prior", "Target", "prior"]
