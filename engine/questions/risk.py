"""`risk`: how risky each policy is, over whole futures or by year, and where a condition holds."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from engine.answers import record_tables
from engine.answers.answer import Answer
from engine.answers.as_text import cell, limited, listed, worst_share
from engine.answers.question import RUN, Asked, Option
from engine.answers.table import BRIEF, Row, Table, table
from engine.errors import UserError, unknown
from engine.risk.estimation.conditional import Condition, condition_table, not_kept, parse_condition
from engine.risk.estimation.events import known_events
from engine.risk.estimation.exclusion import notice
from engine.risk.estimation.flags import Reason
from engine.risk.estimation.influences import stated_level
from engine.risk.estimation.tables import Record
from engine.risk.estimation.tallies import unkept
from engine.run_folder.stored_estimates import yearly_table
from engine.study.study import Study

NOTHING = "No measure has this level, as an event has only a probability."
READING = (
    "Brackets are 95 % intervals of the Monte Carlo error. VaR a is the level that the worst 100 - a % of futures"
    " reach; ES a is the mean of these futures. Differences are taken on the same futures. A policy is better or worse"
    " than the baseline if the interval of the difference excludes zero."
)
CONDITIONAL = " A contrast between futures under the same policy need not be a causal effect."


@dataclass(frozen=True)
class Risk:
    """Print the risk measures and events of RUN.

    With --given, the command compares the paths that meet a condition on outcomes with all other paths.
    """

    needs = RUN
    heading = "Risk under each policy"
    stored = False

    variable: Annotated[str | None, Option("One outcome, event or yearly variable.", "V", "variable")] = None
    level: Annotated[str | float | None, Option("Only the measures at this level, such as 97.5.", "L")] = None
    given: Annotated[str | None, Option('Condition on outcomes, such as "reemployed_share >= 0.667".', "CONDITION")] = (
        None
    )

    def answer(self, of: Asked) -> Answer:
        """Measures of every outcome and event.

        Raises:
          UserError: no such variable; a level that yearly estimates do not have; a condition on an outcome that is not
            kept path by path.
        """
        level, name = stated_level(self.level), self.variable
        at = of.with_level(level)
        study, condition = at.study, None
        if self.given is not None:
            condition = _condition(of.study, self.given, name)
            records = condition_table(study, dict(at.outcomes), condition)
        else:
            yearly = _by_year(of, name, level)
            if name is not None and not yearly and name not in study.variables:
                raise UserError("variable", [unknown("variable", name, {*study.variables, *_yearly(of)})])
            of_paths = at.tables(None if name is None else {name})
            records = [*of_paths.risk, *of_paths.comparison, *yearly]
        kept = [
            one
            for one in records
            if one.measure == "share" or (name in (None, one.variable) and level in (None, one.level))
        ]
        shares = [one for one in kept if one.measure == "share"]
        beside = [*_side_by_side(study, kept)]
        views = (
            _conditional(study, condition, beside, shares) if condition else _views(study, beside, bool(name), level)
        )
        reading = READING + CONDITIONAL * bool(condition)
        return Answer.about(
            study, _findings(study, kept, condition), record_tables.tables(study, kept), _basis(study, kept), reading,
            of=kept, shown=tuple(filter(len, views)),
        )  # fmt: skip


def _yearly(of: Asked) -> Collection[str]:
    """The yearly variables of which the cube of a run has estimates."""
    known = of.study.model.yearly
    return known if of.study.has_yearly and "yearly" in of.cube["risk"].children else ()


def _by_year(of: Asked, name: str | None, level: float | None) -> list[Record]:
    """Estimates of a yearly variable by policy, year and place, at the study's levels alone."""
    if name is None or name not in _yearly(of):
        return []
    if level is not None and level not in of.study.levels:
        known = ", ".join(f"{100 * known:g}" for known in of.study.levels)
        remedy = f"Add {100 * level:g} to risk.levels in the study, and run it."
        raise UserError("--level", [f"expected one of {known} for yearly values, got {100 * level:g}. {remedy}"])
    return yearly_table(of.study, of.cube, name)


def _condition(study: Study, text: str, name: str | None) -> Condition:
    """The condition; it and the variable must be stored path by path."""
    if name in study.model.yearly and name not in study.variables:
        raise UserError("variable", [f"expected an outcome or event with a condition, got the yearly '{name}'."])
    parsed = parse_condition(text, study.keep.outcomes, unkept(study))
    kept = (*study.keep.outcomes, *(event.name for event in known_events(study, study.keep.outcomes)))
    if name is not None and name not in kept:
        raise UserError("variable", [not_kept(name, kept)])
    return parsed


def _basis(study: Study, records: Sequence[Record]) -> str:
    basis = f"{study.name}: {study.futures}"
    if any(one.year is not None for one in records) and study.keep.yearly < study.paths:
        basis += f"; yearly values from the first {study.keep.yearly:,}"
    lost = [flag for one in records for flag in one.flags if flag.reason is Reason.NOT_FINITE]
    most = max(lost, key=lambda flag: flag.got, default=None)
    return basis if most is None else f"{basis}; {notice(int(most.got), int(most.limit))}"


