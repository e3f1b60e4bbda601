"""`explain`: what the worst futures of a run have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from engine.answers.answer import Answer
from engine.answers.as_text import amount, amounts, named, share, some, worst_share
from engine.answers.question import RUN, Asked, Option
from engine.answers.table import BRIEF, Row, Table, table
from engine.formatting import command_line, words
from engine.questions.independent_inputs import independent_inputs
from engine.questions.prior_scores import BINS
from engine.questions.tail_drivers import SCORED, Density, Inputs, LikeliestFuture, input_rows, likeliest_future
from engine.questions.tail_futures import TailFutures, tail_futures
from engine.risk.estimation.influences import stated_level
from engine.risk.estimation.intervals import CONFIDENCE
from engine.study.study import Study

WORST = 10
"""How many of the worst paths are listed, to be replayed."""
SHOWN = 12
"""Most rows that a brief table shows."""
LEAST, AWAY = 0.005, 0.05
"""Least share of the squared distance, and least distance of a shock from its prior [sd], that a brief table shows."""
LEAST_SHARE, MOST_NAMED = 0.05, 3
"""Least share of the squared distance of what is called unusual in the likeliest future, and most that is named."""
WORDS_OF_UNUSUAL = 14
"""Most words, in a sentence, for what is unusual in the likeliest future."""
READING = (
    "Each tenth of a prior contains 10 % of all futures; the table shows the share of the worst futures in it. Brackets"
    " are 95 % intervals, each by itself, so 1 in 20 inputs without effect lies outside its interval. The most probable"
    " future is the one found nearest to the origin in normal scores; a score of 0 is the middle of the prior."
)


@dataclass(frozen=True)
class Explain:
    """Show what the worst futures of a run have in common.

    The answer compares the factors and shocks of the worst futures of RUN with their priors, shows the most probable of
    these futures, and lists the ten worst paths. It is stored beside the cube, as explain.zarr.

    \b
    rustbelt explain outputs/rustbelt --outcome displaced_person_years --policy reform --level 99
    rustbelt explain outputs/rustbelt --outcome all_four
    """

    needs = RUN
    heading = "What the worst futures have in common"

    outcome: Annotated[
        str,
        Option(
            "An outcome, whose worst futures are examined, or an event, whose futures are examined.", "V", "variable"
        ),
    ]
    policy: Annotated[str | None, Option("The policy; the baseline if not given.", "P", "policy")] = None
    level: Annotated[
        str | float | None,
        Option("Level in % beyond which futures are the worst, such as 97.5. Default: 99; none for an event.", "L"),
    ] = None

    def answer(self, of: Asked) -> Answer:
        """What the worst futures share.

        Raises:
          UserError: as `engine.questions.tail_futures.tail_futures`.
        """
        total = of.study.paths
        tail = tail_futures(of, self.outcome, self.policy, stated_level(self.level))
        of.observe("explaining", total // 4, total)
        inputs = input_rows(tail)
        of.observe("searching", total // 2, total)
        point = None if tail.study.facts else likeliest_future(tail)
        of.observe("searching", total, total)
        tables = [
            *_of_inputs(inputs), _measured(tail), *(_likeliest(tail, point, inputs) if point else ()),
            *_worst(tail, of.folder),
        ]  # fmt: skip
        where = worst_share(tail.level, tail.side) if tail.level else "futures in which it happens"
        lost, policy = tail.study.paths - len(tail.numbers), of.study.phrase("policies", tail.policy)
        basis = (
            f"{tail.study.name}: {named(of.study, tail.variable)} under {policy}, {where}, {len(tail.tail):,} of"
            f" {tail.study.futures}{f', {lost:,} left out' if lost else ''}."
        )
        findings = (*_findings(tail, inputs), _way_there(tail.study, point))
        tables.sort(key=lambda one: not any(one.brief))
        return Answer.about(tail.study, findings, tables, basis, READING)


def _of_inputs(inputs: Inputs) -> Iterator[Table]:
    shown = ("mean", "prior_mean", "unit", "lowest", "highest")
    rows = [row | {BRIEF: k < SHOWN} for k, (row, _) in enumerate(inputs)]
    yield table("inputs", "Inputs that differ most from their priors", rows, "input", brief=shown)
    cells = [
        {"input": row["input"], "tenth": k, "density": one}
        for row, density in inputs
        for k, one in enumerate(density, 1)
    ]
    yield table("densities", "Distribution of the worst futures over each prior", cells, "input", "tenth", brief=())


def _measured(of: TailFutures) -> Table:
    subject = {"variable": of.variable, "policy": of.policy, "level": of.level}
    rows = [{"measure": name, **subject, "value": value} for name, value in of.measures.items()]
    title = f"{words(of.variable)} under {words(of.policy)}"
    units, shown = {"value": of.study.unit_of(of.variable)}, {"value": "" if of.level else "%"}
    return table("measured", title, rows, "measure", brief=("value",), units=units, shown=shown)


def _worst(of: TailFutures, folder: Path) -> Iterator[Table]:
    rows = [
        {"path": int(of.numbers[k]), "outcome": name, "value": float(values[k]), "unit": of.study.unit_of(name)}
        for k in of.worst_first[:WORST]
        for name, values in of.values.items()
    ]
    yield table("worst", f"The {of.side} paths, in order", rows, "path", "outcome", brief=("value",), across="outcome")
    replay = command_line("replay", folder, "--path", "PATH", model=of.study.model_spec)
    yield table(
        "replays", "Command that shows one of these paths in full", [{"path": "PATH", "command": replay}], "path"
    )


def _likeliest(of: TailFutures, point: LikeliestFuture, inputs: Inputs) -> Iterator[Table]:
    """The tables of the likeliest future."""
    study, row, trace = of.study, of.study.row(of.policy), point.trace
    passed = f"{of.variable} {f'passes {[*of.measures][1]}' if of.level else 'happens'}"
    whole = [{"passed": passed, "distance": point.distance}]
    yield table("point", "The most probable of these futures that was found", whole, "passed")
    shares = [{"input": name, "share": part, BRIEF: part >= LEAST} for name, part in point.share.items()]
    yield table("point_shares", "Shares of inputs in its squared distance", shares, "input", brief=("share",))
    priors = {(one["name"], one["year"]): (one["prior_mean"], one["prior_sd"]) for one, _ in inputs}
    factors = [
        {
            "factor": item.name,
            "score": point.scores[item.name],
            "draw": draw,
            "unit": item.unit,
            BRIEF: (item.name, None) in priors,
        }
        for item, draw in zip(study.inputs, trace.draws[:, 0].tolist(), strict=True)
    ]
    factors.sort(key=lambda row: (not row[BRIEF], -abs(row["score"])))
    yield table("point_factors", "Its factors", factors, "factor", brief=("score", "draw", "unit"))
    if trace.shocks is not None:
        yield _shocks(study, trace.shocks[..., 0], priors)
    outcomes = zip(study.model.outcomes.items(), trace.outcomes[row, :, 0].tolist(), strict=True)
    values = [{"outcome": name, "value": value, "unit": one.unit} for (name, one), value in outcomes]
    yield table("point_outcomes", "Its outcomes", values, "outcome", brief=())


def _shocks(study: Study, values: np.ndarray, priors: Mapping[Any, tuple[float, float]]) -> Table:
    """The shocks [year, stream] of the likeliest future; the brief table has those farthest from their priors."""
    rows = list[Row]()
    for year, of_year in zip(study.years, values.tolist(), strict=True):
        for stream, value in zip(chain(*study.shock_streams.values()), of_year, strict=True):
            mean, sd = priors.get((stream, year), (np.nan, np.nan))
            rows.append({"year": year, "shock": stream, "value": value, "away": (value - mean) / sd})
    sizes = np.nan_to_num(np.abs([row["away"] for row in rows]))
    least = max(AWAY, np.sort(sizes)[-SHOWN:][0])
    rows = [row | {BRIEF: size >= least} for row, size in zip(rows, sizes, strict=True)]
    return table("point_shocks", "Its shocks", rows, "year", "shock", brief=("value", "away"))


def _findings(of: TailFutures, inputs: Inputs) -> Iterator[str]:
    """Sentences: the inputs farthest from their priors, and the tail or the probability."""
    study, value = of.study, next(iter(of.measures.values()))
    name, under = named(study, of.variable), f"under {study.phrase('policies', of.policy)}"
    if of.level:
        yield from _farthest(study, inputs, f"{worst_share(of.level, of.side)} {under}")
        yield f"In these futures, the mean of {name} is {amount(study.unit_of(of.variable), value)}."
    else:
        yield from _farthest(study, inputs, f"futures with {name} {under}")
        yield f"The chance of {name} {under} is {share(value)}."


def _farthest(study: Study, inputs: Inputs, futures: str) -> Iterator[str]:
    """Sentences: which input deviates most from its prior and how; then whether another may deviate as much.

    An input is distinguishable from its prior at 5 % over all inputs (Bonferroni), by its whole distribution. Another
    input deviates less where the interval of its distance lies wholly below that of the first.

    Args:
      futures: the worst futures as a plural noun that begins with a small letter.
    """
    far = [one for one in inputs if one[0]["p_value"] < (1 - CONFIDENCE) / len(inputs)]
    if not inputs:
        yield f"The study draws no input, so no input distinguishes {futures}."
    elif all(np.isnan(row["distance"].low) for row, _ in inputs):
        yield f"There are too few paths to show which inputs distinguish {futures}."
    elif not far:
        yield f"In {futures}, no factor and no yearly shock differs significantly from its prior."
    else:
        (first, density), *rest = far
        yield f"In {futures}, {_how(study, first, density)}."
        names = [_with_side(study, *one) for one in rest if not one[0]["distance"].high < first["distance"].low]
        yield (
            f"The difference from the prior may be as large for {some(names, noun='input')}."
            if names
            else "No other input differs as much from its prior."
        )


def _side(row: Row, density: Density) -> str:
    """The side of its prior on which the worst futures lie, `high ` or `low `; empty if it is none, or not sure.

    The difference from the prior over tenths is split into its mirror-symmetric and its antisymmetric part. The side is
    that of the shift if the antisymmetric part is the larger one and the interval of the shift excludes zero.
    """
    gaps = np.array([tenth.estimate - 1 for tenth in density])
    if np.sum((gaps - gaps[::-1]) ** 2) < np.sum((gaps + gaps[::-1]) ** 2):
        return ""
    return "high " if row["shift"].low > 0 else "low " if row["shift"].high < 0 else ""


def _with_side(study: Study, row: Row, density: Density) -> str:
    """An input in words with its side: `high steel price in 2015`."""
    return f"{_side(row, density)}{_named(study, row)}"


def _named(study: Study, row: Row) -> str:
    """An input in words: `steel price in 2015`."""
    name = study.phrase(f"{row['kind']}s", row["name"]).replace("[", " (").replace("]", ")")
    return name if row["year"] is None else f"{name} in {row['year']}"


def _how(study: Study, row: Row, density: Density) -> str:
    """Clause on the input that differs most: its means; or its distribution if it differs to neither side."""
    name = _named(study, row)
    if not _side(row, density):
        lowest, highest = (f"{100 * tenth.estimate / BINS:.0f} %" for tenth in (density[0], density[-1]))
        return f"{name} is in its lowest tenth in {lowest} and in its highest in {highest}, instead of 10 % each"
    if row["unit"] == SCORED:
        return f"{_side(row, density)}{name} is more frequent than in its prior"
    mean, prior = amounts(row["unit"], row["mean"], row["prior_mean"])
    return f"the mean of {name} is {mean}, against {prior} in its prior"


def _way_there(study: Study, point: LikeliestFuture | None) -> str:
    """A sentence on what is unusual in the most probable of these futures that was found."""
    if study.facts:
        return "The most probable of these futures is not searched for, as this run is conditioned on observed figures."
    if point is None:
        return "The search for the most probable of these futures found none."
    if not point.distance:
        return "The future with all inputs at their medians is one of these futures."
    phrases = {one.name: one.phrase(study) for one in independent_inputs(study)}
    unusual = some([phrases[name] for name in _largest(point)], WORDS_OF_UNUSUAL)
    return f"The most probable of these futures found has unusual values of {unusual}."


def _largest(point: LikeliestFuture) -> list[str]:
    """The inputs with the largest shares of the likeliest future's squared distance, the largest first."""
    most = [*point.share][:MOST_NAMED]
    return [name for name in most if point.share[name] >= LEAST_SHARE] or most[:1]
