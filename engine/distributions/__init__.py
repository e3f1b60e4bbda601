"""Marginals: what a study may say a number is drawn from."""

from engine.distributions.closed import FAMILIES, Marginal
from engine.distributions.law import Law
from engine.distributions.prior import Asked, Prior, prior

__all__ = ["FAMILIES", "Asked", "Law", "Marginal", "Prior", "prior"]
