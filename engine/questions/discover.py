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

WORDS_OF_WHERE, WORDS_OF_LIMITS = 14, 20
"""Most words, in a sentence, for what is looked for and for the limits of a box."""
SHARES = ("coverage", "density", "mass")
BRIEFLY = ("box", "share", *SHARES, "correlation", "coverage_without", "density_without")
"""Columns of the brief forms of the tables."""
READING = (
    "A box is a set of limits on factors. Futures of an earlier box are not counted again in a later one. The columns"
    " “without” describe the box without its limit on that factor. quasi-p is the probability that the box contains as"
    " many of these futures if the limit has no effect. The search uses factors, no shocks, and names one of several"
    " correlated factors. Brackets are 95 % intervals, each by itself, on futures that the search has not used."
)


@dataclass(frozen=True)
class Discover:
    """Find boxes of factors in which futures of a kind are frequent, in RUN.

    A box is a set of limits on factors. The search uses PRIM on half of the paths whose draws are stored; the other
    half evaluates the boxes.

    \b
    rustbelt discover rustbelt --where "reform worse than old in displaced_person_years"
    rustbelt discover rustbelt --where "banks_wrecked under old and layoffs > 500 under reform"
    """

    needs = RUN
    heading = "Conditions under which such futures are frequent"

    where: Annotated[
        str,
        Option(
            "The kind of future: 'POLICY worse than POLICY in OUTCOME' (or better), 'EVENT under POLICY' or 'OUTCOME >"
            " NUMBER under POLICY'. Several are joined by and.",
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
        table("futures", "Futures of this kind", futures, "where", brief=BRIEFLY),
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
        yield "No limits on factors distinguish these futures from all other futures."
        return
    first, *others = boxes
    limits = [_in_words(found.study, *one) for one in first.restrictions.items()]
    if not first.density.low > rate.high:
        yield "No limits on factors were found that make these futures significantly more frequent."
        return
    every = f"; the {len(boxes)} sets of conditions found together cover {share(coverage)}" if others else ""
    yield f"Of futures with {some(limits, WORDS_OF_LIMITS)}, {share(first.density)} are of this kind."
    yield f"These conditions cover {share(first.coverage)} of all such futures{every}."


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
        return f"{title} is {allowed} ({percent(1 - part.above)} of prior)"
    if np.isinf(limits.high):
        return f"{title} above {number(limits.low)}{unit} (highest {percent(1 - part.below)} of prior)"
    if np.isinf(limits.low):
        return f"{title} below {number(limits.high)}{unit} (lowest {percent(1 - part.above)} of prior)"
    kept = f"{percent(part.below)} to {percent(1 - part.above)} of prior"
    return f"{title} from {number(limits.low)} to {number(limits.high)}{unit} ({kept})"


def number(value: float) -> str:
    """A number to three significant digits, without trailing zeros."""
    text = rounded(float(f"{value:.3g}"), None)
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def percent(share: float) -> str:
    """A share in percent, such as `17 %` or `0.8 %`."""
    return f"{100 * share:.{0 if share >= 0.0095 else 1}f} %"
