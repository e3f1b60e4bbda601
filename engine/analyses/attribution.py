"""Attribution to levers: exact Shapley values, over groups of levers, of the difference between two policies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import jax
import numpy as np
from jaxtyping import Bool, Float

from engine.analyses import shapley
from engine.analyses.coalitions import Coalitions, between
from engine.analyses.lever_sets import Player
from engine.analyses.variables import LEVEL, MEAN, PROBABILITY, measured, outcomes_of
from engine.analyses.variants import PATHS, Observer, ahead, unobserved
from engine.errors import Problem, UserError
from engine.formatting import size_as_text
from engine.lanes import compilation_cache
from engine.program import devices
from engine.program.contract import Outcomes
from engine.program.devices import memory_free
from engine.risk.estimation.events import event_indicators
from engine.risk.estimation.exclusion import most_excluded, with_units
from engine.risk.estimation.intervals import Estimate, as_units
from engine.risk.policies.contrasts import Contrasts, of_mean, of_shortfall
from engine.study.study import Block, Study
from engine.study.tables.sections import default_tile

AT_ONCE = 8
"""Coalitions computed at a time: few enough that the state carried from year to year stays in a core's cache."""
THREADS = 2


@dataclass(frozen=True)
class Part:
    """The attribution of the difference in one measure of an outcome, or in the probability of an event.

    Args:
      variable, measure: the outcome and its measure, or the event and "probability".
      difference: the measure under the second policy less that under the first.
      share: Shapley value of each player; they add up to `difference`.
      alone: effect of each player when its levers alone are as under the second policy, others as under the first.
      taken_back: effect lost when a player's levers alone are as under the first policy, others as under the second.
      leaders: the player with the largest share in the direction of `difference`, then those that cannot be
        distinguished from it.
    """

    variable: str
    measure: str
    difference: Estimate
    share: tuple[Estimate, ...]
    alone: tuple[Estimate, ...]
    taken_back: tuple[Estimate, ...]
    leaders: tuple[str, ...]


@dataclass(frozen=True)
class Attribution:
    """The result of `attribution`.

    Args:
      study: with the paths that were simulated.
      start, end: the two policies.
      players: the groups of levers, and the levers in no group, in which the two policies differ.
      parts: mean and ES99 of each outcome, then the probability of each event.
      excluded: paths left out because a value on them is not finite.
    """

    study: Study
    start: str
    end: str
    players: tuple[Player, ...]
    parts: tuple[Part, ...]
    excluded: int


def attribution(
    study: Study,
    start: str,
    end: str,
    variables: Sequence[str] | None = None,
    paths: int | None = None,
    device: str | None = None,
    observe: Observer = unobserved,
) -> Attribution:
    """How much each group of levers contributes to the difference between two policies, on the same futures.

    All 2^k coalitions of the k players are simulated: coalition s takes the levers of its players from `end` and all
    others from `start`. Beside its Shapley value (`shapley.shares`) each player has its effect alone and the effect
    lost when it alone is taken back.

    Args:
      study: the resolved study; its `lever_groups` say which levers change together.
      start, end: the policies; both must be among those that run.
      variables: outcomes and events; the headline and all events if not given.
      paths: how many, from the first on; the study's, at most 131,072, if not given.
      device: "cpu" or "gpu"; the GPUs if there are any.
      observe: called with the stage, how many paths are done, counted once for each coalition, and how many there are.

    Raises:
      UserError: as `coalitions.between`; no such outcome or event; values that are not finite on more paths than the
        study allows; more memory needed than there is.
    """
    study.refuse_broken_model()
    coalitions = between(study, start, end)
    wanted = sorted(measured(study, variables), key=lambda key: key[1] == PROBABILITY)  # outcomes first
    count = min(study.paths, PATHS) if paths is None else paths
    if count < 1 or (study.unit > 2 and count % study.unit):
        expected = (
            f"expected at least 1, and whole replicates of {study.unit}" if study.unit > 2 else "expected at least 1"
        )
        raise UserError(study.source, [Problem("paths", f"{expected}; got {count}.")])
    study, players = replace(study, paths=count), coalitions.players
    _refuse_if_memory_too_small(coalitions, wanted, count)
    weighings = shapley.whole, shapley.shares, shapley.added_alone, shapley.taken_back
    weights = np.concatenate([weigh(len(players)) for weigh in weighings])
    contrasts = {key: Contrasts(weights, count) for key in wanted}
    bad = np.zeros(count, bool)
    names, total = outcomes_of(study, [name for name, _ in wanted]), coalitions.count * count
    observe("compiling", 0, total)
    for which, values, sound in _chunks(replace(coalitions, study=study), names, device):
        bad |= ~sound
        _refuse_too_many(study, coalitions, which, names, values, bad)
        _take_in(study, contrasts, which, {name: values[:, k] for k, name in enumerate(names)}, sound)
        observe("simulating", which.stop * count, total)
    with ThreadPoolExecutor(THREADS) as threads:
        parts = threads.map(lambda key: _part(study, players, key, contrasts[key], ~bad), wanted)
        return Attribution(study, start, end, players, tuple(parts), int(bad.sum()))


