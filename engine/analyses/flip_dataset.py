"""What would turn a ranking, as labelled groups, as plain records, and in a sentence."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr

from engine.analyses.beliefs import LOCATION, Belief
from engine.analyses.flip import FARTHEST, Flip
from engine.formatting import rounded
from engine.risk.intervals import Estimate
from engine.risk.summaries import STATS
from engine.risk.tilting import LARGEST_SHAPE
from engine.run_folder.cube_groups import described, labels
from engine.run_folder.stored_estimates import estimates, taken_apart

NAMED = 3
SAME = 0.005
"""Standard deviations that two lengths differ by, at most, where they are printed alike."""


def sentence(given: Flip) -> str:
    """What turns the ranking with the least move, and how far all priors together must go."""
    what = f"{given.measure} of {given.variable}"
    one = given.difference
    if not (one.low > 0 or one.high < 0):
        return (
            f"{given.first} is not told from {given.second} in {what} as stated: there is no ranking to turn."
        )
    order = f"{given.first} {'above' if one.estimate > 0 else 'below'} {given.second} in {what}"
    turning = [belief for belief in given.beliefs if belief.turns]
    priors = _nearest([belief for belief in turning if belief.kind == LOCATION])
    others = _nearest([belief for belief in turning if belief.kind != LOCATION])
    parts = []
    if priors:
        parts.append(f"{priors[0].name} alone turns it: {' and '.join(map(_to, priors))}")
    else:
        parts.append(f"no prior alone turns it within {FARTHEST:g} standard deviations")
    if others:
        parts.append(f"{others[0].kind} {others[0].name} {' and '.join(map(_to, others))} does")
    if given.joint is not None:
        names = ", ".join(name for name, *_ in given.joint.moving[:NAMED])
        parts.append(
            f"all priors together do by {_size(given.joint.distance)} standard deviations, {names} most"
        )
    else:
        parts.append("nor do all priors together within reach")
    return f"{order}: {'; '.join(parts)}."


def groups(given: Flip) -> dict[str, xr.Dataset]:
    """The answer by place: `/beliefs` [belief, stat], a row for every turn of a belief, and `/joint` [factor]."""
    study = given.study
    about = {
        "title": f"{study.name}: what would turn {given.first} against {given.second} in {given.measure} of {given.variable}",
        "summary": sentence(given),
        "id": f"{study.name}-{study.fingerprint}",
        "paths": study.paths,
        "variable": given.variable,
        "measure": given.measure,
        "first": given.first,
        "second": given.second,
        "comment": f"paths 0 to {study.paths - 1}",
    }
    made = {"/": xr.Dataset(attrs=about)}
    if given.beliefs:
        moves = [one.move for one in given.beliefs]
        made["beliefs"] = xr.Dataset(
            {
                "move": estimates("belief", moves, described("how far it must move: normal scores of a prior, else its unit", "1")),
                "stated": ("belief", [one.stated for one in given.beliefs], described("its value as stated, in its unit", "1")),
                "turn": ("belief", [one.turn for one in given.beliefs], described("its value where the ranking turns, in its unit", "1")),
                        "turns": ("belief", np.array([one.turns for one in given.beliefs], np.int8), described("1 where it turns the ranking", "1")),
                "back": ("belief", np.array([one.back for one in given.beliefs], np.int8), described("1 where the ranking is as stated again beyond", "1")),
                "length": ("belief", [one.length for one in given.beliefs], described("length of a prior's move in independent normal scores", "1")),
            },
            {
                "belief": labels("belief", [one.name for one in given.beliefs], "what is believed"),
                "kind": labels("belief", [one.kind for one in given.beliefs], "prior, correlation or lever"),
                "unit": labels("belief", [one.unit for one in given.beliefs], "unit of its value"),
                "how": labels("belief", [one.how for one in given.beliefs], "by weights of stored futures, or by runs"),
            },
        )  # fmt: skip
    if given.joint is not None:
        factors = given.joint.factors
        made["joint"] = xr.Dataset(
            {
                "distance": estimates((), given.joint.distance, described("length of the move of all priors, in normal scores", "1")),
                "move": ("factor", [one[1] for one in factors], described("how far its normal score moves", "1")),
                "stated": ("factor", [one[2] for one in factors], described("its median as stated, in its unit", "1")),
                "turn": ("factor", [one[3] for one in factors], described("its median there, in its unit", "1")),
            },
            {
                "factor": labels("factor", [one[0] for one in factors], "factor"),
            },
            {"entropy": given.joint.entropy},
        )  # fmt: skip
    return taken_apart(made)


def records(given: Flip) -> Iterator[dict[str, Any]]:
    """Every number as plain data: the difference as stated, every belief, what is left out, the joint move and the nearest law."""
    head = {
        "variable": given.variable,
        "measure": given.measure,
        "policy": given.first,
        "against": given.second,
    }
    yield {"kind": "difference", **head, **_numbers(given.difference)}
    for one in given.beliefs:
        value = {
            "stated": one.stated,
            "turn": one.turn,
            "unit": one.unit,
            "turns": one.turns,
            "back": one.back,
            "how": one.how,
        }
        value["length"] = None if math.isnan(one.length) else one.length
        yield {"kind": one.kind, **head, "name": one.name, **value, **_numbers(one.move)}
    for name, why in given.left_out:
        yield {"kind": "left out", **head, "name": name, "why": why}
    if given.joint is not None:
        yield {"kind": "joint", **head, "entropy": given.joint.entropy, **_numbers(given.joint.distance)}
        for name, move, stated, turn in given.joint.factors:
            yield {"kind": "joint factor", **head, "name": name, "move": move, "stated": stated, "turn": turn}
    if given.nearest is not None:
        trusted = given.nearest.shape <= LARGEST_SHAPE
        nearest = {"entropy": given.nearest.entropy if trusted else None, "k_hat": given.nearest.shape}
        yield {"kind": "nearest law of all futures", **head, **nearest}


def _nearest(turning: list[Belief]) -> list[Belief]:
    """All turns of the belief that turns the ranking first."""
    return [one for one in turning if (one.kind, one.name) == (turning[0].kind, turning[0].name)]


def _to(one: Belief) -> str:
    unit = f" {one.unit}" if one.unit not in ("1", "") else ""
    where = f"{'back ' if one.back else ''}at {one.turn:.3g}{unit} in place of {one.stated:.3g}"
    if one.kind != LOCATION:
        return where
    alone = (
        f" ({rounded(one.length, 2)} with its group left behind)"
        if one.length > abs(one.move.estimate) + SAME
        else ""
    )
    return f"{where}, {_size(one.move)} standard deviations{alone}"


def _size(one: Estimate) -> str:
    ends = sorted((abs(one.low), abs(one.high)))
    return f"{rounded(abs(one.estimate), 2)} [{rounded(ends[0], 2)}, {rounded(ends[1], 2)}]"


def _row(one: Estimate) -> tuple[float, float, float, float]:
    return one.estimate, one.standard_error, one.low, one.high


def _numbers(one: Estimate) -> dict[str, Any]:
    numbers = {
        stat: None if math.isnan(value) else value for stat, value in zip(STATS, _row(one), strict=True)
    }
    return {**numbers, "flag": one.flag}
