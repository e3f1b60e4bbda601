"""A model that gives back its shocks, and studies of it, for the tests of shocks."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.modelling.cell_axis import split_cells
from engine.modelling.folds import at_year, total
from engine.modelling.records import Factor, Outcome, PathModel, Shock, Yearly
from engine.program.devices import mesh
from engine.program.programs import program_on
from engine.study.loading import read_study
from engine.study.study import Study

PLACE = {"place": ("a", "b")}
YEARS = 6


class Walk(PathModel):
    """Gives back every shock as it came."""

    dims = PLACE
    factors = {"rate": Factor("1"), "chance": Factor("1")}
    shocks = {
        "wind": Shock(dims=("place",)),
        "luck": Shock(law="uniform"),
        "jump": Shock("1"),
        "market": Shock("1"),
        "plain": Shock(dims=("place",)),
    }
    yearly = {
        "wind": Yearly("1", ("place",)),
        "luck": Yearly("1"),
        "jump": Yearly("1"),
        "market": Yearly("1"),
        "plain": Yearly("1", ("place",)),
    }
    outcomes = {
        "wind": Outcome("1", total("wind"), loss=True),
        "jump": Outcome("1", total("jump"), loss=True),
        "market": Outcome("1", at_year("market", 2025), loss=True),
        "luck": Outcome("1", at_year("luck", 2023)),
        "plain": Outcome("1", at_year("plain", 2022, {"place": ["b"]})),
    }

    def init(self, factors, levers):
        return {"lived": 0}

    def step(self, state, year, factors, shocks, levers):
        return {"lived": state["lived"] + 1}, {name: getattr(shocks, name) for name in self.shocks}


WALK: dict[str, Any] = {
    "name": "walk",
    "run": {"paths": 1 << 17, "seed": 1, "sampler": "random", "tile": 4096},
    "time": {"first": 2020, "last": 2019 + YEARS},
    "factors": {
        "rate": {"family": "uniform", "low": 0.5, "high": 1.5},
        "chance": {"family": "uniform", "low": 0.0, "high": 0.2},
    },
}
ALL: dict[str, Any] = {
    "groups": {"weather": {"correlation": 0.5}},
    "shocks": {
        "wind": {"family": "t", "df": 4, "group": "weather", "persistence": 0.7},
        "jump": {"rate": 2.0, "size": {"family": "expon"}},
        "market": {"family": "gamma", "a": 2},
    },
}
"""Everything that a study can say of shocks."""


def only(**shocks: Mapping[str, Any]) -> dict[str, Any]:
    """The tables of these shocks alone, with the groups that they name."""
    used = {table["group"] for table in shocks.values() if "group" in table}
    return {"shocks": shocks, "groups": {name: ALL["groups"][name] for name in used}}


def walk(tables: Mapping[str, Any] | None = None, **run: Any) -> Study:
    """The study with these tables added, those of `ALL` if none are given."""
    text = {**copy.deepcopy(WALK), **copy.deepcopy(dict(ALL if tables is None else tables))}
    text["factors"] = WALK["factors"] | (tables or {}).get("factors", {})
    text["run"] = text["run"] | run
    return read_study(text, "walk.toml", model=Walk())


def lived(study: Study, first: int = 0, dtype: type = np.float32, count: int | None = None) -> dict[str, np.ndarray]:
    """Shocks of the study's paths by name, [year, *dims, path]."""
    made = program_on(study, mesh("cpu"), dtype=dtype)
    if first == 0 and dtype == np.float32:
        years = made.first_years(count or study.paths)[0]
    else:
        years = made.trace(first).yearly[0]
    return split_cells(study.model, years, axis=1)
