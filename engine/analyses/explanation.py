"""What the worst futures have in common: inputs far from their priors, and the likeliest ways there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Float

from engine.analyses.prior_scores import Priors
from engine.analyses.reverse_stress import Reverse, reverse_stress
from engine.analyses.tail_drivers import Driver, drivers_of, scaled
from engine.analyses.tail_futures import TailFutures, TailSubject, tail_futures, tail_subject
from engine.analyses.tail_levers import Pull, pulls
from engine.analyses.tail_mechanisms import Mechanisms, mechanisms
from engine.analyses.variants import Observer, unobserved
from engine.formatting import command_line
from engine.lanes import compilation_cache
from engine.program import devices, drawing
from engine.program.contract import Program
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
      reverse: the likeliest futures in the tail.
      worst, worst_values: numbers of the worst paths, worst first, and outcomes on them by name [path].
      levers, without_lever: effect of raising each lever by a tenth, if asked for; lever -> why it cannot be raised.
      mechanisms: contribution of each assumption to the measure, if asked for.
    """

    watched: TailSubject
    futures: TailFutures
    measured: Mapping[str, Estimate]
    drivers: tuple[Driver, ...]
    slopes: tuple[Slope, ...]
    without_slope: Mapping[str, str]
    reverse: Reverse
    worst: tuple[int, ...]
    worst_values: Mapping[str, Float[np.ndarray, "path"]]
    levers: tuple[Pull, ...] = ()
    without_lever: Mapping[str, str] = field(default_factory=dict)
    mechanisms: Mechanisms | None = None

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

    @cached_property
    def ranked(self) -> list[Driver]:
        """The drivers, those that are farthest from their priors first."""
        return sorted(self.drivers, key=lambda one: -one.distance.estimate)

    @property
    def tail_count(self) -> int:
        """How many paths are in the tail."""
        return len(self.futures.tail)

    def replay_command(self, place: object) -> str:
        """The command that shows a path of a run in full, its number left open."""
        return command_line("replay", place, "--path", "PATH", model=self.study.model_spec)


def explain(
    study: Study,
    variable: str,
    policy: str | None = None,
    level: float | None = None,
    stored: Mapping[str, np.ndarray] | None = None,
    device: str | None = None,
    levers: bool = False,
    by_mechanism: bool = False,
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
      levers: whether to raise each lever by a tenth, which simulates the first 131,072 paths again for each.
      by_mechanism: whether to switch assumptions off in many combinations, each simulated on the first 65,536 paths.
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
    what, study = futures.watched, futures.watched.study
    observe("explaining", total // 4, total)
    measured = _measured(futures)
    drivers, slopes, without_slope = _inputs(program, futures)
    observe("searching", total // 2, total)
    reverse = Reverse((), np.zeros(0), 0) if study.facts else reverse_stress(program, futures)
    worst = _worst(futures)
    values = {name: of[worst] for name, of in futures.values.items()}
    numbers = tuple(int(number) for number in futures.numbers[worst])
    observe("rerunning", 3 * total // 4, total)
    moved, without_lever = pulls(program, what) if levers else ((), {})
    shares = mechanisms(program, what) if by_mechanism else None
    observe("rerunning", total, total)
    return Explanation(
        what, futures, measured, drivers, slopes, without_slope, reverse, numbers, values,
        moved, without_lever, shares,
    )  # fmt: skip


def _measured(futures: TailFutures) -> dict[str, Estimate]:
    what, units = futures.watched, futures.share.units
    if what.event is not None:
        happened = np.zeros(units.paths, bool)
        happened[futures.share.path] = True
        return {"probability": probability(happened, units)}
    assert what.level is not None
    of = summary(futures.values[what.variable], units, what.study.is_loss(what.variable), (what.level,))
    name = f"{100 * what.level:g}"
    return {f"ES{name}": of[f"ES{name}"], f"VaR{name}": of[f"VaR{name}"]}


def _worst(futures: TailFutures) -> np.ndarray:
    """Indices of the worst paths among those that are not left out, worst first."""
    margin = futures.limit.of(futures.values)[futures.share.path]
    order = np.lexsort((futures.share.path, -margin))
    return futures.share.path[order[:WORST]]


def _inputs(program: Program, futures: TailFutures) -> tuple[tuple[Driver, ...], tuple[Slope, ...], dict[str, str]]:
    study = program.study
    priors = Priors(study)
    once = futures.scores[: len(program.inputs["factor_keys"])]
    joint: np.ndarray = np.asarray(drawing.joint_scores(study, once, program.inputs))
    drivers = drivers_of(program, futures, priors, joint)
    reasons = {study.inputs[k].name: MOVED if study.facts else priors.left_out(k) for k in priors.free}
    known = [k for k in priors.free if not reasons[study.inputs[k].name]]
    slopes = _slopes(futures, priors, known, joint)
    return tuple(drivers), tuple(slopes), {name: reason for name, reason in reasons.items() if reason}


def _slopes(futures: TailFutures, priors: Priors, known: list[int], joint: np.ndarray) -> list[Slope]:
    if not known:
        return []
    by_shift, by_stretch = (part[:, futures.tail] for part in priors.slopes_of(known, joint))
    shifts, stretches = futures.share.slopes(by_shift), futures.share.slopes(by_stretch)
    slopes = []
    for k, shift, stretch in zip(known, shifts, stretches, strict=True):
        item, of = priors.study.inputs[k], priors.moments[k]
        location, scale = scaled(shift, 1 / of.by_shift), scaled(stretch, 1 / of.by_stretch)
        by_sd = scaled(location, of.sd), scaled(scale, of.sd)
        slopes.append(Slope(item.name, item.unit, by_sd[0], by_sd[1], location, scale))
    return slopes
