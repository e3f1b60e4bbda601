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
    "against": Term("policy that is deducted; empty for none"),
    "back": Term("whether the ranking is as stated again beyond"),
    "belief": Term("what is believed"),
    "by": Term("by weights of stored futures, or by runs"),
    "difference.difference": Term("policy less the other, as stated"),
    "difference.measure": Term("what the policies are ranked by"),
    "distance": Term("length of the move, in normal scores", "sd"),
    "event": Term("event"),
    "event_swings.high": Term("what changes where it is held there", "moves it by", "points"),
    "event_swings.low": Term("what changes where it is held there", "moves it by", "points"),
    "factor": Term("factor"),
    "group": Term("group of factors"),
    "high_value": Term("95 % quantile of its prior, in its unit", "at 95 %"),
    "input": Term("what is drawn independently of all else"),
    "joint.move": Term("how far its normal score moves", "sd"),
    "joint.stated": Term("its median as stated, in its unit", "median"),
    "joint.turn": Term("its median there, in its unit", "turns at"),
    "known.factors": Term("share of the variance that goes if all factors are known", "all factors", "%"),
    "known.of": Term("what is looked at"),
    "known.sd": Term("standard deviation, in the unit of the variable", "standard deviation"),
    "known.shocks": Term("share of the variance that goes if all shocks are known", "all shocks", "%"),
    "length": Term("length of a prior's move in independent normal scores"),
    "lever": Term("lever of a policy"),
    "low_value": Term("5 % quantile of its prior, in its unit", "at 5 %"),
    "measure": Term("measure of risk"),
    "move": Term("how far it must move, in its unit", "moves by"),
    "nearest.what": Term("what is moved"),
    "outcome": Term("outcome"),
    "policy": Term("policy"),
    "priors.move": Term("how far its normal score must move", "sd"),
    "quantity": Term("what is looked at"),
    "shares.alone": Term("share of the variance that goes if it is known", shown="%"),
    "shares.kind": Term("factor, group, shock or regime"),
    "shares.of": Term("what is looked at"),
    "shares.share": Term("its part in the variance, with interactions shared out evenly", shown="%"),
    "shares.total": Term("share of the variance that is left if all others are known", shown="%"),
    "side": Term("policy, or difference of two"),
    "stated": Term("its value as stated, in its unit"),
    "swings.high": Term("what changes where it is held there", "moves it by"),
    "swings.low": Term("what changes where it is held there", "moves it by"),
    "turn": Term("its value where the ranking turns; where it does not, the value that comes nearest", "turns at"),
    "turns": Term("whether it turns the ranking"),
    "unit": Term("unit of its numbers"),
    "variable": Term("outcome or event"),
    "verdict": Term("the policy against the baseline, as far as the interval shows", "it is"),
    "why": Term("why it is left out"),
    "worth.choice": Term("policy that is chosen without knowing"),
    "worth.decision": Term("what a policy is chosen by"),
    "worth.knowing": Term("what is known"),
    "worth.worth": Term("gain from knowing it before the policy is chosen; nobody knows a shock in advance"),
    "year": Term("calendar year", unit="year"),
}
"""Terms by name of a column; `table.column` is a column of one table that means something else there."""