def _findings(study: Study, records: Sequence[Record], condition: Condition | None) -> tuple[str, ...]:
    """Sentences on the first measure of the headline and its differences; for a condition, on its probability.

    Without estimates of the headline they are on the first record.
    """
    if not records:
        return (NOTHING,)
    main = [one for one in records if one.variable == study.headline[0]]
    first = records[0] if condition or not main else main[0]
    terms = [limited(study, term) for term in condition.terms] if condition else []
    what = f"the share of futures with {listed(terms)}" if terms else ""
    groups = (
        [one for one in records if (one.measure, one.variable) == (measure, first.variable)]
        for measure in (first.measure, f"difference_{first.measure}")
    )
    return tuple(record_tables.sentence(study, own, what) for own in groups if own)


# --------------------------------------------------------------------------------------------- tables for people


def _views(study: Study, given: Sequence[Row], is_one: bool, level: float | None) -> Iterator[Table]:
    """Tables with policies side by side: the tail of the headline, events, each outcome, each place of a yearly one.

    Args:
      is_one: whether a single variable is shown, of which the brief form has every measure.
      level: of the tail of the headline; 0.99 if not given.
    """
    beyond = level or 0.99
    tail = f"ES{100 * beyond:g}"
    of_year = [row for row in given if row["year"] is not None]
    whole = [row for row in given if row["year"] is None]
    if not is_one:
        tails = [row for name in study.headline for row in whole if (row["variable"], row["measure"]) == (name, tail)]
        yield _view("headline", f"{tail}, the mean of {worst_share(beyond)}", tails, "variable")
    events = [row for row in whole if row["measure"] == "probability"]
    yield _view("events", "Probability of events", events, "variable", shown="%")
    for name, outcome in study.model.outcomes.items():
        own = [row for row in whole if row["variable"] == name]
        about = "; ".join(filter(None, (outcome.about, study.worse_side(name))))
        yield _view(name, _titled(name, outcome.unit, about), own, "measure", is_brief=is_one)
    measure = tail if level else "mean"
    for k, (name, place) in enumerate(dict.fromkeys((row["variable"], row["place"]) for row in of_year)):
        own = [row for row in of_year if (row["place"], row["measure"]) == (place, measure)]
        variable = study.model.yearly[name]
        title = _titled(f"{name}{f' in {place}' * bool(place)}, {measure}", variable.unit, variable.about)
        yield _view(f"{name}_{k}", title, own, "year", is_brief=k == 0)


def _titled(title: str, unit: str, about: str) -> str:
    return f"{title} [{unit}]" + (f": {about}" if about else "")


def _conditional(study: Study, condition: Condition, given: Sequence[Row], shares: Sequence[Record]) -> Iterator[Table]:
    """Tables for each policy: events, and the mean and a tail of outcomes, where a condition holds and where not.

    The brief form has the first two policies, and outcomes only if there are no events.
    """
    tails = [row["measure"] for row in given if row["measure"].startswith("ES")]
    main = ("mean", "ES99" if "ES99" in tails else next(iter(tails), ""))
    for k, share in enumerate(shares):
        frequency = cell(share, 100.0)
        often = " ".join(filter(None, (f"{frequency.estimate} %", frequency.interval)))
        title = f"{share.policy}: {condition.text} on {often} of paths"
        own = [row for row in given if row["policy"] == share.policy]
        events = [row for row in own if row["measure"] == "probability"]
        outcomes = [row for row in own if row["measure"] in main]
        yield _view(f"events_{k}", title, events, "variable", is_brief=k < 2, shown="%")
        yield _view(f"outcomes_{k}", title, outcomes, "variable", "measure", is_brief=k < 2 and not events)


def _side_by_side(study: Study, records: Sequence[Record]) -> Iterator[Row]:
    """Rows of estimates with the column that each stands in: its policy, or the side of a condition.

    Of two policies the difference has its verdict; of more policies each estimate has the verdict of its difference
    from the baseline, and the brief form is without differences.
    """
    is_pair = len(study.policies) <= 2
    gaps = {_place(one): one for one in records if one.measure.startswith("difference_")}
    for one in records:
        if one.measure in ("worse", "regret", "share"):
            continue
        prefix = one.measure.removesuffix(one.bare_measure)
        column = {
            "": one.policy,
            "difference_": f"{one.policy} - {study.baseline}",
            "given_": "given",
            "otherwise_": "otherwise",
            "contrast_": "given - otherwise",
        }[prefix]
        is_gap = prefix in ("difference_", "contrast_")
        judged = one if is_gap else None
        if not is_pair and prefix in ("", "difference_"):
            judged = None if is_gap else gaps.get(_place(one))
        loss = study.loss_of(one.variable) if one.year is None else study.model.yearly[one.variable].loss
        yield {
            "variable": one.variable,
            "measure": one.bare_measure,
            "policy": one.policy,
            "place": " ".join(one.place.values()),
            "year": one.year,
            "column": column + " [points]" * (is_gap and one.bare_measure == "probability"),
            "unit": record_tables.unit_of(study, one),
            "estimate": one.alone,
            "verdict": cell(judged, 1.0, loss).verdict,
            BRIEF: is_pair or prefix != "difference_",
        }


def _place(one: Record) -> tuple[object, ...]:
    return one.variable, one.bare_measure, one.policy, one.year, *one.place.values()


def _view(name: str, title: str, given: Sequence[Row], *dims: str, is_brief: bool = True, shown: str = "") -> Table:
    keys = (*dims, "column", *(["unit"] if "variable" in dims else []), "estimate", "verdict", BRIEF)
    own = [{key: row[key] for key in keys} for row in given]
    brief = keys if is_brief else ()
    return table(name, title, own, *dims, "column", brief=brief, across="column", shown={"estimate": shown})
