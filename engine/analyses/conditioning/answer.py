"""Conditioning on observations as an answer: risk before and after, factors, later figures, computation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import rel_entr

from engine.analyses.backtest.calibration import WITHIN
from engine.analyses.columns import by_position, made
from engine.analyses.conditioning.condition import Conditioned, Futures, condition, places
from engine.analyses.variables import PROBABILITY, under
from engine.answers.answer import Answer, Subject
from engine.answers.question import Asked
from engine.answers.table import Table, counts, estimates, numbers, texts
from engine.risk.estimation.as_text import SHARES
from engine.risk.estimation.intervals import Estimate, weighted
from engine.risk.estimation.measures import difference, probability, probability_difference, summary
from engine.risk.estimation.wording import amounts, measured
from engine.study.study import Study
from engine.study.tables.facts import FUTURES

READING = (
    "Before, given: as the study has its futures, and given what was observed. Difference: policy less the baseline,"
    " future by future. Brackets: 95 % intervals of the Monte Carlo error, over independent units; they do not say how"
    " true the model is. sd: standard deviation. Place: where a later figure lies among the futures, 0 to 1."
)
RARE = 0.05
"""Least probability, before the observations, at which an event may be named in a sentence."""
SHOWN = 8
"""How many factors the brief table shows: those that the facts say most about."""


def answer(of: Asked) -> Answer:
    """The answer to `condition` for a run with facts.

    `engine.analyses.conditioning.condition.condition` says how, and what is refused.
    """
    study, facts = of.study, of.study.facts
    assert facts is not None and facts.held is not None
    runs = [facts.held(run) for run in range(study.paths // FUTURES)]
    plain = replace(study, facts=None)
    given = condition(plain, facts.until, facts.policy, runs, of.device, of.observe)
    subject = Subject.of(study)
    every = list(tables(given))
    basis = _basis(given, [table for table in every if table.name in ("risk", "differences")])
    return Answer(subject, tuple(findings(given, every[0])), tuple(every), basis, READING, given)


def _basis(given: Conditioned, risks: Sequence[Table]) -> str:
    plain = given.weighed
    how = (
        f"{len(plain.log_weights):,} plain futures weighed, {plain.effective:,.0f} of them effective, k-hat"
        f" {plain.shape:.2f}"
    )
    powers = sorted(len(run.powers) - 1 for run in given.runs)
    taken = np.mean([run.taken for run in given.runs])
    how += (
        f"; {len(given.runs)} independent runs of {FUTURES:,} moved futures, {powers[0]} to {powers[-1]} powers of the"
        f" likelihood, {100 * taken:.0f} % of the last steps taken"
    )
    parts = [
        (
            f"{given.study.name}: seed {given.study.seed}, policy followed {given.followed.baseline}, {len(given.rows)}"
            " figures known"
        ),
        how,
    ]
    if given.by_weight is not None:
        apart, both = _apart(row for table in risks for row in table.rows())
        parts.append(
            f"of {both} measures that both have an interval of, weights and moving differ by more than chance in"
            f" {apart}"
        )
    stated = given.followed.observed.discrepancy
    if exact := dict.fromkeys(row.variable for row in given.rows if row.variable not in stated):
        parts.append(f"the model is taken for true in {', '.join(exact)}: state observed.discrepancy")
    return "; ".join(parts)


def _apart(rows: Iterable[Mapping[str, Any]]) -> tuple[int, int]:
    """In how many measures moved and weighted futures differ significantly, and how many could be compared.

    Significant is more than both 95 % intervals allow; comparable are measures with both intervals.
    """
    apart = both = 0
    for row in rows:
        one, other = row["given"], row["by_weight"]
        if isinstance(one, Estimate) and isinstance(other, Estimate):
            reach = np.hypot(one.high - one.low, other.high - other.low) / 2
            if np.isfinite(reach) and reach > 0:
                both += 1
                apart += bool(abs(one.estimate - other.estimate) > reach)
    return apart, both


def findings(given: Conditioned, risks: Table) -> Iterator[str]:
    """Sentences: whether no future meets the facts; what they changed most; and coverage of later figures."""
    study = given.study
    if given.missed is not None:
        yield f"No future meets the facts: the nearest of {len(given.posterior.weights):,} is {given.missed}."
    if (most := _most_changed(risks)) is not None:
        variable, policy, rows = most
        unit, where = study.unit_of(variable), f"under {study.phrase('policies', policy)}"
        if PROBABILITY in rows:
            what = measured(study, variable, PROBABILITY)
            now, before = (f"{100 * rows[PROBABILITY][when].estimate:.3g} %" for when in ("given", "before"))
        else:
            what = measured(study, variable, "mean")
            mean, sd = ([rows[measure][when] for when in ("given", "before")] for measure in ("mean", "sd"))
            now, before = _with_spread(unit, mean[0], mean[1].estimate, sd[0].estimate, sd[1].estimate)
        yield f"Given {_many(len(given.rows), 'figure')}, {what} {where} is {now} in place of {before}."
    learnt = _learnt(given)
    if not np.isnan(learnt).all():
        k = int(np.nanargmax(learnt))
        item, plain = given.followed.inputs[k], given.before
        now, before = _with_spread(item.unit, _mean_given(given, k), plain.mean[k], given.after.sd[k], plain.sd[k])
        yield f"They say most about {study.phrase('factors', item.name)}: average {now} in place of {before}."
    if given.coming:
        inside = [
            int((np.abs(places(given.followed, given.coming, of) - 0.5) <= WITHIN[1] / 2).sum())
            for of in (given.posterior, given.prior)
        ]
        yield (
            f"Of {_many(len(given.coming), 'later figure')} {inside[0]} lie within nine tenths of the futures so known,"
            f" {inside[1]} before."
        )


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _most_changed(risks: Table) -> tuple[str, str, Mapping[str, Mapping[str, Any]]] | None:
    """The variable and policy whose law the facts change most, by relative entropy, and its rows by measure.

    Events are compared by their probability, outcomes by mean and standard deviation. None where nothing compares.
    """
    by_law: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = {}
    for row in risks.rows():
        by_law.setdefault((row["variable"], row["policy"]), {})[row["measure"]] = row
    changes = [(_law_change(rows), *law, rows) for law, rows in by_law.items()]
    found = [one for one in changes if not np.isnan(one[0])]
    return max(found, key=lambda one: one[0])[1:] if found else None


def _law_change(rows: Mapping[str, Mapping[str, Any]]) -> float:
    """Relative entropy of a variable's law given the facts with respect to that before [nats]; NaN where unknown."""
    measures = (PROBABILITY,) if PROBABILITY in rows else ("mean", "sd")
    before, now = ([rows[measure][when].estimate for measure in measures] for when in ("before", "given"))
    if PROBABILITY not in rows:
        return float(_normal_entropy(*np.array([*before, *now])))
    (p,), (q,) = now, before
    return float(rel_entr(p, q) + rel_entr(1 - p, 1 - q)) if q >= RARE else float("nan")


