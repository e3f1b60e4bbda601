"""`attribute`: which lever does what between two policies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from engine.answers.answer import Answer
from engine.answers.as_text import judged, measured, size, some
from engine.answers.question import STUDY, Asked, Option
from engine.answers.table import Row, table
from engine.formatting import counted
from engine.questions.attribution import attribution, between
from engine.questions.futures import PATHS, of_paths
from engine.questions.variables import PROBABILITY, SHORTFALL
from engine.study.study import Study

READING = (
    "The share of a group is its mean effect over all orders in which the groups may be changed (its Shapley value);"
    " the shares add up to the difference. “alone” is the effect if only the group is changed. “taken back” is the"
    " effect that is lost if all groups but this one are changed. Brackets are 95 % intervals."
)


@dataclass(frozen=True)
class Attribute:
    """Attribute the difference of two policies to their levers.

    The command computes the effect of each group of levers on the difference between two policies of STUDY, on the same
    futures. The study names the groups under [lever_groups]; a lever in no group is a group of its own. The answer
    shows the Shapley share of each group, its effect alone, and the effect that is lost without it. It uses 131,072
    paths, unless --paths states another number.

    \b
    rustbelt attribute rustbelt --from old --to reform
    rustbelt attribute rustbelt --from old --to reform --outcome all_four,layoffs
    """

    needs = STUDY
    heading = "Effect of each lever"

    start: Annotated[str, Option("The policy that is replaced; its values are deducted.", "P", "policy", "from")]
    end: Annotated[str, Option("The policy that replaces it.", "P", "policy", "to")]
    outcome: Annotated[
        tuple[str, ...], Option("Outcomes and events, in place of the headline and all events.", "A,B", "outcome")
    ] = ()

    def answer(self, of: Asked) -> Answer:
        """The shares of groups of levers; the sentences are about the variable that is named first.

        Raises:
          UserError: as `futures.of_paths`, `attribution.between` and `attribution.attribution`.
        """
        coalitions = between(of_paths(of.study, of.paths, PATHS), self.start, self.end)
        rows, excluded = attribution(coalitions, self.outcome or None, of.device, of.observe)
        study, players = coalitions.study, coalitions.players
        title, dims = f"Contributions to {self.end} less {self.start}", ("of", "group")
        brief = "unit", "difference", "share", "alone", "taken_back"
        tables = (
            table("groups", "Groups of levers",
                  ({"group": player.name, "levers": ", ".join(player.levers), "brief": player.levers != (player.name,)}
                   for player in players), "group", brief=("levers",)),
            *(table(name, title,
                    ({key: value for key, value in row.items() if key != "leads"}
                     for row in rows if (row["measure"] == PROBABILITY) == (name == "events")),
                    *dims, brief=brief, apart="of", shown=dict.fromkeys(brief[1:], "points" * (name == "events")))
              for name in ("outcomes", "events")),
        )  # fmt: skip
        count = len(players)
        basis = f"{study.name}: {study.futures}, {1 << count} coalitions of {counted(count, 'group')}"
        basis += f", {excluded:,} paths with values that are not finite left out" if excluded else ""
        findings = sentences(study, self.start, self.end, subject(study, rows, self.outcome))
        return Answer.about(study, findings, tables, basis, READING)


def subject(study: Study, rows: Sequence[Row], named: Sequence[str]) -> list[Row]:
    """The rows of the measure that the sentences are about.

    It is that of the variable named first; if none is named, of an event that combines others, else of any event, else
    the ES99 of an outcome.
    """

    def rank(row: Row) -> tuple[bool, ...]:
        event = study.events_by_name.get(row["variable"])
        return event is None, not (event and event.parts), row["measure"] != SHORTFALL

    first = min((row for row in rows if not named or row["variable"] == named[0]), key=rank)
    return [row for row in rows if row["of"] == first["of"]]


def sentences(study: Study, start: str, end: str, rows: Sequence[Row]) -> Iterator[str]:
    """Sentences on one measure: which groups carry most of the difference, and which have the opposite sign.

    Groups whose share is not distinguishable from zero, or has no interval, are named as such.
    """
    start, end = (study.phrase("policies", name) for name in (start, end))
    name, measure, whole = rows[0]["variable"], rows[0]["measure"], rows[0]["difference"]
    what, sign = measured(study, name, measure), judged(whole)

    def called(player: str) -> str:
        return study.phrase("lever_groups" if player in study.lever_groups else "levers", player)

    def of(*wanted: int | None, leads: bool = True) -> list[str]:
        return [called(r["group"]) for r in rows if judged(r["share"]) in wanted and (leads or not r["leads"])]

    if not sign:
        how = "has no interval" if sign is None else "is not significant"
        yield f"The effect on {what} of replacing {start} by {end} {how}."
        if clear := of(1, -1):
            yield f"Significant shares of this effect come from {some(clear, noun='lever')}."
        return
    gap = size(measure, study.unit_of(name), whole)
    head = f"Replacing {start} by {end} {'raises' if sign > 0 else 'lowers'} {what} by {gap}"
    first = max((row for row in rows if row["leads"]), key=lambda row: sign * row["share"].estimate)
    leaders, own = [called(row["group"]) for row in rows if row["leads"]], first["share"]
    if judged(own) != sign:
        yield f"{head}."
        yield "No lever has a significant share of this effect."
        return
    if len(leaders) > 1:
        yield f"{head}."
        yield f"The levers that may have the largest share of this effect are {some(leaders, noun='lever')}."
    else:
        near, far = (own.low, whole.high) if sign > 0 else (own.high, whole.low)
        how = "mostly" if sign * near > 0.5 * sign * far else "most of all"
        yield f"{head}, {how} through {leaders[0]} ({100 * own.estimate / whole.estimate:.0f} % of it)."
    for names, how in (
        (of(-sign), "An effect with the opposite sign comes from"),
        (of(0, leads=False), "No significant part of this effect comes from"),
        (of(None, leads=False), "No interval is known for the effect of"),
    ):
        if names:
            yield f"{how} {some(names, noun='lever')}."
