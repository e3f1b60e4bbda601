"""Questions that a report lacks, asked one after the other."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.answers import registry
from engine.answers.question import fields
from engine.errors import UserError
from engine.execution.progress import Observer, Progress
from engine.formatting import duration
from engine.report.brief import missing_questions
from engine.report.records import RunRecords, stored
from engine.report.sentences import ranked
from engine.run_folder import provenance
from engine.runs.asking import ask

if TYPE_CHECKING:
    from engine.runs.run import Run


def ask_missing(run: Run, observe: Observer, variable: str | None = None) -> list[str]:
    """Asks a run what its report lacks, stores the answers, and returns the questions that were answered.

    Before each question a note says how many are left, and how long they take: as long as those before them, or as the
    run itself did. A question that is refused is left out, with a note.

    Args:
      variable: the outcome that the answer speaks of first; by default the first of the headline.

    Raises:
      UserError: there is no such outcome.
    """
    of = stored(run.folder, run.answers.study, run._read_cube, variable)
    wanted = {name: options for name in missing_questions(of) if (options := options_for(of, name)) is not None}
    began, answered = time.monotonic(), list[str]()
    for k, (name, options) in enumerate(wanted.items()):
        each = (time.monotonic() - began) / k if k else _seconds(run.folder)
        left = f"about {duration((len(wanted) - k) * each)} left"
        heading = registry.question(name).heading
        observe(Progress("asking", k, len(wanted), f"{heading} ({k + 1} of {len(wanted)} questions, {left})"))
        watched = run._asking(observe=lambda stage, done, total: observe(Progress(stage, done, total)))
        try:
            ask(name, options, watched)
            answered.append(name)
        except UserError as error:
            observe(Progress("asking", k, len(wanted), f"{heading} has no answer: {error}"))
    return answered


def options_for(of: RunRecords, question: str) -> Mapping[str, Any] | None:
    """The required options of a question, filled in from the study; None where the study does not have them.

    `flip` is about the baseline and the best of the other policies.
    """
    base, outcome = of.study.baseline, of.outcomes[0]
    known: dict[str, Any] = {"outcome": outcome, "start": base}
    if of.others:
        best = ranked(of, of.others, "mean", outcome)[0]
        known |= {"end": best, "policies": (best, base), "where": f"{best} worse than {base} in {outcome}"}
    if of.events:
        known["where"] = f"{of.events[0]} under {base}"
    required = [one.name for one in fields(registry.question(question)) if one.required]
    required += ["policies"] * (question == "flip")  # needed where more than two run
    return {name: known[name] for name in required} if {*required} <= {*known} else None


def _seconds(folder: Path) -> float:
    """How long the run of a folder took, by its provenance."""
    spans = [(str(past.get("started") or ""), str(past.get("ended") or "")) for past in provenance.runs(folder)]
    return sum(
        (datetime.fromisoformat(ended) - datetime.fromisoformat(started)).total_seconds()
        for started, ended in spans
        if started and ended
    )
