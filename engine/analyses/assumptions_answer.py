"""The answer to `assumptions`: which rankings of policies hold in all structures, and the estimates in each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.analyses.assumptions import ByStructure, assumptions, of_few
from engine.analyses.columns import fields, labelled
from engine.answers.answer import Answer, Subject
from engine.answers.question import Asked
from engine.answers.table import Column, Table, estimates, texts
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.tables import Record
from engine.risk.estimation.wording import listed
from engine.risk.policies.rankings import PROBABILITY, STATED, Ranking, adjective, named, sentences
from engine.study.tables.assumptions import ALL, in_words

READING = (
    "Every structure is on the same futures. A ranking is clear where the 95 % interval of the paired difference leaves"
    " out zero, each by itself; it holds if one policy is clearly the worse one in every structure, and flips if each"
    " is in some. Brackets: 95 % intervals."
)


def answer(of: Asked, outcomes: Sequence[str]) -> Answer:
    """The answer to `assumptions`, from `engine.analyses.assumptions.assumptions`, which says what is refused."""
    study = of_few(of.study) if of.paths is None else of.study
    given = assumptions(study, outcomes or None, of.device, of.observe)
    basis = f"{study.name}: {study.futures}, {len(given.structures)} structures by one program"
    return Answer(
        Subject.of(study),
        tuple(sentences(study, given.rankings, {one.name: one.phrase(study) for one in given.structures})),
        tuple(tables(given)),
        basis,
        READING,
        given,
    )


def tables(given: ByStructure) -> Iterator[Table]:
    """Tables: rankings of policies, estimates and differences in each structure, then the structures themselves."""
    if given.rankings:
        yield _verdicts(given)
    held = {_key(record): record.alone for record in given.records}
    events = [name for name in given.study.events_by_name if any(key[3] == name for key in held)]
    outcomes = [name for name in given.study.model.outcomes if any(key[3] == name for key in held)]
    measures = list(dict.fromkeys(key[4] for key in held if key[4] != PROBABILITY))
    rows_of_events = [(name, PROBABILITY) for name in events]
    rows_of_outcomes = [(name, measure) for name in outcomes for measure in measures]
    for kind, rows in (("event", rows_of_events), ("outcome", rows_of_outcomes)):
        if rows:
            yield _values(given, kind, rows, held)
            if given.rankings:
                yield _differences(given, kind, rows, held)
    yield _structures(given)
    yield _assumptions(given)


Held = dict[tuple[str, str, str, str, str], Estimate]


def _key(record: Record) -> tuple[str, str, str, str, str]:
    place = record.place
    return place["structure"], record.policy, place.get("against", ""), record.variable, record.bare_measure


def _verdicts(given: ByStructure) -> Table:
    among = given.rankings
    several = len({(one.policy, one.against) for one in among}) > 1
    sides = [one.worse(STATED) for one in among]
    columns = (
        texts("ranking", [named(one, several) for one in among], "what policies are ranked by"),
        *fields(
            texts,
            among,
            {
                "variable": "outcome or event",
                "measure": "measure of risk",
                "policy": "policy",
                "against": "policy that it is held against",
            },
            brief=False,
        ),
        texts("verdict", [str(one.verdict) for one in among], "what all structures say together"),
        texts(
            "stated",
            [f"{adjective(one)} under {side}" if side else "undecided" for one, side in zip(among, sides, strict=True)],
            "who is clearly the worse one as stated",
            head="as stated",
        ),
        texts("elsewhere", list(map(_elsewhere, among)), "where that is otherwise", head="in other structures"),
    )
    return Table("rankings", "Rankings of policies", columns, ("ranking",))


def _elsewhere(one: Ranking) -> str:
    """Where a ranking differs: `under reform with exit off; undecided with all off`, or that it is the same in all."""
    turned = {worse: names for worse, names in one.structures.items() if STATED not in names}
    parts = [f"{f'under {worse}' if worse else 'undecided'} with {listed(names)}" for worse, names in turned.items()]
    return "; ".join(parts) or "the same in all"


def _labels(
    given: ByStructure, rows: Sequence[tuple[str, str]], last: Sequence[str]
) -> list[tuple[str, str, str, str]]:
    """The labels of every row: variable, measure, structure, and label of the last dimension."""
    names = [one.name for one in given.structures]
    return [(*row, one, label) for row in rows for one in names for label in last]


def _places(given: ByStructure, kind: str, every: Sequence[tuple[str, str, str, str]]) -> tuple[Column, ...]:
    """The label columns: event, or outcome with measure and unit, and structure."""
    own: tuple[Column, ...] = (texts(kind, [row[0] for row in every], kind),)
    if kind == "outcome":
        units = [given.study.unit_of(name) for name, *_ in every]
        own += (
            texts("measure", [row[1] for row in every], "measure of risk"),
            texts("unit", units, "unit of the outcome", over=("outcome",)),
        )
    return (*own, texts("structure", [row[2] for row in every], "what is assumed"))


def _dims(kind: str, last: str) -> tuple[str, ...]:
    return (kind, "structure", last) if kind == "event" else (kind, "measure", "structure", last)


def _values(given: ByStructure, kind: str, rows: Sequence[tuple[str, str]], held: Held) -> Table:
    every = _labels(given, rows, given.study.policy_names)
    found = [held.get((one, policy, "", name, measure)) for name, measure, one, policy in every]
    name, about = (
        ("probability", "probability of the event")
        if kind == "event"
        else ("value", "measure of the outcome, in its unit")
    )
    columns = (
        *_places(given, kind, every),
        texts("policy", [row[3] for row in every], "policy"),
        estimates(name, found, about, shown="%" if kind == "event" else ""),
    )
    title = "Probability of events" if kind == "event" else "Outcomes"
    return Table(f"{kind}s", title, columns, _dims(kind, "policy"), _worth_showing(given, every), "policy")


def _differences(given: ByStructure, kind: str, rows: Sequence[tuple[str, str]], held: Held) -> Table:
    pairs = list(dict.fromkeys((one.policy, one.against) for one in given.rankings))
    names = {f"{policy} - {against}": (policy, against) for policy, against in pairs}
    every = _labels(given, rows, [*names])
    by_row = {(one.variable, one.measure, one.policy, one.against): one for one in given.rankings}
    gaps = [held.get((one, *names[pair], name, measure)) for name, measure, one, pair in every]
    worse = [_side(by_row.get((name, measure, *names[pair])), one) for name, measure, one, pair in every]
    columns = (
        *_places(given, kind, every),
        texts("pair", [row[3] for row in every], "two policies, on the same paths"),
        texts("policy", [names[row[3]][0] for row in every], "policy", over=("pair",), brief=False),
        texts("against", [names[row[3]][1] for row in every], "policy that is deducted", over=("pair",), brief=False),
        estimates("difference", gaps, "policy less another, in its unit", shown="points" if kind == "event" else ""),
        texts(
            "worse",
            worse,
            "policy that is clearly the worse one",
            head="likelier under" if kind == "event" else "worse under",
        ),
    )
    title = "Differences of events" if kind == "event" else "Differences of outcomes"
    return Table(f"{kind}_differences", title, columns, _dims(kind, "pair"), _worth_showing(given, every), "pair")


def _side(one: Ranking | None, structure: str) -> str:
    if one is None or one.signs.get(structure) is None:
        return "unknown"
    worse, stated = one.worse(structure), one.worse(STATED)
    return f"{worse} (flips)" if worse and stated and worse != stated else worse or "undecided"


def _worth_showing(given: ByStructure, every: Sequence[tuple[str, str, str, str]]) -> list[bool]:
    """Whether the brief table shows each row: as stated, all assumptions at once, or another ranking than as stated."""
    other = {
        (one.variable, one.measure, name)
        for one in given.rankings
        for name, sign in one.signs.items()
        if sign != one.signs[STATED]
    }
    return [
        one == STATED or one.startswith(f"{ALL} ") or (name, measure, one) in other for name, measure, one, _ in every
    ]


def _structures(given: ByStructure) -> Table:
    columns = (
        texts("structure", [one.name for one in given.structures], "what is assumed"),
        *fields(texts, given.structures, {"assumption": "the assumption that is changed", "kind": "off or doubled"}),
    )
    return Table("structures", "Structures", columns, ("structure",), [False] * len(given.structures))


def _assumptions(given: ByStructure) -> Table:
    stated = [(one.name, one.table) for one in given.study.assumptions]
    columns = labelled(
        [(name, one["about"], in_words(one["off"]), in_words(one["doubled"]) or "as stated") for name, one in stated],
        assumption="assumption of the study",
        about="what it says",
        off="what switches it off",
        doubled="what doubles it",
    )
    return Table("assumptions", "What was switched off and doubled", columns, ("assumption",))
