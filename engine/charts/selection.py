"""Selects from a cube what a figure shows: an outcome, a yearly variable, policies, draws; refuses unknown names."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import xarray as xr

from engine.charts import labels
from engine.errors import Problem, Problems, UserError, unknown
from engine.formatting import titled, words
from engine.risk.estimation.intervals import Units
from engine.risk.estimation.measures import finite_units

T = TypeVar("T")
OWN_DIMS = ("policy", "year", "measure", "stat", "quantile", "moment")
"""Dimensions of the engine; all others are the model's, and a combination of their labels is called a place."""


@dataclass(frozen=True)
class StoredOutcome:
    """An outcome kept path by path, under the policies that a figure shows.

    Args:
      values: the outcome under all policies that run [policy, path].
      policies: names of those to be shown, in this order.
      unit: number of consecutive paths in one independent unit.
    """

    values: xr.DataArray
    policies: tuple[str, ...]
    unit: int

    @property
    def name(self) -> str:
        """The outcome's title."""
        return labels.name(self.values)

    @property
    def heading(self) -> str:
        """Beginning of a figure's title: name and unit of the outcome."""
        return labels.heading(self.values)

    @property
    def label(self) -> str:
        """Label of an axis: name and unit of the outcome, "[1]" where it has none."""
        return labels.label(self.values)

    @property
    def unit_text(self) -> str:
        """Its unit in brackets."""
        return labels.unit(self.values)

    @property
    def called(self) -> Mapping[str, str]:
        """Policy -> its name within a sentence."""
        return called(self.values)

    @property
    def titles(self) -> Mapping[str, str]:
        """Policy -> its title, as in a legend."""
        return titles(self.values)

    @property
    def counted(self) -> str:
        """The number of paths as text, such as `4,000 paths`."""
        return labels.counted(self.values.sizes["path"], "path")

    @property
    def loss(self) -> bool:
        """Whether high is worse."""
        return self.values.attrs.get("worse") != "low"

    @property
    def baseline(self) -> str:
        """The policy that the others are compared with."""
        return baseline(self.values)

    def meaning(self) -> str:
        """The outcome's meaning, as a sentence for a note."""
        return labels.meaning(self.values)

    def by_call(self, estimates: Mapping[str, T]) -> dict[str, T]:
        """The same estimates by the name of each policy within a sentence."""
        return {self.called[name]: of for name, of in estimates.items()}

    def of(self, policy: str, paths: int | None = None) -> np.ndarray:
        """Values under a policy, float64 [path]: of the first `paths` paths, or of all."""
        return np.asarray(self.values.sel(policy=policy).isel(path=slice(paths)).values, np.float64)

    def along(self, policy: str, factor: xr.DataArray) -> tuple[np.ndarray, np.ndarray, Units]:
        """Draws of a factor and values under a policy on the paths where both are finite, and the units of these."""
        own = self.of(policy, factor.sizes["path"])
        (x, y), units, _ = finite_units((np.asarray(factor.values, np.float64), own), self.unit)
        return x, y, units

    def finite(self, policy: str) -> np.ndarray:
        """The finite values under a policy, float64 [path]."""
        values = self.of(policy)
        return np.asarray(values[np.isfinite(values)])

    def lost(self) -> str:
        """Number of paths left out because of non-finite values, as a sentence; "" if none are."""
        gone = {name: len(self.of(name)) - len(self.finite(name)) for name in self.policies}
        most = max(gone.values(), default=0)
        total = self.values.sizes["path"]
        return f" Left out: up to {most:,} of {total:,} paths, which are not finite." if most else ""


def outcome(cube: xr.DataTree, variable: str | None, policies: Sequence[str] | None, kind: str) -> StoredOutcome:
    """An outcome kept per path; the first of them if none is named.

    Args:
      kind: kind of figure, for the message.

    Raises:
      UserError: the outcome is not kept per path, or a policy does not run.
    """
    kept = outcomes(cube)
    name = next(iter(kept), "") if variable is None else variable
    if name not in kept:
        listed, got = ", ".join(kept) or "none is", f", got '{name}'" if name else ""
        remedy = "Keep it: keep.outcomes in the study, and run it."
        raise UserError(kind, [f"expected an outcome kept path by path ({listed}){got}. {remedy}"])
    values = kept[name]
    return StoredOutcome(values, policies_to_show(values, policies), int(cube.attrs["independent_unit"]))


def outcomes(cube: xr.DataTree) -> dict[str, xr.DataArray]:
    """The outcomes kept per path, in the order of the cube."""
    kept = cube["paths"].data_vars if "paths" in cube.children else {}
    return {str(name): values for name, values in kept.items()}


