"""Estimates in stored groups, as numbers along `stat` and flags in a subgroup `reasons`, and back to records."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.risk.estimation.flags import DETAILS, Flag, Reason, as_array, of_array
from engine.risk.estimation.influences import measures
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.summaries import STATS
from engine.risk.estimation.tables import GROUPS, Numbers, Record, SummaryGroup, Tables, record
from engine.run_folder.cube_groups import REASONS, about_reasons, coordinate, flags_of, stats
from engine.run_folder.folder import Plain
from engine.storage.zarr_writer import Group as Group, Variable as Variable
from engine.study.study import Study

if TYPE_CHECKING:
    import xarray as xr

_REASON = {"reason": [str(reason) for reason in Reason], "detail": list(DETAILS)}
_NOTHING = Estimate(np.nan, np.nan, np.nan, np.nan)


def estimates(dims: str | Sequence[str], values: Any, attributes: Plain) -> Variable:
    """A variable whose values are `Estimate` objects, flags included; `taken_apart` turns it into numbers.

    Args:
      dims: of the values; `stat` is none of them.
      values: estimates, or records, in nested sequences; None where there is none.
    """
    named = (dims,) if isinstance(dims, str) else tuple(dims)
    return Variable(named, np.array(values, object), dict(attributes))


def taken_apart(groups: Mapping[str, Group]) -> dict[str, Group]:
    """The groups with numbers along `stat` in place of `Estimate` objects; flags, if any, in a subgroup `reasons`.

    Variables and coordinates without any value are left out, as a store has no array of size 0.
    """
    made = {}
    for place, group in groups.items():
        parts = group.data_vars, group.coords
        own, coords = ({name: of for name, of in part.items() if of.values.size} for part in parts)
        held = {name: of for name, of in own.items() if of.values.dtype == object}
        reasons = {name: _reasons(of) for name, of in held.items() if any(one and one.flags for one in of.values.flat)}
        numbers = {name: _numbers(of, name in reasons, name) for name, of in held.items()}
        made[place] = Group({**own, **numbers}, coords | ({"stat": stats()} if held else {}), group.attrs)
        if reasons:
            used = {dim for variable in reasons.values() for dim in variable.dims}
            beside = {name: of for name, of in coords.items() if set(of.dims) <= used}
            beside |= {dim: coordinate(dim, names, f"{dim} of a flag") for dim, names in _REASON.items()}
            made[f"{place}/{REASONS}"] = Group(reasons, beside, about_reasons(place))
    return made


def put_together(node: xr.DataTree) -> xr.Dataset:
    """The inverse of `taken_apart` for one group; an estimate without interval and flag is flagged as unrecorded."""
    group = node.to_dataset().load()
    reasons = node.children[REASONS].to_dataset().load() if REASONS in node.children else {}
    whole = {
        str(name): _whole(of, reasons.get(flags_of(str(name))))
        for name, of in group.data_vars.items()
        if "stat" in of.dims
    }
    return group.assign(whole)


def tables_of_cube(study: Study, tree: xr.DataTree) -> Tables:
    """The records of risk and comparison in a cube's summary groups."""
    tables = Tables([], [])
    whole = functools.cache(lambda place: put_together(tree[place]))  # type: ignore[arg-type]
    for group in GROUPS:
        for of in filter(lambda of: of.table, group.numbers):
            getattr(tables, of.table).extend(_records(study, tree, whole, group, of))
    # the baseline has no difference from itself, but a regret
    return Tables(tables.risk, [r for r in tables.comparison if r.policy != study.baseline or r.measure == "regret"])


def tables_as_made(study: Study, tree: xr.DataTree) -> Tables | None:
    """A cube's records in the order in which they were made; None where some, or reasons of theirs, are missing."""
    tables, names, variables = tables_of_cube(study, tree), study.policy_names, study.variables
    policies, outcomes = len(names), len(study.model.outcomes)
    own = outcomes * len(measures(study.levels)) + len(study.events)
    gaps = (policies - 1) * (own + outcomes) + policies * outcomes
    flags = [flag.reason for r in (*tables.risk, *tables.comparison) for flag in r.flags]
    if (len(tables.risk), len(tables.comparison)) != (policies * own, gaps) or Reason.UNRECORDED in flags:
        return None
    for records in (tables.risk, tables.comparison):
        records.sort(key=lambda r: (variables.index(r.variable), names.index(r.policy)))
    return tables


