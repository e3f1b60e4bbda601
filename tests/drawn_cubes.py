"""Cubes for the tests of figures, in the engine's layout, without a kernel: a plain one, and some to break figures."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from engine.answers.answer import Answer, Subject
from engine.answers.table import table
from engine.modelling.folds import total
from engine.modelling.records import Factor, Lever, Outcome, PathModel, StaticModel, Yearly
from engine.questions.discover import answer_of
from engine.questions.discovery import Discovery, Sample
from engine.risk.drivers.boxes import Limits
from engine.risk.drivers.where import Under, Where
from engine.risk.estimation.conditional import Condition
from engine.risk.estimation.influences import MEASURES, level_of
from engine.risk.estimation.intervals import Estimate, as_units
from engine.risk.estimation.measures import summary
from engine.risk.estimation.summaries import Summaries
from engine.run_folder.cube_groups import described_inputs, described_value, groups, policies
from engine.study.loading import read_study
from engine.study.study import Study
from tests.backtested import backtested
from tests.challenged import challenged
from tests.conditioned import ERROR, conditioned
from tests.rare import rare
from tests.risk.cells import summary_cells

LONG = "a_name_of_sixty_characters_that_leaves_no_room_for_anything_"
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


@dataclass(frozen=True)
class Case:
    """The properties of a made-up cube.

    Args:
      long: names of 60 characters, for everything that has a name.
      dims: dimensions of the model, two at most.
      spoilt: the fault of the values: "equal", or "nan" (some paths everywhere, all paths under the last policy).
    """

    policies: int = 2
    paths: int = 1200
    years: int = 15
    static: bool = False
    long: bool = False
    spoilt: str = ""
    dims: tuple[str, ...] = ("region", "sector")


CASES = {
    "plain": Case(),
    "static": Case(static=True),
    "one_policy": Case(policies=1),
    "one_year": Case(years=1),
    "one_path": Case(paths=1),
    "one_path_static": Case(paths=1, static=True, policies=1),
    "equal": Case(spoilt="equal"),
    "nan": Case(policies=3, spoilt="nan"),
    "all_nan": Case(policies=1, spoilt="nan"),
    "twenty_policies": Case(policies=20, paths=400),
    "long_names": Case(long=True),
    "long_static": Case(long=True, static=True),
    "twenty_long": Case(policies=20, paths=400, years=3, long=True),
}


@dataclass(frozen=True)
class Drawn:
    """The sources that figures are drawn from, by the names of `Kind.of`."""

    cube: xr.DataTree
    study: Study
    story: xr.DataTree
    explain: Answer
    sensitivity: Answer

    @property
    def flip(self) -> Answer:
        """A made-up answer to `flip`: nothing turns where there are too few paths."""
        names = [item.name for item in self.study.inputs]
        moves = dict(zip(names, np.linspace(-2.5, 2.5, len(names)), strict=True))
        stated = {"measure": "mean of it", "policy": self.study.policy_names[-1], "against": self.study.policy_names[0]}
        made = [table("difference", "As stated", [{**stated, "difference": Estimate(1.0, 0.1, 0.8, 1.2)}], "measure")]
        if self.study.paths > 100:
            priors = [
                {"factor": name, "move": Estimate(x, 0.1, x - 0.2, x + 0.2), "turns": True} for name, x in moves.items()
            ]
            joint = [{"factor": name, "move": x} for name, x in moves.items()]
            made += [table("priors", "Priors", priors, "factor"), table("joint", "All", joint, "factor")]
        return Answer(Subject.of(self.study), ("Nothing can be distinguished.",), tuple(made), question="flip")

    @property
    def design(self) -> Answer:
        """A made-up answer to `design`: no interval where there are too few paths."""
        lever, outcome = (next(iter(names)) for names in (self.study.model.levers, self.study.model.outcomes))
        error = 0.1 if self.study.paths > 100 else np.nan
        seen = [{"value": x, "searched": Estimate.normal(2.0 - x, error), "limit": 1.0} for x in np.linspace(0, 2, 17)]
        units = {"value": self.study.model.levers[lever].unit, "searched": self.study.unit_of(outcome)}
        made = table("looks", "Looks", seen, "look", brief=(), units=units)
        points = [
            {"limited": Estimate.normal(x, error), "least": Estimate.normal(1 / x, error), "levers": f"{lever} = {x}"}
            for x in np.linspace(1, 2, 7)
        ]
        front = table("front", "Front", points, "point", units=dict.fromkeys(("limited", "least"), units["searched"]))
        asked = {"policy": self.study.baseline, "lever": [lever], "subject": [f"mean of {outcome} <= 1"],
                 "front": f"mean of {outcome}", "minimise": f"ES99 of {outcome}"}  # fmt: skip
        said = Subject.of(self.study), ("The limit is met at 1.",)
        return Answer(*said, (made, front), question="design", asked=asked)

    @property
    def challenge(self) -> Answer:
        """A made-up answer to `challenge`: no departures where there are too few paths."""
        first, *others = self.study.policy_names
        names = [item.name for item in self.study.inputs]
        claims = [f"{other} better than {first} in {names[0]}" for other in others[:3]] or [f"{first} is best"]
        return challenged(Subject.of(self.study), claims, names, 12 if self.study.paths > 100 else 0)

    @property
    def backtest(self) -> Answer:
        """A made-up answer to `backtest`: no figures where there are too few paths."""
        names = [item.name for item in self.study.inputs]
        readings = self.study.policy_names[:2] if len(self.study.policies) > 1 else ("",)
        return backtested(Subject.of(self.study), names[:3], readings, self.study.paths > 100)

    @property
    def extremes(self) -> Answer:
        """A made-up answer to `extremes`, under two factors' names: no curves where there are too few paths."""
        names = [item.name for item in self.study.inputs][:2]
        return rare(Subject.of(self.study), names, self.study.paths > 100)

    @property
    def condition(self) -> Answer:
        """A made-up answer to `condition`: nothing with few paths and a single policy."""
        names = [item.name for item in self.study.inputs]
        subject = Subject.of(self.study)
        if self.study.paths < 100 and len(self.study.policies) == 1:
            return Answer(subject, ("Nothing is known.",), (), question="condition")
        events = [*self.study.model.outcomes]
        return conditioned(subject, names, events, ERROR if self.study.paths > 100 else np.nan)

    @property
    def discover(self) -> Answer:
        """A made-up answer to `discover`: two boxes, the second of one factor; none where there are too few paths."""
        study = self.study
        draws = {str(name): values.values for name, values in self.cube["draws"].data_vars.items()}
        first, second, third, _ = draws
        cases = draws[first] + draws[second] > 0
        every = Sample(draws, cases, as_units(study.paths, study.unit))
        wide = {second: Limits(-1.0, 0.5), first: Limits(0.2), third: Limits(high=1.5)}
        boxes = [wide, {first: Limits(-0.5)}] if study.paths > 1 else []
        part = Under(Condition("loss > 1", ()), study.baseline)
        where = Where(f"loss > 1 under {study.baseline}", (part,))
        return replace(answer_of(Discovery(study, where, boxes, every, every, every)), question="discover")

    def __getitem__(self, name: str) -> Any:
        """The source of that name."""
        return getattr(self, name)