def _take_in(
    study: Study,
    contrasts: Mapping[tuple[str, str], Contrasts],
    which: slice,
    values: Mapping[str, Float[np.ndarray, "coalition path"]],
    sound: Bool[np.ndarray, "path"],
) -> None:
    """Adds the outcomes of some coalitions to the sums of every measure."""
    units = as_units(study.paths, study.unit).take(sound)
    happens = event_indicators(study, values)
    for (variable, measure), sums in contrasts.items():
        if measure == PROBABILITY:
            sums.add(which, of_mean(happens[variable], sound))
        elif measure == MEAN:
            sums.add(which, of_mean(values[variable], sound))
        else:
            # VaR over the paths that are finite in these coalitions: a few more that other coalitions leave out move
            # VaR a little, and ES only by the square of that
            loss = study.is_loss(variable)
            sums.add(which, of_shortfall(values[variable], sound, units, LEVEL, loss))


def _chunks(
    coalitions: Coalitions, names: Sequence[str], device: str | None
) -> Iterator[tuple[slice, Float[np.ndarray, "coalition outcome path"], Bool[np.ndarray, "path"]]]:
    """Simulates the coalitions a few at a time: which they are, their outcomes, and the paths on which all are finite.

    One program is compiled for all of them, and fed with the levers of a few at a time.
    """
    compilation_cache.keep_programs()
    study, size = coalitions.study, min(AT_ONCE, coalitions.count)
    policies = coalitions.policies
    # both end policies are compiled in: every factor that a coalition's levers are drawn from is one of theirs
    some = (policies[0], *policies[2:size], policies[-1])
    tile = min(study.tile, default_tile(study.model, size))
    program = devices.program(replace(study, policies=some, tile=tile), device)
    levers = coalitions.levers(program.dtype)
    read = study.places(names)

    def started() -> Iterator[tuple[slice, Block, Callable[[], Outcomes]]]:
        for first in range(0, coalitions.count, size):
            which = slice(first, first + size)
            own = jax.tree.map(lambda leaf, which=which: np.ascontiguousarray(leaf[:, which]), levers)
            fed = program.fed({**program.inputs, "levers": own})
            for block in study.blocks():
                yield which, block, partial(fed.submit(block).of, block)

    values: np.ndarray = np.empty((size, len(read), study.paths), program.dtype)
    sound = np.ones(study.paths, bool)
    for which, block, collect in ahead(started()):
        outcomes = collect()
        at = slice(block.first, block.first + block.count)
        values[..., at] = outcomes[:, read]
        sound[at] = np.isfinite(outcomes).all(axis=(0, 1))
        if at.stop == study.paths:
            yield which, values, ~with_units(study, ~sound)


def _refuse_too_many(
    study: Study, coalitions: Coalitions, which: slice, names: Sequence[str], values: np.ndarray, bad: np.ndarray
) -> None:
    """Raises a UserError if more paths are not finite than the study allows."""
    count, most = int(bad.sum()), most_excluded(study)
    if count <= most:
        return
    where = np.argwhere(~np.isfinite(values))
    first = int(np.argmax(bad))
    text = f"values are not finite on {count:,} of {study.paths:,} paths, the first of them {first}"
    if len(where):
        s, k, path = map(int, where[0])
        text = (
            f"outcome '{names[k]}' is not finite on path {path} with {coalitions.words(which.start + s)}; "
            f"expected at most {most:,} such paths, got {count:,} so far"
        )
    remedy = "Mend the model, or say which share may be kept out of all numbers, such as 0.0001"
    raise UserError(f"model {study.model_name}", [Problem("run.nonfinite", f"{text}. {remedy}.")])


def _part(
    study: Study, players: Sequence[Player], measured: tuple[str, str], sums: Contrasts, sound: Bool[np.ndarray, "path"]
) -> Part:
    units = as_units(study.paths, study.unit).take(sound)
    (variable, measure), k = measured, len(players)
    difference, *rest = sums.estimates(sound, units, measure == PROBABILITY)
    sign = 1.0 if difference.estimate >= 0 else -1.0
    leaders = sums.largest(range(1, 1 + k), sign, sound, units, measure == PROBABILITY)
    share, alone, taken = (tuple(rest[at : at + k]) for at in (0, k, 2 * k))
    return Part(variable, measure, difference, share, alone, taken, tuple(players[at].name for at in leaders))


def memory_needed(coalitions: Coalitions, measured: Sequence[tuple[str, str]], paths: int) -> int:
    """Peak memory that an attribution takes [bytes].

    Sums take 8 (3 k + 2) bytes per path and measure, with k players; the outcomes of up to 8 coalitions are added.
    """
    study, size = coalitions.study, min(AT_ONCE, coalitions.count)
    sums = 8 * (3 * len(coalitions.players) + 2) * len(measured)
    read = outcomes_of(study, [name for name, _ in measured])
    return paths * (sums + 4 * 8 * size * (len(read) + 2))


def _refuse_if_memory_too_small(coalitions: Coalitions, measured: Sequence[tuple[str, str]], paths: int) -> None:
    needed, free = memory_needed(coalitions, measured, paths), memory_free()
    if free is not None and needed > free:
        needs = f"{paths:,} paths take about {size_as_text(needed)} of memory, and there are {size_as_text(free)} free"
        raise UserError(coalitions.study.source, [f"{needs}. Ask for fewer paths, or for fewer outcomes (--outcome)."])