def yearly_table(study: Study, cube: xr.DataTree, variable: str) -> list[Record]:
    """Records of a yearly variable by policy, year and cell: mean, VaR, ES; then mean differences from the baseline.

    Args:
      cube: of a finished run, from `open_cube`.
    """
    of_sample = cube["risk/yearly"].to_dataset()
    risk, out = of_sample[variable], of_sample.attrs.get("excluded_paths", 0)
    lost = Flag(Reason.NOT_FINITE, float(out), float(of_sample.attrs["sample_paths"])) if out else None
    gap = cube["comparison/yearly"].to_dataset()[variable].expand_dims(measure=["difference_mean"])
    others = [name for name in study.policy_names if name != study.baseline]
    return [*_by_year(risk, study.policy_names, lost), *_by_year(gap, others, lost)]


def _by_year(table: xr.DataArray, policies: Iterable[str], lost: Flag | None) -> Iterator[Record]:
    dims = [str(dim) for dim in table.dims if dim not in ("policy", "measure", "stat", "year")]
    ordered = table.transpose("policy", "measure", *dims, "year", "stat").sel(policy=list(policies))
    labels = itertools.product(*(ordered[dim].values.tolist() for dim in ordered.dims[:-1]))
    found = _whole(ordered, None, Reason.FEW_IN_SAMPLE).values.flat
    for (policy, measure, *cell, year), estimate in zip(labels, found, strict=True):
        place = dict(zip(dims, map(str, cell), strict=True))
        yield record(str(measure), str(policy), str(table.name), estimate.flagged(lost), place, int(year))


def _records(
    study: Study, tree: xr.DataTree, whole: Callable[[str], xr.Dataset], group: SummaryGroup, of: Numbers
) -> Iterator[Record]:
    if f"/{group.place}" not in tree.groups:
        return
    held: Any = whole(group.place)
    if group.of == "events":
        table = held[of.name].reset_coords(drop=True) if of.name in held else None
        held = {} if table is None else {str(name): table.sel(event=name, drop=True) for name in table["event"].values}
    known = of.measures(study)
    for name in group.names(study):
        if name not in held:
            continue
        table = held[name] if "measure" in held[name].dims else held[name].expand_dims(measure=[""])
        labelled = table["measure"].values
        for policy, row in zip(study.policy_names, table.transpose("policy", "measure").values, strict=True):
            for label, estimate in zip(labelled, row, strict=True):
                if label in known:
                    yield record(known[label], policy, name, estimate)


def _numbers(held: Variable, flagged: bool, name: str) -> Variable:
    rows = [[getattr(one or _NOTHING, stat) for stat in STATS] for one in held.values.flat]
    about = {**held.attrs, **({"ancillary_variables": f"{REASONS}/{name}"} if flagged else {})}
    values = np.array(rows, np.float64).reshape(*held.values.shape, len(STATS))
    return Variable((*held.dims, "stat"), values, about)


def _reasons(held: Variable) -> Variable:
    arrays = np.stack([as_array(one.flags if one else ()) for one in held.values.flat])
    about = {"long_name": f"{held.attrs.get('long_name', '')}: flags".removeprefix(": "), "units": "1"}
    return Variable((*held.dims, *_REASON), arrays.reshape(*held.values.shape, *arrays.shape[1:]), about)


def _whole(numbers: xr.DataArray, reasons: xr.DataArray | None, missing: Reason = Reason.UNRECORDED) -> Variable:
    dims = tuple(str(dim) for dim in numbers.dims if dim != "stat")
    shape = tuple(numbers.sizes[dim] for dim in dims)
    rows = numbers.sel(stat=list(STATS)).transpose(*dims, "stat").values.reshape(-1, len(STATS))
    known: list[tuple[Any, ...]] = [()] * len(rows)
    if reasons is not None:
        of = reasons.reindex(_REASON).transpose(*dims, *_REASON).values
        known = [of_array(array) for array in of.reshape(len(rows), len(Reason), len(DETAILS))]
    held = np.empty(len(rows), object)
    # a number that has no interval although no flag says why is flagged as `missing`
    held[:] = [
        Estimate(estimate, error, low, high, flags if flags or np.isfinite(low) else (Flag(missing),))
        for (estimate, error, low, high), flags in zip(rows.tolist(), known, strict=True)
    ]
    return Variable(dims, held.reshape(shape), dict(numbers.attrs))
