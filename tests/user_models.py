"""A user's models, and studies of them, for the tests of the kernel and of the laws."""

from __future__ import annotations

import copy
import functools
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from engine.modelling.cells import each, exp, maximum, minimum, table
from engine.modelling.folds import at_year, lowest, peak, total, worst_spell
from engine.modelling.records import Factor, Lever, Outcome, PathModel, Shock, StaticModel, Yearly
from engine.program.contract import Outcomes, Program
from engine.program.devices import mesh
from engine.program.programs import program_on
from engine.study.loading import read_study
from engine.study.study import BLOCK, Block, Study

REGION = {"region": ("north", "south")}
CROP = {"crop": ("rye", "oats", "flax")}


@each
def harvested(area, yields, drought):
    """Harvest of one crop in one region [kt]."""
    return area * yields * jnp.where(drought < 0.15, 0.3, 1.0)


class Farms(PathModel):
    """Two regions grow three crops, store what is left over and import what is missing."""

    dims = {**REGION, **CROP}
    factors = {
        "fertility": Factor("t/ha"),
        "demand_growth": Factor("1/yr"),
        "spoilage": Factor("1/yr"),
        "price_response": Factor("1"),
        "capital": Factor("M"),
    }
    shocks = {
        "weather": Shock(dims=("region",)),
        "pest": Shock(dims=("region", "crop")),
        "drought": Shock(law="uniform", dims=("region",)),
        "market": Shock(),
    }
    levers = {
        "irrigation": Lever("1"),
        "quota": Lever("kha", default=4.0, dims=("region",)),
        "release": Lever("1/yr", default=0.3),
    }
    yearly = {
        "stock": Yearly("kt", ("region",)),
        "harvest": Yearly("kt", ("crop", "region")),
        "price": Yearly("1", loss=True),
    }
    outcomes = {
        "lowest_stock": Outcome("kt", lowest("stock", across="lowest")),
        "price_peak": Outcome("1", peak("price"), loss=True),
        "imports": Outcome("kt", total("imports") * 10.0, loss=True),
        "rye_2019_north": Outcome("kt", at_year("harvest", 2019, {"crop": ["rye"], "region": ["north"]})),
        "mean_oats": Outcome("kt", total("harvest", {"crop": ["oats"]}, across="mean")),
        "worst_two_years": Outcome("kt", worst_spell("harvest", 2)),
        "wealth": Outcome("M", lambda state: jnp.log(state["wealth"])),
    }

    def init(self, factors, levers):
        return {"stock": table(REGION, [3.0, 2.0]), "demand": 9.0, "wealth": factors.capital}

    def step(self, state, year, factors, shocks, levers):
        area = levers.quota * table(CROP, [0.5, 0.3, 0.2])
        weather = (0.2 - 0.1 * levers.irrigation) * shocks.weather
        yields = factors.fertility * exp(weather + 0.1 * shocks.pest)
        harvest = harvested(area, yields, shocks.drought)
        demand = state["demand"] * jnp.exp(factors.demand_growth)
        store = state["stock"] * (1 - factors.spoilage)
        released = store * levers.release
        supply = harvest.over() + released.over()
        missing = maximum(demand - supply, 0.0)
        shortage = jnp.minimum(demand / supply - 1, 1.0)
        price = jnp.exp(factors.price_response * shortage + 0.05 * shocks.market)
        stock = store - released + minimum(harvest.over("crop") * 0.2, 1.5)
        wealth = state["wealth"] * jnp.exp(0.02 - 0.01 * levers.irrigation) + 0.01 * price * supply
        since = jnp.maximum(year - levers.start, 0.0)
        return {"stock": stock, "demand": demand, "wealth": wealth}, {
            "stock": stock,
            "harvest": harvest,
            "price": price,
            "imports": missing,
            "since": since,
        }


