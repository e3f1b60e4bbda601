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
    "boxes.box": Term("its number, or all boxes as one"),
    "boxes.correlation": Term("correlation of lying within any box and being looked for"),
    "boxes.number": Term("number of the box; 0 for all boxes as one"),
    "chosen_on": Term("paths that boxes are chosen on"),
    "coverage": Term("share of the futures looked for that lie within, and in no earlier box", shown="%"),
    "coverage_without": Term("coverage of the box without this factor", "coverage\nwithout it", "%"),
    "densities.density": Term("share of the worst futures in the tenth of the prior, over a tenth"),
    "densities.input": Term("factor, or shock in a year"),
    "densities.tenth": Term("tenth of the prior, from the lowest on"),
    "density": Term("share of the futures within, and in no earlier box, that are looked for", shown="%"),
    "density_without": Term("density of the box without this factor", "density\nwithout it", "%"),
    "estimate": Term("estimate with its 95 % interval, in its unit", kind=Kind.ESTIMATE),
    "event": Term("event"),
    "factor": Term("factor"),
    "futures.share": Term("share of the futures that are looked for", shown="%"),
    "inputs.distance": Term(
        "variance of the density by tenths over the prior's, less what chance adds: 0 as the prior, 9 all in one tenth"
    ),
    "inputs.highest": Term("share of the worst futures in the highest tenth of the prior", "highest tenth", "%"),
    "inputs.input": Term("factor, or shock in a year"),
    "inputs.kind": Term("factor or shock"),
    "inputs.lowest": Term("share of the worst futures in the lowest tenth of the prior", "lowest tenth", "%"),
    "inputs.mean": Term("mean of the worst futures, in the input's unit", "mean there"),
    "inputs.name": Term("name of the factor or shock"),
    "inputs.p_value": Term("p value that the worst futures are as the prior has them, each by itself"),
    "inputs.prior_mean": Term("mean of the prior", "prior's"),
    "inputs.prior_sd": Term("standard deviation of the prior"),
    "inputs.shift": Term("mean of the worst futures less the prior's, in its standard deviations", "shift [sd]"),
    "inputs.year": Term("calendar year of a shock", unit="year", kind=Kind.NUMBER),
    "judged_on": Term("paths that judge the boxes"),
    "left_out.why": Term("why it is left out"),
    "level": Term("level of VaR and ES", kind=Kind.NUMBER),
    "limits.above": Term("share of the prior above the upper limit; of categories, outside"),
    "limits.allowed": Term("values that it allows, of categories"),
    "limits.below": Term("share of the prior below the lower limit"),
    "limits.box": Term("box that it belongs to"),
    "limits.high": Term("upper limit, in the factor's unit"),
    "limits.limit": Term("the limit in words"),
    "limits.low": Term("lower limit, in the factor's unit"),
    "limits.number": Term("number of the box"),
    "lost": Term("paths left out, not finite"),
    "mass": Term("share of all futures that lie within, and in no earlier box", shown="%"),
    "measure": Term("measure of risk"),
    "measured.level": Term("level of the measure, whose worst futures are looked at", kind=Kind.NUMBER),
    "measured.measure": Term("measure on all paths"),
    "measured.value": Term("measure of the variable under the policy"),
    "outcome": Term("outcome"),
    "point.distance": Term("from the origin, in standard deviations of a normal score", "sd from the middle"),
    "point.passed": Term("what happens in it"),
    "point.unusual": Term(
        "score of what is unusual in it, and its part in the squared distance", "what is unusual in it"
    ),
    "point_factors.draw": Term("draw, in the factor's unit"),
    "point_factors.score": Term("normal score of the draw"),
    "point_outcomes.value": Term("outcome, in its unit"),
    "point_shares.input": Term("group, factor or shock that is drawn independently"),
    "point_shares.share": Term("share of the squared distance", shown="%"),
    "point_shocks.away": Term(
        "its distance from the prior's mean, in standard deviations of the prior", "sd from its prior"
    ),
    "point_shocks.shock": Term("shock"),
    "point_shocks.value": Term("shock of the year"),
    "point_years.cell": Term("yearly variable, and its place"),
    "point_years.value": Term("yearly value, in its unit"),
    "policy": Term("policy"),
    "quasi_p_high": Term("quasi-p value of the upper limit", "quasi-p, upper"),
    "quasi_p_low": Term("quasi-p value of the lower limit, or of the categories", "quasi-p"),
    "replays.command": Term("what shows the path in full"),
    "replays.path": Term("stands for the number of a future, such as one of the worst paths"),
    "searched": Term("paths that boxes are proposed on at a time"),
    "slopes.location": Term(
        "change of the measure for a standard deviation by which the prior's mean is moved", "of its mean"
    ),
    "slopes.location_per_unit": Term(
        "change of the measure for a unit of the factor by which the prior's mean is moved"
    ),
    "slopes.scale": Term(
        "change of the measure for a standard deviation that is added to the prior's own", "of its spread"
    ),
    "slopes.scale_per_unit": Term(
        "change of the measure for a unit of the factor that is added to the prior's standard deviation"
    ),
    "steps.coverage": Term("share of the futures looked for that lie within", shown="%"),
    "steps.density": Term("share of the futures within that are looked for", shown="%"),
    "steps.factors": Term("limited factors"),
    "steps.mass": Term("share of all futures that lie within", shown="%"),
    "steps.step": Term("number of the proposed box"),
    "unit": Term("unit of its numbers"),
    "variable": Term("outcome or event"),
    "verdict": Term("the policy against the baseline, as far as the interval shows", "it is"),
    "where": Term("what holds in the futures that are looked for"),
    "worst.path": Term("number of the future"),
    "worst.value": Term("its value on the path"),
    "year": Term("calendar year", unit="year"),
}
"""Terms by name of a column; `table.column` is a column of one table that means something else there."""
