"""Models by name: those that ship with this package, and those that other installed packages provide."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

from engine.errors import UserError, in_a_line, unknown
from engine.modelling.loading import is_model
from engine.modelling.records import Model

GROUP = "rustbelt.models"
"""Group of entry points in which an installed package declares its models."""
SHIPPED = {
    "rustbelt": EntryPoint("rustbelt", "engine.models.rustbelt:Rustbelt", GROUP),
    "warming": EntryPoint("warming", "engine.models.warming:Warming", GROUP),
}


def known() -> list[str]:
    """Names of all models that ship or that installed packages provide, which a study can name without trust."""
    return [*SHIPPED, *sorted(entry_points(group=GROUP).names - set(SHIPPED))]


def named(name: str) -> Model:
    """An instance of the model of that name, created without arguments.

    Raises:
      UserError: there is no such model, or what an installed package provides under the name is no model.
    """
    if name not in known():
        raise UserError("model", [unknown("model", name, known())])
    if name in SHIPPED:
        shipped: Model = SHIPPED[name].load()()
        return shipped
    try:
        part = entry_points(group=GROUP)[name].load()
        if is_model(part):
            return part()
    except (Exception, SystemExit) as error:
        problem = f"'{name}', which an installed package brings along, cannot be loaded: {in_a_line(error)}."
        raise UserError("model", [problem]) from error
    raise UserError("model", [f"'{name}': expected a class derived from PathModel or StaticModel, got {part!r}."])
