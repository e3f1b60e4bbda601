"""The head of a study and its sections `run`, `time`, `risk` and `keep`, read and checked."""

from __future__ import annotations

from collections.abc import Sequence

from engine.draws.sampling import REMOVED, SAMPLERS
from engine.errors import Problems, refusal
from engine.formatting import shown
from engine.modelling.cell_axis import cell_count
from engine.modelling.records import Model, PathModel
from engine.study.components import Keep
from engine.study.study import BLOCK, LEVELS
from engine.study.tables.facts import FUTURES
from engine.study.values import Tables

SMALL_MODEL = 64
"""Yearly cells up to which a model counts as small, with little state to carry from year to year."""
LONGEST = 20_000
"""Most time steps of a study: the days of half a century."""
FIRST_OUTCOMES = 5
"""Number of outcomes that short tables show where a study does not name them."""
_LOWEST_LEVEL = 50


def default_tile(model: Model, n_policies: int) -> int:
    """Paths in one compiled pass, from 64 to 1024, such that the state between years stays in a core's cache.

    The power of two at or below 1024 / policies, or twice that for a small model; 4096 for a static model.
    """
    if not isinstance(model, PathModel):
        return 4096
    share = max(64, (2048 if cell_count(model) <= SMALL_MODEL else 1024) // max(1, n_policies))
    return min(1024, 1 << (share.bit_length() - 1))


def check_head(text: Tables, problems: Problems) -> None:
    """Adds problems of a study's number of paths, sampler and tile."""
    run = text["run"]
    sampler, tile = run["sampler"], run.get("tile")
    if sampler in REMOVED:
        problems.add("run.sampler", f"sampler '{sampler}' was removed. Take {REMOVED[sampler]}.")
    elif problems.knows("run.sampler", "sampler", sampler, SAMPLERS):
        unit, of = SAMPLERS[sampler].unit, f"whole replicates of sampler '{sampler}'"
        if text.get("facts"):
            unit, of = FUTURES, "whole runs of moved futures"
        for table, key, least in (("run", "paths", 1), ("keep", "yearly", 0)):
            count, below = text[table][key], text[table][key] // unit * unit
            # a part of a unit has errors of another size; but a pair may stand in two halves
            if unit > 2 and count != below:
                remedy = f"{below} or {below + unit}" if below >= least else f"{below + unit}"
                problems.add(f"{table}.{key}", f"expected a multiple of {unit}, {of}, got {count}. Take {remedy}.")
    if tile is not None and (tile & (tile - 1) or not 16 <= tile <= BLOCK):
        problems.add("run.tile", f"expected a power of two from 16 to {BLOCK}, got {shown(tile)}.")


def years(time: Tables | None, model: Model, model_name: str) -> tuple[int, ...]:
    """Calendar years of a study; none for a static model.

    Args:
      time: the table of that name, None where there is none.

    Raises:
      UserError: years for a model that has none; no years, or too many, for one that has.
    """
    if not isinstance(model, PathModel):
        if time is not None:
            raise refusal("time", f"model '{model_name}' has no years. Remove the table.")
        return ()
    if time is None:
        raise refusal("time", "is missing. Give the years: time = { first = 2016, last = 2030 }.")
    first, last, unit = time["first"], time["last"], time["unit"]
    if last < first:
        raise refusal("time.last", f"expected at least first = {first}, got {last}.")
    years = range(first, last + 1)
    if len(years) > LONGEST:
        raise refusal(
            "time.last",
            f"expected at most {LONGEST:,} steps of a {unit}, got {len(years):,}. "
            "Take a longer step, and let the model make several of it.",
        )
    return tuple(years)


def headline(names: Sequence[str] | None, model: Model, problems: Problems) -> tuple[str, ...]:
    """Outcomes that short tables show: those that the study names, else the first of the model."""
    if names is None:
        return (*model.outcomes,)[:FIRST_OUTCOMES]
    problems.knows_each("headline", "outcome", names, model.outcomes)
    return tuple(names)


def levels(table: Tables, problems: Problems) -> tuple[float, ...]:
    """Levels of VaR and ES as shares, ascending: those of every study, and those that the table adds in per cent."""
    for level in table["levels"]:
        if not _LOWEST_LEVEL < level < 100 or float(f"{level:g}") != level:
            remedy = f" Write {100 * level:g}." if _LOWEST_LEVEL < 100 * level < 100 else ""
            problems.add(
                "risk.levels",
                f"expected per cent between {_LOWEST_LEVEL} and 100, of at most six digits, such as 97.5"
                f"; got {level!r}.{remedy}",
            )
    return tuple(sorted({*LEVELS, *(round(level / 100, 8) for level in table["levels"])}))


def keep(table: Tables, model: Model, problems: Problems) -> Keep:
    """What is stored path by path; outcomes in the order of the model."""
    wanted = table["outcomes"]
    if isinstance(wanted, str):
        wanted = [] if wanted == "none" else list(model.outcomes)
    for name in wanted:
        problems.knows("keep.outcomes", "outcome", name, model.outcomes)
    return Keep(tuple(name for name in model.outcomes if name in wanted), table["draws"], table["yearly"])
