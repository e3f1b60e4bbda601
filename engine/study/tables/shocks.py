"""Tables of shocks, read to `Shocks`: how each shock is drawn."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from scipy import special

from engine.draws.distributions.closed import Marginal
from engine.draws.distributions.law import Law
from engine.draws.factors import Group
from engine.draws.limits import reach
from engine.draws.shocks import Jumps, Moving, Shocks
from engine.errors import Problems, look_up, refusal
from engine.modelling.records import Model, shock_streams
from engine.study.tables import factors as factor_tables, groups as group_tables
from engine.study.values import Names, Tables

JUMP_KEYS = ("probability", "rate", "size")
_OWN = ("persistence", *JUMP_KEYS)
REMOVED = "regimes were removed. Let the state of the model follow the chain, by a uniform shock."
MOST_JUMPS = 64
"""Most jumps per year that a shock may have."""
RARE = 1e-10
"""Probability, at most, of more jumps in a year than are counted."""


def group_names(shocks: Tables) -> set[str]:
    """Names of the groups of shocks, as the tables of shocks name them."""
    return {table["group"] for table in shocks.values() if "group" in table}


def read(tables: Tables, model: Model, of_factors: Mapping[str, Law], problems: Problems) -> Shocks:
    """The shocks of a study, to be used only if there are no problems.

    Args:
      tables: the study's tables, types checked.
      of_factors: factor -> its law, as a probability or a rate of jumps may be drawn from a factor.
      problems: what is wrong with the tables is added here.
    """
    streams, moving = shock_streams(model), dict[str, Moving]()
    chances = {name: of_factors.get(name) for name in model.factors}
    for name, table in tables["shocks"].items():
        with problems.within(f"shocks.{name}"):
            look_up("shock", name, model.shocks)
            for key in sorted({"regime", "states"} & {*table}):
                raise refusal(key, REMOVED)
            plain = Moving(name, streams[name], Marginal(model.shocks[name].law, (0.0, 1.0)))
            moving[name] = _shock(table, plain, chances)
    return Shocks(moving, _groups(tables, streams, problems))


def _groups(tables: Tables, streams: Mapping[str, Names], problems: Problems) -> dict[str, Group]:
    """Groups of streams: all those of the shocks that say that they are in one."""
    names = group_names(tables["shocks"])
    of_shocks = {name: table for name, table in tables["groups"].items() if name in names}
    members = dict[str, Any]()
    for name, table in tables["shocks"].items():
        group = table.get("group")
        if group is not None and problems.knows(f"shocks.{name}.group", "group", group, tables["groups"]):
            members |= {stream: {"group": group} for stream in streams.get(name, ())}
    group_of = group_tables.membership(of_shocks, members, problems)
    return group_tables.read(of_shocks, group_of, [*members], problems)


def _shock(table: Tables, plain: Moving, chances: Mapping[str, Law | None]) -> Moving:
    """The shock that a table states; `plain` is drawn by the model's own law."""
    problems, stated = Problems(), dict[str, Any]()
    persistence = float(table.get("persistence", 0.0))
    if not -1 < persistence < 1:
        problems.add("persistence", f"expected more than -1 and less than 1, got {persistence:g}.")
    own = {key: value for key, value in factor_tables.law_keys(table).items() if key not in _OWN}
    with problems.within(""):
        if any(key in table for key in JUMP_KEYS):
            for key in ("persistence", "group", *own):
                if key in table:
                    problems.add(key, "cannot be combined with jumps. Remove one of them.")
            stated = {"law": None, "jumps": _jumps(table, chances)}
        elif own:
            stated = {"law": factor_tables.read(own).law}
    problems.refuse()
    return replace(plain, persistence=persistence, about=_in_words(table, own), **stated)


def _jumps(table: Tables, chances: Mapping[str, Law | None]) -> Jumps:
    kinds = [key for key in ("probability", "rate") if key in table]
    if len(kinds) != 1:
        raise refusal("", f"expected a probability or a rate of jumps, got {'both' if kinds else 'neither'}.")
    kind, problems = kinds[0], Problems()
    with problems.within("size"):
        if "size" not in table:
            raise refusal(
                "", 'is missing. Give the law of a jump: size = { family = "normal", mean = -0.2, sd = 0.1 }.'
            )
        size = factor_tables.read(table["size"]).law
    with problems.within(kind):
        highest = _highest(table[kind], 1.0 if kind == "probability" else math.inf, chances)
        most = 1 if kind == "probability" else jumps_counted(highest)
        if most > MOST_JUMPS:
            raise refusal(
                "",
                f"expected a rate that hardly ever gives more than {MOST_JUMPS} jumps a year, got up to {highest:.4g}."
                " For so many use one law of their sum.",
            )
    problems.refuse()
    return Jumps(kind, table[kind], size, most)


def _highest(chance: float | str, limit: float, chances: Mapping[str, Law | None]) -> float:
    """The largest value of a probability or rate; a factor is refused if negative, or with a median above the limit.

    Args:
      chances: factor -> its law, None where that has problems of its own.
    """
    if not isinstance(chance, str):
        return chance
    look_up("factor", chance, chances)
    if (law := chances[chance]) is None:
        return 0.0
    low, high = reach(law)
    # a rare draw beyond 1 is a certainty; a median beyond it is a mistake
    middle = float(law.quantile(0.5))
    if low < 0 or middle > limit:
        limits = f"from 0 to {limit:g}" if math.isfinite(limit) else "of at least 0"
        raise refusal("", f"expected a number {limits}, got {low if low < 0 else middle:.4g}.")
    return min(high, limit)


def jumps_counted(rate: float) -> int:
    """The least m >= 1 with P(N > m) <= 1e-10 for N Poisson with this rate, but at most `MOST_JUMPS` + 1."""
    enough = (m for m in range(1, MOST_JUMPS + 1) if special.pdtrc(m, rate) <= RARE)
    return next(enough, MOST_JUMPS + 1)


def _in_words(table: Tables, own: Tables) -> tuple[str, str]:
    """The law of a shock, and its parameters and persistence, each in a few words; `own` is its law for all years."""
    rest = [f"persistence {table['persistence']:g}"] if "persistence" in table else []
    for kind in ("probability", "rate"):
        if kind in table:
            return "jumps", f"{kind} {table[kind]}, size {' '.join(factor_tables.in_words(table['size']))}"
    family, parameters = factor_tables.in_words(own) if own else ("the model's", "")
    return family, ", ".join(filter(None, [parameters, *rest]))
