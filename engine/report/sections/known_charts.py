"""Charts of what facts say: posteriors of factors beside their priors, and ranks of the truth after a calibration."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

import numpy as np

from engine.answers.answer import Answer
from engine.charts import labels
from engine.charts.conditioning import BAND, MEANING, Learnt, Ranks, learnt, ranks_of
from engine.report.charts import Chart, columns_of
from engine.report.conditioned_charts import BAR, BARS, HEAD, LINE
from engine.report.run_records import RunRecords
from engine.report.text import compact, roomy, short, unit_of

LETTERS = 28
"""Most letters in a line of a factor's name, as a phone has room for beside the numbers."""


def charts(run: RunRecords, answer: Answer) -> Iterator[Chart]:
    """Yields the chart of the factors and that of the ranks, each if the answer has it."""
    if factors := learnt(answer):
        yield _factors(run, factors)
    if ranks := ranks_of(answer):
        yield _ranks(ranks, answer)


def _factors(run: RunRecords, factors: Sequence[Learnt]) -> Chart:
    points, names, table, at, ends = [], [], [], 0.0, list[float]()
    for one in factors:
        title, unit = run.title("factors", one.name), unit_of(one.unit)
        lines = textwrap.wrap(title, LETTERS)
        names.append((lines, one.means, at + HEAD))
        at += HEAD + LINE * len(lines) + BAR
        sds = [f"{compact(sd)}{unit}" for sd in one.sds]
        mean = one.mean.estimate
        known = {
            f"{end}{n}": short(mean + sign * n * one.sd) for n, *_ in BARS for end, sign in (("low", -1), ("high", 1))
        }
        prior = {f"prior_{end}{n}": sign * n for n, *_ in BARS for end, sign in (("low", -1), ("high", 1))}
        ends += [*known.values(), *prior.values()]
        points.append(
            {
                "y": at - BAR / 2, "mean": short(mean), **known, **prior, "factor": title,
                "before": f"{one.before}, sd {sds[0]}", "given": f"{one.given}, sd {sds[1]}",
            }
        )  # fmt: skip
        table.append((title, one.before, one.given, *sds, compact(mean)))
    options = {"names": names, "span": [short(end) for end in roomy(min(ends), max(ends))], "height": at}
    first = factors[0]
    title = "What is known of factors, beside their priors"
    moved = labels.number(abs(first.mean.estimate))
    finding = (
        f"{points[0]['factor']} moves farthest: by {moved} standard deviations of its prior, from {first.before} to"
        f" {first.given}."
    )
    about = (
        "pale: the prior; dark: given the facts; thick to one standard deviation, thin to two; on the right the mean"
        " before and given the facts"
    )
    return Chart(
        "known-factors",
        title,
        about,
        finding,
        f"{title}, for {len(factors)} factors that facts say most about. {finding}",
        "posteriors",
        options,
        columns_of(points),
        ("Factor", "Mean before", "Mean given", "sd before", "sd given", "Shift [prior sd]"),
        tuple(table),
        round(at),
    )


def _ranks(of: Ranks, answer: Answer) -> Chart:
    points, table = [], []
    for left, right, count, low, high in zip(of.edges[:-1], of.edges[1:], of.count, of.low, of.high, strict=True):
        ranks, band = f"{left:.1f} to {right:.1f}", f"{low:,.0f} to {high:,.0f}"
        points.append(
            {
                "x": short(float(left)),
                "x2": short(float(right)),
                "y": int(count),
                "low": short(float(low)),
                "high": short(float(high)),
                "ranks": ranks,
                "count": f"{count:,.0f}",
                "band": band,
            }
        )
        table.append((ranks, f"{count:,.0f}", band))
    every = np.concatenate([of.count, of.low, of.high])
    span = [short(end) for end in roomy(float(every.min()), float(every.max()))]
    title = "Ranks of the truth"
    return Chart(
        "known-ranks",
        title,
        f"how many ranks are in each tenth; dashed: what is expected; band: {BAND}",
        f"{of.finding}. {MEANING}",
        f"{title}, all factors together, in bins with their band. {answer.finding} {of.finding}.",
        "ranks",
        {"span": span, "expected": short(float(of.expected[0]))},
        columns_of(points),
        ("Ranks", "How many", "Band"),
        tuple(table),
    )