def yearly(
    cube: xr.DataTree,
    group: str,
    variable: str | None,
    where: Mapping[str, str] | None,
    kind: str,
    others: Iterable[str] = (),
) -> xr.DataArray:
    """A variable of a group of yearly numbers at the labels of `where`; the first one if none is named.

    Args:
      others: further names that the figure accepts, for the message.

    Raises:
      UserError: no such variable, dimension or label; all problems at once.
    """
    there = {str(name): values for name, values in cube[group].data_vars.items()}
    name = next(iter(there)) if variable is None else variable
    if name not in there:
        raise UserError(kind, [Problem("variable", unknown("yearly variable", name, [*there, *others]))])
    values = there[name]
    dims, problems = place_dims(values), Problems()
    for dim, chosen in (where or {}).items():
        if not dims:
            problems.add(f"where.{dim}", f"'{name}' has one value a year, and no dimension '{dim}'.")
        elif dim not in dims:
            problems.add(f"where.{dim}", unknown("dimension", dim, dims))
        elif chosen not in list(map(str, values[dim].values)):
            problems.add(f"where.{dim}", unknown(dim, chosen, map(str, values[dim].values)))
    problems.refuse(kind)
    return values.sel(dict(where or {}))


def refuse_unknown(option: str, name: str, known: Iterable[str], kind: str) -> None:
    """Refuses the value of an option (variable, factor, measure) that is not among the known names.

    Raises:
      UserError: it is not among them.
    """
    names = list(known)
    if name not in names:
        raise UserError(kind, [Problem(option, unknown(option, name, names))])


def refuse_year(year: int, years: Sequence[int], kind: str) -> None:
    """Refuses a year that a study does not have.

    Raises:
      UserError: it is not among the years.
    """
    if year not in years:
        raise UserError(kind, [Problem("year", f"expected {years[0]} to {years[-1]}, got {year}.")])


def by_year(cube: xr.DataTree, group: str) -> bool:
    """Whether a group of a cube has variables by year."""
    try:
        return any("year" in values.dims for values in cube[group].data_vars.values())
    except KeyError:
        return False


def place_dims(values: xr.DataArray) -> tuple[str, ...]:
    """The model's dimensions among those of the values, in order; empty for a variable with one number per year."""
    return tuple(str(dim) for dim in values.dims if dim not in OWN_DIMS)


def places(values: xr.DataArray) -> list[dict[str, str]]:
    """Every place, a label by dimension, the last dimension varying fastest; without dimensions one empty place."""
    dims = place_dims(values)
    return [
        dict(zip(dims, map(str, chosen), strict=True))
        for chosen in itertools.product(*(values[dim].values for dim in dims))
    ]


def columns(values: xr.DataArray) -> int:
    """Panels per row: for places of several dimensions the number of labels of the last (at most 6), else 3 or 4."""
    dims, count = place_dims(values), len(places(values))
    if len(dims) > 1:
        return min(values.sizes[dims[-1]], 6)
    return 4 if count in (1, 2, 3, 4, 7, 8) else 3


def policies_to_show(values: xr.DataArray, policies: Sequence[str] | None) -> tuple[str, ...]:
    """Names of the policies to show: those given, in their order, or all that run.

    Raises:
      UserError: one of them does not run.
    """
    known, problems = known_policies(values), Problems()
    chosen = known if policies is None else tuple(policies)
    for name in chosen:
        if name not in known:
            problems.add("policy", unknown("policy", name, known))
    problems.refuse("policies")
    return chosen


def known_policies(values: xr.DataArray) -> tuple[str, ...]:
    """Names of all policies that run."""
    return tuple(str(name) for name in values["policy"].values)


def titles(values: xr.DataArray) -> dict[str, str]:
    """Policy -> its title: its label in the study, else its name as words with a capital first letter."""
    return _apart(values, titled)


def called(values: xr.DataArray) -> dict[str, str]:
    """Policy -> its name within a sentence: its label in the study, else its name as words."""
    return _apart(values, words)


def _apart(values: xr.DataArray, plain: Callable[[str], str]) -> dict[str, str]:
    """Policy -> its label or `plain` name; the names themselves where two policies would read alike."""
    known = known_policies(values)
    given = list(map(str, values["policy"].attrs.get("labels", ())))
    shown = given if len(given) == len(known) else list(map(plain, known))
    alike = len(set(map(str.casefold, shown))) < len(known)
    return dict(zip(known, known if alike else shown, strict=True))


def baseline(values: xr.DataArray) -> str:
    """Name of the baseline; the first policy where the cube does not state it."""
    return str(values["policy"].attrs.get("baseline", known_policies(values)[0]))


def draws(cube: xr.DataTree) -> xr.Dataset:
    """The stored factor draws, of whole units of paths; without factors that never vary."""
    if "draws" not in cube.children or not cube["draws"].data_vars:
        return xr.Dataset()
    group = cube["draws"].to_dataset()
    kept = min(int(group.attrs.get("kept", group.sizes["path"])), group.sizes["path"])
    unit = int(cube.attrs["independent_unit"])
    drawn = group.isel(path=slice(kept - kept % unit if kept > unit else kept)).load()
    return drawn[[name for name, values in drawn.data_vars.items() if _varies(values.values)]]


def _varies(values: np.ndarray) -> bool:
    finite = values[np.isfinite(values)]
    return bool(finite.size and finite.min() < finite.max())


def factor(drawn: xr.Dataset, name: str, kind: str) -> xr.DataArray:
    """The draws of one factor.

    Raises:
      UserError: there is no such factor, or it never varies.
    """
    refuse_unknown("factor", name, map(str, drawn.data_vars), kind)
    return drawn[name]
