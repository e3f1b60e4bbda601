"""What holds whatever is assumed, and what flips: the rankings of policies with each assumption off, doubled, and all of them."""

from __future__ import annotations

import json
from dataclasses import replace

from engine.report.markup import Section, render
from engine.report.run_records import RunRecords
from engine.report.text import cell, listed
from engine.risk.as_text import shown_in
from engine.risk.rankings import PROBABILITY, STATED, Ranking, adjective, rankings, sentence
from engine.risk.tables import Record
from engine.run_folder import assumption_store
from engine.study.assumption_tables import in_words


def section(run: RunRecords) -> Section | None:
    """A sentence and two tables; None of a run that has not been held against its assumptions."""
    answer = run.answers.get("assumptions")
    if answer is None:
        return None
    records = assumption_store.records(answer)
    among = rankings(run.study, records)
    if not among:
        return None
    stated = {
        (r.variable, r.bare_measure, r.policy, r.place["against"]): r
        for r in records
        if "against" in r.place and r.place["structure"] == STATED
    }
    several = len({(one.policy, one.against) for one in among}) > 1
    rows = [
        _row(run, one, stated[one.variable, one.measure, one.policy, one.against], several) for one in among
    ]
    tables = json.loads(answer.attrs["assumptions"])
    markup = render(
        "structures.html",
        paths=int(answer.attrs["paths"]),
        finding=sentence([_in_words(run, one) for one in among], len(among[0].signs)),
        rows=rows,
        assumed=[
            ((name, one["about"]), in_words(one["off"]), in_words(one["doubled"]) or "as stated")
            for name, one in tables.items()
        ],
    )
    return Section("structures", "What it rests on", markup)


def _in_words(run: RunRecords, one: Ranking) -> Ranking:
    kind = "events" if one.measure == PROBABILITY else "outcomes"
    return replace(one, variable=run.words(kind, one.variable))


def _row(run: RunRecords, one: Ranking, stated: Record, several: bool) -> tuple[object, ...]:
    """What it is of, the difference as stated, who does worse, and where that is otherwise."""
    if one.measure == PROBABILITY:
        scale, unit = shown_in(stated.measure)
        name, loss = f"{run.title('events', one.variable)} [{unit}]", True
    else:
        outcome = run.study.model.outcomes[one.variable]
        name, scale, loss = (
            f"{run.heading('outcomes', one.variable, outcome.unit)}, {one.measure}",
            1.0,
            outcome.loss,
        )
    gap, worse = cell(stated, scale, loss), one.worse(STATED)
    pair = f"{one.policy} against {one.against}" if several else ""
    side = f"{adjective(one)} under {worse}" if worse else "undecided"
    return (name, pair), f"{gap.estimate} {gap.interval}".strip(), side, _elsewhere(one)


def _elsewhere(one: Ranking) -> str:
    """`turned round with exit off; undecided with all off`, or that it holds in all."""
    turned = {worse: names for worse, names in one.structures.items() if STATED not in names}
    texts = [
        f"{f'under {worse}' if worse else 'undecided'} with {listed(names)}"
        for worse, names in turned.items()
    ]
    return "; ".join(texts) or "the same in all"
