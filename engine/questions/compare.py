"""`compare`: which policy is better, by how much, how surely, and in which futures not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

import numpy as np

from engine.answers.answer import Answer
from engine.answers.as_text import judged, measured, named, share, size, some, undecided, verdict, worst_share
from engine.answers.question import RUN, Asked, Option
from engine.answers.table import BRIEF, Row, Table, table
from engine.errors import Problems, UserError
from engine.execution import results
from engine.questions import comparison, years
from engine.questions.comparison import CHANCE, GAP, ByMeasure, Held, others_of
from engine.questions.variables import LEVEL, MEAN, PROBABILITY
from engine.risk.drivers.series import of_yearly
from engine.risk.estimation.influences import single, stated_level
from engine.risk.estimation.intervals import Estimate, as_units
from engine.risk.estimation.tables import tables_of_paths
from engine.risk.estimation.tails import combined_difference
from engine.run_folder import cube
from engine.run_folder.finding import find_run
from engine.study.loading import own_model
from engine.study.study import Study

MOST = 2
"""Most policies beside the baseline that each have sentences; of more, only those that may rank first are named."""
READING = (
    "Brackets are 95 % intervals; those of ranks and of all pairs hold simultaneously. A policy is clearly better or"
    " worse if the interval of the difference excludes zero. Regret is the distance from the best policy of the same"
    " future; the table shows its mean, its 95 % quantile (VaR95) and its maximum. A policy dominates at first order if"
    " it is better at every level, and at second order if every risk-averse person prefers it; the verdict is wrong in"
    " at most 5 % of cases."
)

OF_RUNS = (
    "Two numbers differ if the 95 % intervals of both runs do not overlap. The difference is the second run less the"
    " first; its interval is valid for any dependence of the two runs."
)
TABLES = {"outcomes_of_runs": "Headline outcomes of both runs", "events_of_runs": "Probability of events in both runs"}


@dataclass(frozen=True)
class Compare:
    """Compare the policies of RUN on the same futures, or RUN with OTHER.

    The answer has differences of mean and ES, the share of futures that are worse, regret, stochastic dominance, ranks
    of more than two policies, and the share of worst futures that outcomes have in common. All tables, also of outcomes
    that are not shown, are stored beside the cube, as compare.zarr. With OTHER, the command compares the headline
    numbers of both runs.

    \b
    rustbelt compare rustbelt
    rustbelt compare RUN OTHER
    rustbelt compare rustbelt --against reform
    rustbelt compare rustbelt --policies old,reform,gradual
    rustbelt compare rustbelt --outcome capital_shortfall --at region=Liaoning --year 2020
    """

    needs = RUN
    heading = "Differences between policies"

    other: Annotated[
        str | None, Option("Another run, which is compared with RUN.", "OTHER", "place", argument=True)
    ] = None
    outcome: Annotated[
        tuple[str, ...],
        Option("Outcomes, events and yearly variables, in place of the headline and all events.", "A,B", "variable"),
    ] = ()
    policies: Annotated[
        tuple[str, ...],
        Option("Policies to compare, each with every other, in place of all that ran.", "A,B", "policy"),
    ] = ()
    against: Annotated[
        str | None,
        Option("The policy that the others are compared with. Default: the baseline, else the first.", "P", "policy"),
    ] = None
    level: Annotated[
        str | float | None, Option("Level of VaR and ES, and of common tails, such as 97.5. Default: 99.", "L")
    ] = None
    year: Annotated[int | None, Option("One year of a yearly variable.", "YEAR")] = None
    at: Annotated[
        Mapping[str, str] | None, Option("One place of a yearly variable, such as region=Liaoning.", "DIM=LABEL")
    ] = None

    @property
    def stored(self) -> bool:
        """Whether the answer is stored: it is not if it is about two runs."""
        return self.other is None

    def answer(self, of: Asked) -> Answer:
        """Each policy against the baseline, path by path.

        Raises:
          UserError: as `refuse` and `comparison.compared`.
        """
        if self.other is not None:
            return _of_runs(of, self.other, self.outcome)
        self.refuse(of.study)
        stated = stated_level(self.level)
        of, level = of.with_level(stated), stated or LEVEL
        study, rows = comparison.compared(of.study, self.policies, self.against)
        if rows == [*range(len(of.study.policies))] and study.baseline == of.study.baseline:
            outcomes, records = of.outcomes, of.stored_tables.comparison
        else:
            outcomes = comparison.Some(of.outcomes, rows)
            records = tables_of_paths(study, outcomes).comparison
        by_measure = comparison.pairs(study, outcomes, records, self.outcome, level)
        basis = f"{study.name}: {study.futures}; compared with {study.baseline}, on the same futures"
        wanted = [name for name in study.variables if name in self.outcome or not self.outcome]
        shown = self.outcome or study.headline
        held, dominance = comparison.of_paths(study, outcomes, records, wanted, shown)
        chosen = [name for name in (wanted if self.outcome else study.headline) if name in outcomes]
        yearly = [
            one for name in self.outcome if name in study.model.yearly for one in of_yearly(study, name, self.at or {})
        ]
        count = years.first_paths(study, len(yearly)) if yearly else study.paths
        values = years.values(study, yearly, count, of.device) if yearly else []
        by_year = comparison.year_table(study, zip(yearly, values, strict=True), self.year, level)
        tables = [
            *comparison.gap_tables(study, held, shown, f"ES{100 * level:g}"),
            dominance,
            comparison.rank_table(study, by_measure),
            comparison.pair_table(study, by_measure, shown if self.policies and len(study.policies) > 2 else ()),
            by_year,
            comparison.common_table(study, chosen, outcomes, level),
        ]
        tables.sort(key=lambda one: not any(one.brief))
        basis += f"; yearly values from the first {count:,}" * (count < study.paths)
        findings = self._findings(study, held, by_measure, by_year, level)
        return Answer.about(study, findings, tables, basis, READING)

    def refuse(self, study: Study) -> None:
        """Refuses a question about variables, places or a year that do not exist.

        Raises:
          UserError: the question has such, or a year or place without a yearly variable; all problems at once.
        """
        problems, model = Problems(), study.model
        known = [*study.variables, *model.yearly]
        problems.knows_each("--outcome", "outcome, event or yearly variable", tuple(dict.fromkeys(self.outcome)), known)
        for dim, label in (self.at or {}).items():
            if problems.knows("--at", "dimension", dim, model.dims):
                problems.knows("--at", dim, label, model.dims[dim])
        if self.year is not None and self.year not in study.years:
            span = f"{study.years[0]} to {study.years[-1]}" if study.years else "none: this study has no years"
            problems.add("--year", f"expected {span}, got {self.year}.")
        if (self.year is not None or self.at) and not {*self.outcome} & {*model.yearly}:
            problems.add("--outcome", "expected a yearly variable beside --year or --at, got none.")
        problems.refuse("compare")

    def _findings(self, study: Study, held: Held, by_measure: ByMeasure, by_year: Table, level: float) -> Iterator[str]:
        """Sentences on one or two policies against the baseline, or on which of more may rank first."""
        there = dict.fromkeys(name for _, _, name in held)
        # the variable that was named first, else the first of the headline that has results, else any that has
        first = next((name for name in (*self.outcome, *study.headline, *there) if name in there), "")
        others, base = others_of(study), study.phrase("policies", study.baseline)
        if as_units(study.paths, study.unit).count < 2:
            who = some([study.phrase("policies", policy) for policy in others])
            yield f"No difference between {who} and {base} can be established: {undecided(study.paths)}."
        elif not first:
            yield from _of_years(study, by_year)
        elif len(others) <= MOST:
            for policy in others:
                yield from _of_policy(study, held, first, policy, level)
        elif measures := [measure for measure, by_name in by_measure.items() if first in by_name]:
            yield from comparison.best(study, first, measures[-1], by_measure[measures[-1]][first])
        else:
            yield f"The tables compare {len(others)} policies with {base} in {named(study, first)}."


def _of_policy(study: Study, held: Held, name: str, policy: str, level: float) -> Iterator[str]:
    """Sentences on a policy: its effect on a variable, its clearest opposite effect, and how often it is worse."""
    base, called = (study.phrase("policies", one) for one in (study.baseline, policy))
    gaps = {
        of: held.get((CHANCE if of in study.events_by_name else f"{GAP}mean", policy, of)) for of in study.variables
    }
    sides = {of: verdict(gap, study.loss_of(of)) for of, gap in gaps.items() if gap}
    gap = gaps[name]
    if gap is None or not np.isfinite(gap.estimate):
        yield f"The difference of {called} from {base} in {measured(study, name, MEAN)} is unknown."
    elif _is_unclear(gap):
        yield f"Under {called}, {measured(study, name, MEAN)} is not clearly different from that under {base}."
    else:
        yield f"Under {called}, {_effect(study, name, gap)} than under {base}{_bare(gap)}."
    if study.loss_of(name) is None:
        return
    side, kind = ("better", "favourable") if sides.get(name) == "worse" else ("worse", "adverse")
    opposite = [of for of, one in sides.items() if one == side and of != name]
    events = [of for of in opposite if of in study.events_by_name]
    if opposite:
        clearest = max(events or opposite, key=lambda of: _errors(gaps[of]))
        which = "clearest" if len(opposite) > 1 else "only"
        yield f"The {which} {kind} effect is that {_effect(study, clearest, gaps[clearest])}."
    elif {"better", "worse"} & {*sides.values()}:
        yield f"No outcome or event shows a clear {kind} effect."
    worse, tail = held.get(("worse", policy, name)), held.get((f"{GAP}ES{100 * level:g}", policy, name))
    if worse is not None and np.isfinite(worse.estimate):
        bare = "" if np.isfinite(worse.low) else ", without an interval"
        often = f"In {share(worse)} of futures{bare}"
        yield f"{often}, {named(study, name)} is worse under {called} than under {base}."
    if tail is not None and np.isfinite(tail.estimate):
        of = f"In {worst_share(level)}, the mean of {named(study, name)} is"
        by = f"{_side(tail)} by {size('mean', study.unit_of(name), tail)}{_bare(tail)}"
        yield f"{of} {'not clearly different' if _is_unclear(tail) else by} under {called}."
    counted = [one for of, one in sides.items() if of in study.model.outcomes and study.loss_of(of) is not None]
    if len(counted) > 1:
        clear = f"better in {counted.count('better')} and clearly worse in {counted.count('worse')}"
        yield f"Compared with {base}, the mean under {called} is clearly {clear} of {len(counted)} outcomes."


def _effect(study: Study, name: str, gap: Estimate | None) -> str:
    """An effect as a clause: `the chance of ruin is higher by 14.9 points`."""
    assert gap is not None
    by = size(PROBABILITY if name in study.events_by_name else MEAN, study.unit_of(name), gap)
    return f"{measured(study, name, MEAN)} is {_side(gap)} by {by}"


def _side(gap: Estimate) -> str:
    """Word for the sign of a difference."""
    return "higher" if gap.estimate > 0 else "lower"


def _is_unclear(gap: Estimate) -> bool:
    """Whether a difference is zero, or its interval holds zero."""
    return judged(gap) == 0 or not gap.estimate


def _bare(gap: Estimate) -> str:
    return " (no interval)" * (judged(gap) is None)


def _errors(gap: Estimate | None) -> float:
    """How many standard errors a difference is from zero."""
    return abs(gap.estimate) / gap.standard_error if gap and gap.standard_error else np.inf


def _of_years(study: Study, by_year: Table) -> Iterator[str]:
    """Sentences on yearly variables: in how many years and places the mean is clearly better and worse.

    Higher and lower if neither is worse.
    """
    means: dict[tuple[str, str], list[Estimate]] = {}
    for row in by_year.where(measure=f"{GAP}mean"):
        if row["value"]:
            means.setdefault((row["policy"], row["variable"]), []).append(row["value"])
    base = study.phrase("policies", study.baseline)
    for (policy, name), gaps in means.items():
        loss = study.model.yearly[name].loss
        sides = [verdict(gap, bool(loss)) for gap in gaps]
        up, down = ("higher", "lower") if loss is None else ("better", "worse")
        yield (
            f"Under {study.phrase('policies', policy)}, the mean of {named(study, name)} is clearly {up} than under"
            f" {base} in {sides.count('better')} and {down} in {sides.count('worse')} of {len(sides)} years and places."
        )


# ------------------------------------------------------------------------------------------------ two runs


def _of_runs(of: Asked, other: str, variables: Sequence[str]) -> Answer:
    """The headline outcomes and the events of a run beside those of another run, matched by their labels.

    Args:
      other: the place of the other run.
      variables: outcomes and events in place of the headline and all events.

    Raises:
      UserError: there is no other run, or its place is the name of a variable; or the runs have no policy, or no
        outcome or event, in common.
    """
    study = of.study
    try:
        folder = find_run(other, own_model(study))
    except UserError as error:
        if other not in (*study.variables, *study.model.yearly):
            raise
        remedy = f'State it as an option: --outcome {other}, in Python outcome="{other}".'
        raise UserError(other, [f"expected another run, got the name of a variable. {remedy}"]) from error
    second = results.of_run(folder, partial=cube.was_finished(folder.path))
    names = {
        name
        for name in variables or (*study.headline, *study.events_by_name)
        if (meaning := _meaning(study, name)) and meaning == _meaning(second.study, name)
    }
    first, others = (
        {(one.variable, one.policy, one.measure): one.alone for one in estimates.risk}
        for estimates in (of.tables(names), second.tables(names))
    )
    rows = [
        dict(zip(("variable", "policy", "measure"), labels, strict=True))
        | {"unit": study.unit_of(labels[0])}
        | _compared(one, others[labels], labels[2])
        for labels, one in first.items()
        if labels in others
    ]
    if not rows:
        lacking = " and ".join(variables) or "policy, outcome or event"
        raise UserError(f"{of.folder} {folder.path}", [f"have no {lacking} in common."])
    tables = (
        table(
            name,
            title,
            [row for row in rows if (row["variable"] in study.events_by_name) == is_event],
            *("variable", "policy", "measure"),
            brief=("first", "second", "difference", "differs"),
        )
        for is_event, (name, title) in enumerate(TABLES.items())
    )
    count = sum(bool(row["differs"]) for row in rows)
    overlap = ", whose 95 % intervals do not overlap" * bool(count)
    finding = f"The two runs differ in {count or 'none'} of {len(rows)} headline numbers{overlap}."
    basis = f"{study.paths:,} paths in {of.folder} against {second.study.paths:,} in {folder.path}"
    return Answer.about(study, [finding], tables, basis, OF_RUNS)


def _compared(first: Estimate, second: Estimate, measure: str) -> Row:
    """The columns of a number of both runs: the two estimates, their difference, and whether they differ."""
    error, flags = first.standard_error + second.standard_error, dict.fromkeys((*second.flags, *first.flags))
    gap = single(combined_difference(second.column, first.column, error, -1.0))
    sign = judged(gap)
    differs = None if sign is None else bool(sign)
    return {
        "first": first,
        "second": second,
        "difference": replace(gap, flags=tuple(flags)),
        "differs": differs,
        BRIEF: bool(differs) and measure in ("mean", "ES99", "probability"),
    }


def _meaning(study: Study, name: str) -> list[Any]:
    """The unit of an outcome, or the rule of an event and those of the events in it; empty for another name."""
    if name in study.model.outcomes:
        return [study.unit_of(name)]
    event = study.events_by_name.get(name)
    return [event.model_copy(update={"about": ""}), *(_meaning(study, part) for part in event.parts)] if event else []
