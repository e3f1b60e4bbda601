"""Boxes of factors as labelled groups: for Python, and beside the cube."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from engine.analyses.discovery_sentence import because, called, words
from engine.analyses.search_result import SearchResult
from engine.risk.summaries import STATS
from engine.run_folder.cube_groups import described, labels
from engine.run_folder.stored_estimates import estimates, taken_apart


def labelled(of: SearchResult, sentence: str) -> dict[str, xr.Dataset]:
    """The groups by place: `/boxes`, `/restrictions`, `/factors`, `/steps`; those that there is something in.

    Args:
      sentence: what the numbers say together.
    """
    study = of.study
    root = {
        "title": study.name,
        "summary": sentence,
        "id": f"{study.name}-{study.fingerprint}",
        "paths": study.paths,
        "where": of.where.text,
        "leads": of.lead.first if any(of.boxes.values()) else "",
        "because": because(of),
        "rate": [float(getattr(of.rate, name)) for name in STATS],
        "searched": of.searched,
        "chosen_on": of.chosen_on,
        "judged_on": of.judged_on,
        "left_out": of.lost,
        "resamples": of.resamples,
        "comment": f"boxes proposed on {of.searched} futures at a time, chosen on {of.chosen_on} and judged on {of.judged_on} others",
    }
    rate = estimates((), of.rate, described("share of the futures that are looked for", "1"))
    groups = {"/": xr.Dataset(attrs=root), "rate": xr.Dataset({"rate": rate}), "factors": _factors(of)}
    if any(of.boxes.values()):
        groups |= {"boxes": _boxes(of), "restrictions": _restrictions(of)}
    if of.steps:
        groups["steps"] = _steps(of)
    return taken_apart(groups)


def _boxes(of: SearchResult) -> xr.Dataset:
    """Every box of every method, and all boxes of a method as one; NaN where a method has fewer."""
    most = max(map(len, of.boxes.values()))
    about = {
        "coverage": "share of the futures that are looked for which lie within",
        "density": "share of the futures within that are looked for",
        "mass": "share of all futures that lie within",
    }
    variables: dict[str, xr.Variable] = {}
    for name, text in about.items():
        each = [
            [getattr(boxes[k], name) if k < len(boxes) else None for k in range(most)]
            for boxes in of.boxes.values()
        ]
        whole = [getattr(one, name) for one in of.together.values()]
        variables[name] = estimates(("search", "box"), each, described(f"{text}, and in no earlier box", "1"))
        variables[f"{name}_together"] = estimates("search", whole, described(f"{text}: any box", "1"))
    phi = [of.lead.correlations[method] for method in of.boxes]
    about_phi = described("correlation of lying within any box and being looked for", "1")
    variables["correlation_together"] = estimates("search", phi, about_phi)
    coords = {
        "search": labels("search", list(of.boxes), "what proposed the boxes"),
        "box": xr.Variable("box", np.arange(1, most + 1), described("number of the box", "1")),
    }
    return xr.Dataset(variables, coords)


def _restrictions(of: SearchResult) -> xr.Dataset:
    """A row a factor of a box, the one that costs most to leave out first."""
    rows = [
        (method, k, name, judged)
        for method, boxes in of.boxes.items()
        for k, judged in enumerate(boxes, 1)
        for name in judged.restrictions
    ]
    parts = [judged.restrictions[name] for _, _, name, judged in rows]
    inputs = {one.name: one for one in of.study.inputs}

    def numbers(values: Sequence[float], about: str) -> xr.Variable:
        finite = np.array(values, np.float64)
        return xr.Variable("row", np.where(np.isfinite(finite), finite, np.nan), described(about, "1"))

    variables = {
        "low": numbers([one.limits.low for one in parts], "lower limit, in the factor's unit; NaN for none"),
        "high": numbers([one.limits.high for one in parts], "upper limit, in the factor's unit; NaN for none"),
        "below": numbers([one.below for one in parts], "share of the prior below the lower limit"),
        "above": numbers([one.above for one in parts], "share of the prior above the upper limit; of categories, outside"),
        "quasi_p_low": numbers([one.quasi_p[0] for one in parts], "quasi-p value of the lower limit, or of the categories"),
        "quasi_p_high": numbers([one.quasi_p[1] for one in parts], "quasi-p value of the upper limit"),
        "coverage_without": numbers([one.coverage for one in parts], "coverage of the box without this factor"),
        "density_without": numbers([one.density for one in parts], "density of the box without this factor"),
    }  # fmt: skip
    coords = {
        "row_search": labels("row", [method for method, *_ in rows], "what proposed the box"),
        "row_box": xr.Variable("row", np.array([k for _, k, *_ in rows]), described("number of the box", "1")),
        "row_factor": labels("row", [name for _, _, name, _ in rows], "factor"),
        "row_title": labels("row", [called(of, name) for _, _, name, _ in rows], "what it is called"),
        "row_unit": labels("row", [inputs[name].unit for _, _, name, _ in rows], "its unit"),
        "row_words": labels("row", [words(of, judged)[name] for _, _, name, judged in rows], "in words"),
    }  # fmt: skip
    return xr.Dataset(variables, coords)


def _factors(of: SearchResult) -> xr.Dataset:
    shares = [of.stability.get(name, np.nan) for name in of.factors]
    about = described("share of resamples in which the first box of PRIM restricts the factor", "1")
    stability = xr.Variable("factor", np.array(shares, np.float64), about)
    return xr.Dataset(
        {"stability": stability}, {"factor": labels("factor", of.factors, "factor that was searched")}
    )


def _steps(of: SearchResult) -> xr.Dataset:
    about = {
        "coverage": "share of the futures that are looked for which lie within",
        "density": "share of the futures within that are looked for",
        "mass": "share of all futures that lie within",
        "factors": "restricted factors",
    }
    return xr.Dataset(
        {
            name: xr.Variable(
                "step", np.array([getattr(one, name) for one in of.steps]), described(text, "1")
            )
            for name, text in about.items()
        }
    )
