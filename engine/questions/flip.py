"""`flip`: how far beliefs must move, each alone or all priors at once, before two policies change places."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated

import numpy as np

from engine.answers.answer import Answer
from engine.answers.as_text import amount, amounts, judged, quantity, size, some
from engine.answers.question import STUDY, Asked, Option
from engine.answers.table import BRIEF, Row, Table, table
from engine.errors import Problems
from engine.formatting import begun
from engine.questions import beliefs
from engine.questions.beliefs import LeftOut, Line, joint_scores
from engine.questions.comparison import compared, others_of
from engine.questions.futures import PATHS, Futures, Observer, of_paths, refuse_too_many, sound, units_of, unobserved
from engine.questions.policy_gap import FARTHEST, JointMove, Move, PolicyGap, joint_move
from engine.questions.prior_scores import varies
from engine.questions.turning import critical_score, scaled, stretches, turns
from engine.questions.variables import MEAN, PROBABILITY, SHORTFALL, Values, gap, outcomes_of, under
from engine.risk.estimation.intervals import Estimate
from engine.study.study import Study

RERUN_PATHS = 1 << 15
"""Most paths that are simulated with a belief changed."""
NAMED = 3
"""Most priors of the joint move that the sentence names: those that move most."""
MOST = 10
"""Most priors of the joint move that the brief table shows."""
READING = (
    "A prior is moved by a shift of its normal score, in standard deviations (sd), and keeps its support. “by weights”"
    " means that stored futures are weighted by the ratio of densities, “by runs” that futures are simulated again. An"
    " input that reverses the ranking at several values has a row for each; “back” means that the ranking is as stated"
    " again beyond the value. A prior, correlation or lever that is not listed does not reverse the ranking at any"
    " value that was tried: priors up to 3 sd, correlations and levers within their bounds. Reversals are confirmed on"
    " independent futures: without a true reversal, one is listed in at most 5 % of studies. Brackets are 95 %"
    " intervals, the values at which the policies are not significantly different."
)


@dataclass(frozen=True)
class Flip:
    """Find break-even values at which the ranking of two policies is reversed.

    The command changes each prior of a factor, correlation of a group and lever of a policy of STUDY alone, then all
    priors together, and finds the values at which the difference of two policies is zero (break-even; goal seek in
    spreadsheets). Name two policies, unless the study has only two; the difference is from the baseline if that is one
    of them, else from the first. The command uses 131,072 paths, unless --paths states another number.

    \b
    Example: rustbelt flip rustbelt --outcome displaced_person_years --policies reform,old
    """

    needs = STUDY
    heading = "What would reverse the ranking"

    outcome: Annotated[str, Option("The outcome or event that the policies are ranked by.", "V", "outcome")]
    policies: Annotated[tuple[str, ...], Option("The two policies that are ranked.", "A,B", "policy")] = ()
    measure: Annotated[str | None, Option("Measure of an outcome: mean or ES99. Default: mean.", "M")] = None

    def answer(self, of: Asked) -> Answer:
        """How far beliefs must move, each alone and all priors together.

        Raises:
          UserError: no such outcome, event or measure; not exactly two policies; `paths` is not a number of whole
            units; values that are not finite on more paths than the study allows.
        """
        of.study.refuse_broken_model()
        study, measure = self._compared(of.study)
        study = of_paths(study, of.paths, PATHS)
        futures = Futures(study, outcomes_of(study, [self.outcome]), of.device)
        return answer_on(futures, self.outcome, measure, of.observe)

    def _compared(self, study: Study) -> tuple[Study, str]:
        """The study with the two policies, the deducted one as its baseline, and the measure."""
        running, problems = study.policy_names, Problems()
        names = [*dict.fromkeys(self.policies or running)]
        problems.knows_each("--policies", "policy", names, running)
        if len(names) != 2:
            others = f" The study runs {', '.join(running)}." if {*running} > {*self.policies} else ""
            got = f"'{','.join(self.policies)}'" if self.policies else "none"
            problems.add("--policies", f"expected two policies, as --policies A,B, got {got}.{others}")
        problems.knows("--outcome", "outcome or event", self.outcome, study.variables)
        known = (PROBABILITY,) if self.outcome in study.events_by_name else (MEAN, SHORTFALL)
        measure = self.measure or known[0]
        problems.knows("--measure", "measure", measure, known)
        problems.refuse(study.source)
        return compared(study, sorted(names, key=lambda name: name != study.baseline))[0], measure


def answer_on(futures: Futures, variable: str, measure: str, observe: Observer = unobserved) -> Answer:
    """The answer on simulated futures of a study with two policies, of which the baseline is deducted.

    A prior is moved by shifting its normal score, so it keeps its support: by importance weights on the simulated
    futures, as long as their effective number is at least that of a rerun, else by simulating again; correlations and
    levers always by simulating again. What seems to turn the ranking is confirmed on independent futures: if nothing
    turns it, something is reported in at most 5 % of studies.
    """
    study = futures.study
    first, second = *others_of(study), study.baseline
    own = futures.first(study.paths)
    good = sound((own,))
    refuse_too_many(study, good)
    one, other = (under(study, variable, policy, own)[good] for policy in (first, second))
    stated = gap(study, variable, measure, one, other, units_of(study, good))
    rows: list[Row] = []
    joint, left_out = None, LeftOut()
    if judged(stated):  # else there is no ranking to turn
        more, less = (first, second) if stated.estimate > 0 else (second, first)
        few = min(study.paths, RERUN_PATHS) // study.unit * study.unit
        rows, joint = _turning(PolicyGap(futures, variable, measure, more, less, few), own, left_out, observe)
    moved = _moved(study, joint[1]) if joint else []
    difference = {"measure": f"{measure} of {variable}", "policy": first, "against": second, "difference": stated}
    tables = [
        table(
            "difference",
            f"{begun(first)} less {second}, as stated",
            [difference],
            "measure",
            brief=["difference"],
            units={"difference": study.unit_of(variable)},
            shown={"difference": "points" if measure == PROBABILITY else ""},
        ),
        *_beliefs(rows),
        table("joint", "All priors together", moved, "factor"),
        table(
            "nearest",
            "The smallest joint change of all priors",
            [{"what": "all priors together", "distance": joint[0]}] if joint else [],
            "what",
        ),
        table("left_out", "Inputs that are not changed", left_out, "belief", brief=()),
    ]
    basis = f"{study.name}: {study.futures}"
    return Answer.about(study, _sentences(study, difference, rows, joint, moved), tables, basis, READING)


def _turning(here: PolicyGap, own: Values, left_out: LeftOut, observe: Observer) -> tuple[list[Row], JointMove | None]:
    """A row for every turn of every belief, and the nearest joint move of all priors."""
    there, reach = replace(here, futures=here.futures.anew()), here.units.reach
    lines = [*beliefs.priors(here, own, left_out), *beliefs.correlations(here), *beliefs.levers(here, left_out)]
    searched = []
    for k, line in enumerate(lines):
        searched.append([stretches(line.start, [(x, line.at(x)) for x in side], reach) for side in line.sides])
        observe("beliefs", k + 1, len(lines))
    # one test more for the joint move of all priors
    limit = critical_score(here.units, 1 + sum(len(side) - 1 for sides in searched for side in sides))
    by_line = []
    for line, sides in zip(lines, searched, strict=True):
        places = [one for side in sides for one in turns(line.at, partial(line.run, there), side, reach, limit)]
        by_line.append(sorted((_row(line, *one) for one in places), key=_far) or [_row(line)])
    rows = [row for own_rows in sorted(by_line, key=lambda some: _far(some[0])) for row in own_rows]
    directions = {line.label["factor"]: line.direction for line in lines if "factor" in line.label}
    alone = [(row["move"], directions[row["factor"]]) for row in rows if row["turns"] and "factor" in row]
    return rows, joint_move(here, there, alone, limit)


def _row(line: Line, place: Estimate | None = None, back: bool = False) -> Row:
    """The row of a belief at a place where it turns the ranking, or at the one tried that comes nearest to that."""
    if place:
        at, move = place.estimate, scaled(place, 1.0, -line.start)
    else:
        tried = [x for side in line.sides for x in side]
        at = min(tried, key=lambda x: line.at(x).estimate, default=line.start)
        move = Estimate(abs(at - line.start))
    length = abs(at) * float(np.linalg.norm(line.direction)) if place and "factor" in line.label else np.nan
    found = {"turn": line.value(at), "turns": bool(place), "back": back, "move": move, "by": line.by(at)}
    return {**line.label, **found, "length": length, BRIEF: bool(place)}


def _far(row: Row) -> float:
    """The distance of a turn: in normal scores for a prior, else a share of the stated value; infinite for no turn."""
    share = abs(row["move"].estimate) / max(abs(row["stated"]), 1e-9)
    return (row["length"] if "factor" in row else share) if row["turns"] else np.inf


def _beliefs(rows: Sequence[Row]) -> Iterator[Table]:
    """The tables of beliefs of each kind, with the number of those that turn the ranking in their titles."""
    for name, label, title in (
        ("priors", "factor", "Priors, by their medians"),
        ("correlations", "group", "Correlations of groups (of a matrix: the multiple of all its correlations)"),
        ("levers", "lever", "Levers, changed in all years and places at once"),
    ):
        own = [row for row in rows if label in row]
        every, turning = {row[label] for row in own}, {row[label] for row in own if row["turns"]}
        shown = ["stated", "turn", "unit", "move", "by", *["back"] * any(row["back"] for row in own)]
        counted = f"{title}; {len(turning)} of {len(every)} reverse the ranking"
        yield table(name, counted, own, label, brief=shown)


def _moved(study: Study, move: Move) -> list[Row]:
    """Every factor that varies: the move of its score, its median as stated and there; the largest move first."""
    rows: list[Row] = [
        {
            "factor": item.name,
            "move": score,
            "stated": float(item.marginal.quantile(0.5)),
            "turn": float(item.marginal.at_score(np.array(score))),
        }
        for item, score in zip(study.inputs, map(float, joint_scores(study) @ move), strict=True)
        if varies(item)
    ]
    rows.sort(key=lambda row: -abs(row["move"]))
    return [row | {BRIEF: k < MOST and round(abs(row["move"]), 2) > 0} for k, row in enumerate(rows)]


def _sentences(
    study: Study, stated: Row, rows: Sequence[Row], joint: JointMove | None, moved: Sequence[Row]
) -> Iterator[str]:
    """Sentences: the smallest single move that turns the ranking, the ranking as stated, and the joint move."""
    first, second = (study.phrase("policies", stated[side]) for side in ("policy", "against"))
    measure, _, variable = stated["measure"].partition(" of ")
    what, pair, gap = quantity(study, variable, measure), f"{first} and {second}", stated["difference"]
    if not judged(gap):
        yield f"{begun(pair)} do not differ significantly in {what}, so there is no ranking to reverse."
        return
    turning = [row for row in rows if row["turns"]]
    priors, others = ([row for row in turning if ("factor" in row) == side] for side in (True, False))
    if priors:
        yield f"The ranking of {pair} is reversed if {_to(study, priors[0])}."
    else:
        far = f"{beliefs.FARTHEST:g} of its standard deviations"
        yield f"No shift of a single prior by up to {far} reverses the ranking of {pair}."
    side, much = "higher" if gap.estimate > 0 else "lower", size(measure, study.unit_of(variable), gap)
    yield f"In the study, {what} is {side} under {first} than under {second}, by {much}."
    if others:
        yield f"The ranking is {'also ' if priors else ''}reversed if {_to(study, others[0])}."
    if joint:
        names = some([study.phrase("factors", row["factor"]) for row in moved if row[BRIEF]][:NAMED], noun="factor")
        far = amount("1", joint[0])
        yield f"Moving all priors jointly by {far} standard deviations, mainly {names}, reverses the ranking."
    else:
        far = f"a total of up to {FARTHEST:g} standard deviations"
        yield f"No joint shift of all priors by {far} was found that reverses the ranking."


def _to(study: Study, row: Row) -> str:
    """`the median of entry price is 3.1 EUR instead of 2`, by the value at which the ranking is reversed."""
    if "lever" in row:
        policy, _, lever = row["lever"].partition(".")
        what = f"{study.phrase('levers', lever)} under {study.phrase('policies', policy)}"
    elif "group" in row:
        what = f"the correlation of {study.phrase('groups', row['group'])}"
    else:
        what = f"the median of {study.phrase('factors', row['factor'])}"
    turn, stated = amounts(row["unit"], Estimate(row["turn"]), row["stated"])
    return f"{what} is {turn} instead of {stated}"
