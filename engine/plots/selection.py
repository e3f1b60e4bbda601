"""What a figure asks a cube for: an outcome, a yearly variable, policies, draws; what is not there is refused with the remedy."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import xarray as xr

from engine.errors import Problem, Problems, UserError, unknown
from engine.formatting import titled, words
from engine.plots import labels, style
from engine.risk.estimation.intervals import Units
from engine.risk.estimation.measures import finite_units

T = TypeVar("T")
OWN_DIMS = ("policy", "year", "measure", "stat", "quantile", "moment")
"""Dimensions that the engine gives to what it stores; all others are the model's, and their labels name a place."""


@dataclass(frozen=True)
class Kept:
    """An outcome kept path by path, under the policies that a figure shows.

    Args:
      values: it, with all policies that run [policy, path].
      policies: those to be shown, in this order.
      unit: neighbouring paths that are one independent unit.
    """

    values: xr.DataArray
    policies: tuple[str, ...]
    unit: int

    @property
    def name(self) -> str:
        """What it is called."""
        return labels.name(self.values)

    @property
    def heading(self) -> str:
        """What begins a title: its name and its unit."""
        return labels.heading(self.values)

    @property
    def label(self) -> str:
        """What an axis says of it: its name and its unit, "1" where it has none."""
        return labels.label(self.values)

    @property
    def unit_text(self) -> str:
        """Its unit in brackets."""
        return labels.unit(self.values)

    @property
    def called(self) -> Mapping[str, str]:
        """What each policy is called within a sentence."""
        return called(self.values)

    @property
    def titles(self) -> Mapping[str, str]:
        """What each policy is called by itself, as in a legend."""
        return titles(self.values)

    @property
    def looks(self) -> dict[str, style.Look]:
        """What each policy looks like."""
        return looks(self.values)

    @property
    def counted(self) -> str:
        """`4,000 paths`: how many there are."""
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
        """What it means, as a sentence of a note."""
        return labels.meaning(self.values)

    def by_call(self, estimates: Mapping[str, T]) -> dict[str, T]:
        """The same by what each policy is called."""
        return {self.called[name]: of for name, of in estimates.items()}

    def of(self, policy: str, paths: int | None = None) -> np.ndarray:
        """Values of the first so many paths under a policy, float64 [path]."""
        return np.asarray(self.values.sel(policy=policy).isel(path=slice(paths)).values, np.float64)

    def along(self, policy: str, factor: xr.DataArray) -> tuple[np.ndarray, np.ndarray, Units]:
        """Draws of a factor, and the values under a policy on the same paths; where both are finite, and their units."""
        own = self.of(policy, factor.sizes["path"])
        (x, y), units, _ = finite_units((np.asarray(factor.values, np.float64), own), self.unit)
        return x, y, units

    def finite(self, policy: str) -> np.ndarray:
        """The values that are finite."""
        values = self.of(policy)
        return values[np.isfinite(values)]

    def lost(self) -> str:
        """How many values are left out because they are not finite, in words; empty if none."""
        gone = {name: len(self.of(name)) - len(self.finite(name)) for name in self.policies}
        most = max(gone.values(), default=0)
        total = self.values.sizes["path"]
        return f" Left out: up to {most:,} of {total:,} paths, which are not finite." if most else ""


def outcome(cube: xr.DataTree, variable: str | None, policies: Sequence[str] | None, kind: str) -> Kept:
    """An outcome kept per path; the first of them if none is named.

    Args:
      kind: of figure, for the message.
    """
    kept = outcomes(cube)
    name = next(iter(kept), "an outcome") if variable is None else variable
    if name not in kept:
        listed = ", ".join(kept) or "none is"
        remedy = "Keep it: keep.outcomes in the study, and run it."
        raise UserError(kind, [f"expected an outcome kept path by path ({listed}), got '{name}'. {remedy}"])
    values = kept[name]
    return Kept(values, shown(values, policies), int(cube.attrs["independent_unit"]))


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
      others: names that the figure takes beside those of the group, for the message.

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
    """Refuses the name that an option (variable, factor, measure) gives where there is nothing of that name.

    Raises:
      UserError: it is not among those that are known.
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


def refuse_free(values: xr.DataArray, kind: str) -> None:
    """Refuses values of several places, where a figure has room for one.

    Raises:
      UserError: there are dimensions that no label was given for.
    """
    problems = Problems()
    for dim in place_dims(values):
        problems.add(
            f"where.{dim}", f"expected one of {', '.join(map(str, values[dim].values))}, got nothing."
        )
    problems.refuse(kind)


def by_year(cube: xr.DataTree, group: str) -> bool:
    """Whether a cube has yearly numbers in a group."""
    try:
        return any("year" in values.dims for values in cube[group].data_vars.values())
    except KeyError:
        return False


def place_dims(values: xr.DataArray) -> tuple[str, ...]:
    """Dimensions of the model that the values have, in their order; none of a variable that is one number a year."""
    return tuple(str(dim) for dim in values.dims if dim not in OWN_DIMS)


def places(values: xr.DataArray) -> list[dict[str, str]]:
    """Every combination of labels of the model's dimensions, the last dimension fastest; one without labels if there are none."""
    dims = place_dims(values)
    return [
        dict(zip(dims, map(str, chosen), strict=True))
        for chosen in itertools.product(*(values[dim].values for dim in dims))
    ]


def columns(values: xr.DataArray) -> int:
    """Panels in a row: the labels of the last of several dimensions of places, else as many as fit."""
    dims, count = place_dims(values), len(places(values))
    if len(dims) > 1:
        return min(values.sizes[dims[-1]], 6)
    return 4 if count in (1, 2, 3, 4, 7, 8) else 3


def shown(values: xr.DataArray, policies: Sequence[str] | None) -> tuple[str, ...]:
    """The policies to show: those named, in their order, or all that run.

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
    """All policies that run."""
    return tuple(str(name) for name in values["policy"].values)


def looks(values: xr.DataArray) -> dict[str, style.Look]:
    """What each policy looks like, whichever of them are drawn."""
    return style.looks(known_policies(values))


def titles(values: xr.DataArray) -> dict[str, str]:
    """What each policy is called by itself: as its study says, else its name as words that begin with a capital."""
    return _apart(values, titled)


def called(values: xr.DataArray) -> dict[str, str]:
    """What each policy is called within a sentence: as its study says, else its name as words."""
    return _apart(values, words)


def _apart(values: xr.DataArray, plain: Callable[[str], str]) -> dict[str, str]:
    """What policies are called by name: their names as they are where two would read alike."""
    known = known_policies(values)
    given = list(map(str, values["policy"].attrs.get("labels", ())))
    shown = given if len(given) == len(known) else list(map(plain, known))
    alike = len(set(map(str.casefold, shown))) < len(known)
    return dict(zip(known, known if alike else shown, strict=True))


def baseline(values: xr.DataArray) -> str:
    """The policy that the others are compared with; the first where the cube does not say."""
    return str(values["policy"].attrs.get("baseline", known_policies(values)[0]))


def draws(cube: xr.DataTree) -> xr.Dataset:
    """The stored draws, of the paths that have any, whole units; without factors that never vary, which move nothing."""
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