class Echo(PathModel):
    """Gives back what it is given: every shock, every lever, the year; and folds of every kind over a shock."""

    dims = {**REGION, **CROP}
    factors = {"share": Factor("1")}
    shocks = {
        "noise": Shock(dims=("region", "crop")),
        "luck": Shock(law="uniform", dims=("region",)),
        "single": Shock(),
    }
    levers = {"plain": Lever("1", default=2.0), "by_cell": Lever("1", default=1.0, dims=("region", "crop"))}
    yearly = {
        "noise": Yearly("1", ("region", "crop")),
        "luck": Yearly("1", ("region",)),
        "single": Yearly("1"),
        "plain": Yearly("1"),
        "by_cell": Yearly("1", ("region", "crop")),
        "turned": Yearly("1", ("crop", "region")),
        "start": Yearly("year"),
        "calendar": Yearly("year"),
        "plain_of_init": Yearly("1"),
        "years_lived": Yearly("year"),
    }
    outcomes = {
        "peak": Outcome("1", peak("single")),
        "lowest": Outcome("1", lowest("single") * -2.0),
        "total": Outcome("1", total("single")),
        "at_2018": Outcome("1", at_year("single", 2018)),
        "spell_of_1": Outcome("1", worst_spell("single", 1)),
        "spell_of_3": Outcome("1", worst_spell("single", 3)),
        "sum_of_cells": Outcome("1", total("noise", {"region": ["south"], "crop": ["oats", "flax"]})),
        "mean_of_cells": Outcome("1", total("noise", {"crop": ["rye"]}, across="mean")),
        "lowest_of_cells": Outcome("1", peak("noise", across="lowest")),
        "peak_of_cells": Outcome("1", lowest("noise", {"region": ["north"]}, across="peak")),
        "beside": Outcome("1", total("doubled")),
        "own": Outcome("1", lambda state: state["sum"] * 3.0),
    }

    def init(self, factors, levers):
        return {"sum": 0, "lived": 0, "plain": levers.plain}

    def step(self, state, year, factors, shocks, levers):
        state = {"sum": state["sum"] + shocks.single, "lived": state["lived"] + 1, "plain": state["plain"]}
        return state, {
            "noise": shocks.noise,
            "luck": shocks.luck,
            "single": shocks.single,
            "plain": levers.plain,
            "by_cell": levers.by_cell,
            "turned": levers.by_cell,
            "start": levers.start,
            "calendar": year,
            "plain_of_init": state["plain"],
            "years_lived": state["lived"],
            "doubled": 2.0 * shocks.single,
        }


def echo(policies: Mapping[str, Any], factors: Mapping[str, Any] | None = None, **run: Any) -> Study:
    """A study of the echo, 2016 to 2020, its factor uniform, with more factors for its levers."""
    text = {
        "name": "echo",
        "run": {"paths": 512, "seed": 3, "tile": 64, **run},
        "time": {"first": 2016, "last": 2020},
        "factors": {"share": {"family": "uniform", "low": 0.0, "high": 1.0}, **(factors or {})},
        "policies": dict(policies),
    }
    return read_study(text, "echo.toml", model=Echo())


FARMS: dict[str, Any] = {
    "name": "farms",
    "run": {"paths": 4096, "seed": 11, "sampler": "antithetic", "tile": 256},
    "time": {"first": 2016, "last": 2021},
    "groups": {"land": {"correlation": 0.4}},
    "factors": {
        "fertility": {"family": "lognormal", "median": 1.2, "sigma": 0.3, "group": "land"},
        "demand_growth": {"family": "normal", "mean": 0.02, "sd": 0.01},
        "spoilage": {"family": "logit-normal", "median": 0.1, "sigma": 0.5, "group": "land"},
        "price_response": {"family": "triangular", "low": 0.5, "mode": 1.0, "high": 2.5},
        "capital": {"family": "uniform", "low": 5.0, "high": 20.0},
    },
    "policies": {"old": {}, "reform": {"irrigation": 1.0, "release": 0.5, "quota": {"north": 5.0, "south": 3.5}}},
    "events": {"hunger": {"outcome": "imports", "above": 20.0}},
    "keep": {"draws": 4096, "yearly": 1024},
}


def farms(tables: Mapping[str, Any] | None = None, **run: Any) -> Study:
    """The study of the farms, with tables laid over it (one level deep) and parts of `run` replaced."""
    text = copy.deepcopy(FARMS)
    for name, entries in (tables or {}).items():
        text[name] = {**text.get(name, {}), **entries} if isinstance(entries, Mapping) else entries
    text["run"] |= run
    return read_study(text, "farms.toml", model=Farms())


def static(
    model: StaticModel, factors: Mapping[str, Any], paths: int, policies: Mapping[str, Any] | None = None, **tables: Any
) -> Study:
    """The study of a static model; independent paths unless `run` says otherwise."""
    run = {"paths": paths, "seed": 5, "sampler": "random"} | tables.pop("run", {})
    text = {"name": "static", "run": run, "factors": dict(factors), **tables}
    if policies is not None:
        text["policies"] = dict(policies)
    return read_study(text, "static.toml", model=model)


def program(study: Study) -> Program:
    """The study's program on every CPU device."""
    return program_on(study, mesh("cpu"))


def computed(made: Program, index: int = 0, count: int | None = None) -> Outcomes:
    """Outcomes of one block of a program: all its paths, or the first `count`."""
    block = Block(index, index * BLOCK, count or min(made.study.paths, BLOCK))
    return made.submit(block).of(block)


@functools.cache
def farms_program() -> Program:
    """The program of the plain study, compiled once."""
    return program(farms())


def outcomes(study: Study) -> dict[str, np.ndarray]:
    """Outcomes of all paths of a study by name, float32 [policy, path]."""
    made = program(study)
    parts = [made.submit(block).of(block) for block in study.blocks()]
    values = np.concatenate(parts, axis=-1)
    return {name: values[:, k] for k, name in enumerate(study.model.outcomes)}
