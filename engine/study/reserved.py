"""Names that a study's variables may not have, because dimensions of the cube have them."""

from __future__ import annotations

from engine.errors import UserError
from engine.study.study import Study

_RESERVED = {
    "policy",
    "path",
    "measure",
    "level",
    "stat",
    "year",
    "quantile",
    "moment",
    "bin",
    "edge",
    "outcome",
    "reason",
    "reasons",
    "detail",
}


def refuse_reserved(study: Study) -> None:
    """Raises a UserError that tells of every variable, dimension and event of the study whose name is taken."""
    tables = {"outcome": study.model.outcomes, "yearly variable": getattr(study.model, "yearly", {})}
    tables["factor"] = {item.name: item for item in study.inputs}
    tables["event"] = {event.name: event for event in study.events}
    problems = [
        f"the {kind} '{name}' has the name of a dimension of the cube. Choose another name."
        for kind, table in tables.items()
        for name in table
        if name in _RESERVED or name in study.model.dims or "/" in name
    ]
    problems += [
        f"the dimension '{dim}' has the name of a dimension of the cube. Choose another name."
        for dim in study.model.dims
        if dim in _RESERVED
    ]
    problems += [
        f"the event '{event.name}' has the name of an outcome. Choose another name."
        for event in study.events
        if event.name in study.model.outcomes
    ]
    if problems:
        raise UserError(study.source, problems)
