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
    "bounds.share": Term("share of paths, years and cells on the bound", shown="%"),
    "constants.about": Term("what it means"),
    "constants.confidence": Term("how its value is known", "known"),
    "constants.constant": Term("its name"),
    "constants.source": Term("where its value is from"),
    "constants.stated": Term("the model's own value", "of the model", kind=Kind.NUMBER),
    "constants.unit": Term("of its value"),
    "constants.value": Term("its value; none if the study draws it", kind=Kind.NUMBER),
    "constants.whose": Term("drawn: a factor of the study; study: the study sets its value; model: the model does"),
    "differs": Term("whether the 95 % intervals of both runs do not overlap", kind=Kind.TRUTH),
    "draws.draw": Term("value that was drawn, or the mean of several paths"),
    "draws.percentile": Term("share of the prior below the draw", shown="%", kind=Kind.NUMBER),
    "event": Term("event"),
    "events_of_runs.difference": Term("probability in the second run less that in the first", shown="points"),
    "events_of_runs.first": Term("probability in the first run", shown="%"),
    "events_of_runs.second": Term("probability in the second run", shown="%"),
    "factor": Term("factor"),
    "forecast.bytes": Term("size of the run folder at most", "on disk", unit="B", kind=Kind.NUMBER),
    "forecast.futures": Term("futures that the target takes", kind=Kind.NUMBER),
    "forecast.high": Term("upper end of the 95 % interval of the futures", kind=Kind.NUMBER),
    "forecast.low": Term("lower end of the 95 % interval of the futures", kind=Kind.NUMBER),
    "forecast.pilot": Term("futures of the pilot"),
    "forecast.sampler": Term("how path numbers become random numbers"),
    "forecast.seconds": Term("time to compute them here, without compilation", "time", unit="s", kind=Kind.NUMBER),
    "forecast.standing": Term("state of the target in the pilot"),
    "forecast.target": Term("number and its precision"),
    "gates.about": Term("the fact"),
    "gates.asked": Term("what is asked of the paths"),
    "gates.gate": Term("its name"),
    "gates.held": Term("whether it holds; empty if the study does not have its years"),
    "gates.limit": Term("number that is asked, or its lower end"),
    "gates.median": Term("median of the paths", kind=Kind.NUMBER),
    "gates.of": Term("what the numbers are of"),
    "gates.p05": Term("5 % quantile of the paths", kind=Kind.NUMBER),
    "gates.p95": Term("95 % quantile of the paths", kind=Kind.NUMBER),
    "gates.paths": Term("paths on which the number is finite"),
    "gates.policy": Term("policy under which it is asked"),
    "gates.source": Term("where the fact is from"),
    "gates.upper": Term("upper end of what is asked"),
    "measure": Term("measure of risk"),
    "outcome": Term("outcome"),
    "outcomes_of_runs.difference": Term("estimate of the second run less that of the first"),
    "outcomes_of_runs.first": Term("estimate of the first run"),
    "outcomes_of_runs.second": Term("estimate of the second run"),
    "policy": Term("policy"),
    "statements.first": Term("what the study of the first run states"),
    "statements.place": Term("key in the study file"),
    "statements.second": Term("what the study of the second run states"),
    "unit": Term("unit of its numbers"),
    "variable": Term("outcome or event"),
    "verdict": Term("the policy against the baseline, as far as the interval shows", "it is"),
    "year": Term("calendar year", unit="year"),
}
"""Terms by name of a column; `table.column` is a column of one table that means something else there."""
