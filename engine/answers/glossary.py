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
      each: whether every combination of labels has a value of its own, as estimates have, though values may repeat.
    """

    about: str
    head: str = ""
    shown: str = ""
    unit: str = "1"
    kind: Kind | None = None
    each: bool = False


TERMS: Mapping[str, Term] = {
    "against": Term("policy that is deducted"),
    "alone": Term("effect where the group alone is changed"),
    "by_year.value": Term("in its unit"),
    "by_year.variable": Term("yearly variable"),
    "common.first": Term("outcome or place"),
    "common.of": Term("the outcome that places are of, or 'outcome'"),
    "common.pair": Term("two outcomes, or two places of one"),
    "common.second": Term("outcome or place"),
    "common.share": Term("share of the worst futures that two have in common", shown="%"),
    "difference": Term("one policy less another, as the title says"),
    "dominance.at_best": Term("level at which it is surely better", kind=Kind.NUMBER),
    "dominance.at_worst": Term("level at which it is surely worse", kind=Kind.NUMBER),
    "dominance.better": Term("p value of dominating", kind=Kind.NUMBER),
    "dominance.high": Term("highest level that was compared", kind=Kind.NUMBER),
    "dominance.low": Term("lowest level that was compared", kind=Kind.NUMBER),
    "dominance.order": Term("order of dominance"),
    "dominance.verdict": Term("the policy against the baseline", "it", each=True),
    "dominance.worse": Term("p value of being dominated", kind=Kind.NUMBER),
    "estimate": Term("estimate with its 95 % interval, in its unit", kind=Kind.ESTIMATE),
    "event": Term("event"),
    "events.share": Term("what the group adds, averaged over all orders: its Shapley value"),
    "factor": Term("factor"),
    "gaps.gap": Term("policy less another, high being worse; intervals hold for all pairs at once"),
    "group": Term("levers that are looked at together"),
    "groups.levers": Term("those of them that differ"),
    "level": Term("level of VaR and ES", kind=Kind.NUMBER),
    "measure": Term("measure of risk"),
    "of": Term("measure and variable"),
    "outcome": Term("outcome"),
    "outcomes.share": Term("what the group adds, averaged over all orders: its Shapley value"),
    "percent": Term("share in percent of the difference, as people read it", each=True),
    "place": Term("place"),
    "policy": Term("policy"),
    "ranks.best": Term("the best rank that it may have", kind=Kind.NUMBER),
    "ranks.between": Term("rank, and between which it lies", "rank", each=True),
    "ranks.rank": Term("rank, 1 the best", kind=Kind.NUMBER),
    "ranks.worst": Term("the worst rank that it may have", kind=Kind.NUMBER),
    "regret.regret": Term("distance from the best policy of the same future"),
    "standings.against": Term("policy that it is compared with"),
    "standings.better": Term("in how many it is clearly better; intervals hold for all pairs at once", each=True),
    "taken_back": Term("what is lost where the group alone is not changed"),
    "thresholds.difference": Term("the same, policy less the baseline", shown="points"),
    "thresholds.level": Term("level of the outcome of the event, in its unit", kind=Kind.NUMBER),
    "thresholds.point": Term("number of the level"),
    "thresholds.share": Term("probability to pass the level", shown="%"),
    "unit": Term("unit of its numbers"),
    "variable": Term("outcome or event"),
    "verdict": Term("the policy against the baseline, as far as the interval shows", "it is", each=True),
    "worse.variance_ratio": Term("variance under independent draws over that on common futures", kind=Kind.ESTIMATE),
    "worse.worse": Term("probability of being worse than the baseline", "worse in", "%"),
    "year": Term("calendar year", unit="year"),
}
"""Terms by name of a column; `table.column` is a column of one table that means something else there."""
