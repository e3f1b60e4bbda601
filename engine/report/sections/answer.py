"""The question, and what the numbers answer."""

from __future__ import annotations

from engine.report.markup import Section, render
from engine.report.run_records import Material
from engine.report.sentences import Spoken, Subject, answer
from engine.risk.events import event_outcomes
from engine.study.study import Event


def section(material: Material) -> Section:
    """The answer in three sentences, and what its brackets mean."""
    study = material.study
    status = str(material.tree.attrs.get("status", "complete"))
    markup = render(
        "answer.html",
        sentences=answer(subject_of(material)),
        baseline=study.baseline,
        single=not material.others,
        partial=(material.paths, int(material.tree.attrs.get("paths_asked", 0)))
        if status == "partial"
        else None,
    )
    return Section("answer", "The answer", markup)


def subject_of(material: Material) -> Subject:
    """What the sentences speak of: the event of several events first, and of outcomes the one that it reads."""
    study = material.study
    events = ordered_events(material)
    outcomes = {
        name: Spoken(material.words(name), outcome.unit, outcome.loss)
        for name, outcome in study.model.outcomes.items()
        if ("mean", study.baseline, name) in material.risk
    }
    first = headline(material, events)
    ordered = {name: outcomes[name] for name in sorted(outcomes, key=lambda name: name != first)}
    spoken = {event.name: Spoken(event.about or material.words(event.name)) for event in events}
    return Subject(study.policy_names, study.baseline, ordered, spoken, material.risk, material.comparison)


def ordered_events(material: Material) -> list[Event]:
    """The study's events that have a probability, those of several events first: what they say is said of all of them."""
    study = material.study
    there = [e for e in study.events if ("probability", study.baseline, e.name) in material.risk]
    return sorted(there, key=lambda event: not event.all_of)


def headline(material: Material, events: list[Event]) -> str:
    """The outcome that is spoken of first: the one asked for, else the first one that the first event reads."""
    study = material.study
    if material.variable is not None:
        return material.variable
    read = event_outcomes(study, events[0]) if events else set(study.model.outcomes)
    return next(name for name in study.model.outcomes if name in read)
