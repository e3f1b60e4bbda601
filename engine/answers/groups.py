"""Tables as labelled groups for xarray and zarr, and back without loss, flags included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.answers.table import Column, Kind, Table, is_nothing
from engine.run_folder.cube_groups import described
from engine.run_folder.stored_estimates import Group, Variable, estimates, put_together, taken_apart

if TYPE_CHECKING:
    import xarray as xr

FORM = "table"
"""Attribute of a group that holds its table's title, dimensions and columns, but for their values."""
_TYPES = {Kind.NUMBER: np.float64, Kind.COUNT: np.int64, Kind.TRUTH: np.int8, Kind.TEXT: object}


def groups(tables: Sequence[Table]) -> dict[str, Group]:
    """One group per table, by its name; estimates have a dimension `stat`, and flags a subgroup `reasons`."""
    return taken_apart({table.name: _group(table) for table in tables})


def _group(table: Table) -> Group:
    columns = {column.name: _variable(table, column) for column in table.columns}
    labelled = [column.name for column in table.columns if column.kind is Kind.TEXT or column.name in table.dims]
    form = {
        "title": table.title,
        "dims": list(table.dims),
        "brief": list(table.brief),
        "across": table.across,
        "apart": table.apart,
    }
    form["columns"] = [_form(column) for column in table.columns]
    coords = {name: columns.pop(name) for name in labelled}
    for name in columns:
        if f"{name}_error" in columns:
            columns[name].attrs["ancillary_variables"] = f"{name}_error"
    return Group(columns, coords, {"comment": table.title, FORM: form})


def _form(column: Column) -> dict[str, Any]:
    """The description of a column: all its fields but the values."""
    held = {one.name: getattr(column, one.name) for one in fields(column) if one.name != "values"}
    return held | {"over": None if column.over is None else list(column.over), "kind": str(column.kind)}


def _variable(table: Table, column: Column) -> Variable:
    dims = (column.name,) if column.name in table.dims else table.dims if column.over is None else column.over
    if len(table.dims) == 1:
        dims, values = table.dims, list(column.values)
    elif column.name in table.dims:
        values = list(table.labels(column.name))
    else:
        held = np.empty(len(table), object)
        held[:] = column.values
        first = tuple(slice(None) if dim in dims else 0 for dim in table.dims)
        values = held.reshape(table.shape)[first].tolist()
    about = described(column.about, column.unit)
    if column.kind is Kind.ESTIMATE:
        return estimates(dims, values, about)
    if column.kind is Kind.NUMBER:
        values = [np.nan if one is None else one for one in values]
    if column.kind is Kind.TRUTH:
        about |= {"flag_values": [0, 1], "flag_meanings": "no yes"}
    return Variable(tuple(dims), np.array(values, _TYPES[column.kind]), about)


def tables(tree: xr.DataTree) -> tuple[Table, ...]:
    """The tables read back from groups that `groups` made, in the order of `tree`; other groups are left out."""
    return tuple(
        _table(str(name), node.attrs[FORM], put_together(node))
        for name, node in tree.children.items()
        if FORM in node.attrs
    )


def _table(name: str, form: Mapping[str, Any], group: xr.Dataset) -> Table:
    dims = tuple(form["dims"])
    shape = {dim: group.sizes.get(dim, 0) for dim in dims}
    columns = []
    for about in form["columns"]:
        kind, over = Kind(about["kind"]), about["over"]
        given = {**about, "kind": kind, "over": None if over is None else tuple(over)}
        columns.append(Column(values=_values(group, about["name"], kind, shape), **given))
    return Table(name, form["title"], columns, dims, form["brief"], form["across"], form["apart"])


def _values(group: xr.Dataset, name: str, kind: Kind, shape: Mapping[str, int]) -> list[Any]:
    if name not in group.variables:  # a store has no array of size 0
        return []
    values = group[name].variable.set_dims(shape).transpose(*shape).values.ravel().tolist()
    if kind is Kind.ESTIMATE:
        return [None if is_nothing(one) else one for one in values]
    return [str(one) for one in values] if kind is Kind.TEXT else values
