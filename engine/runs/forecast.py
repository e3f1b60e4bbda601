"""How many futures a target precision takes, with time and disk space, under each sampler, from pilots in memory."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import chain

import numpy as np

from engine.answers.answer import Answer, Subject
from engine.answers.table import Table, numbers, texts
from engine.errors import UserError
from engine.execution.anew import first_outcomes
from engine.execution.resources import bytes_needed, refuse_if_memory_too_small
from engine.formatting import size_as_text
from engine.risk.estimation.events import event_outcomes
from engine.risk.estimation.forecast import forecast, pilot_paths
from engine.risk.estimation.stopping import few_digits, standing
from engine.study.study import SAMPLERS, Study


def answer(study: Study, device: str | None = None, memory: int | str | None = None) -> Answer:
    """How many futures the precision targets of a study take: a sentence, and a row for each target and sampler.

    Args:
      study: with at least one target in `until`.
      device: "cpu" or "gpu"; the GPUs if there are any.
      memory: main memory that a pilot may take [bytes], or as text such as "4GiB"; what is free if not given.

    Raises:
      UserError: there is no such device; too little memory for a pilot; or the study has facts, on which only a whole
        run is conditioned.
    """
    if study.facts is not None:
        text = f"takes figures as known, by which its futures are moved run by run. Run it: --until '{study.until[0]}'."
        raise UserError(study.source, [text])
    events = study.events_by_name
    names = [
        sorted(event_outcomes(study, events[one.variable])) if one.variable in events else [one.variable]
        for one in study.until
    ]
    seen, pilots = {}, {name: _pilot(study, name) for name in SAMPLERS}
    for other in pilots.values():
        refuse_if_memory_too_small(other, memory)
    for name, other in pilots.items():
        outcomes, seconds = first_outcomes(other, other.paths, sorted({*chain(*names)}), device)
        each = seconds / other.paths
        for target, own in zip(study.until, names, strict=True):
            predicted = forecast(other, target, {one: outcomes[one] for one in own})
            seen[str(target), name] = predicted, each
    rows = [(target, name, *seen[target, name]) for target in map(str, study.until) for name in SAMPLERS]
    columns = [
        texts("target", [row[0] for row in rows], "what is to be how precise"),
        texts("sampler", [row[1] for row in rows], "how path numbers become random numbers"),
        numbers("pilot", [pilots[row[1]].paths for row in rows], "futures that were computed to say so", head="pilot"),
        numbers("futures", [row[2].paths for row in rows], "that it takes", head="futures"),
        numbers("low", [row[2].low for row in rows], "lower end of their 95 % interval"),
        numbers("high", [row[2].high for row in rows], "upper end of it"),
        numbers(
            "seconds", [row[2].paths * row[3] for row in rows], "to compute them here, once the program is there", "s"
        ),
        numbers("bytes", [_bytes(study, row[2].paths) for row in rows], "of the run folder at most", "B"),
        texts("standing", [standing(row[2].look) for row in rows], "how it stands in the pilot"),
    ]
    table = Table("forecast", "Futures that it takes", columns, ("target", "sampler"))
    needs = {name: max(_or_endless(seen[str(one), name][0].paths) for one in study.until) for name in SAMPLERS}
    pilot = pilots[study.sampler]
    basis = f"a pilot each, as many paths as its sampler needs, seed {study.seed}; nothing was written"
    findings = _findings(study, needs, seen[str(study.until[0]), study.sampler][1])
    return Answer(Subject.of(pilot), findings, (table,), basis, question="for", heading="How many futures")


def _pilot(study: Study, sampler: str) -> Study:
    """The study under a sampler, with as many first paths as a pilot for the targets needs."""
    run = {**study.document["run"], "sampler": sampler}
    other = replace(study, sampler=sampler, document={**study.document, "run": run})
    return other.of_paths(pilot_paths(other))


def _or_endless(paths: float) -> float:
    return paths if math.isfinite(paths) else math.inf


def _bytes(study: Study, paths: float) -> float:
    return float(bytes_needed(replace(study, paths=math.ceil(paths)))) if np.isfinite(paths) else math.nan


def _findings(study: Study, needs: dict[str, float], each: float) -> tuple[str, ...]:
    own, least = needs[study.sampler], min(needs, key=lambda name: needs[name])
    if math.isinf(own):
        return ("How many futures that takes cannot be said from so few of them.",)
    size = size_as_text(int(_bytes(study, own)))
    first = f"About {few_digits(own)} futures do, which take {own * each:,.0f} seconds here and at most {size}."
    if own > study.paths:
        first += f" The study has {study.paths:,}."
    if needs[least] > 0.9 * own:
        return first, f"No other sampler than {study.sampler}, the study's, needs a tenth less."
    return (
        first,
        f"Sampler {least} needs the fewest, about {few_digits(needs[least])}; the study's is {study.sampler}.",
    )
