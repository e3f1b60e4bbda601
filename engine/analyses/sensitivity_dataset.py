"""What inputs do to the answer, as labelled groups and as plain records."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import xarray as xr

from engine.analyses.futures import Quantity
from engine.analyses.sensitivity import Sensitivity
from engine.analyses.sensitivity_sentence import sentence
from engine.analyses.swings import ENDS
from engine.risk.intervals import Estimate
from engine.risk.summaries import STATS
from engine.run_folder.cube_groups import described, labels
from engine.run_folder.stored_estimates import estimates, taken_apart

INDICES = ("shapley", "first", "total")
ABOUT = {
    "shapley": "its part in the variance, what inputs do together shared out evenly",
    "first": "share of the variance that goes if it is known",
    "total": "share of the variance that is left if all others are known",
}
ENDINGS = tuple(f"p{round(100 * end):02d}" for end in ENDS)


def groups(given: Sensitivity, named: Sequence[str] | None = None) -> dict[str, xr.Dataset]:
    """The answer by place: `/shares` [quantity, index, input, stat], `/worth` [decision, input, stat], `/swings` [factor, end, quantity, stat].

    Args:
      named: the outcomes and events that were asked for; the first of them is what the summary is of.
    """
    study = given.study
    inputs = {
        "input": labels("input", [one.name for one in given.inputs], "what is drawn apart from all else"),
        "kind": labels("input", [one.kind for one in given.inputs], "factor, group, shock or regime"),
    }
    about = {
        "title": f"{study.name}: which inputs the answer hangs on",
        "summary": sentence(given, named),
        "id": f"{study.name}-{study.fingerprint}",
        "paths": study.paths,
        "comment": f"paths 0 to {study.paths - 1}, and as many that are independent of them",
    }
    made = {"/": xr.Dataset(attrs=about)}
    if given.inputs:
        shares = [[getattr(s, index) for index in INDICES] for s in given.shares]
        sides = [[s.known, s.accidents] for s in given.shares]
        text = "; ".join(f"{name}: {words}" for name, words in ABOUT.items())
        made["shares"] = xr.Dataset(
            {
                "share": estimates(("quantity", "index", "input"), shares, described("share of the variance", "1", text)),
                "side": estimates(
                    ("quantity", "of"), sides,
                    described("share of the variance that goes if all factors, or all shocks, are known", "1"),
                ),
                "sd": ("quantity", [s.sd for s in given.shares], described("standard deviation, in the unit of the variable", "1")),
            },
            {
                **_quantities([s.quantity for s in given.shares]), **inputs,
                "index": labels("index", INDICES, text),
                "of": labels("of", ("factors", "shocks"), "what could be found out, and what the years bring"),
            },
        )  # fmt: skip
    if given.worths:
        rows = [[w.everything, w.known, *w.inputs] for w in given.worths]
        made["worth"] = xr.Dataset(
            {
                "worth": estimates(
                    ("decision", "knowing"), rows,
                    described("what it is worth to know before the policy is picked, in the unit of the outcome", "1"),
                ),
            },
            {
                "outcome": labels("decision", [w.outcome for w in given.worths], "outcome"),
                "measure": labels("decision", [w.measure for w in given.worths], "what the choice looks at"),
                "choice": labels("decision", [w.choice for w in given.worths], "policy that is picked without knowing"),
                "knowing": labels(
                    "knowing", ["everything", "all factors", *(one.name for one in given.inputs)], "what is known"
                ),
            },
        )  # fmt: skip
    if given.swings:
        moved = [[s.low, s.high] for s in given.swings]
        made["swings"] = xr.Dataset(
            {
                "swing": estimates(
                    ("factor", "end", "quantity"), moved,
                    described("what changes where the factor is held there, in the unit of the variable", "1"),
                ),
                "value": (("factor", "end"), np.array([s.values for s in given.swings]), described("value, in the unit of the factor", "1")),
            },
            {
                **_quantities(given.swung),
                "factor": labels("factor", [s.factor for s in given.swings], "factor that is held"),
                "end": labels("end", ENDINGS, "quantile of its prior at which it is held"),
            },
        )  # fmt: skip
    if given.within:
        every = [(w.group, member) for w in given.within for member in w.members]
        effects = [one for w in given.within for one in w.shapley]
        of = [w.quantity for w in given.within for _ in w.members]
        made["members"] = xr.Dataset(
            {"share": estimates("row", effects, described("share of the variance", "1", "Shapley effect of a member"))},
            {
                "group": labels("row", [group for group, _ in every], "group that moves together"),
                "member": labels("row", [member for _, member in every], "factor of the group"),
                **_quantities(of, "row"),
            },
        )  # fmt: skip
    return taken_apart(made)


def records(given: Sensitivity) -> Iterator[dict[str, Any]]:
    """Every number as plain data; `kind` is an index, "sides", "worth" or "swing"."""
    for of in given.shares:
        head = _plain(of.quantity)
        for index in INDICES:
            for item, one in zip(given.inputs, getattr(of, index), strict=True):
                yield {"kind": index, **head, "input": item.name, "of": item.kind, **_numbers(one)}
        for name, one in (("all factors", of.known), ("all shocks", of.accidents)):
            yield {"kind": "side", **head, "input": name, "of": None, **_numbers(one)}
    for worth in given.worths:
        head = {"variable": worth.outcome, "measure": worth.measure, "policy": worth.choice, "against": None}
        rows = [("everything", worth.everything), ("all factors", worth.known)]
        rows += [
            (item.name, one) for item, one in zip(given.inputs, worth.inputs, strict=True) if one is not None
        ]
        for name, one in rows:
            yield {"kind": "worth", **head, "input": name, **_numbers(one)}
    for swing in given.swings:
        for end, value, ends in zip(ENDINGS, swing.values, (swing.low, swing.high), strict=True):
            for quantity, one in zip(given.swung, ends, strict=True):
                yield {
                    "kind": "swing",
                    **_plain(quantity),
                    "input": swing.factor,
                    "end": end,
                    "value": value,
                    **_numbers(one),
                }

    for mine in given.within:
        for member, one in zip(mine.members, mine.shapley, strict=True):
            yield {
                "kind": "member",
                **_plain(mine.quantity),
                "input": member,
                "of": mine.group,
                **_numbers(one),
            }
    for data in given.given_data:
        for factor, delta, error, pawn in zip(
            data.factors, data.delta, data.delta_error, data.pawn, strict=True
        ):
            yield {
                "kind": "given data",
                **_plain(data.quantity),
                "input": factor,
                "delta": delta,
                "delta_error": error,
                "pawn": pawn,
            }


def _plain(one: Quantity) -> dict[str, Any]:
    return {
        "variable": one.variable,
        "measure": one.measure,
        "policy": one.policy,
        "against": one.against or None,
    }


def _quantities(every: Sequence[Quantity], dim: str = "quantity") -> dict[str, Any]:
    fields = {
        "variable": "outcome or event", "measure": "mean, what a path adds to ES, or probability",
        "policy": "policy", "against": "policy that is deducted; empty for none",
    }  # fmt: skip
    return {name: labels(dim, [getattr(one, name) for one in every], about) for name, about in fields.items()}


def _row(one: Estimate) -> tuple[float, ...]:
    return one.estimate, one.standard_error, one.low, one.high


def _numbers(one: Estimate) -> dict[str, Any]:
    numbers = {
        stat: None if math.isnan(value) else value for stat, value in zip(STATS, _row(one), strict=True)
    }
    return {**numbers, "flag": one.flag}
