"""What the columns of tables mean, how they are headed and how they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.answers.table import Kind


@dataclass(frozen=True)
class Term:
    """The meaning of a column.

    Args:
      about: what its values mean.
      head: its heading for people; the name as words if not given.
      shown: "%" for a share that people read in per cent, "points" for a difference of such, else "".
      unit: of its values; "1" if they have none, or where another column holds the unit of each row.
      kind: of its values; read from them if not given. A column that may be empty states it.
    """

    about: str
    head: str = ""
    shown: str = ""
    unit: str = "1"
    kind: Kind | None = None


TERMS: Mapping[str, Term] = {
    "estimate": Term("estimate with its 95 % interval, in its unit", kind=Kind.ESTIMATE),
    "event": Term("event"),
    "factor": Term("factor"),
    "level": Term("level of VaR and ES", kind=Kind.NUMBER),
    "measure": Term("measure of risk"),
    "outcome": Term("outcome"),
    "policy": Term("policy"),
    "unit": Term("unit of its numbers"),
    "variable": Term("outcome or event"),
    "verdict": Term("the policy against the baseline, as far as the interval shows", "it is"),
    "year": Term("calendar year", unit="year"),
}
"""Terms by name of a column; `table.column` is a column of one table that means something else there."""
