"""Selects from a cube what a figure shows: an outcome, a yearly variable, policies, draws; refuses unknown names."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import xarray as xr

from engine.charts import labels
from engine.errors import Problem, Problems, UserError, unknown
from engine.formatting import begun_small, counted, titled, unit_name, words
from engine.risk.estimation.intervals import Estimate

OWN_DIMS = ("path", "policy", "year", "measure", "stat", "quantile", "moment")
"""Dimensions of the engine; all others are the model's, and a combination of their labels is called a place."""
Policies: TypeAlias = Sequence[str] | None
"""Names of the policies that a figure shows, in this order; None for all that run."""
Place: TypeAlias = Mapping[str, str]
"""Dimension -> label."""
EVERYWHERE: Place = {}


@dataclass(frozen=True)
class Shown:
    """A variable under the policies that a figure shows.

    Args:
      values: the variable under all policies that run [policy, ...].
      policies: names of those to be shown, in this order.
      unit: number of consecutive paths in one independent unit.
    """

    values: xr.DataArray
    policies: tuple[str, ...]
    unit: int

    @property
    def name(self) -> str:
        """The variable's title."""
        return labels.name(self.values)

    @property
    def called(self) -> Mapping[str, str]:
        """Policy -> its name within a sentence: its label with a small first letter, else its name as words."""
        return _apart(self.values, words, begun_small)

    @property
    def titles(self) -> Mapping[str, str]:
        """Policy -> its title, as in a legend: its label in the study, else its name as words that begin a sentence."""
        return _apart(self.values, titled, str)

    @property
    def counted(self) -> str:
        """The number of paths as text, such as `4,000 paths`."""
        return counted(self.values.sizes["path"], "path")

    @property
    def loss(self) -> bool:
        """Whether high is worse."""
        return self.values.attrs.get("worse") != "low"

    @property
    def baseline(self) -> str:
        """The policy that the others are compared with; the first where the cube does not state it."""
        return str(self.values["policy"].attrs.get("baseline", next(iter(self.titles))))

    @property
    def about(self) -> dict[str, Any]:
        """Attributes of a table of it: labels, the titles of all policies and of those shown, and a panel by place.

        For places of several dimensions a row of panels has the labels of the last dimension, else four.
        """
        dims = place_dims(self.values)
        return {
            "label": labels.label(self.values),
            "unit": labels.with_unit("", unit_name(self.values.attrs)).strip(),
            "policies": [*self.titles.values()],
            "shown": [self.titles[name] for name in self.policies],
            "loss": self.loss,
            "panels": [", ".join(place.values()) for place in places(self.values)],
            "columns": self.values.sizes[dims[-1]] if len(dims) > 1 else 4,
        }

    def sentence(self, what: str, estimates: Mapping[str, Estimate], scale: float = 1.0, sign: str = "") -> str:
        """A sentence with the estimates by policy, as `labels.sentence` gives it."""
        return labels.sentence(what, {self.called[name]: of for name, of in estimates.items()}, scale, sign)

    def of(self, policy: str) -> np.ndarray:
        """Values of an outcome under a policy, float64 [path]."""
        return np.asarray(self.values.sel(policy=policy).values, np.float64)

    def note(self) -> str:
        """The end of the note of an outcome: its meaning, and how many paths are left out as they are not finite."""
        lost = [int((~np.isfinite(self.of(name))).sum()) for name in self.policies]
        total, most = self.values.sizes["path"], max(lost, default=0)
        left = f" Left out: up to {most:,} of {total:,} paths, which are not finite." if most else ""
        return labels.meaning(self.values) + left


def shown(cube: xr.DataTree, values: xr.DataArray, policies: Policies) -> Shown:
    """A variable under the policies to show: those given, in their order, or all that run.

    Raises:
      UserError: one of them does not run.
    """
    known, problems = list(map(str, values["policy"].values)), Problems()
    chosen = known if policies is None else [*policies]
    problems.knows_each("policy", "policy", chosen, known)
    problems.refuse("policies")
    return Shown(values, tuple(chosen), int(cube.attrs.get("independent_unit", 1)))


def outcome(cube: xr.DataTree, variable: str | None, policies: Policies, kind: str) -> Shown:
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
        remedy = "Add it to keep.outcomes in the study, and run it again."
        raise UserError(kind, [f"expected an outcome stored path by path ({listed}){got}. {remedy}"])
    return shown(cube, kept[name].compute(), policies)


def outcomes(cube: xr.DataTree) -> dict[str, xr.DataArray]:
    """The outcomes kept per path, in the order of the cube."""
    kept = cube["paths"].data_vars if "paths" in cube.children else {}
    return {str(name): values for name, values in kept.items()}


def yearly(
    cube: xr.DataTree, group: str, variable: str | None, where: Place, kind: str, others: Iterable[str] = ()
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
    for dim, chosen in where.items():
        known = list(map(str, values[dim].values)) if dim in dims else []
        if not dims:
            problems.add(f"where.{dim}", f"'{name}' has one value a year, and no dimension '{dim}'.")
        elif chosen not in known:
            problems.add(f"where.{dim}", unknown(dim, chosen, known) if known else unknown("dimension", dim, dims))
    problems.refuse(kind)
    return values.sel(where)


def refuse_unknown(option: str, name: str, known: Iterable[str], kind: str) -> None:
    """Refuses the value of an option (variable, factor, measure) that is not among the known names.

    Raises:
      UserError: it is not among them.
    """
    names = list(known)
    if name not in names:
        raise UserError(kind, [Problem(option, unknown(option, name, names))])


def by_year(cube: xr.DataTree, group: str) -> bool:
    """Whether a group of a cube has variables by year."""
    return f"/{group}" in cube.groups and any("year" in values.dims for values in cube[group].data_vars.values())


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


def _apart(values: xr.DataArray, plain: Callable[[str], str], written: Callable[[str], str]) -> dict[str, str]:
    """Policy -> its `written` label, else its `plain` name; the names themselves where two of them read alike."""
    known, labelled = list(map(str, values["policy"].values)), values["policy"].attrs.get("labels")
    texts = list(map(plain, known) if labelled is None else map(written, labelled))
    alike = len(set(map(str.casefold, texts))) < len(known)
    return dict(zip(known, known if alike else texts, strict=True))


def draws(cube: xr.DataTree) -> xr.Dataset:
    """The stored factor draws, of whole units of paths; without factors that never vary."""
    if "draws" not in cube.children or not cube["draws"].data_vars:
        return xr.Dataset()
    group, unit = cube["draws"].to_dataset(), int(cube.attrs["independent_unit"])
    kept = min(int(group.attrs.get("kept", group.sizes["path"])), group.sizes["path"])
    drawn = group.isel(path=slice(kept - kept % unit if kept > unit else kept)).load()
    return drawn[[name for name, values in drawn.data_vars.items() if _varies(values)]]


def _varies(values: xr.DataArray) -> bool:
    finite = values.where(np.isfinite(values))
    return bool(finite.max() > finite.min())
