"""Tables of factors -> priors: the law of each, the data that it is read from, and its table as the resolved study has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from engine.draws.distributions.data import MOST_VALUES, thinned
from engine.draws.distributions.device import Draws
from engine.draws.distributions.prior import Prior, prior
from engine.errors import Problems, refusal
from engine.study.data_files import column, named_file

_STAND_IN = (0.0, 1.0)
"""In place of data that cannot be read, so that the rest is still checked."""
DESCRIPTIVE = ("about", "unit", "group", "source")
"""Keys of a factor's table that say nothing of its law."""


def law_keys(table: Mapping[str, Any]) -> dict[str, Any]:
    """What a factor's table says of its law."""
    return {key: value for key, value in table.items() if key not in DESCRIPTIVE}


def read(table: Mapping[str, Any]) -> Prior:
    """The prior that a table gives, which a device can draw.

    Raises:
      UserError: with all that is wrong with it, at places within the table.
    """
    given = prior(law_keys(table))
    Draws([given.law])
    return given


def in_words(table: Mapping[str, Any]) -> tuple[str, str]:
    """The family of a law, with what is done to it, and its parameters in a few words."""
    words = [table.get("family", "")]
    if "experts" in table:
        words.append(f"{len(table['experts'])} experts, {table.get('pool', 'linear')} pool")
    if "truncate" in table:
        words.append("truncated")
    if "transform" in table:
        words.append("then " + ", ".join(_function(step) for step in table["transform"]))
    skip = {"family", "experts", "pool", "transform", "parts", "labels", "values", "weights"}
    given = [f"{key} {_short(value)}" for key, value in law_keys(table).items() if key not in skip]
    for key, what in (("parts", "laws"), ("labels", "categories"), ("values", "values")):
        if key in table:
            given.insert(0, f"{len(table[key])} {what}")
            break
    return ", ".join(words), ", ".join(given)


def _function(step: Any) -> str:
    return step if isinstance(step, str) else " ".join(f"{how} {by:g}" for how, by in step.items())


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{key} {_short(part)}" for key, part in value.items())
    return (
        f"{value:.4g}"
        if isinstance(value, int | float) and not isinstance(value, bool)
        else str(value).lower()
    )


def labelled(table: Mapping[str, Any]) -> dict[str, float]:
    """The value of each category by its label; nothing for a law of numbers."""
    labels = table.get("labels")
    if not labels:
        return {}
    return dict(zip(labels, table.get("values") or (float(k) for k in range(len(labels))), strict=True))


# ---- data


def place_files(tables: Mapping[str, Any], folder: Path) -> None:
    """Writes where the data files of a study's laws are, which it names from the folder that it stands in."""
    for _, table in _with_files(tables):
        table["file"] = str(folder / table["file"])


def read_files(tables: Mapping[str, Any], problems: Problems) -> None:
    """Puts the values of data files in the place of their names.

    A column of more than `MOST_VALUES` rows is thinned evenly by rank.
    """
    for place, table in _with_files(tables):
        if table.get("family", "empirical") != "empirical":
            continue  # a problem of the law, which is still to be read
        file, name = table.pop("file"), table.pop("column", None)
        table["values"] = [*_STAND_IN]
        with problems.within(place):
            if not isinstance(name, str):
                raise refusal("column", "expected the name of a column of the file.")
            with named_file(file):
                values, empty = column(Path(file), name)
            kept = thinned(values)
            source = f"{Path(file).name}, column {name}, {len(values)} rows"
            source += f", {empty} empty cells left out" if empty else ""
            source += f", thinned to {MOST_VALUES}" if len(values) > len(kept) else ""
            table.setdefault("source", source)
            table["values"] = [float(x) for x in kept]


def _with_files(tables: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Place and table of each law that names a file, of any types otherwise."""
    for kind in ("factors", "shocks"):
        named = tables.get(kind)
        for name, table in named.items() if isinstance(named, dict) else ():
            yield from _within(f"{kind}.{name}", table, 0)


def _within(place: str, table: Any, depth: int) -> Iterator[tuple[str, dict[str, Any]]]:
    if not isinstance(table, dict) or depth > 8:
        return
    if isinstance(table.get("file"), str):
        yield place, table
    for key in ("experts", "parts"):
        parts = table.get(key)
        for number, part in enumerate(parts if isinstance(parts, list) else ()):
            yield from _within(f"{place}.{key}.{number}", part, depth + 1)
    yield from _within(f"{place}.size", table.get("size"), depth + 1)
    states = table.get("states")
    for state, law in states.items() if isinstance(states, dict) else ():
        yield from _within(f"{place}.states.{state}", law, depth + 1)
