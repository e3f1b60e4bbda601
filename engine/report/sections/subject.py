"""What the answer is about: the order of events and outcomes, and their names in sentences."""

from __future__ import annotations

from engine.report.run_records import RunRecords
from engine.report.sentences import Spoken, Subject
from engine.risk.estimation.events import event_outcomes
from engine.study.components import Event

MOST = 4
"""Most outcomes that the first pages show."""


def subject_of(run: RunRecords) -> Subject:
    """The `Subject` of the sentences: joint events first, and `first_outcome` before all other outcomes."""
    study = run.study
    events, model = ordered_events(run), study.model.outcomes
    first = first_outcome(run)
    outcomes = {
        name: Spoken(run.words("outcomes", name), model[name].unit, study.is_loss(name))
        for name in sorted(run.outcomes, key=lambda name: name != first)
    }
    spoken = {
        event.name: Spoken(
            run.title("events", event.name), parts=tuple(run.words("events", part) for part in event.all_of or ())
        )
        for event in events
    }
    return Subject(study.policy_names, study.baseline, outcomes, spoken, run.risk, run.comparison)


def ordered_events(run: RunRecords) -> list[Event]:
    """Events that have a probability, joint events (all of several at once) first."""
    return sorted(run.events, key=lambda event: not event.all_of)


def first_outcome(run: RunRecords) -> str:
    """The outcome mentioned first: the one named, else the first of the headline, else one of the first event."""
    study, events = run.study, ordered_events(run)
    read = event_outcomes(study, events[0]) if events else set(study.model.outcomes)
    ordered = [*study.headline, *(name for name in study.model.outcomes if name in read)]
    return run.variable or next((name for name in ordered if name in run.outcomes), run.outcomes[0])


def headline(run: RunRecords) -> list[str]:
    """The outcomes that the first pages show: the one named, then those of the headline, at most `MOST`."""
    named = [] if run.variable is None else [run.variable]
    known = [name for name in dict.fromkeys([*named, *run.study.headline]) if name in run.outcomes]
    return (known or [*run.outcomes])[:MOST]
