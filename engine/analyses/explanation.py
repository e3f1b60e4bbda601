"""What the worst futures have in common: inputs far from their priors, and the likeliest way there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.analyses.prior_scores import Priors
from engine.analyses.reverse_stress import FailurePoint, reverse_stress
from engine.analyses.tail_drivers import Driver, drivers_of, scaled
from engine.analyses.tail_futures import TailFutures, TailSubject, tail_futures, tail_subject
from engine.analyses.variants import Observer, unobserved
from engine.lanes import compilation_cache
from engine.program import devices, drawing
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.measures import probability, summary
from engine.study.study import Study

MOVED = "its futures are moved to where facts are likely"
"""Why no slope is given for a prior if the study has facts."""
WORST = 10
"""How many of the worst paths are listed, to be replayed."""


@dataclass(frozen=True)
class Slope:
    """Derivatives of ES, or of the event's probability, with respect to a factor's prior, all else as it is.

    Args:
      location: per standard deviation by which the prior's mean is moved, through its normal score.
      scale: per standard deviation that is added to the prior's own.
      location_per_unit, scale_per_unit: the same per unit of the factor.
    """

    factor: str
    unit: str
    location: Estimate
    scale: Estimate
    location_per_unit: Estimate
    scale_per_unit: Estimate


@dataclass(frozen=True)
class Explanation:
    """The result of `explain`.

    Args:
      watched: which outcome at which level, or which event, under which policy.
      futures: the simulated paths, with those that are in the tail.
      measured: ES and VaR of the outcome, or the probability of the event, on all paths.
      drivers: distributions in the tail of factors, then of shocks by stream and year; fixed inputs are left out.
      slopes: of the factors for whose priors they can be computed.
      without_slope: factor -> why it has no slope.
      likeliest: the likeliest future in the tail; None where none was found or, if the study has facts, looked for.
      worst, worst_values: numbers of the worst paths, worst first, and outcomes on them by name [path].
    """

    watched: TailSubject
    futures: TailFutures
    measured: Mapping[str, Estimate]
    drivers: tuple[Driver, ...]
    slopes: tuple[Slope, ...]
    without_slope: Mapping[str, str]
    likeliest: FailurePoint | None
    worst: tuple[int, ...]
    worst_values: Mapping[str, Float[np.ndarray, "path"]]

    @property
    def study(self) -> Study:
        """The study, with the paths that were simulated."""
        return self.watched.study

    @property
    def measure(self) -> str:
        """ES of the outcome, such as "ES99", or "probability"."""
        return next(iter(self.measured))

    @property
    def unit(self) -> str:
        """The unit of the measure."""
        return self.study.unit_of(self.watched.variable)

    @property
    def tail_count(self) -> int:
        """How many paths are in the tail."""
        return len(self.futures.tail)


def explain(
    study: Study,
    variable: str,
    policy: str | None = None,
    level: float | None = None,
    stored: Mapping[str, np.ndarray] | None = None,
    device: str | None = None,
    observe: Observer = unobserved,
) -> Explanation:
    """What the worst 1 - level share of an outcome's futures, or those with an event, have in common.

    Args:
      study: its paths are simulated, or fewer of them if the tail would have more than 131,072.
      variable: an outcome or an event.
      policy: the baseline if not given.
      level: of the tail, 0.99 if not given; must not be given for an event.
      stored: outcomes that a run has stored, by name [policy, path]; others are simulated again.
      device: "cpu" or "gpu"; the GPUs if there are any.
      observe: called with the stage, how much is done, and how much there is.

    Raises:
      UserError: no such outcome, event or policy; a level is given for an event; the event happens on no path.
    """
    what = tail_subject(study, variable, policy, level)
    study.refuse_broken_model()
    total = study.paths
    compilation_cache.keep_programs()
    observe("compiling", 0, total)
    program = devices.program(study, device)
    observe("simulating", 0, total)
    futures = tail_futures(program, what, stored or {})
    observe("explaining", total // 4, total)
    priors = Priors(program.study)
    once = futures.scores[: len(study.streams[0])]
    joint: np.ndarray = np.asarray(drawing.joint_scores(program.study, once, program.inputs))
    drivers = drivers_of(program, futures, priors, joint)
    slopes, without_slope = _slopes(futures, priors, joint)
    observe("searching", total // 2, total)
    likeliest = None if study.facts else reverse_stress(program, futures)
    worst = _worst(futures)
    observe("searching", total, total)
    return Explanation(
        futures.watched, futures, _measured(futures), drivers, slopes, without_slope, likeliest,
        tuple(futures.numbers[worst].tolist()), {name: of[worst] for name, of in futures.values.items()},
    )  # fmt: skip


def _measured(futures: TailFutures) -> dict[str, Estimate]:
    what, units = futures.watched, futures.share.units
    if what.level is None:
        happened = np.zeros(units.paths, bool)
        happened[futures.share.path] = True
        return {"probability": probability(happened, units)}
    of = summary(futures.values[what.variable], units, what.study.is_loss(what.variable), (what.level,))
    return {name: of[name] for name in (f"ES{100 * what.level:g}", f"VaR{100 * what.level:g}")}


def _worst(futures: TailFutures) -> np.ndarray:
    """Indices of the worst paths among those that are not left out, worst first."""
    margin = futures.limit.of(futures.values)[futures.share.path]
    order = np.lexsort((futures.share.path, -margin))
    return futures.share.path[order[:WORST]]


def _slopes(futures: TailFutures, priors: Priors, joint: np.ndarray) -> tuple[tuple[Slope, ...], dict[str, str]]:
    """The slopes of the factors that have any, and why each of the others that are not fixed has none."""
    study = priors.study
    reasons = {k: MOVED if study.facts else priors.left_out(k) for k in priors.free}
    left_out = {study.inputs[k].name: reason for k, reason in reasons.items() if reason}
    known = [k for k, reason in reasons.items() if not reason]
    if not known:
        return (), left_out
    by_shift, by_stretch = (
        futures.share.slopes(part[:, futures.tail]) for part in priors.slopes_of(known, joint)
    )  # fmt: skip
    slopes = []
    for k, shift, stretch in zip(known, by_shift, by_stretch, strict=True):
        item, of = study.inputs[k], priors.moments[k]
        per_unit = scaled(shift, 1 / of.by_shift), scaled(stretch, 1 / of.by_stretch)
        location, scale = (scaled(one, of.sd) for one in per_unit)
        slopes.append(Slope(item.name, item.unit, location, scale, *per_unit))
    return tuple(slopes), left_out
