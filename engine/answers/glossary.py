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
    "against_value": Term("the claim's number under the other policy"),
    "apart": Term("why the figure is not scored; nothing if it is"),
    "as_high": Term("share of the model's own futures with as much or more", "as high", "%"),
    "at": Term("place among the futures"),
    "bad_side": Term("fair CRPS, weighted by what is worse than the last value known", kind=Kind.ESTIMATE),
    "before": Term("as the study has it, before the observations", kind=Kind.ESTIMATE),
    "beyond": Term("mean of the values as bad as the level or worse", "mean beyond", kind=Kind.ESTIMATE),
    "by_weight": Term("given what was observed, by the weights of the study's own futures", kind=Kind.ESTIMATE),
    "calibration.verdict": Term("`wrong` where the ranks are not uniform, over all factors at once"),
    "choice": Term("dimension of the choice"),
    "choices": Term("choices that depart from the study"),
    "claim": Term("what the study is said to show"),
    "claims.words": Term("the claim in words"),
    "confidence": Term("how the figure is known"),
    "count": Term("truths and factors with such a rank"),
    "counted": Term("what a period counts: futures, or years of any future", "of"),
    "crps": Term("fair CRPS, in the unit of the figure", "CRPS"),
    "curve.level": Term("return level: what is reached or passed"),
    "curve.verdict": Term("verdict of the universe on the claim"),
    "departures": Term("number of choices that depart at a time; 0 as stated"),
    "difference": Term("the policy less the other one"),
    "error": Term("error of the figure and discrepancy of the model together"),
    "error_of_trend": Term("mean CRPS over that of the trend of what was known", "to trend"),
    "estimate": Term("estimate with its 95 % interval, in its unit", kind=Kind.ESTIMATE),
    "event": Term("event"),
    "evidence": Term("log of the mean likelihood"),
    "exactly": Term("the same choices by name"),
    "expected": Term("mean over the model's own futures"),
    "expected_from": Term("lower end of the 95 % range over the model's own futures", "from"),
    "expected_to": Term("upper end of the 95 % range over the model's own futures", "to"),
    "extrapolated": Term("whether fitted laws give the level, because fewer than 100 values lie beyond it"),
    "factor": Term("factor"),
    "figure": Term("what was observed, and when"),
    "figures": Term("number of figures that are scored"),
    "figures.crps": Term("fair CRPS, in the unit of the figure", "CRPS", kind=Kind.ESTIMATE),
    "first_power": Term("first power of the likelihood"),
    "fit": Term("how often a tail of the law is as unlike it (0.001 to 0.5)"),
    "fraction": Term("part of the way to the choices at which the claim turns"),
    "given": Term("given what was observed", kind=Kind.ESTIMATE),
    "holds": Term("share of universes in which the claim holds", shown="%"),
    "holds_1": Term("share of universes in which it holds where 1 choice departs", "1 depart", "%"),
    "holds_16": Term("share of universes in which it holds where 16 choices depart", "16 depart", "%"),
    "holds_4": Term("share of universes in which it holds where 4 choices depart", "4 depart", "%"),
    "known_break": Term("known break of the series"),
    "largest.level": Term("return level: what is reached or passed"),
    "law": Term("the level by the fitted law, also where futures give it", "by the law", kind=Kind.ESTIMATE),
    "ledger": Term("which kind of choices depart: `specification` or `policies`"),
    "level": Term("level of VaR and ES", kind=Kind.NUMBER),
    "levels.level": Term("return level: what is reached or passed"),
    "log_score": Term("minus the log of the density at the figure", kind=Kind.NUMBER),
    "log_score_note": Term("whether the kernel alone gives the log score"),
    "mean_before": Term("mean of the prior", "mean"),
    "mean_excess": Term("how far beyond the threshold the values lie on average"),
    "mean_given": Term("mean given what was observed", "given"),
    "mean_rank": Term("mean of the ranks of the factor; 0.5 if it is calibrated"),
    "measure": Term("measure of risk"),
    "median": Term("median of the futures"),
    "misfit": Term("Anderson and Darling's statistic"),
    "note": Term("how to read the number"),
    "nothing": Term("share of universes in which the event happens under neither policy", shown="%"),
    "number": Term("what is counted over all figures together"),
    "observed": Term("what was observed"),
    "of": Term("how places or years are aggregated; nothing for an outcome"),
    "of_last": Term("CRPS of the last value known", kind=Kind.NUMBER),
    "of_trend": Term("CRPS of the trend of what was known", kind=Kind.NUMBER),
    "once_in": Term("how many futures or years it happens once in"),
    "otherwise": Term("alternative to what is stated"),
    "outcome": Term("outcome"),
    "p05": Term("5 % quantile of the futures"),
    "p25": Term("25 % quantile of the futures"),
    "p75": Term("75 % quantile of the futures"),
    "p95": Term("95 % quantile of the futures"),
    "p_value": Term("p-value of the test that the ranks are uniform"),
    "period": Term("how many futures or years it happens once in, as a number"),
    "pit.high": Term("upper end of the band that 95 % of the model's own futures lie in"),
    "pit.low": Term("lower end of the band that 95 % of the model's own futures lie in"),
    "pit.share": Term("share of figures at that place or below"),
    "place": Term("place among the futures, 0 to 1; of several figures the mean", kind=Kind.NUMBER),
    "place_before": Term("place of the figure among the futures of the study", "place"),
    "place_given": Term("place of the figure among the futures given what was observed", "given"),
    "policy": Term("policy"),
    "policy_value": Term("the claim's number under its policy"),
    "powers": Term("powers of the likelihood that the run goes through"),
    "rank": Term("share of the futures' weight below the truth"),
    "ranks.expected": Term("count where all factors are calibrated"),
    "ranks.high": Term("upper end of the range of the count where all factors are calibrated, of each bin by itself"),
    "ranks.low": Term("lower end of the range of the count where all factors are calibrated, of each bin by itself"),
    "reading": Term("reading of the figures, where they can be read in several ways"),
    "reversed": Term("share of universes in which the claim is reversed, by as much as matters", shown="%"),
    "row": Term("number of the row"),
    "run": Term("number of the independent run"),
    "runs.taken": Term("share of the last steps that is taken", shown="%"),
    "scale": Term("scale of the law"),
    "sd_before": Term("standard deviation of the prior", "sd"),
    "sd_given": Term("standard deviation given what was observed"),
    "series": Term("series of figures"),
    "series.error": Term("mean CRPS over that of the last value known"),
    "shape": Term("shape of the law: 1 over the tail index"),
    "shift": Term("shift of the mean, in standard deviations of the prior"),
    "source": Term("where the figure was read"),
    "standard_error": Term("standard error of the observation"),
    "sum.level": Term("return level: what is reached or passed"),
    "tail": Term("what a period counts, and of what"),
    "taken": Term("whether it is the one that is taken"),
    "threshold": Term("threshold that the law begins at"),
    "time": Term("year, or the last of several"),
    "turned_by": Term("the fewest choices found that turn it"),
    "undecided": Term("share of universes in which neither is significant", shown="%"),
    "unit": Term("unit of its numbers"),
    "universe": Term("number of the universe"),
    "universes": Term("universes of the design that differ"),
    "value": Term("value of what happened"),
    "values": Term("futures or years beyond the threshold, which the law is fitted to"),
    "variable": Term("outcome or event"),
    "verdict": Term("the policy against the baseline, as far as the interval shows", "it is"),
    "words": Term("the choice in words"),
    "year": Term("calendar year", unit="year"),
}
"""Terms by name of a column; `table.column` is a column of one table that means something else there."""
