"""The question, and what the numbers answer."""

from __future__ import annotations

from engine.report.markup import Section, render
from engine.report.run_records import RunRecords
from engine.report.sentences import Spoken, Subject, answer
from engine.risk.events import event_outcomes
from engine.study.study import Event


def section(run: RunRecords) -> Section:
    """The answer in three sentences, and what its brackets mean."""
    study = run.study
    status = str(run.tree.attrs.get("status", "complete"))
    markup = render(
        "answer.html",
        sentences=answer(subject_of(run)),
        baseline=study.baseline,
        single=not run.others,
        partial=(run.paths, int(run.tree.attrs.get("paths_asked", 0))) if status == "partial" else None,
    )
    return Section("answer", "The answer", markup)


def subject_of(run: RunRecords) -> Subject:
    """What the sentences speak of: the event of several events first, and of outcomes the one that it reads."""
    study, events = run.study, ordered_events(run)
    first = first_outcome(run, events)
    model = study.model.outcomes
    outcomes = {
        name: Spoken(run.words("outcomes", name), model[name].unit, model[name].loss)
        for name in sorted(run.outcomes, key=lambda name: name != first)
    }
    labels = study.labels.get("events", {})
    spoken = {
        event.name: Spoken(labels.get(event.name) or event.about or run.words("events", event.name))
        for event in events
    }
    return Subject(study.policy_names, study.baseline, outcomes, spoken, run.risk, run.comparison)


def ordered_events(run: RunRecords) -> list[Event]:
    """Events that have a probability, those of several events first: what they say holds for all of them."""
    return sorted(run.events, key=lambda event: not event.all_of)


def first_outcome(run: RunRecords, events: list[Event]) -> str:
    """The outcome that is spoken of first: the one that was named, else the first one that the first event reads."""
    study = run.study
    if run.variable is not None:
        return run.variable
    read = event_outcomes(study, events[0]) if events else set(study.model.outcomes)
    return next(name for name in study.model.outcomes if name in read)
