"""Shapley effects of the members of a group of dependent factors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.analyses.futures import Futures, Numbers, Quantity, finite
from engine.analyses.independent_inputs import IndependentInput, independent_inputs
from engine.analyses.joint_scores import Joint
from engine.analyses.variants import Observer
from engine.errors import Problem, UserError, unknown
from engine.program import arguments
from engine.risk.drivers.indices import away, few_away, shares
from engine.risk.estimation.intervals import Estimate
from engine.study.study import Study

PATHS = 2048
EVALUATIONS = 1 << 22
"""Simulated paths over all orders together, approximately."""
ORDERS = 32, 512
"""Least and largest number of random orders."""


@dataclass(frozen=True)
class Within:
    """Shapley effects of the members of one group on one quantity.

    Args:
      group: its name.
      quantity: what the effects are on.
      members: the factors in the group.
      shapley: their effects as shares of the variance, which add up to the group's effect.
    """

    group: str
    quantity: Quantity
    members: tuple[str, ...]
    shapley: tuple[Estimate, ...]


def within(futures: Futures, wanted: Sequence[Quantity], group: str, observe: Observer) -> list[Within]:
    """Shapley effects of the members of a Gaussian group, on every quantity.

    The worth of a set u of inputs is the variance that is left if all others are known, E[(A - A_u)^2] / 2, where A_u
    is on the same path but for the inputs in u, which are drawn again; members of the group are drawn conditionally on
    its known members. Inputs come in random orders of all players, and within each the group's members in a random
    order. Sources: Song, Nelson and Staum (2016), SIAM/ASA J. Uncertain. Quantif. 4, 1060-1083, doi:10.1137/15M1048070;
    groups as in Owen (1977), doi:10.1007/978-3-642-45494-3_7.

    Raises:
      UserError: no such group, one whose copula is not Gaussian, or one of which some members follow from the others.
    """
    study = futures.study
    inputs = independent_inputs(study)
    own = _group(study, inputs, group)
    joint = Joint.of(study, group)
    if joint.is_one:
        text = f"'{group}': some of its members follow from the others, so that none has a part of its own."
        raise UserError(study.source, [Problem("--within", text)])
    paths = max(study.unit, min(study.paths, PATHS) // study.unit * study.unit)
    names = [one.name for one in arguments.streams(study)]
    rows = {one.name: [k for k, name in enumerate(names) if name in set(one.streams)] for one in inputs}
    players = [one for one in inputs if one is not own]
    random = np.random.default_rng(study.seed)
    count = len(own.members)
    orders = min(max(EVALUATIONS // (2 * (count + 1) * paths), ORDERS[0]), ORDERS[1])
    parts, whole = np.zeros((len(wanted), count, orders)), np.zeros((len(wanted), orders))
    counts = np.zeros(len(wanted))
    numbers = Numbers.of(study, wanted, futures.of_scores(futures.scores(0, study.paths)))
    for m in range(orders):
        # two independent stretches of futures for each order, which is run forwards and backwards
        base, other = (futures.scores((2 * m + k) * paths, paths) for k in (0, 1))
        own_values = [numbers.values(one, futures.of_scores(base)) for one in wanted]
        counts += [away(x) for x in own_values]
        others = futures.of_scores(other)
        for q, one in enumerate(wanted):
            whole[q, m] = _half_square(own_values[q], numbers.values(one, others)).mean()
        later, order = _after(players, random), random.permutation(count)
        earlier = [player for player in players if player not in later]
        for unknown_players, way in ((later, order), (earlier, order[::-1])):
            mixed = base.copy()
            for player in unknown_players:
                mixed[rows[player.name]] = other[rows[player.name]]
            left = [np.zeros(0)] * len(wanted)
            for known in range(count, -1, -1):
                mixed[joint.rows] = joint.conditional(base, other, way[:known])
                values = futures.of_scores(mixed)
                for q, one in enumerate(wanted):
                    now = _half_square(own_values[q], numbers.values(one, values))
                    if known < count:
                        parts[q, way[known], m] += 0.5 * (now - left[q]).mean()
                    left[q] = now
        observe(f"members of {group}", m + 1, orders)
    return [
        Within(
            group,
            one,
            own.members,
            tuple(effect.flagged(few_away(counts[q])) for effect in shares(parts[q], whole=whole[q])),
        )
        for q, one in enumerate(wanted)
    ]


def _half_square(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(a - b)^2 / 2 on every path."""
    x, y = finite(a, b, 0.0)
    return 0.5 * (x - y) ** 2


def _after(players: Sequence[IndependentInput], random: np.random.Generator) -> list[IndependentInput]:
    """The players that come after the group in a random order of all players and the group."""
    place = random.integers(len(players) + 1)
    return [players[k] for k in random.permutation(len(players))[place:]]


def _group(study: Study, inputs: Sequence[IndependentInput], group: str) -> IndependentInput:
    for one in inputs:
        if one.name == group and one.name in study.groups:
            family = study.groups[group].copula.family
            if family == "gaussian":
                return one
            text = f"'{group}': its members are drawn given each other by a Gaussian copula alone, and its is {family}."
            raise UserError(study.source, [Problem("--within", text)])
    raise UserError(study.source, [Problem("--within", unknown("group", group, list(study.groups)))])
