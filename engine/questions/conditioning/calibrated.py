"""Simulation-based calibration of conditioning by weights: futures of the study take the place of observations.

Where the weights are right, the rank of a factor's true draw among the futures weighted by the figures is uniform:
Talts, Betancourt, Simpson, Vehtari and Gelman (2018), arXiv:1804.06788.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.stats import kstest

from engine.answers.answer import Answer, Subject
from engine.answers.question import Asked
from engine.answers.rows import BRIEF, table
from engine.errors import Problem, UserError
from engine.program.posterior.sight import Sight
from engine.questions.conditioning.condition import followed_and_figures
from engine.questions.variants import Observer, unobserved
from engine.risk.drivers.tilting import tail_shape
from engine.risk.estimation.heaviness import LARGEST_SHAPE
from engine.study.study import BLOCK, Block, Study

FUTURES = 1 << 16
"""Default number of futures that each truth is ranked among."""
LEAST = 20
"""Fewest truths for a test of uniformity."""
ALARM = 0.05
"""Family-wise level: chance that any factor is called miscalibrated if all are calibrated."""
WEAK = 0.2
"""Largest accepted share of truths whose weights cannot be trusted."""
SHOWN = 8
"""How many of the factors the brief table shows: the least uniform."""
READING = (
    "Rank: share of the futures' weight in which a factor is below its own draw. p-value: of Kolmogorov and Smirnov's"
    f" test that the ranks are uniform; wrong where it is below what leaves a chance of {100 * ALARM:g} % that any"
    " right factor is called so (Holm)."
)


@dataclass(frozen=True)
class Ranked:
    """Ranks of the true draws of factors among the weighted futures.

    Args:
      study: with the followed policy alone; its paths are the futures that truths are ranked among.
      names: of the factors that vary.
      ranks: weighted share of futures with a smaller draw, ties split at random, 0 to 1 [factor, truth].
      trusted: whether the weights for a truth can be trusted, by k-hat [truth].
    """

    study: Study
    names: tuple[str, ...]
    ranks: Float[np.ndarray, "factor truth"]
    trusted: np.ndarray

    @cached_property
    def p_values(self) -> Float[np.ndarray, "factor"]:
        """For each factor the p-value of Kolmogorov and Smirnov's test that its ranks are uniform."""
        return np.array([kstest(row, "uniform").pvalue for row in self.ranks])

    @cached_property
    def wrong(self) -> list[str]:
        """Factors whose ranks are not uniform, at level `ALARM` over all factors (Holm)."""
        order = np.argsort(self.p_values, kind="stable")
        small = self.p_values[order] <= ALARM / np.arange(len(order), 0, -1)
        return [self.names[k] for k in order[np.logical_and.accumulate(small)]]


def ranked(
    study: Study,
    until: int | None,
    policy: str | None,
    truths: int,
    paths: int | None = None,
    device: str | None = None,
    observe: Observer = unobserved,
) -> Ranked:
    """Ranks of `truths` futures of a study, each taken for the observations in turn.

    Args:
      until, policy: as of `condition`.
      paths: futures that each truth is ranked among; 65,536 if not given.

    Raises:
      UserError: as `condition`; fewer than 20 truths; fewer futures than two for each truth, more than a block, or no
        whole number of units; or untrustworthy weights for more than a fifth of the truths.
    """
    one, rows, _ = followed_and_figures(study, until, policy)
    count = FUTURES if paths is None else paths
    if not LEAST <= truths <= count // 2 or count > BLOCK or count % one.unit:
        text = (
            f"expected {LEAST} or more truths among at least twice as many futures, in whole units of {one.unit}, at"
            f" most {BLOCK:,}; got {truths:,} among {count:,}."
        )
        raise UserError(study.source, [Problem("--calibration", text)])
    sight = Sight(one, rows, device)
    figures = sight.of_paths(0, count)
    draws = sight.program.draws(Block(0, 0, count)).astype(np.float64)
    moving = np.ptp(draws, axis=1) > 0
    draws = draws[moving]
    random = np.random.default_rng([study.seed, 1804])
    noise = sight.errors[:, None] * random.standard_normal((len(rows), truths))
    chosen = np.linspace(0, count - 1, truths).astype(int)
    ranks, trusted = np.empty((len(draws), truths)), np.zeros(truths, bool)
    for k, truth in enumerate(chosen):
        observe("truths", k, truths)
        size = sight.log_likelihood(figures, figures[:, truth] + noise[:, k])
        first = truth // one.unit * one.unit
        size[first : first + one.unit] = -np.inf  # its own unit
        possible, luck = np.isfinite(size), random.random(len(ranks))
        if not possible.any():
            ranks[:, k] = luck
            continue
        weights, own = np.exp(size - size.max()), draws[:, [truth]]
        ranks[:, k] = ((draws < own) @ weights + luck * ((draws == own) @ weights)) / weights.sum()
        trusted[k] = tail_shape(size[possible]) <= LARGEST_SHAPE
    observe("truths", truths, truths)
    if (weak := int((~trusted).sum())) > WEAK * truths:
        text = (
            f"weights cannot be trusted for {weak} of {truths} truths: their figures leave too few of"
            f" {count:,} futures. Take more with --paths, or state larger errors or discrepancies."
        )
        raise UserError(study.source, [Problem("--calibration", text)])
    names = tuple(item.name for item, moves in zip(one.inputs, moving, strict=True) if moves)
    return Ranked(replace(one, paths=count), names, ranks, trusted)


def answer(of: Asked, study: Study, until: int | None, policy: str | None, truths: int) -> Answer:
    """The answer to `condition` with calibration: which factors are not calibrated."""
    given = ranked(study, until, policy, truths, of.paths, of.device, of.observe)
    wrong, weak = given.wrong, int((~given.trusted).sum())
    sentences = [
        f"Of {len(given.names)} factors {len(wrong) or 'none'} {'is' if len(wrong) == 1 else 'are'} miscalibrated when"
        f" {truths} of the study's own futures are taken for what happened."
    ]
    if wrong:
        names = ", ".join(study.phrase("factors", name) for name in wrong[:3])
        sentences.append(f"Miscalibrated: {names}{' and others' if len(wrong) > 3 else ''}.")
    basis = (
        f"{study.name}: {given.study.paths:,} paths, seed {study.seed}; weights cannot be trusted (k-hat above"
        f" {LARGEST_SHAPE:g}) for {weak} of {truths} truths"
    )
    subject = replace(Subject.of(given.study), fingerprint=study.fingerprint)
    factors = table("calibration", "Ranks of the truth, the least uniform first", _factors(given), "factor")
    return Answer(subject, tuple(sentences), (factors,), basis, READING)


def _factors(given: Ranked) -> Iterator[dict[str, Any]]:
    for place, k in enumerate(np.argsort(given.p_values, kind="stable")):
        name, mean, p = given.names[k], given.ranks[k].mean(), given.p_values[k]
        verdict = "wrong" if name in given.wrong else ""
        yield {"factor": name, "mean_rank": mean, "p_value": p, "verdict": verdict, BRIEF: place < SHOWN}
