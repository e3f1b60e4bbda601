"""The rustbelt model: the blocks in their order within a year."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from engine.modelling.records import PathModel
from engine.models.rustbelt import (
    banks,
    budgets,
    economy,
    enterprises,
    environment,
    industry,
    labour,
    outcomes,
    programmes,
    yearly,
)
from engine.models.rustbelt.base_2015 import BASE, CONSTANTS
from engine.models.rustbelt.environment import FIRST_YEAR
from engine.models.rustbelt.inputs import FACTORS, SHOCKS, Now
from engine.models.rustbelt.labels import PROVINCE, REGION, SECTOR, Scalar
from engine.models.rustbelt.levers import LEVERS
from engine.models.rustbelt.limits import LIMITS


class State(NamedTuple):
    """The end of a year, block by block."""

    environment: environment.Environment
    industry: industry.Industry
    enterprises: enterprises.Enterprises
    banks: banks.Banks
    labour: labour.Labour
    economy: economy.Economy


class Rustbelt(PathModel):
    """Steel, coal and cement in China's northeast, 2016-2030: old policies against reform (docs/rustbelt-model.md)."""

    dims = REGION | SECTOR | PROVINCE
    factors = FACTORS
    constants = CONSTANTS
    shocks = SHOCKS
    levers = LEVERS
    yearly = yearly.YEARLY
    outcomes = outcomes.OUTCOMES
    limits = LIMITS
    imposable = ("output", "price_gap")

    def init(self, factors: Any, levers: Any) -> State:
        """The end of 2015."""
        state = State(
            environment.initial(),
            industry.initial(),
            enterprises.initial(factors),
            banks.initial(factors),
            labour.initial(),
            economy.initial(factors),
        )
        dtype = jnp.result_type(factors.asset_correlation)
        return jax.tree.map(lambda value: jnp.asarray(value, dtype), state)

    def step(
        self, state: State, year: Scalar, factors: Any, shocks: Any, levers: Any
    ) -> tuple[State, Mapping[str, Any]]:
        """One year."""
        dtype = jnp.result_type(factors.asset_correlation)
        elapsed, since_start = (jnp.asarray(year - first, dtype) for first in (FIRST_YEAR, levers.start))
        now = Now(factors, shocks, levers, elapsed, since_start)
        slow, budget = state.economy.growth_average, state.economy.fiscal_space

        around, surroundings = environment.advance(state.environment, now)
        kept_alive = enterprises.kept_alive(state.enterprises, budget, levers, factors)
        plants, activity = industry.advance(state.industry, around, surroundings, kept_alive, now)
        gdp = BASE.gdp * state.economy.gdp
        purse = budgets.opened(budget, gdp, surroundings.belt_road_cost, factors)
        ramp, purse = programmes.diversified(purse, gdp, now)
        other_loans = banks.loans_to_other_firms(state.banks, factors)
        firms, distress, purse = enterprises.advance(
            state.enterprises,
            surroundings,
            plants,
            activity,
            state.industry,
            state.labour.kept * state.labour.employment,
            ramp,
            other_loans,
            budget,
            slow,
            purse,
            now,
        )
        books, book, purse = banks.absorb(
            state.banks, firms, distress, state.labour.displaced, slow, purse, now
        )
        workers, moves, purse = labour.advance(
            state.labour, activity, firms, distress, books, slow, purse, now
        )
        change = economy.Change(state.industry.output, plants.output, state.labour, workers)
        regions, accounts = economy.advance(
            state.economy, surroundings, change, firms, distress, books, moves.fund, purse, now
        )
        books, lent = banks.lend(books, accounts.growth, factors)

        happened = yearly.Happened(
            around,
            plants,
            activity,
            firms,
            distress,
            books,
            book,
            lent,
            workers,
            moves,
            purse,
            regions,
            accounts,
        )
        return State(around, plants, firms, books, workers, regions), yearly.recorded(
            happened, state.economy.gdp, now
        )