def _name(case: Case, short: str) -> str:
    return (short + "_" + LONG)[:60] if case.long else short


def _unused(*args: Any) -> None:
    """A method of a model that nothing runs."""


def _study(case: Case) -> Study:
    name = functools.partial(_name, case)
    unit = "bn yuan of 2015 a year" if case.long else "bn yuan"
    body: dict[str, Any] = {
        "factors": {name(n): Factor("year") for n in ("recovery", "drift", "share", "rate")},
        "levers": {"cut": Lever("1")},
        **dict.fromkeys(("evaluate",) if case.static else ("init", "step"), _unused),
    }
    text: dict[str, Any] = {
        "name": name("towns"),
        "run": {"paths": case.paths, "seed": 1, "sampler": "random" if case.paths == 1 else "antithetic"},
        "groups": {name("work"): {"correlation": 0.5}},
        "factors": {
            name("recovery"): {"family": "lognormal", "p05": 1.4, "p50": 3.0, "p95": 6.0, "group": name("work")},
            name("drift"): {"family": "normal", "mean": 0.0, "sd": 1.0, "group": name("work")},
            name("share"): {"family": "uniform", "low": 1e-6, "high": 2e-6},
            name("rate"): {"family": "fixed", "value": 2.0},
        },
        "policies": {name(f"policy_{k}"): {} for k in range(case.policies)},
    }
    if case.static:
        body |= {"outcomes": {name("loss"): Outcome(unit, loss=True), name("growth"): Outcome("1")}}
        return read_study(text, "towns.toml", model=type("Towns", (StaticModel,), body)())
    towns = (("north", "south"), ("steel", "coal", "lime"))
    dims = {dim: tuple(map(name, names)) for dim, names in zip(case.dims, towns, strict=False)}
    body |= {
        "dims": dims,
        "yearly": {
            name("shortfall"): Yearly(unit, case.dims, loss=True, about=name("capital missing").replace("_", " ")),
            name("income"): Yearly("1/yr", case.dims[:1]),
            name("price"): Yearly("1"),
        },
        "outcomes": {
            name("loss"): Outcome(unit, total(name("shortfall")), loss=True),
            name("growth"): Outcome("1", total(name("income"))),
        },
    }
    text["time"] = {"first": 2016, "last": 2015 + case.years}
    return read_study(text, "towns.toml", model=type("Towns", (PathModel,), body)())


