"""`discover`: in which boxes of factors futures of a kind are frequent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import xarray as xr

from engine.answers.answer import Answer
from engine.answers.as_text import limited, listed, named, share, some
from engine.answers.question import RUN, Asked, Option
from engine.answers.table import BRIEF, Row, table
from engine.formatting import rounded
from engine.questions.discovery import PATHS, SEARCHED, Discovery, discovery
from engine.risk.drivers.boxes import Judged, Restriction, correlation_over_units, judged, shares
from engine.risk.drivers.where import Versus, parse_where
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.measures import probability
from engine.risk.estimation.tallies import unkept
from engine.study.study import Study

WORDS_OF_WHERE, WORDS_OF_LIMITS = 14, 18
"""Most words, in a sentence, for what is looked for and for the limits of a box."""
SHARES = ("coverage", "density", "mass")
BRIEFLY = ("box", "share", *SHARES, "correlation", "coverage_without", "density_without")
"""Columns of the brief forms of the tables."""
READING = (
    "Upper and lower shares are of the prior of a factor. What lies in an earlier box is not counted"
    " again. Without: the box with that factor left free. quasi-p: the probability of as many such futures within if"
    " the limit had no effect. Only factors are searched, no shocks; of correlated factors one is named. Brackets: 95 %"
    " intervals, each by itself, on futures that the boxes were not found on."
)


@dataclass(frozen=True)
class Discover:
    """Find boxes of factors in which futures of a kind are frequent, in RUN.

    By PRIM, on the paths whose draws are stored. Half of them propose and choose the boxes, the other half judges
    them.

    \b
    rustbelt discover rustbelt --where "reform worse than old in displaced_person_years"
    rustbelt discover rustbelt --where "banks_wrecked under old and layoffs > 500 under reform"
    """

    needs = RUN
    heading = "Where such futures lie"

    where: Annotated[
        str,
        Option(
            "Which futures: 'POLICY worse than POLICY in OUTCOME' (or better), 'EVENT under POLICY', 'OUTCOME > NUMBER"
            " under POLICY'; several joined by and.",
            "WHERE",
        ),
    ]

    def answer(self, of: Asked) -> Answer:
        """The boxes, from the stored draws.

        Raises:
          UserError: as `engine.risk.drivers.where.parse_where` and `engine.questions.discovery.discovery`.
        """
        where = parse_where(of.study, self.where, unkept(of.study))
        return answer_of(discovery(of.study, where, of.first(PATHS), _draws(of.cube)))


def _draws(cube: xr.DataTree) -> dict[str, np.ndarray]:
    """Stored draws of the factors that vary, by name, for the first paths of a cube [path]."""
    if "draws" not in cube.children or not cube.children["draws"].data_vars:
        return {}
    group = cube.children["draws"].to_dataset(inherit=False)
    kept = int((group["path"] < group.attrs["kept"]).sum())
    read = group.isel(path=slice(min(kept, PATHS))).load()
    draws = {str(name): values.values for name, values in read.items()}
    return {name: values for name, values in draws.items() if len(np.unique(values[np.isfinite(values)])) > 1}


def answer_of(found: Discovery) -> Answer:
    """The answer from the boxes; each is judged on the futures outside the earlier ones."""
    study, judge = found.study, found.judge
    left = np.ones(len(judge), bool)
    boxes = []
    for limits in found.boxes:
        boxes.append(judged(limits, judge.draws, judge.cases, judge.units, left))
        left &= ~judge.within(limits)
    rows = [
        {"box": f"box {k}", "number": k, **{name: getattr(box, name) for name in SHARES}}
        for k, box in enumerate(boxes, 1)
    ]
    every = dict(zip(SHARES, shares(~left, judge.cases, judge.units), strict=True))
    every["correlation"] = correlation_over_units(~left, judge.cases, judge.units)
    rows.append({"box": "any box", "number": 0, **every, BRIEF: len(boxes) > 1})
    rate, lost = probability(judge.cases, judge.units), study.paths - len(found.search) - len(found.choose) - len(judge)
    counts = {"searched": min(SEARCHED, len(found.search)), "chosen_on": len(found.choose), "judged_on": len(judge)}
    futures = [{"where": found.where.text, "share": rate, **counts, "lost": lost}]
    tables = (
        table("limits", "Limits, and the box without each of them", _limits(study, boxes), "limit", brief=BRIEFLY),
        table("boxes", "Boxes of factors", rows if boxes else [], "box", brief=BRIEFLY),
        table("futures", "Futures that are looked for", futures, "where", brief=BRIEFLY),
    )
    searched, chosen_on, judged_on = (f"{count:,}" for count in counts.values())
    basis = (
        f"{study.name}: the first {study.paths:,} paths, seed {study.seed}; boxes proposed on {searched} of them,"
        f" chosen on {chosen_on}, judged on {judged_on} others{f'; {lost:,} left out, not finite' if lost else ''}"
    )
    return Answer.about(study, _sentences(found, rate, boxes, every["coverage"]), tables, basis, READING)


def _limits(study: Study, boxes: Sequence[Judged]) -> Iterator[Row]:
    """A row for each limited factor of a box, the one that costs most to leave free first."""
    units = {item.name: item.unit for item in study.inputs}
    for k, box in enumerate(boxes, 1):
        for name, part in box.restrictions.items():
            yield {
                "limit": _in_words(study, name, part),
                "box": f"box {k}",
                "number": k,
                "factor": name,
                "unit": units[name],
                "low": part.limits.low,
                "high": part.limits.high,
                "allowed": "; ".join(f"{x:g}" for x in part.limits.allowed or ()),
                "below": part.below,
                "above": part.above,
                "coverage_without": part.coverage,
                "density_without": part.density,
                "quasi_p_low": part.quasi_p[0],
                "quasi_p_high": part.quasi_p[1],
            }


def _sentences(found: Discovery, rate: Estimate, boxes: Sequence[Judged], coverage: Estimate) -> Iterator[str]:
    """How frequent such futures are, overall and in the first box; no sentence claims more than its interval.

    Args:
      rate: share of all futures that are looked for.
      coverage: of all boxes as one.
    """
    bare = "" if rate.low == rate.low else " (no interval)"
    yield f"In {share(rate)} of futures{bare}, {some([*_kinds(found)], WORDS_OF_WHERE)}."
    if not boxes:
        yield "No limits on factors distinguish these futures from the others."
        return
    first, *others = boxes
    limits = [_in_words(found.study, *one) for one in first.restrictions.items()]
    if not first.density.low > rate.high:
        yield f"The best box cannot be distinguished from all futures: {some(limits, WORDS_OF_WHERE)}."
        return
    every = f"; all {len(boxes)} boxes hold {share(coverage)}" if others else ""
    yield f"These futures are {share(first.density)} of those with {some(limits, WORDS_OF_LIMITS)}."
    yield f"That box holds {share(first.coverage)} of all such futures{every}."


def _kinds(found: Discovery) -> Iterator[str]:
    """The conditions of the futures as clauses, such as `reform is worse than old policies in public cost`."""
    study = found.study
    for part in found.where.parts:
        policy = study.phrase("policies", part.policy)
        if isinstance(part, Versus):
            side, other = "worse" if part.worse else "better", study.phrase("policies", part.other)
            yield f"{policy} is {side} than {other} in {named(study, part.outcome)}"
        elif part.what.text in study.events_by_name:
            yield f"the event “{named(study, part.what.text)}” happens under {policy}"
        else:
            yield f"“{listed([limited(study, term) for term in part.what.terms])}” happens under {policy}"


def _in_words(study: Study, name: str, part: Restriction) -> str:
    """The limits of a factor in words."""
    (item,) = (one for one in study.inputs if one.name == name)
    return restriction(study.phrase("factors", name), item.unit, item.labels, part)


def restriction(title: str, unit: str, labels: Mapping[str, float], part: Restriction) -> str:
    """The limits of a factor in words, and which part of its prior they keep.

    Args:
      title: what the factor is called.
      unit: of the factor; left out where it is 1 or a definition with "=".
      labels: the values of a category by label, in the order in which they are named.
    """
    limits, unit = part.limits, "" if unit == "1" or "=" in unit else f" {unit}"
    if limits.allowed is not None:
        names = [label for label, value in labels.items() if np.isclose(value, limits.allowed).any()]
        allowed = " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
        return f"{title} is {allowed} ({percent(1 - part.above)} of its prior)"
    if np.isinf(limits.high):
        return f"{title} above {number(limits.low)}{unit} (its upper {percent(1 - part.below)})"
    if np.isinf(limits.low):
        return f"{title} below {number(limits.high)}{unit} (its lower {percent(1 - part.above)})"
    kept = f"{percent(part.below)} to {percent(1 - part.above)} of its prior"
    return f"{title} from {number(limits.low)} to {number(limits.high)}{unit} ({kept})"


def number(value: float) -> str:
    """A number to three significant digits, without trailing zeros."""
    text = rounded(float(f"{value:.3g}"), None)
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def percent(share: float) -> str:
    """A share in percent, such as `17 %` or `0.8 %`."""
    return f"{100 * share:.{0 if share >= 0.0095 else 1}f} %"
