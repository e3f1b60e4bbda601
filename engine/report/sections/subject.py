"""What the answer speaks of: which event first, which outcomes, and what they are called."""

from __future__ import annotations

from engine.report.run_records import RunRecords
from engine.report.sentences import Spoken, Subject
from engine.risk.estimation.events import event_outcomes
from engine.study.study import Event

MOST = 4
"""Outcomes that the first pages show."""


def subject_of(run: RunRecords) -> Subject:
    """What the sentences speak of: the event of several events first, and of outcomes the one that it reads."""
    study = run.study
    events, model = ordered_events(run), study.model.outcomes
    first = first_outcome(run)
    outcomes = {
        name: Spoken(run.words("outcomes", name), model[name].unit, model[name].loss)
        for name in sorted(run.outcomes, key=lambda name: name != first)
    }
    spoken = {
        event.name: Spoken(
            run.title("events", event.name),
            parts=tuple(run.words("events", part) for part in event.all_of or ()),
        )
        for event in events
    }
    return Subject(study.policy_names, study.baseline, outcomes, spoken, run.risk, run.comparison)


def ordered_events(run: RunRecords) -> list[Event]:
    """Events that have a probability, those of several events first: what they say holds for all of them."""
    return sorted(run.events, key=lambda event: not event.all_of)


def first_outcome(run: RunRecords) -> str:
    """The outcome that is spoken of first: the one that was named, else the first of the headline, else the first that the first event reads."""
    study, events = run.study, ordered_events(run)
    read = event_outcomes(study, events[0]) if events else set(study.model.outcomes)
    ordered = [*study.headline, *(name for name in study.model.outcomes if name in read)]
    return run.variable or next((name for name in ordered if name in run.outcomes), run.outcomes[0])


def headline(run: RunRecords) -> list[str]:
    """The few outcomes that the first pages show; the named one first, where one was named."""
    named = [] if run.variable is None else [run.variable]
    known = [name for name in dict.fromkeys([*named, *run.study.headline]) if name in run.outcomes]
    return (known or [*run.outcomes])[:MOST]
