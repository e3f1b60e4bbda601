"""Tables of events, read to `Event`s: thresholds on outcomes, and conjunctions of several such events."""

from __future__ import annotations

from engine.errors import Problems, refusal, unknown
from engine.modelling.records import Model
from engine.study.components import Event
from engine.study.values import Tables, number


def read(tables: Tables, model: Model, problems: Problems) -> tuple[Event, ...]:
    """Events in the order of the tables, without invalid ones, whose problems are added."""
    events = []
    for name, table in tables.items():
        with problems.within(f"events.{name}"):
            events.append(_joint(name, tables, model) if "all" in table else _threshold(name, table, model))
    return tuple(events)


def _own(name: str, model: Model) -> Problems:
    problems = Problems()
    if name in model.outcomes:
        problems.add("", "is the name of an outcome; take another.")
    elif name in model.dims:
        problems.add("", "is the name of a dimension; take another.")
    return problems


def _limits(table: Tables) -> list[str]:
    return [key for key in ("above", "below") if key in table]


def _joint(name: str, tables: Tables, model: Model) -> Event:
    table, problems = tables[name], _own(name, model)
    if _limits(table) or "outcome" in table:
        problems.add("", "expected either `all` or an outcome with a threshold, got both.")
    if not table["all"]:
        problems.add("all", "expected at least one event, got none.")
    for other in table["all"]:
        if other not in tables:
            problems.add("all", unknown("event", other, set(tables) - {name}))
        elif "all" in tables[other]:
            problems.add("all", f"expected events with a threshold of their own; '{other}' has none.")
    problems.refuse()
    return Event(name, table.get("about", ""), all_of=tuple(table["all"]))


def _threshold(name: str, table: Tables, model: Model) -> Event:
    problems, limits = _own(name, model), _limits(table)
    if "outcome" in table:
        problems.knows("outcome", "outcome", table["outcome"], model.outcomes)
    else:
        problems.add("", 'has no outcome. Add outcome = "..." and above or below.')
    with problems.within(limits[0] if len(limits) == 1 else ""):
        if len(limits) != 1:
            got = "both" if limits else "none"
            raise refusal("", f"expected a threshold, above or below, got {got}.")
        number(table[limits[0]])
    problems.refuse()
    return Event(name, table.get("about", ""), table.get("outcome"), table.get("above"), table.get("below"))
