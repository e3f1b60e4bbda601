"""`sensitivity`: the share of each input in the spread of outcomes, events and tails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from engine.answers.answer import Answer
from engine.answers.as_text import listed, measured, share, some
from engine.answers.question import STUDY, Asked, Option
from engine.answers.table import BRIEF, Row, Table, table
from engine.formatting import begun, counted
from engine.questions.comparison import compared
from engine.questions.futures import PATHS, Futures, of_paths, quantities
from engine.questions.independent_inputs import independent_inputs
from engine.questions.indices import indices
from engine.questions.variables import SHORTFALL, outcomes_of
from engine.study.study import Study

MOST = 8
"""Most inputs that the brief table shows of a quantity."""
ROOM = 8
"""Most words of the inputs that a sentence names together."""
READING = (
    "Numbers are shares of a variance in %. “share” is the Shapley effect of an input, which divides interactions"
    " evenly; the effects of all inputs add up to 100. “alone” is the share that disappears if the input is known"
    " (first-order Sobol' index). “total” is the share that remains if all other inputs are known. Brackets are 95 %"
    " intervals."
)


@dataclass(frozen=True)
class Sensitivity:
    """Estimate the share of each input of STUDY in the variance of outcomes, events and tails.

    An input is a group of factors, a factor or a shock that is drawn independently of all others. The command draws
    each input again on the same futures. Differences are from the baseline, or from the first of --policies if the
    baseline is not named. The command uses 131,072 paths, unless --paths states another number.

    \b
    Example: rustbelt sensitivity rustbelt --outcome capital_shortfall_peak
    """

    needs = STUDY
    heading = "Shares of inputs in the variance"

    outcome: Annotated[
        tuple[str, ...], Option("Outcomes and events, in place of the headline and all events.", "A,B", "outcome")
    ] = ()
    policies: Annotated[tuple[str, ...], Option("The policies that are looked at, two or more.", "A,B", "policy")] = ()

    def answer(self, of: Asked) -> Answer:
        """The sensitivity of outcomes, events and tails to each input, by policy and less the baseline.

        Raises:
          UserError: no such outcome, event or policy; only one policy is named; `paths` is not a number of whole units;
            values that are not finite on more paths than the study allows.
        """
        of.study.refuse_broken_model()
        study = compared(of.study, self.policies)[0] if self.policies else of.study
        study = of_paths(study, of.paths, PATHS, units=2)
        wanted, inputs = quantities(study, self.outcome or None), independent_inputs(study)
        basis = (
            f"{study.name}: {study.futures}, and as many that are independent of them;"
            f" {counted(len(inputs), 'independent input')}"
        )
        if not inputs:
            return Answer.about(study, ["The study draws no input, so no input has a share."], [], basis, READING)
        names = [*dict.fromkeys(one.variable for one in wanted)]
        futures = Futures(study, outcomes_of(study, names), of.device)
        shares, known = indices(futures, wanted, of.observe)
        # the first variable's difference from the baseline, if any, in the mean or probability
        of_first = (row for row in known if row["variable"] == names[0] and row["measure"] != SHORTFALL)
        subject = max(of_first, key=lambda row: row["against"] != "")
        ranked = [row for row in shares if (row["of"], row["side"]) == (subject["of"], subject["side"])]
        ranked.sort(key=_share, reverse=True)
        tables = _of_inputs(shares, known, [row["input"] for row in ranked])
        return Answer.about(study, _sentences(study, subject, ranked), tables, basis, READING)


def _of_inputs(shares: Sequence[Row], known: Sequence[Row], order: list[str]) -> Iterator[Table]:
    """The tables of the shares of inputs, in the order of the finding, and of all factors and all shocks.

    The brief table has the `MOST` inputs of each quantity whose shares on any side are the largest.
    """
    by_size, most = sorted(shares, key=_share, reverse=True), dict[str, list[str]]()
    for of in dict.fromkeys(row["of"] for row in shares):
        most[of] = [*dict.fromkeys(row["input"] for row in by_size if row["of"] == of)][:MOST]
    rows = sorted(shares, key=lambda row: order.index(row["input"]))
    yield table(
        "shares",
        "Share of each input in the variance, in %",
        [row | {BRIEF: row["input"] in most[row["of"]]} for row in rows],
        *("of", "input", "side"),
        brief=["share"],
        across="side",
        apart="of",
    )
    shown = ["factors", "shocks"]
    yield table("known", "Reduction of the variance if inputs are known", known, "of", "side", brief=shown)


def _share(row: Row) -> float:
    return float(np.nan_to_num(row["share"].estimate))


def _sentences(study: Study, of: Row, ranked: Sequence[Row]) -> Iterator[str]:
    """Sentences on one quantity: which input causes most of its spread, and the shares of factors and of shocks.

    Args:
      of: the row of the quantity in the table of all factors and shocks.
      ranked: its inputs, the largest share first.
    """
    what = measured(study, of["variable"], of["measure"]).removeprefix("the mean of ")
    policy, against = (study.phrase("policies", of[side]) if of[side] else "" for side in ("policy", "against"))
    spread = f"the difference in {what} between {policy} and {against}" if against else f"{what} under {policy}"
    if not of["sd"]:
        yield f"{begun(spread)} is the same on every path, so no input has a share of its variance."
        return
    phrases = {one.name: one.phrase(study) for one in independent_inputs(study)}
    first = ranked[0]["share"]
    level = [phrases[row["input"]] for row in ranked if not row["share"].high < first.low]
    if not first.low > 0:
        yield f"It is not clear which input has the largest share of the variance of {spread}."
        return
    if len(level) > 1:
        yield f"The largest shares of the variance of {spread} come from {some(level, ROOM, 'input')}."
    elif first.low > 0.5:
        yield f"Most of the variance of {spread} comes from {level[0]}: {share(first)}."
    else:
        yield f"{begun(level[0])} has the largest share of the variance of {spread}: {share(first)}."
    sides = (("factors", of["factors"]), ("shocks", of["shocks"]))
    if rest := [f"by {share(one)} if all {name} were known" for name, one in sides if one.low == one.low]:
        yield f"The variance would be lower {listed(rest)}."
