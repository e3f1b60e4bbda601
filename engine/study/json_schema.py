"""The JSON schema of study files, for editors: the keys of `schema.py`, with the names that these may have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.draws.copulas import statements
from engine.draws.distributions.families import known_families
from engine.draws.distributions.prior import POOLS
from engine.draws.distributions.scipy_catalogue import PLAIN_NAMES, continuous_names, discrete_names, parameter_names
from engine.draws.sampling import SAMPLERS
from engine.modelling import catalogue
from engine.modelling.records import Model
from engine.study.labels import OF_LABELS
from engine.study.schema import EXTENDS, NAMED, as_json_schema
from engine.study.study import FORMS, PRECISIONS
from engine.study.tables.gates import ACROSS
from engine.study.tables.observed import NEEDED, ROW, SEEN
from engine.study.templates import meaning
from engine.study.values import Tables

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_LAWS = ("LawTable", "WeightedLaw", "FactorTable", "ShockTable")


def study_schema(model: Model | None = None) -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of study files.

    What only the engine can tell is left to `rustbelt check`: whether quantiles rise, whether a name is that of a
    factor, which parameters go with which family.

    Args:
      model: the model whose factors, shocks, levers and outcomes are offered; those of all models that ship if not
        given.
    """
    schema = as_json_schema()
    tables = schema["$defs"]
    for name in _LAWS:
        _name_laws(tables[name])
    _name_rest(schema, tables)
    for one in [model] if model is not None else map(catalogue.named, catalogue.SHIPPED):
        _name_parts(schema, tables, one)
    extends = {"description": EXTENDS, "type": "string", "examples": ["rustbelt"]}
    properties = {"extends": extends} | schema["properties"]
    for one in properties.values():
        if isinstance(one.get("default"), dict):  # in a study that extends another it would take that one's place
            del one["default"]
    return {
        "$schema": DRAFT,
        "title": "Study of the rustbelt engine",
        "description": schema["description"],
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "if": {"not": {"required": ["extends"]}},
        "then": _whole(schema["required"], tables),
        "$defs": tables,
    }


def _whole(required: list[str], tables: Tables) -> dict[str, Any]:
    """The keys that a study without `extends` must state, removed from `required` of the tables themselves, as a study
    with `extends` may leave them to the study that it extends.
    """
    stated = {"anyOf": [{"required": ["family"]}, {"required": ["experts"]}]}
    inside = {
        "time": {"required": tables["Time"].pop("required")},
        "regimes": {"additionalProperties": {"required": tables["RegimeTable"].pop("required")}},
        "factors": {"additionalProperties": stated},
        "lever_groups": {"additionalProperties": {"required": tables["LeverGroupTable"].pop("required")}},
        "assumptions": {"additionalProperties": {"required": ["off"]}},
    }
    return {"required": required, "properties": inside}


def _name_laws(table: dict[str, Any]) -> None:
    """Offers the families by name, and the parameters of all of them as keys; other keys are refused."""
    known = table["properties"]
    known["family"]["enum"] = [*known_families()]
    known["pool"]["enum"] = [*POOLS]
    for key, families in sorted(_parameters()):
        known.setdefault(key, {"type": "number", "description": f"parameter of {families}"})
    table["additionalProperties"] = False


def _parameters() -> Iterator[tuple[str, str]]:
    """Each parameter of SciPy's laws, with the names of some that have it."""
    laws_with: dict[str, list[str]] = {}
    plain = {name: word for word, name in PLAIN_NAMES.items()}
    for name in (*continuous_names(), *discrete_names()):
        for key in parameter_names(name):
            laws_with.setdefault(key, []).append(plain.get(name, name))
    for key, names in laws_with.items():
        some = ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")
        yield key, "the laws of scipy.stats" if key in ("loc", "scale") else some


def _name_rest(schema: dict[str, Any], tables: dict[str, Any]) -> None:
    for key, known in (("sampler", SAMPLERS), ("precision", PRECISIONS), ("program", FORMS)):
        tables["Run"]["properties"][key]["enum"] = [*known]
    observed = tables["ObservedTable"]["properties"]
    observed["seen"]["items"]["enum"] = [*SEEN]
    observed["rows"]["items"] |= {"propertyNames": {"enum": ROW}, "required": [*NEEDED]}
    tables["GroupTable"]["properties"]["copula"]["enum"] = [*statements.FAMILIES]
    tables["Truncation"]["minProperties"] = 1
    tables["GateTable"]["properties"]["across"]["enum"] = [*ACROSS]
    tables["PolicyTable"]["additionalProperties"] = {"$ref": "#/$defs/Lever"}
    tables["Lever"] = {
        "description": "a number or the name of a factor, a table by year, or a table by label of these",
        "anyOf": [
            {"type": "number"},
            {"type": "string", "pattern": r"^\w[\w-]*(\[[^\[\]/]+\])?$"},  # a number in quotes is none
            {"type": "object", "minProperties": 1, "additionalProperties": {"$ref": "#/$defs/Lever"}},
        ],
    }
    schema["properties"]["model"]["examples"] = catalogue.known()


def _name_parts(schema: dict[str, Any], tables: dict[str, Any], model: Model) -> None:
    """Offers the names of a model's parts; others stay allowed, as they may be of another model."""
    levers = tables["PolicyTable"]["properties"]
    for name, lever in model.levers.items():
        about = f"{meaning(lever)}; {lever.default:g} if left out"
        about += f"; {lever.bounds}" if lever.bounds else ""
        levers.setdefault(name, {"$ref": "#/$defs/Lever", "description": about})
    for key in ("factors", "shocks", *OF_LABELS):
        known = schema["properties"][key].setdefault("properties", {})
        for name, part in getattr(model, key).items():
            known.setdefault(name, {"$ref": f"#/$defs/{NAMED[key].__name__}", "description": meaning(part)})
    known = schema["properties"]["constants"].setdefault("properties", {})
    for name, constant in model.constants.items():
        about = f"{meaning(constant)}; {constant.value:g} if left out"
        known.setdefault(name, {"type": "number", "description": about})
    listed, _ = schema["properties"]["lever_groups"]["additionalProperties"]["oneOf"]
    for place, names in (
        (listed["items"], model.levers),
        (tables["LeverGroupTable"]["properties"]["levers"]["items"], model.levers),
        (tables["GateTable"]["properties"]["variable"], [*model.outcomes, *model.yearly]),
        (tables["EventTable"]["properties"]["outcome"], model.outcomes),
    ):
        place["examples"] = [*dict.fromkeys([*place.get("examples", ()), *names])]
