"""Tables of events, read to `Event`s: thresholds on outcomes, and combinations of such events."""

from __future__ import annotations

from engine.errors import Problems, unknown
from engine.modelling.records import Model
from engine.study.components import Event
from engine.study.values import Tables, number


def read(tables: Tables, model: Model, problems: Problems) -> tuple[Event, ...]:
    """Events in the order of the tables, without invalid ones, whose problems are added."""
    events = []
    for name in tables:
        with problems.within(f"events.{name}"):
            events.append(_event(name, tables, model))
    return tuple(events)


def _event(name: str, tables: Tables, model: Model) -> Event:
    table, problems = tables[name], Problems()
    limits = [key for key in ("above", "below") if key in table]
    if name in model.outcomes:
        problems.add("", "is the name of an outcome; take another.")
    elif name in model.dims:
        problems.add("", "is the name of a dimension; take another.")
    combined = [key for key in ("all", "any") if key in table]
    for key in combined:
        if limits or "outcome" in table:
            problems.add("", f"expected either `{key}` or an outcome with a threshold, got both.")
        if not table[key]:
            problems.add(key, "expected at least one event, got none.")
        for other in table[key]:
            if other not in tables:
                problems.add(key, unknown("event", other, set(tables) - {name}))
            elif {"all", "any"} & {*tables[other]}:
                problems.add(key, f"expected events with a threshold of their own; '{other}' has none.")
    if len(combined) == 2:
        problems.add("", "expected either `all` or `any`, got both.")
    elif not combined:
        if "outcome" in table:
            problems.knows("outcome", "outcome", table["outcome"], model.outcomes)
        else:
            problems.add("", 'has no outcome. Add outcome = "..." and above or below.')
        if len(limits) == 1:
            with problems.within(limits[0]):
                number(table[limits[0]])
        else:
            problems.add("", f"expected a threshold, above or below, got {'both' if limits else 'none'}.")
    problems.refuse()
    outcome, above, below = map(table.get, ("outcome", "above", "below"))
    parts = (tuple(table.get(key, ())) for key in ("all", "any"))
    return Event(name, table.get("about", ""), outcome, above, below, *parts)
