"""`precision`: how many futures a target precision takes, under each sampler, from pilots in memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from engine.answers.answer import Answer
from engine.answers.question import STUDY, Asked, Option
from engine.answers.table import Row, table
from engine.errors import UserError, moved
from engine.execution.anew import timed_outcomes
from engine.execution.resources import bytes_needed, refuse_if_memory_too_small
from engine.formatting import size_as_text
from engine.questions.variables import outcomes_of
from engine.risk.estimation.forecast import forecast, pilot_paths
from engine.risk.estimation.stopping import few_digits, standing
from engine.study.loading import again
from engine.study.study import SAMPLERS, Study

CLEARLY_FEWER = 0.9
"""Share of the futures of the study's sampler below which another sampler is said to need fewer."""


@dataclass(frozen=True)
class Precision:
    """Predict how many futures of STUDY a target precision needs, and the time they take.

    The command simulates a pilot in memory under each sampler. Without SENTENCE the targets are those of the study.

    \b
    rustbelt precision rustbelt 'ES99 of displaced_person_years under old within 1 %'
    """

    needs = STUDY
    heading = "Number of futures that a precision needs"
    stored = False
    as_run = False

    target: Annotated[
        tuple[str, ...], Option("Targets, such as 'ES99 of cost under old within 1 %'.", "SENTENCE", argument=True)
    ] = ()

    def answer(self, of: Asked) -> Answer:
        """A row for each target and sampler.

        Raises:
          UserError: there is no target, a name in one is unknown, there is too little memory for a pilot, or the study
            has facts, on which only a whole run is conditioned.
        """
        study = self._study(of)
        study.refuse_broken_model()
        every = outcomes_of(study, [target.variable for target in study.until])
        pilots = {name: _pilot(study, name) for name in SAMPLERS}
        for pilot in pilots.values():
            refuse_if_memory_too_small(pilot, of.memory)
        rows: list[Row] = []
        for sampler, pilot in pilots.items():
            of.observe("computing a pilot", 0, pilot.paths)
            values, seconds = timed_outcomes(pilot, every, of.device)
            for target in study.until:
                read = {name: values[name] for name in outcomes_of(study, [target.variable])}
                needed = forecast(pilot, target, read)
                futures = needed.paths if math.isfinite(needed.paths) else math.inf
                rows.append(
                    {
                        "target": str(target),
                        "sampler": sampler,
                        "pilot": pilot.paths,
                        "futures": futures,
                        "low": needed.low,
                        "high": needed.high,
                        "seconds": futures * seconds / pilot.paths,
                        "bytes": _bytes(study, futures),
                        "standing": standing(needed.look),
                    }
                )
        shown = ("futures", "low", "high", "seconds", "bytes")
        forecasts = table("forecast", "Futures needed", rows, "target", "sampler", brief=shown, apart="target")
        basis = f"one pilot for each sampler, seed {study.seed}; nothing is written"
        return Answer.about(pilots[study.sampler], _findings(study, rows), [forecasts], basis)

    def _study(self, of: Asked) -> Study:
        """The study with the targets that are asked for."""
        study = of.study
        if self.target:
            run = {**study.document["run"], "until": [*self.target]}
            with moved("run.until", "target"):
                study = replace(again(study, run=run), paths=study.paths)
        if not study.until:
            example = f"ES99 of {study.headline[0]} under {study.baseline} within 1 %"
            raise UserError(study.source, [f"states no target of precision. Name one, such as '{example}'."])
        if study.facts is not None:
            run_it = f"Run it with --until '{study.until[0]}'."
            raise UserError(
                study.source, [f"expected a study without facts, as only a whole run is conditioned. {run_it}"]
            )
        return study


def _pilot(study: Study, sampler: str) -> Study:
    """The study under a sampler, with as many first paths as a pilot for the targets needs."""
    run = {**study.document["run"], "sampler": sampler}
    other = replace(study, sampler=sampler, document={**study.document, "run": run})
    return other.of_paths(pilot_paths(other))


def _bytes(study: Study, paths: float) -> float:
    return float(bytes_needed(replace(study, paths=math.ceil(paths)))) if math.isfinite(paths) else math.nan


def _findings(study: Study, rows: Sequence[Row]) -> tuple[str, ...]:
    """How many futures all targets take under the study's sampler, and whether another sampler needs fewer."""
    needs = {name: max((row["futures"], row["seconds"]) for row in rows if row["sampler"] == name) for name in SAMPLERS}
    (own, seconds), least = needs[study.sampler], min(needs, key=lambda name: needs[name])
    if math.isinf(own):
        return ("The pilot is too small to predict how many futures the targets need.",)
    size = size_as_text(_bytes(study, own))
    time = f"{seconds:,.0f} seconds" if seconds >= 2 else "less than 2 seconds"
    first = f"About {few_digits(own)} futures are enough; they take {time} on this machine and at most {size} on disk."
    if own > study.paths:
        first += f" The study simulates {study.paths:,}."
    fewest = needs[least][0]
    if fewest > CLEARLY_FEWER * own:
        return first, f"No other sampler needs clearly fewer futures than {study.sampler}, the sampler of the study."
    return first, (
        f"The sampler {least} needs the fewest futures, about {few_digits(fewest)}; the study uses {study.sampler}."
    )
