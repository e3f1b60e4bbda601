"""A table of an answer from rows, labels and values by name of a column, and the glossary of what columns mean."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from engine.answers.table import Column, Kind, Table
from engine.formatting import words
from engine.risk.estimation.intervals import Estimate


@dataclass(frozen=True)
class Term:
    """The meaning of a column.

    Args:
      about: what its values mean.
      head: its heading for people; the name as words if not given.
      shown: "%" for a share that people read in per cent, "points" for a difference of such, else "".
      unit: of its values; "1" if they have none, or where another column holds the unit of each row.
      kind: of its values; read from them if not given. A column that may be empty states it.
      each: whether every combination of labels has a value of its own, as estimates have, though values may repeat.
    """

    about: str
    head: str = ""
    shown: str = ""
    unit: str = "1"
    kind: Kind | None = None
    each: bool = False


number = partial(Term, kind=Kind.NUMBER)
"""The term of a column of numbers that may be empty, or of whole numbers that may be missing."""
estimate = partial(Term, kind=Kind.ESTIMATE)
"""The term of a column of estimates that may be empty."""
share = partial(Term, shown="%")
"""The term of a share that people read in per cent."""
points = partial(Term, shown="points")
"""The term of a difference of shares that people read in percentage points."""

TERMS: Mapping[str, str | Term] = {
    "against": "policy that is deducted",
    "against_value": "the claim's number under the other policy",
    "alone": "effect where the group alone is changed",
    "apart": "why the figure is not scored; nothing if it is",
    "as_high": share("share of the model's own futures with as much or more", "as high"),
    "assumptions.elsewhere": Term("structures in which that is otherwise", "in other structures"),
    "assumptions.stated": Term("policy that is clearly worse as stated", "as stated"),
    "assumptions.verdict": "verdict of all structures together",
    "at": "place among the futures",
    "back": "whether the ranking is as stated again beyond",
    "before": estimate("as the study has it, before the observations"),
    "belief": "what is believed",
    "beyond": estimate("mean of the values as bad as the level or worse", "mean beyond"),
    "boxes.box": "its number, or all boxes as one",
    "boxes.correlation": "correlation of lying within any box and being looked for",
    "boxes.number": "number of the box; 0 for all boxes as one",
    "by": "by weights of stored futures, or by runs",
    "by_year.value": "in its unit",
    "by_year.variable": "yearly variable",
    "choice": "dimension of the choice",
    "choices": "choices that depart from the study",
    "chosen_on": "paths that boxes are chosen on",
    "claim": "what the study is said to show",
    "claims.words": "the claim in words",
    "common.pair": "two outcomes",
    "common.share": share("share of the worst futures that two have in common"),
    "confidence": "how the figure is known",
    "constants.about": "what it means",
    "constants.confidence": Term("how its value is known", "known"),
    "constants.constant": "its name",
    "constants.source": "where its value is from",
    "constants.stated": number("the model's own value", "of the model"),
    "constants.unit": "of its value",
    "constants.value": number("its value; none if the study draws it"),
    "constants.whose": "drawn: a factor of the study; study: the study sets its value; model: the model does",
    "correlations.group": "group of factors",
    "counted": Term("what a period counts: futures, or years of any future", "of"),
    "coverage": share("share of the futures looked for that lie within, and in no earlier box"),
    "coverage_without": share("coverage of the box without this factor", "coverage\nwithout it"),
    "crps": Term("fair CRPS, in the unit of the figure", "CRPS"),
    "curve.level": "return level: what is reached or passed",
    "curve.verdict": "verdict of the universe on the claim",
    "densities.density": "share of the worst futures in the tenth of the prior, over a tenth",
    "densities.input": "factor, or shock in a year",
    "densities.tenth": "tenth of the prior, from the lowest on",
    "density": share("share of the futures within, and in no earlier box, that are looked for"),
    "density_without": share("density of the box without this factor", "density\nwithout it"),
    "departures": "number of choices that depart at a time; 0 as stated",
    "difference": "the policy less the other one",
    "difference.measure": "what the policies are ranked by",
    "differs": Term("whether the 95 % intervals of both runs do not overlap", kind=Kind.TRUTH),
    "distance": Term("length of the move, in normal scores", "sd"),
    "dominance.at_best": number("level at which it is surely better"),
    "dominance.at_worst": number("level at which it is surely worse"),
    "dominance.better": number("p value of dominating"),
    "dominance.high": number("highest level that was compared"),
    "dominance.low": number("lowest level that was compared"),
    "dominance.order": "order of dominance",
    "dominance.verdict": Term("the policy against the baseline", "it", each=True),
    "dominance.worse": number("p value of being dominated"),
    "draws.draw": "value that was drawn, or the mean of several paths",
    "draws.percentile": Term("share of the prior below the draw", shown="%", kind=Kind.NUMBER),
    "error": "error of the figure and discrepancy of the model together",
    "error_of_trend": Term("mean CRPS over that of the trend of what was known", "to trend"),
    "estimate": estimate("estimate with its 95 % interval, in its unit"),
    "events.of": "measure and variable",
    "events.share": "what the group adds, averaged over all orders: its Shapley value",
    "events_of_runs.difference": points("probability in the second run less that in the first"),
    "events_of_runs.first": share("probability in the first run"),
    "events_of_runs.second": share("probability in the second run"),
    "exactly": "the same choices by name",
    "expected": "mean over the model's own futures",
    "expected_from": Term("lower end of the 95 % range over the model's own futures", "from"),
    "expected_to": Term("upper end of the 95 % range over the model's own futures", "to"),
    "extrapolated": "whether fitted laws give the level, because fewer than 100 values lie beyond it",
    "figure": "what was observed, and when",
    "figures": "number of figures that are scored",
    "figures.crps": estimate("fair CRPS, in the unit of the figure", "CRPS"),
    "figures.place": number("where it lies among the futures, 0 to 1"),
    "fit": "how often a tail of the law is as unlike it (0.001 to 0.5)",
    "forecast.bytes": number("size of the run folder at most", "on disk", unit="B"),
    "forecast.futures": number("futures that the target takes"),
    "forecast.high": number("upper end of the 95 % interval of the futures"),
    "forecast.low": number("lower end of the 95 % interval of the futures"),
    "forecast.pilot": "futures of the pilot",
    "forecast.sampler": "how path numbers become random numbers",
    "forecast.seconds": number("time to compute them here, without compilation", "time", unit="s"),
    "forecast.standing": "state of the target in the pilot",
    "forecast.target": "number and its precision",
    "fraction": "part of the way to the choices at which the claim turns",
    "futures.share": share("share of the futures that are looked for"),
    "gaps.gap": "policy less another, high being worse; intervals hold for all pairs at once",
    "gates.about": "the fact",
    "gates.asked": "what is asked of the paths",
    "gates.gate": "its name",
    "gates.held": "whether it holds; empty if the study does not have its years",
    "gates.limit": "number that is asked, or its lower end",
    "gates.median": number("median of the paths"),
    "gates.of": "what the numbers are of",
    "gates.p05": number("5 % quantile of the paths"),
    "gates.p95": number("95 % quantile of the paths"),
    "gates.paths": "paths on which the number is finite",
    "gates.policy": "policy under which it is asked",
    "gates.source": "where the fact is from",
    "gates.upper": "upper end of what is asked",
    "given": estimate("given what was observed"),
    "group": "levers that are looked at together",
    "groups.levers": "those of them that differ",
    "holds": share("share of universes in which the claim holds"),
    "holds_1": share("share of universes in which it holds where 1 choice departs", "1 depart"),
    "holds_16": share("share of universes in which it holds where 16 choices depart", "16 depart"),
    "holds_4": share("share of universes in which it holds where 4 choices depart", "4 depart"),
    "in_force": "value of the lever, or its values by year",
    "information": Term("information of the facts about the factor", "bits"),
    "input": "what is drawn independently of all else",
    "inputs.distance": (
        "variance of the density by tenths over the prior's, less what chance adds: 0 as the prior, 9 all in one tenth"
    ),
    "inputs.highest": share("share of the worst futures in the highest tenth of the prior", "highest\ntenth"),
    "inputs.input": "factor, or shock in a year",
    "inputs.kind": "factor or shock",
    "inputs.lowest": share("share of the worst futures in the lowest tenth of the prior", "lowest\ntenth"),
    "inputs.mean": Term("mean of the worst futures, in the input's unit", "mean"),
    "inputs.name": "name of the factor or shock",
    "inputs.p_value": "p value that the worst futures are as the prior has them, each by itself",
    "inputs.prior_mean": Term("mean of the prior", "prior mean"),
    "inputs.prior_sd": "standard deviation of the prior",
    "inputs.shift": Term("mean of the worst futures less the prior's, in its standard deviations", "shift [sd]"),
    "inputs.year": number("calendar year of a shock", unit="year"),
    "joint.move": Term("how far its normal score moves", "sd"),
    "joint.stated": Term("its median as stated, in its unit", "median"),
    "joint.turn": Term("its median there, in its unit", "turns at"),
    "judged_on": "paths that judge the boxes",
    "known.factors": share("share of the variance that goes if all factors are known", "all factors"),
    "known.of": "what is looked at",
    "known.sd": Term("standard deviation, in the unit of the variable", "standard deviation"),
    "known.shocks": share("share of the variance that goes if all shocks are known", "all shocks"),
    "known_break": "known break of the series",
    "largest.level": "return level: what is reached or passed",
    "law": estimate("the level by the fitted law, also where futures give it", "by the law"),
    "ledger": "which kind of choices depart: `specification` or `policies`",
    "left_out.why": "why it is left out",
    "length": "length of a prior's move in independent normal scores",
    "level": number("level of VaR and ES"),
    "levels.level": "return level: what is reached or passed",
    "lever": "lever of a policy",
    "limits.above": "share of the prior above the upper limit; of categories, outside",
    "limits.allowed": "values that it allows, of categories",
    "limits.below": "share of the prior below the lower limit",
    "limits.box": "box that it belongs to",
    "limits.high": "upper limit, in the factor's unit",
    "limits.limit": "the limit in words",
    "limits.low": "lower limit, in the factor's unit",
    "limits.number": "number of the box",
    "lost": "paths left out, not finite",
    "mass": share("share of all futures that lie within, and in no earlier box"),
    "mean_before": Term("mean of the prior", "mean"),
    "mean_excess": "how far beyond the threshold the values lie on average",
    "mean_given": Term("mean given what was observed", "given"),
    "measure": "measure of risk",
    "measured.level": number("level of the measure, whose worst futures are looked at"),
    "measured.measure": "measure on all paths",
    "measured.value": "measure of the variable under the policy",
    "median": "median of the futures",
    "misfit": "Anderson and Darling's statistic",
    "move": Term("how far it must move, in its unit", "moves by"),
    "nearest.what": "what is moved",
    "not_finite": "the value where it is no finite number",
    "note": "how to read the number",
    "nothing": share("share of universes in which the event happens under neither policy"),
    "number": "what is counted over all figures together",
    "observed": "what was observed",
    "of": "how places or years are aggregated; nothing for an outcome",
    "of_last": number("CRPS of the last value known"),
    "of_trend": number("CRPS of the trend of what was known"),
    "once_in": "how many futures or years it happens once in",
    "otherwise": "alternative to what is stated",
    "outcomes.of": "measure and variable",
    "outcomes.share": "what the group adds, averaged over all orders: its Shapley value",
    "outcomes_of_runs.difference": "estimate of the second run less that of the first",
    "outcomes_of_runs.first": "estimate of the first run",
    "outcomes_of_runs.second": "estimate of the second run",
    "p05": "5 % quantile of the futures",
    "p25": "25 % quantile of the futures",
    "p75": "75 % quantile of the futures",
    "p95": "95 % quantile of the futures",
    "period": "how many futures or years it happens once in, as a number",
    "pit.high": "upper end of the band that 95 % of the model's own futures lie in",
    "pit.low": "lower end of the band that 95 % of the model's own futures lie in",
    "pit.share": "share of figures at that place or below",
    "place_before": Term("place of the figure among the futures of the study", "place"),
    "place_given": Term("place of the figure among the futures given what was observed", "given"),
    "point.distance": Term("from the origin, in standard deviations of a normal score", "sd from the middle"),
    "point.passed": "what happens in it",
    "point_factors.draw": "draw, in the factor's unit",
    "point_factors.score": "normal score of the draw",
    "point_outcomes.value": "outcome, in its unit",
    "point_shares.input": "group, factor or shock that is drawn independently",
    "point_shares.share": share("share of the squared distance"),
    "point_shocks.away": Term(
        "its distance from the prior's mean, in standard deviations of the prior", "sd from its prior"
    ),
    "point_shocks.value": "shock of the year",
    "policy_value": "the claim's number under its policy",
    "priors.move": Term("how far its normal score must move", "sd"),
    "quasi_p_high": Term("quasi-p value of the upper limit", "quasi-p, upper"),
    "quasi_p_low": Term("quasi-p value of the lower limit, or of the categories", "quasi-p"),
    "rank": "place among the worst paths, 1 the worst",
    "ranking": "variable and measure that policies are ranked by",
    "ranks.best": number("the best rank that it may have"),
    "ranks.between": Term("rank, and between which it lies", "rank", each=True),
    "ranks.rank": number("rank, 1 the best"),
    "ranks.worst": number("the worst rank that it may have"),
    "reading": "reading of the figures, where they can be read in several ways",
    "regret.regret": "distance from the best policy of the same future",
    "replays.command": "what shows the path in full",
    "replays.path": "stands for the number of a future, such as one of the worst paths",
    "reversed": share("share of universes in which the difference has the other sign, significantly"),
    "row": "number of the row",
    "rule": "sign: the difference has the other sign significantly; size: it is also as large as matters",
    "scale": "scale of the law",
    "sd_before": Term("standard deviation of the prior", "sd"),
    "sd_given": "standard deviation given what was observed",
    "searched": "paths that boxes are proposed on at a time",
    "series": "series of figures",
    "series.error": "mean CRPS over that of the last value known",
    "series.place": number("where they lie among the futures on average, 0 to 1"),
    "shape": "shape of the law: 1 over the tail index",
    "shares.alone": share("share of the variance that goes if it is known"),
    "shares.kind": "factor, group, shock or regime",
    "shares.of": "what is looked at",
    "shares.share": share("its part in the variance, with interactions shared out evenly"),
    "shares.total": share("share of the variance that is left if all others are known"),
    "shift": "shift of the mean, in standard deviations of the prior",
    "shocks.law": "law of the shock",
    "side": "policy, or difference of two",
    "source": "where the figure was read",
    "standard_error": "standard error of the observation",
    "stated": "its value as stated, in its unit",
    "structure": "assumptions that are changed",
    "structures.against": "policy that it is compared with",
    "structures.against_value": "measure under the other policy, in its unit",
    "structures.policy_value": "measure under the policy, in its unit",
    "structures.worse": "policy that is clearly the worse one",
    "sum.level": "return level: what is reached or passed",
    "tail": "what a period counts, and of what",
    "taken": "whether it is the one that is taken",
    "taken_back": "what is lost where the group alone is not changed",
    "threshold": "threshold that the law begins at",
    "time": "year, or the last of several",
    "turn": Term("its value where the ranking turns; where it does not, the value that comes nearest", "turns at"),
    "turned_by": Term("the fewest choices found that reverse its sign significantly", "reversed by"),
    "turned_by_size": Term("the fewest choices found that reverse it by as much as matters", "by size"),
    "turns": "whether it turns the ranking",
    "undecided": share("share of universes in which neither is significant"),
    "unit": "unit of its numbers",
    "universe": "number of the universe",
    "universes": "universes of the design that differ",
    "value": "value of what happened",
    "values": "futures or years beyond the threshold, which the law is fitted to",
    "variable": "outcome or event",
    "verdict": Term("the policy against the baseline, as far as the interval shows", "it is", each=True),
    "where": "what holds in the futures that are looked for",
    "words": "the choice in words",
    "worse.worse": share("probability of being worse than the baseline", "worse in"),
    "worst.path": "number of the future",
    "worst.value": "its value on the path",
    "year": Term("calendar year", unit="year"),
}
"""Terms by name of a column; `table.column` is a column of one table that means something else there.

