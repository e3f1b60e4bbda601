"""Tables of shocks and regimes -> how each shock is drawn, and all that is wrong with them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import special

from engine.draws.distributions import Law, Marginal
from engine.draws.random_words import FARTHEST
from engine.draws.shocks import Jumps, Moving, Regime, Shocks
from engine.errors import Problem, did_you_mean, unknown
from engine.modelling.records import Model, shock_streams
from engine.study import factor_tables, group_tables

JUMP_KEYS = ("probability", "rate", "size")
_OWN = ("persistence", "regime", "states", *JUMP_KEYS)
_LAWS: Mapping[str, Law] = {
    "normal": Marginal("normal", (0.0, 1.0)),
    "uniform": Marginal("uniform", (0.0, 1.0)),
}
MOST_JUMPS = 64
"""Jumps in a year that can be told apart."""
RARE = 1e-10
"""Probability of more jumps than are told apart."""

Tables = Mapping[str, Mapping[str, Any]]


def group_names(shocks: Tables) -> set[str]:
    """Groups that are of shocks, because a shock says so."""
    return {table["group"] for table in shocks.values() if "group" in table}


class ShockReader:
    """Reads the shocks of a study; `problems` holds what is wrong with them.

    Args:
      tables: the study's tables of that name, types checked.
      of_factors: factor -> its law, for chances that a factor gives.
    """

    def __init__(self, model: Model, tables: Mapping[str, Tables], of_factors: Mapping[str, Law]):
        self.problems: list[Problem] = []
        self._model: Any = model
        self._factors = of_factors
        self._known = getattr(model, "shocks", {})
        self._streams = shock_streams(model)
        self.regimes = {name: self._regime(name, table) for name, table in tables["regimes"].items()}
        self.moving = {
            name: found
            for name, table in tables["shocks"].items()
            if (found := self._moving(name, table)) is not None
        }
        self._groups(tables)

    def shocks(self) -> Shocks:
        """What was read, when there are no problems; groups and chains that no shock uses are left out."""
        used = {moving.regime for moving in self.moving.values()}
        chains = {name: chain for name, chain in self.regimes.items() if chain is not None and name in used}
        return Shocks(self.moving, self.groups, chains)

    def _wrong(self, place: str, message: str) -> None:
        self.problems.append(Problem(place, message))

    def _groups(self, tables: Mapping[str, Tables]) -> None:
        """Groups of streams: all those of the shocks that say that they are in one."""
        names = group_names(tables["shocks"])
        of_shocks = {name: table for name, table in tables["groups"].items() if name in names}
        streams = {
            stream: {"group": table["group"]}
            for name, table in tables["shocks"].items()
            if "group" in table
            for stream in self._streams.get(name, ())
        }
        for name, table in tables["shocks"].items():
            if "group" in table and table["group"] not in tables["groups"]:
                self._wrong(f"shocks.{name}.group", unknown("group", table["group"], tables["groups"]))
        known = {stream: table for stream, table in streams.items() if table["group"] in of_shocks}
        of, problems = group_tables.membership(of_shocks, known)
        self.groups, more = group_tables.read(of_shocks, of, list(known))
        self.problems += problems + more

    # ---- chains

    def _regime(self, name: str, table: Mapping[str, Any]) -> Regime | None:
        place, states = f"regimes.{name}", table["states"]
        count, before = len(states), len(self.problems)
        if count < 2:
            self._wrong(f"{place}.states", f"expected at least two, got {count}.")
        if len(set(states)) < count:
            self._wrong(f"{place}.states", "names a state twice.")
        moves = table["transition"]
        if len(moves) != count or any(len(row) != count for row in moves):
            self._wrong(
                f"{place}.transition",
                f"expected {count} rows of {count} probabilities, a row for each state.",
            )
        else:
            for state, row in zip(states, moves, strict=True):
                self._probabilities(f"{place}.transition", row, f"after '{state}'")
        if "start" in table:
            if len(table["start"]) != count:
                self._wrong(f"{place}.start", f"expected {count} probabilities, got {len(table['start'])}.")
            else:
                self._probabilities(f"{place}.start", table["start"], "at the start")
        if len(self.problems) > before:
            return None
        start = table.get("start") or stationary(np.array(moves))
        rows = tuple(tuple(float(p) for p in row) for row in moves)
        return Regime(name, tuple(states), tuple(float(p) for p in start), rows)

    def _probabilities(self, place: str, row: list[float], where: str) -> None:
        outside = [p for p in row if not 0 <= p <= 1]
        if outside:
            self._wrong(place, f"expected probabilities from 0 to 1 {where}, got {outside[0]:g}.")
        elif abs(sum(row) - 1) > 1e-6:
            self._wrong(place, f"expected probabilities of sum 1 {where}, got {sum(row):g}.")

    # ---- shocks

    def _moving(self, name: str, table: Mapping[str, Any]) -> Moving | None:
        place = f"shocks.{name}"
        if name not in self._known:
            remedy = did_you_mean(name, self._known) if self._known else " The model has no shocks."
            self._wrong(place, f"unknown shock '{name}'.{remedy}")
            return None
        streams, before = self._streams[name], len(self.problems)
        persistence = float(table.get("persistence", 0.0))
        if not -1 < persistence < 1:
            self._wrong(
                f"{place}.persistence", f"expected more than -1 and less than 1, got {persistence:g}."
            )
        says = factor_tables.law_keys({key: value for key, value in table.items() if key not in _OWN})
        laws: tuple[Law, ...] = ()
        jumps, regime, is_state = None, None, False
        if any(key in table for key in JUMP_KEYS):
            self._alone(place, table, "jumps", ("persistence", "group", "regime", "states", *says))
            jumps = self._jumps(place, table)
        elif "regime" in table:
            self._alone(place, table, "a regime", tuple(says))
            regime = table["regime"]
            laws = self._by_state(place, table)
            is_state = "states" not in table
            if is_state:
                self._alone(place, table, "the state of a regime", ("persistence", "group"))
        elif "states" in table:
            self._wrong(f"{place}.states", 'expected a regime whose states these are; add regime = "...".')
        elif says:
            found, problems = factor_tables.read(place, says)
            self.problems += problems
            laws = (found.law,) if found else ()
        else:
            laws = (_LAWS[self._known[name].law],)
        if len(self.problems) > before:
            return None
        return Moving(name, streams, laws, persistence, jumps, regime, is_state, _told(table, says))

    def _alone(self, place: str, table: Mapping[str, Any], what: str, keys: tuple[str, ...]) -> None:
        for key in dict.fromkeys(keys):
            if key in table:
                self._wrong(f"{place}.{key}", f"does not go with {what}. Leave one of them out.")

    def _by_state(self, place: str, table: Mapping[str, Any]) -> tuple[Law, ...]:
        name = table["regime"]
        if name not in self.regimes:
            self._wrong(f"{place}.regime", unknown("regime", name, self.regimes))
            return ()
        chain, tables = self.regimes[name], table.get("states")
        if chain is None or tables is None:
            return ()
        for state in tables:
            if state not in chain.states:
                self._wrong(f"{place}.states.{state}", unknown("state", state, chain.states))
        laws = []
        for state in chain.states:
            if state not in tables:
                self._wrong(f"{place}.states", f"has no law for state '{state}'.")
                continue
            found, problems = factor_tables.read(f"{place}.states.{state}", tables[state])
            self.problems += problems
            laws += [found.law] if found else []
        return tuple(laws)

    def _jumps(self, place: str, table: Mapping[str, Any]) -> Jumps | None:
        kinds = [key for key in ("probability", "rate") if key in table]
        if len(kinds) != 1:
            self._wrong(
                place, f"expected a probability or a rate of jumps, got {'both' if kinds else 'neither'}."
            )
            return None
        if "size" not in table:
            self._wrong(
                f"{place}.size",
                'is missing. Give the law of a jump: size = { family = "normal", mean = -0.2, sd = 0.1 }.',
            )
            return None
        kind, found = kinds[0], factor_tables.read(f"{place}.size", table["size"])
        self.problems += found[1]
        highest = self._highest(f"{place}.{kind}", table[kind], 1.0 if kind == "probability" else math.inf)
        if highest is None or found[0] is None:
            return None
        most = 1 if kind == "probability" else jumps_told_apart(highest)
        if most > MOST_JUMPS:
            text = f"expected a rate that hardly ever gives more than {MOST_JUMPS} jumps a year, got up to {highest:.4g}."
            self._wrong(f"{place}.rate", f"{text} For so many use one law of their sum.")
            return None
        return Jumps(kind, table[kind], found[0].law, most)

    def _highest(self, place: str, chance: float | str, limit: float) -> float | None:
        """The highest chance there is; None where it is not within 0 and the limit."""
        low = high = chance
        if isinstance(chance, str):
            if chance not in self._model.factors:
                self._wrong(place, unknown("factor", chance, self._model.factors))
                return None
            if chance not in self._factors:
                return None
            low, high = (float(x) for x in self._factors[chance].at_score([-FARTHEST, FARTHEST]))
        assert not isinstance(low, str) and not isinstance(high, str)
        # a rare draw beyond 1 is a certainty; a median beyond it is a mistake
        middle = float(self._factors[chance].quantile(0.5)) if isinstance(chance, str) else high
        if low < 0 or middle > limit:
            reach = f"from 0 to {limit:g}" if math.isfinite(limit) else "of at least 0"
            self._wrong(place, f"expected a number {reach}, got {low if low < 0 else middle:.4g}.")
            return None
        return min(high, limit)


def jumps_told_apart(rate: float) -> int:
    """The least m with P(N > m) <= 1e-10 for a Poisson number N."""
    m = 1
    while special.pdtrc(m, rate) > RARE and m <= MOST_JUMPS:
        m += 1
    return m


def stationary(moves: np.ndarray) -> np.ndarray:
    """Probabilities that a chain's moves leave as they are: p = p M, of sum 1; the nearest such where there are several."""
    count = len(moves)
    equations = np.vstack([moves.T - np.eye(count), np.ones(count)])
    found = np.linalg.lstsq(equations, np.append(np.zeros(count), 1.0), rcond=None)[0]
    found = np.maximum(found, 0.0)
    return found / found.sum()


def _told(table: Mapping[str, Any], says: Mapping[str, Any]) -> tuple[str, str]:
    """What a shock is, in a few words: its law, and the rest."""
    rest = [f"persistence {table['persistence']:g}"] if "persistence" in table else []
    for kind in ("probability", "rate"):
        if kind in table:
            return "jumps", f"{kind} {table[kind]}, size {' '.join(factor_tables.told(table['size']))}"
    if "regime" in table:
        states = table.get("states", {})
        told = "; ".join(f"{state}: {' '.join(factor_tables.told(law))}" for state, law in states.items())
        return f"by regime {table['regime']}", ", ".join([*rest, told or "its number"])
    family, given = factor_tables.told(says) if says else ("the model's", "")
    return family, ", ".join(part for part in [given, *rest] if part)
