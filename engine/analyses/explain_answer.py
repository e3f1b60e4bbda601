"""What the worst futures of a run have in common, as an answer: its sentences and its tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from engine.analyses import likeliest_tables
from engine.analyses.columns import fields
from engine.analyses.explanation import Explanation, explain
from engine.analyses.likeliest_tables import SHOWN
from engine.analyses.prior_scores import BINS
from engine.analyses.tail_drivers import SCORED, Driver, scaled
from engine.answers.answer import Answer, Subject
from engine.answers.layout import cell_of, text_of
from engine.answers.question import Asked
from engine.answers.table import Table, counts, estimates, numbers, texts
from engine.formatting import words
from engine.risk.drivers.farthest import Standing, sentences
from engine.risk.estimation.as_text import shown_in
from engine.risk.estimation.evidence import stated_level
from engine.risk.estimation.wording import amount, likely, named, share, worst_share

READING = (
    "distance: how unevenly the worst futures lie over the tenths of the prior, 0 where they are as the prior has them,"
    " 9 where all are in one tenth. shift: their mean less the prior's, in its standard deviations. Tenths: their share"
    " in the lowest and the highest tenth of the prior, 10 % where they are as the prior has them. Brackets: 95 %"
    " intervals, each by itself: of many inputs that do nothing, one in twenty lies beyond. What priors do are rates of"
    " change at the priors as they are, each by its normal score and all else alike: they hold for small changes."
    " Likeliest futures: each is nearer to the middle than the edge around it, which between two of them lies a tenth"
    " farther out; listed are those seen whose probability beyond a plane at their distance is at least a tenth of the"
    " nearest one's. Nearest to it: share of the worst futures that no other of them is nearer to. Score: that of a"
    " normal law, 0 in the middle of the prior."
)


def answer(
    of: Asked,
    variable: str,
    policy: str | None,
    level: str | float | None,
    levers: bool,
    by_mechanism: bool,
    numbers: bool = False,
) -> Answer:
    """The answer to `explain`: what the worst futures of a run have in common.

    Raises:
      UserError: as `engine.analyses.explanation.explain`.
    """
    given = explain(
        of.study, variable, policy, stated_level(level), of.first_outcomes, of.device, levers, by_mechanism, of.observe
    )  # fmt: skip
    return of_explanation(given, of.folder, numbers)


def of_explanation(given: Explanation, folder: Path, numbers: bool = False) -> Answer:
    """The explanation of a run as an answer; `numbers` leaves out words for how likely something is."""
    study, out = given.study, given.futures.excluded
    left_out = f", {out:,} left out" if out else ""
    paths = f"{given.tail_count:,} of {study.futures}{left_out}"
    of = [*_inputs(given.ranked), _measured(given), _slopes(given), _levers(given), _mechanisms(given)]
    of += [*likeliest_tables.tables(given), *_worst(given, folder), _left_out(given), _counts(given)]
    shown_first = sorted((table for table in of if len(table)), key=lambda one: bool(one.brief) and not any(one.brief))
    basis = f"{study.name}: {_what(given)}, {paths}."
    return Answer(Subject.of(study), tuple(findings(given, numbers)), tuple(shown_first), basis, READING, given)


def findings(given: Explanation, numbers: bool = False) -> Iterator[str]:
    """Sentences: the inputs farthest from their priors, the tail or probability, and the likeliest futures."""
    study, what = given.study, given.watched
    name, under = named(study, what.variable), f"under {study.phrase('policies', what.policy)}"
    futures = f"futures with {name} {under}" if what.event else f"{worst_share(what.level or 0.0)} {under}"
    yield from sentences(futures, [_standing(given, one) for one in given.drivers])
    value = given.measured[given.measure]
    if what.event:
        yield f"In {share(value)} of futures {under} it comes to {name}{likely(value, numbers)}."
    else:
        yield f"They are the worst ones in {name}, with {amount(given.unit, value)} on average."
    yield from likeliest_tables.sentences(given)


def _standing(given: Explanation, one: Driver) -> Standing:
    scored = one.unit == SCORED
    name = given.study.phrase(f"{one.kind}s", one.name).replace("[", " (").replace("]", ")")
    called = name if one.year is None else f"{name} in {one.year}"
    return Standing(
        called, "" if scored else one.unit, one.mean, one.prior[0], one.shift, one.density, one.distance, one.p_value
    )


def label(driver: Driver) -> str:
    """The name of an input: `price_response`, or `growth_noise in 2020` for the shock of a year."""
    return driver.name if driver.year is None else f"{driver.name} in {driver.year}"


def _what(given: Explanation) -> str:
    what = given.watched
    where = "where it happens" if what.level is None else worst_share(what.level)
    return f"{words(what.variable)} under {words(what.policy)}, {where}"


def _by_measure(given: Explanation) -> dict[str, str]:
    """The unit of a change in the measure, and the unit that it is shown in."""
    shown = shown_in(f"difference_{given.measure}", "")[1]
    return {"unit": given.unit, "shown": shown}


def _first(rows: Sequence[Any]) -> list[bool]:
    return [k < SHOWN for k in range(len(rows))]


def _measured(given: Explanation) -> Table:
    what, names = given.watched, [*given.measured]
    of = [what] * len(names)
    columns = (
        texts("measure", names, "measure on all paths"),
        *fields(texts, of, {"variable": "outcome or event", "policy": "policy"}, brief=False),
        *fields(numbers, of, {"level": "level of the measure, whose worst futures are looked at"}, brief=False),
        estimates(
            "value", [*given.measured.values()], "measure of the variable under the policy", given.unit,
            shown=shown_in(given.measure, "")[1],
        ),
    )  # fmt: skip
    return Table("measured", f"{words(what.variable)} under {words(what.policy)}", columns, ("measure",))


def _inputs(rows: Sequence[Driver]) -> list[Table]:
    names = [label(one) for one in rows]
    ends = [[scaled(one.density[k], 1 / BINS) for one in rows] for k in (0, -1)]
    columns = (
        texts("input", names, "factor, or shock in a year"),
        *fields(texts, rows, {"kind": "factor or shock", "name": "name of the factor or shock"}, brief=False),
        *fields(numbers, rows, {"year": "calendar year of a shock"}, unit="year", brief=False),
        estimates(
            "mean", [one.mean for one in rows], "mean of the worst futures, in the input's unit", head="mean there"
        ),
        numbers("prior_mean", [one.prior[0] for one in rows], "mean of the prior", head="prior's"),
        texts("unit", [one.unit for one in rows], "unit of the input"),
        estimates(
            "lowest",
            ends[0],
            "share of the worst futures in the lowest tenth of the prior",
            head="lowest tenth",
            shown="%",
        ),
        estimates(
            "highest",
            ends[1],
            "share of the worst futures in the highest tenth of the prior",
            head="highest tenth",
            shown="%",
        ),
        *fields(
            estimates, rows, {"distance": "variance of the density by tenths over the prior's, less what chance adds"}
        ),
        estimates(
            "shift",
            [one.shift for one in rows],
            "mean of the worst futures less the prior's, in its standard deviations",
            head="shift [sd]",
        ),
        *fields(
            numbers,
            rows,
            {"p_value": "p value that the worst futures are as the prior has them, each by itself"},
            brief=False,
        ),
        numbers("prior_sd", [one.prior[1] for one in rows], "standard deviation of the prior", brief=False),
    )
    cells = [one for driver in rows for one in driver.density]
    density = (
        texts("input", [name for name in names for _ in range(BINS)], "factor, or shock in a year"),
        counts("tenth", [*range(1, BINS + 1)] * len(rows), "tenth of the prior, from the lowest on"),
        estimates("density", cells, "share of the worst futures in the tenth of the prior, over a tenth"),
    )
    return [
        Table("inputs", "Farthest from their priors", columns, ("input",), _first(rows)),
        Table(
            "densities", "How the worst futures lie over each prior", density, ("input", "tenth"), [False] * len(cells)
        ),
    ]


def _slopes(given: Explanation) -> Table:
    rows = sorted(given.slopes, key=lambda one: -abs(one.location.estimate))
    columns = [
        estimates(
            name,
            [getattr(one, name) for one in rows],
            f"change of {given.measure} for {per}",
            head=head,
            brief=bool(head),
            **_by_measure(given),
        )
        for name, (head, per) in _SLOPES.items()
    ]
    factors = texts("factor", [one.factor for one in rows], "factor")
    unit = texts("unit", [one.unit for one in rows], "unit of the factor", brief=False)
    title = f"What one standard deviation more of a prior does to {given.measure}"
    return Table("slopes", title, (factors, *columns, unit), ("factor",), _first(rows))


_SLOPES = {
    "location": ("of its mean", "a standard deviation by which the prior's mean is moved"),
    "scale": ("of its spread", "a standard deviation that is added to the prior's own"),
    "location_per_unit": ("", "a unit of the factor by which the prior's mean is moved"),
    "scale_per_unit": ("", "a unit of the factor that is added to the prior's standard deviation"),
}
"""By kind of slope: its heading, "" if the brief table leaves it out, and the change of a prior that it is for."""


def _levers(given: Explanation) -> Table:
    rows = sorted(given.levers, key=lambda one: -abs(one.effect.estimate))
    columns = (
        texts("lever", [one.lever for one in rows], "lever"),
        estimates(
            "effect",
            [one.effect for one in rows],
            f"{given.measure} with the lever a tenth more less that as it is",
            head="change",
            **_by_measure(given),
        ),
        numbers("stated", [one.value[0] for one in rows], "its mean over years and places", head="from"),
        numbers("moved", [one.value[1] for one in rows], "what that is moved to", head="to"),
        texts("unit", [one.unit for one in rows], "unit of the lever"),
    )
    title = f"What a tenth more of a lever does to {given.measure}, on the same futures"
    return Table("levers", title, columns, ("lever",), _first(rows))


def _mechanisms(given: Explanation) -> Table:
    of, change = given.mechanisms, _by_measure(given)
    rows = sorted(zip(of.names, of.shares, strict=True), key=lambda one: -abs(one[1].estimate)) if of else []
    whole = estimates(
        "whole", [of.whole] * len(rows) if of else [], f"{given.measure} as stated less that with all assumptions off",
        brief=False, **change,
    )  # fmt: skip
    columns = (
        texts("assumption", [name for name, _ in rows], "assumption"),
        estimates("share", [one for _, one in rows], "its Shapley share", head="Shapley share", **change),
        whole,
    )
    said = text_of(cell_of(whole, of.whole)) if of else ""
    title = f"What assumptions make up of {given.measure}; as stated less all off: {said}"
    return Table("mechanisms", title, columns, ("assumption",))


def _worst(given: Explanation, folder: Path) -> list[Table]:
    study, paths = given.study, given.worst
    cells = [(path, name) for path in paths for name in given.worst_values]
    values = [given.worst_values[name][k] for k in range(len(paths)) for name in given.worst_values]
    worst = (
        counts("path", [path for path, _ in cells], "number of the future"),
        texts("outcome", [name for _, name in cells], "outcome that is looked at"),
        numbers("value", values, "its value on the path"),
        texts(
            "unit", [study.unit_of(name) for _, name in cells], "unit of the outcome", over=("outcome",), brief=False
        ),
    )
    command = (
        texts("path", ["PATH"], "stands for the number of a future, such as one of those above"),
        texts("command", [given.replay_command(folder)], "what shows the path in full"),
    )
    return [
        Table("worst", "The worst paths, worst first", worst, ("path", "outcome"), across="outcome"),
        Table("replays", "One of them in full", command, ("path",)),
    ]


def _left_out(given: Explanation) -> Table:
    left_out = {"prior": given.without_slope, "lever": given.without_lever}
    rows = [(kind, name, why) for kind, some in left_out.items() for name, why in some.items()]
    columns = (
        texts("what", [" ".join(row[:2]) for row in rows], "what has no number"),
        texts("kind", [row[0] for row in rows], "prior or lever", brief=False),
        texts("name", [row[1] for row in rows], "name of the factor or the lever", brief=False),
        texts("why", [row[2] for row in rows], "why it is left out"),
    )
    return Table("left_out", "Left out", columns, ("what",), [False] * len(rows))


def _counts(given: Explanation) -> Table:
    reverse, of = given.reverse, given.mechanisms
    rows = {
        "worst futures": given.tail_count, "paths left out, not finite": given.futures.excluded,
        "futures drawn in towards the middle": len(reverse.of_starts), "futures slid along the edge": reverse.slid,
        **({"paths for assumptions": of.paths, "combinations of assumptions": of.coalitions} if of else {}),
    }  # fmt: skip
    columns = (texts("what", [*rows], "what was looked at"), counts("number", [*rows.values()], "how many"))
    return Table("counts", "What was looked at", columns, ("what",), [False] * len(rows))