A text stands for the term with that meaning and nothing else.
"""


def term_of(table: str, column: str) -> Term:
    """The term of a column of a table; the name as words where the glossary does not have it."""
    found = TERMS.get(f"{table}.{column}") or TERMS.get(column) or words(column)
    return Term(found) if isinstance(found, str) else found


BRIEF = "brief"
"""Key of a row that says whether the brief form of the table has it; a row without the key is in it."""
Row = dict[str, Any]
"""Labels and values of a row by name of a column."""
_KINDS = ((Estimate, Kind.ESTIMATE), (bool, Kind.TRUTH), (int, Kind.COUNT), (float, Kind.NUMBER))


def table(
    name: str,
    title: str,
    rows: Iterable[Mapping[str, Any]],
    *dims: str,
    brief: Collection[str] | None = None,
    across: str = "",
    apart: str = "",
    units: Mapping[str, str] | None = None,
    shown: Mapping[str, str] | None = None,
) -> Table:
    """A table of all combinations of the labels along `dims`; one without a row has missing values.

    With one dimension each row keeps its place, labels may repeat, and rows without a label are numbered from 1.
    Columns have the order of the first row's keys.

    Args:
      brief: columns of the brief form beside the labels; all if not given, and no rows either if empty.
      across: the dimension whose labels become columns when the table is shown.
      apart: the dimension of which each label becomes a table of its own when the table is shown.
      units: of columns whose unit the study states, by their names.
      shown: "%" or "points" for columns that people read so in this table, by their names.
    """
    given = [*rows]
    if len(dims) == 1:
        given = [{dims[0]: str(number), **row} for number, row in enumerate(given, 1)]
    keys = [tuple(row[dim] for dim in dims) for row in given]
    labels = [[*dict.fromkeys(part)] for part in zip(*keys, strict=True)]
    if given and len(dims) > 1:
        held = dict(zip(keys, given, strict=True))
        keys = [*product(*labels)]
        given = [held.get(key, {BRIEF: False}) for key in keys]
    names = [one for one in dict.fromkeys(one for row in given for one in row) if one not in (*dims, BRIEF)]

    def column(of: str) -> Column:
        values = [key[dims.index(of)] for key in keys] if of in dims else [row.get(of) for row in given]
        term = term_of(name, of)
        kind = _kind(values)
        if term.kind and not (of in dims and kind is Kind.TEXT):
            kind = term.kind
        # an estimate has a value for each combination, though values may repeat, unless it describes a part
        own = term.each or (kind is Kind.ESTIMATE and (not apart or len(labels[-1]) == 1))
        varies = len(dims) == 1 or of in dims or own
        over = None if varies else _over(values, [*map(len, labels)], dims)
        is_brief = brief is None or of in dims or of in brief
        unit, form = (units or {}).get(of, term.unit), (shown or {}).get(of, term.shown)
        return Column(of, kind, values, term.about, unit, term.head, form, over, is_brief)

    marks = [brief is None or (bool(brief) and bool(row.get(BRIEF, True))) for row in given]
    return Table(name, title, [column(of) for of in (*dims, *names)], dims, marks, across, apart)


def _kind(values: Sequence[Any]) -> Kind:
    first = next((one for one in values if one is not None), "")
    return next((kind for of, kind in _KINDS if isinstance(first, of)), Kind.TEXT)


def _over(values: Sequence[Any], shape: Sequence[int], dims: Sequence[str]) -> tuple[str, ...]:
    """The dimensions along which values vary; the first of them if they vary along none."""
    grid = np.empty(len(values), object)
    grid[:] = values
    grid = grid.reshape(shape)
    varying = (dim for axis, dim in enumerate(dims) if grid.size and (grid != grid.take([0], axis)).any())
    return tuple(varying) or tuple(dims[:1])