def _with_spread(unit: str, mean: Estimate, mean_before: float, sd: float, sd_before: float) -> tuple[str, str]:
    """Mean and standard deviation given the facts, and before, as text: `1.9 (sd 0.3)`, `2.5 (sd 1.0)`."""
    means, sds = amounts(unit, mean, mean_before), amounts(unit, Estimate(sd), sd_before)
    now, before = (f"{one} (sd {spread})" for one, spread in zip(means, sds, strict=True))
    return now, before


def _normal_entropy(mean: np.ndarray, sd: np.ndarray, mean_given: np.ndarray, sd_given: np.ndarray) -> np.ndarray:
    """Relative entropy of normal laws given the facts with respect to those before [nats]; NaN where sd is 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.square(sd_given / sd)
        return np.where(sd > 0, 0.5 * (ratio + np.square((mean_given - mean) / sd) - 1 - np.log(ratio)), np.nan)


def _learnt(given: Conditioned) -> np.ndarray:
    return _normal_entropy(given.before.mean, given.before.sd, given.after.mean, given.after.sd)


def _shifts(given: Conditioned) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(given.before.sd > 0, (given.after.mean - given.before.mean) / given.before.sd, np.nan)


def tables(given: Conditioned) -> Iterator[Table]:
    """Tables: risk before and given the facts, differences, factors, known figures, later figures, and runs."""
    every = (_risks(given), _differences(given), _factors(given), _facts(given), _later(given), _runs(given))
    yield from (table for table in every if len(table))


def _measures(study: Study, of: Futures, variable: str, policy: str, against: str = "") -> dict[str, Estimate]:
    """Every measure of a variable under a policy, or of its paired difference from another policy."""
    mine, loss = under(study, variable, policy, of.values), study.is_loss(variable)
    units = weighted(of.weights, of.units)
    if variable in study.events_by_name:
        if against:
            other = under(study, variable, against, of.values)
            return {PROBABILITY: probability_difference(mine, other, units)}
        return {PROBABILITY: probability(mine, units)}
    if against:
        other = under(study, variable, against, of.values)
        return difference(mine, other, units, loss, study.levels)
    return summary(mine, units, loss, study.levels)


def _risks(given: Conditioned) -> Table:
    pairs = [(policy, "") for policy in given.study.policy_names]
    return _compared(given, "risk", "Every policy, before and given the facts", pairs, "policy")


def _differences(given: Conditioned) -> Table:
    baseline = given.study.baseline
    pairs = [(policy, baseline) for policy in given.study.policy_names if policy != baseline]
    title = f"Less {given.study.phrase('policies', baseline)}, before and given the facts"
    return _compared(given, "differences", title, pairs, "policy that the baseline is deducted from")


def _compared(given: Conditioned, name: str, title: str, pairs: Sequence[tuple[str, str]], about: str) -> Table:
    study, rows = given.study, list[tuple[Any, ...]]()
    for variable in (*study.headline, *study.events_by_name):
        for policy, against in pairs:
            held = [
                _measures(study, of, variable, policy, against)
                for of in (given.prior, given.posterior, given.by_weight)
                if of is not None
            ]
            units = {one: "1" if one in SHARES else study.unit_of(variable) for one in held[1]}
            rows += [
                (
                    str(len(rows) + k),
                    variable,
                    one,
                    policy,
                    held[1][one],
                    held[0][one],
                    *(of[one] for of in held[2:]),
                    unit,
                )
                for k, (one, unit) in enumerate(units.items(), 1)
            ]
    by_weight = made(estimates, "by_weight", "given it, by the weights of plain futures", brief=False)
    columns = by_position(
        rows,
        made(texts, "row", "number of the row", brief=False),
        made(texts, "variable", "outcome or event"),
        made(texts, "measure", "what is measured"),
        made(texts, "policy", about),
        made(estimates, "given", "given what was observed"),
        made(estimates, "before", "as the study has it"),
        *([by_weight] if given.by_weight else []),
        made(texts, "unit", "unit of all"),
    )
    shown = [measure in ("mean", "ES99", PROBABILITY) for _, _, measure, *_ in rows]
    return Table(name, title, columns, ("row",), shown)


def _factors(given: Conditioned) -> Table:
    inputs, shifts = given.followed.inputs, _shifts(given)
    order = np.argsort(-np.nan_to_num(_learnt(given)), kind="stable")
    before, after = given.before, given.after
    columns = by_position(
        [
            (
                *(inputs[k].name, before.mean[k], before.sd[k], _mean_given(given, k), after.sd[k]),
                *(shifts[k], inputs[k].unit),
            )
            for k in order
        ],
        made(texts, "factor", "what is uncertain"),
        made(numbers, "mean_before", "mean of its prior", head="mean"),
        made(numbers, "sd_before", "standard deviation of it", head="sd"),
        made(estimates, "mean_given", "mean given what was observed", head="given"),
        made(numbers, "sd_given", "standard deviation given it", head="sd given"),
        made(numbers, "shift", "how far the mean moved, in standard deviations of the prior"),
        made(texts, "unit", "unit of its numbers"),
    )
    shown = [place < SHOWN for place in range(len(inputs))]
    return Table("factors", "What is known of the factors", columns, ("factor",), shown)


def _mean_given(given: Conditioned, k: int) -> Estimate:
    mean, error = float(given.after.mean[k]), float(given.after.error[k])
    return Estimate(mean, error, mean - given.after.reach * error, mean + given.after.reach * error)


def _facts(given: Conditioned) -> Table:
    rows, study = given.rows, given.followed
    columns = by_position(
        [(row.name, row.value, study.observed.error(row), row.unit) for row in rows],
        made(texts, "figure", "what is known"),
        made(numbers, "observed", "what was observed"),
        made(numbers, "error", "its error and the model's discrepancy together"),
        made(texts, "unit", "of both"),
    )
    return Table("known", "Figures that are taken as known", columns, ("figure",), [False] * len(rows))


def _later(given: Conditioned) -> Table:
    before, now = (places(given.followed, given.coming, of) for of in (given.prior, given.posterior))
    columns = by_position(
        [(row.name, row.value, *ranks, row.unit) for row, *ranks in zip(given.coming, before, now, strict=True)],
        made(texts, "figure", "what was observed later"),
        made(numbers, "observed", "what it was"),
        made(numbers, "place_before", "its place among the futures of the study", head="place"),
        made(numbers, "place_given", "its place among those that are known so far", head="given"),
        made(texts, "unit", "of what was observed"),
    )
    return Table("later", "Later figures, which are not known here", columns, ("figure",))


def _runs(given: Conditioned) -> Table:
    rows = given.runs
    columns = (
        texts("run", [str(k + 1) for k in range(len(rows))], "number of the independent run"),
        counts("powers", [len(run.powers) - 1 for run in rows], "of the likelihood that it went through"),
        numbers("first_power", [run.powers[1] for run in rows], "the first of them"),
        numbers("taken", [run.taken for run in rows], "share of the last steps that was taken", shown="%"),
        numbers("evidence", [run.evidence for run in rows], "log of the mean likelihood"),
    )
    return Table("runs", "Runs of moved futures", columns, ("run",), [False] * len(rows))