@functools.cache
def drawn(case: Case) -> Drawn:
    """The cube of a case, its study, and one of its paths."""
    study, rng = _study(case), np.random.default_rng(1)
    n_policies, n = case.policies, case.paths

    def spoil(values: np.ndarray) -> np.ndarray:
        """Values [policy, ..., path] with the fault of the case."""
        values = values.astype(np.float32)
        if case.spoilt == "equal":
            values[:] = 7.0
        if case.spoilt == "nan":
            values[..., :: max(n // 7, 1)] = np.nan
            values[-1] = np.inf
        return values

    shift = np.arange(n_policies)[:, None]
    draws = rng.standard_normal((len(study.inputs), n)).astype(np.float32)
    draws[1] = 0.6 * draws[0] + 0.8 * draws[1]
    draws[3] = 2.0
    outcomes = {
        name: spoil(
            (
                np.exp(0.5 * rng.standard_normal(n) + 0.5 * draws[0])
                - 0.1 * rng.standard_exponential((n_policies, n)) * shift
            )
            * sign
        )
        for name, sign in zip(study.model.outcomes, (40, -0.01), strict=True)
    }
    yearly = {}
    for name, entry in getattr(study.model, "yearly", {}).items():
        shape = (n_policies, case.years, *(len(study.model.dims[dim]) for dim in entry.dims), n)
        walk = np.cumsum(rng.standard_normal(shape), axis=1) * 30 - 10 * shift.reshape(-1, *[1] * (len(shape) - 1))
        yearly[name] = spoil(walk)
    tree = {
        name: xr.Dataset(*group)
        for name, group in groups(study, _summaries(study, outcomes, yearly))
        if group.data_vars
    }
    about = policies(study)
    tree["paths"] = xr.Dataset(
        {name: (("policy", "path"), v, described_value(study, "outcomes", name)) for name, v in outcomes.items()},
        {"policy": about},
    )
    tree["draws"] = xr.Dataset(
        {name: ("path", draws[k], about) for k, (name, about) in enumerate(described_inputs(study).items())},
        attrs={"kept": n},
    )
    root = xr.Dataset(attrs={"independent_unit": study.unit, "paths": n, "title": study.name})
    story = {"/": xr.Dataset(attrs={"title": study.name, "seed": 1, "path": 0})}
    story["outcomes"] = tree["paths"].isel(path=0)
    if yearly:
        parts = {
            name: xr.DataArray(
                v[..., 0],
                dims=("policy", "year", *study.model.yearly[name].dims),
                attrs=described_value(study, "yearly", name),
            )
            for name, v in yearly.items()
        }
        labels = {dim: list(names) for dim, names in study.model.dims.items()}
        story["yearly"] = xr.Dataset(parts, {"policy": about, "year": list(study.years), **labels})
    cube = xr.DataTree.from_dict({"/": root, **tree})
    return Drawn(cube, study, xr.DataTree.from_dict(story), _explained(case, study), _sensitivity(case, study))


def _explained(case: Case, study: Study) -> Answer:
    """A made-up answer to `explain`."""
    rng = np.random.default_rng(2)

    def made(count: int, least: float = -np.inf) -> list[Estimate]:
        middle = np.maximum(rng.standard_normal(count), least)
        if case.spoilt and case.policies == 1:
            middle[:] = np.nan
        error = np.nan if case.paths == 1 else 0.1
        return [Estimate(x, error, x - 2 * error, x + 3 * error) for x in middle]

    names = [item.name for item in study.inputs]
    names += [f"{_name(case, shock)} in {year}" for shock in ("noise", "luck") for year in study.years]
    inputs = [{"input": name, "shift": one} for name, one in zip(names, made(len(names)), strict=True)]
    cells = [(name, tenth) for name in names for tenth in range(1, 11)]
    densities = [
        {"input": name, "tenth": tenth, "density": one}
        for (name, tenth), one in zip(cells, made(len(cells), 0.0), strict=True)
    ]
    tables = table("inputs", "Inputs", inputs, "input"), table("densities", "Tenths", densities, "input", "tenth")
    finding = "In the worst 1 % of futures, nothing can be distinguished."
    what = f"{next(iter(study.model.outcomes))} under {study.policy_names[-1]}, the worst 1 %"
    return Answer(Subject.of(study), (finding,), tables, f"{what}: {case.paths} paths.", question="explain")


def _sensitivity(case: Case, study: Study) -> Answer:
    """A made-up answer to `sensitivity`."""
    rng = np.random.default_rng(3)
    inputs = list(dict.fromkeys([item.name.partition("[")[0] for item in study.inputs] + [_name(case, "noise")]))
    names = study.policy_names
    sides = [(name, "") for name in names] + [(name, names[0]) for name in names[1:]]
    said = Subject.of(study), ("Nothing can be distinguished.",)
    if case.spoilt and case.policies == 1:  # of a study that draws nothing
        return Answer(*said, (), question="sensitivity")
    share = rng.random((len(sides), 3, len(inputs), 1)) + np.array([0.0, 0.02, -0.02, 0.03])
    share[..., 1:] = np.nan if case.paths == 1 else share[..., 1:]
    variable = next(iter(study.model.outcomes))
    rows = []
    for k, name in enumerate(inputs):
        for s, (policy, against) in enumerate(sides):
            labels = {"input": name, "side": " less ".join(sides[s]), "variable": variable, "measure": "mean"}
            kinds = ("share", "alone", "total")
            numbers = {kind: Estimate(*map(float, share[s, at, k])) for at, kind in enumerate(kinds)}
            rows.append({**labels, "policy": policy, "against": against, **numbers})
    return Answer(*said, (table("shares", "Shares", rows, "input", "side"),), question="sensitivity")


def _summaries(study: Study, outcomes: dict[str, np.ndarray], yearly: dict[str, np.ndarray]) -> Summaries:
    """The parts of the summary groups that figures read, and no others."""

    def table(values: np.ndarray, loss: bool) -> np.ndarray:
        rows = [summary(one, study.unit, loss) for one in values]
        return np.array([[(e.estimate, e.standard_error, e.low, e.high) for e in row.values()] for row in rows])

    by_year, quantiles = {}, {}
    for name, values in yearly.items():
        cells = np.stack(summary_cells(values, study.unit, study.model.yearly[name].loss))
        sound = np.isfinite(values).all(axis=-1, keepdims=True)
        finite = np.where(sound, values, np.nan).astype(np.float64)
        by_year[name] = np.moveaxis(cells, (0, -1), (2, 1))
        quantiles[name] = np.moveaxis(np.quantile(finite, QUANTILES, axis=-1), 0, 1)
    return Summaries(
        levels={measure: level_of(measure) or np.nan for measure in MEASURES},
        numbers={
            "risk": {name: table(values, study.model.outcomes[name].loss) for name, values in outcomes.items()},
            "risk/yearly": by_year,
            "distribution": quantiles,
            "diagnostics": {
                "nonfinite": np.zeros((len(study.policies), len(outcomes)), np.int64),
                "n_paths": np.array(study.paths),
                "n_units": np.array(study.paths // study.unit),
            },
        },
        quantiles=QUANTILES,
        yearly_sample=study.paths,
    )
