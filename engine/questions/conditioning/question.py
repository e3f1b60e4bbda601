"""`condition`: a study given what was observed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Annotated

import numpy as np

from engine.answers.answer import Answer
from engine.answers.as_text import SHARES, amounts, listed, measured, short
from engine.answers.question import STUDY, Asked, Option
from engine.answers.table import BRIEF, Row, table
from engine.formatting import counted
from engine.program.posterior.agreement import RUNS
from engine.questions.backtest.scores import WITHIN
from engine.questions.conditioning.condition import Conditioned, Futures, condition, places
from engine.questions.variables import MEAN, PROBABILITY, under
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.measures import difference, probability, probability_difference, summary
from engine.study.actual_policy import knowing
from engine.study.study import Study
from engine.study.tables.facts import FUTURES

READING = (
    "“before” and “given” are before and after conditioning on the observed figures. A difference is the policy less"
    " the baseline, on the same futures. Brackets are 95 % intervals of the Monte Carlo error; they do not contain the"
    " error of the model. sd is the standard deviation. Information is the relative entropy of a normal law with the"
    " mean and sd after conditioning to one with those before. The place of a later figure is the share of futures"
    " below it."
)
RARE = 0.05
"""Least probability, before the observations, at which an event may be named in a sentence."""
SHOWN, NAMED = 8, 3
"""How many factors the brief table shows, and a sentence names: those that the facts say most about."""


@dataclass(frozen=True)
class Condition:
    """Show the risk of each policy, conditioned on what was observed.

    The command draws futures of STUDY from their distribution given the figures observed up to a year, the policy that
    was followed, the errors of the figures and the errors of the model (observed.discrepancy). These futures are a run,
    outputs/NAME-until-YEAR-..., which all other commands accept. The answer shows the risk of every policy before and
    after conditioning, what the figures say about each factor, and the forecasts of later figures.

    \b
    rustbelt condition rustbelt_2016 --until 2018
    rustbelt condition mine.toml --set observed.file=observed.csv --policy old
    """

    needs = STUDY
    heading = "Results given the observed figures"

    until: Annotated[
        int | None, Option("Last year whose figures are used. Default: the last with figures.", "YEAR")
    ] = None
    policy: Annotated[
        str | None, Option("The policy that was followed. Default: the one that the study names.", "P", "followed")
    ] = None

    def run_of(self, of: Asked) -> Study | None:
        """The study with the figures as facts, whose run is asked; the study's own facts where no others are stated."""
        study, known, until, policy = of.study, of.study.facts, self.until, self.policy
        if known is not None:
            until, policy = known.until if until is None else until, policy or known.policy
            if (until, policy) == (known.until, known.policy):
                return study
        return knowing(study, until, policy, of.paths or RUNS * FUTURES)

    def answer(self, of: Asked) -> Answer:
        """The risk given the figures; `engine.questions.conditioning.condition` says how, and what is refused."""
        study, facts = of.study, of.study.facts
        assert facts is not None and facts.held is not None
        runs = [facts.held(run) for run in range(study.paths // FUTURES)]
        given = condition(replace(study, facts=None), facts.until, facts.policy, runs, of.device, of.observe)
        risk, factors, later = [*risks(given)], [*factors_of(given)], [*later_of(given)]
        shown = ("policy", "before", "given", "unit")
        less = f"Difference from {study.phrase('policies', study.baseline)}, before and after conditioning"
        chances = [row for row in risk if row["measure"] == PROBABILITY]
        tables = [
            table(
                "chances",
                "Probability of events",
                chances,
                "variable",
                "policy",
                brief=shown[1:3],
                across="policy",
                shown=dict.fromkeys(shown[1:3], "%"),
            ),
            table("risk", "Risk under each policy, before and after conditioning", risk, "variable", brief=shown),
            table("differences", less, risks(given, study.baseline), "variable", brief=shown),
            table("factors", "Factors, before and after conditioning", factors, "factor"),
            table("known", "Observed figures that are conditioned on", _known(given), "figure", brief=()),
            table("later", "Later figures, which are not conditioned on", later, "figure"),
        ]
        return Answer.about(study, sentences(given, risk, factors, later), tables, _basis(given), READING)


def risks(given: Conditioned, against: str = "") -> Iterator[Row]:
    """Every measure of every variable under each policy, or less that under another one where it is named."""
    study, held = given.study, {"before": given.prior, "given": given.posterior}
    policies = [policy for policy in study.policy_names if policy != against]
    for variable, policy in product((*study.events_by_name, *study.headline), policies):
        measures = {when: _measures(study, of, variable, policy, against) for when, of in held.items()}
        for one in measures["given"]:
            yield (
                {"variable": variable, "measure": one, "policy": policy}
                | {when: of[one] for when, of in measures.items()}
                | {"unit": "1" if one in SHARES else study.unit_of(variable), BRIEF: one in (MEAN, PROBABILITY)}
            )


def _measures(study: Study, of: Futures, variable: str, policy: str, against: str) -> dict[str, Estimate]:
    """Every measure of a variable under a policy, or of its paired difference from another policy."""
    mine, units = under(study, variable, policy, of.values), of.units
    other = under(study, variable, against, of.values) if against else None
    if variable in study.events_by_name:
        return {PROBABILITY: probability(mine, units) if other is None else probability_difference(mine, other, units)}
    rest = units, study.is_loss(variable), study.levels
    return summary(mine, *rest) if other is None else difference(mine, other, *rest)


def factors_of(given: Conditioned) -> Iterator[Row]:
    """What is known of each factor, those first that the facts say most about.

    The information is the relative entropy [bits] of a normal law with mean and sd given the facts with respect to one
    with those before: NaN for a factor that does not vary, infinite for one that is known exactly given the facts.
    """
    before, after = given.prior, given.posterior
    sds = np.where(before.sd > 0, before.sd, np.nan)
    ratio, shift = np.square(after.sd / sds), (after.mean - before.mean) / sds
    with np.errstate(divide="ignore"):
        learnt = 0.5 * (ratio + shift**2 - 1 - np.log(ratio)) / np.log(2)
    for place, k in enumerate(np.argsort(-np.nan_to_num(learnt), kind="stable")):
        item = given.followed.inputs[k]
        yield {
            "factor": item.name, "mean_before": before.mean[k], "sd_before": before.sd[k],
            "mean_given": Estimate.normal(float(after.mean[k]), float(after.error[k]), after.units.reach),
            "sd_given": after.sd[k], "shift": shift[k], "information": learnt[k], "unit": item.unit,
            BRIEF: place < SHOWN,
        }  # fmt: skip


def _known(given: Conditioned) -> Iterator[Row]:
    for row in given.rows:
        error = given.followed.observed.error(row)
        yield {"figure": row.name, "observed": row.value, "error": error, "unit": row.unit}


def later_of(given: Conditioned) -> Iterator[Row]:
    both = (places(given.followed, given.coming, of) for of in (given.prior, given.posterior))
    for row, before, now in zip(given.coming, *both, strict=True):
        figure = {"figure": row.name, "observed": row.value}
        yield {**figure, "place_before": before, "place_given": now, "unit": row.unit}


def _basis(given: Conditioned) -> str:
    plain, stated = given.weighed, given.followed.observed.discrepancy
    powers = [len(run.powers) - 1 for run in given.runs]
    taken = np.mean([run.taken for run in given.runs])
    parts = [
        f"{given.study.name}: seed {given.study.seed}, policy followed {given.followed.baseline}, {len(given.rows)}"
        " figures conditioned on",
        f"{len(plain.weights):,} weighted futures before, {plain.effective:,.0f} of them effective, Pareto k-hat"
        f" {plain.shape:.2f}",
        f"{len(given.runs)} independent runs of {FUTURES:,} futures after, {min(powers)} to {max(powers)} powers of the"
        f" likelihood, {100 * taken:.0f} % of the last proposals accepted",
    ]
    if exact := dict.fromkeys(row.variable for row in given.rows if row.variable not in stated):
        parts.append(f"no error of the model is stated for {', '.join(exact)}: add observed.discrepancy")
    return "; ".join(parts)


def sentences(given: Conditioned, risk: Sequence[Row], factors: Sequence[Row], later: Sequence[Row]) -> Iterator[str]:
    """Whether no future meets the facts; what they changed most; what they are most informative about; later figures.

    Args:
      risk, factors, later: rows of these tables.
    """
    study = given.study
    if given.missed:
        yield given.missed
    changes = [*_changes(risk)]
    if changes:
        size, row = max(changes, key=lambda change: abs(change[0]))
        if row["measure"] == PROBABILITY:
            now, then = (f"{100 * row[when].estimate:.3g} %" for when in ("given", "before"))
        else:
            now, then = amounts(study.unit_of(row["variable"]), row["given"], row["before"].estimate)
        what = f"{measured(study, row['variable'], row['measure'])} under {study.phrase('policies', row['policy'])}"
        yield (
            f"Given {counted(len(given.rows), 'observed figure')}, {what} changes most, from {then} to {now}"
            f" ({size:+.2f} standard deviations)."
        )
    if known := [row for row in factors if row["sd_before"] > 0][:NAMED]:
        most = [
            f"{study.phrase('factors', row['factor'])}"
            f" ({format(row['information'], '.2g') + ' bits' if row['sd_given'] else 'known exactly'})"
            for row in known
        ]
        about = "Of all factors, the observed figures tell most about"
        yield short(*(f"{about} {listed(most[:count])}." for count in range(len(most), 0, -1)))
    if later:
        both = ([row[f"place_{when}"] for row in later] for when in ("given", "before"))
        inside = [(np.abs(np.subtract(some, 0.5)) <= WITHIN[1] / 2).sum() for some in both]
        yield (
            f"Of {counted(len(later), 'later figure')}, {inside[0]} lie inside the 90 % prediction interval after"
            f" conditioning, and {inside[1]} inside the one before conditioning."
        )


def _changes(risk: Sequence[Row]) -> Iterator[tuple[float, Row]]:
    """Changes of means and probabilities, in standard deviations before the facts, with their rows.

    An event has the standard deviation sqrt(p (1 - p)). Rare events, and outcomes that do not vary, are left out.
    """
    sds = {(row["variable"], row["policy"]): row["before"].estimate for row in risk if row["measure"] == "sd"}
    for row in risk:
        before = row["before"].estimate
        sd = sds.get((row["variable"], row["policy"])) if row["measure"] == MEAN else None
        if row["measure"] == PROBABILITY and before >= RARE:
            sd = (before * (1 - before)) ** 0.5
        if sd and np.isfinite(row["given"].estimate):
            yield (row["given"].estimate - before) / sd, row
