"""The units that the tables of an answer are held to."""

from collections.abc import Mapping
from typing import Any

from engine.answers.answer import Answer
from engine.answers.table import Kind, Table
from engine.modelling.folds import summed_unit
from engine.questions.extremes.tails import LARGEST, SUM
from engine.study.study import Study

OF_YEARS = ("by_year", LARGEST, SUM)
"""Tables of yearly variables alone."""
SHARES = {"1", "%", "points"}
"""Units of a probability."""


def held_to_units(answer: Answer, study: Study) -> None:
    """Fails where numbers of an outcome, an event or a yearly variable are in another unit than its own."""
    for table in answer.tables:
        name = next((name for name in ("variable", "outcome") if name in table.by_name), None)
        for row in table.rows() if name else ():
            stated = _stated(table, row)
            assert not stated or stated <= _expected(study, table, row, row[name]), (table.name, row[name], stated)


def _stated(table: Table, row: Mapping[str, Any]) -> set[str]:
    if "unit" in row:
        return {row["unit"]}
    return {column.unit for column in table.columns if column.kind is Kind.ESTIMATE} - {"1", "year"}


def _expected(study: Study, table: Table, row: Mapping[str, Any], variable: str) -> set[str]:
    if row.get("measure") in ("worse", "share"):
        return SHARES
    if variable in study.variables and not _is_yearly(table, row):
        unit = study.unit_of(variable)
        return SHARES if unit == "1" else {unit}
    unit = study.model.yearly[variable].unit
    return {unit, summed_unit(unit)} if "counted" in row else {unit}


def _is_yearly(table: Table, row: Mapping[str, Any]) -> bool:
    return table.name in OF_YEARS or "year" in row or ("counted" in row and bool(row.get("of")))
