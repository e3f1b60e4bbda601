"""Triggers: levers take other values from the year after a recorded variable passes a threshold, until it returns.

What a trigger is set by are levers of the study's model: `low.below`, `low.until_above`, `low.for` and `low.delay` of
the trigger `low`, and `when.low.release`, the value of the lever `release` while it acts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np

from engine.errors import Problems, look_up, refusal
from engine.modelling.declaration import POLICY_KEYS
from engine.modelling.identity import altered
from engine.modelling.records import Lever, Model
from engine.study.components import Policy
from engine.study.values import Tables, number

WHEN = "when."
"""Prefix of the levers that hold values while a trigger acts."""
_UNTIL = {"below": "until_above", "above": "until_below"}


@dataclass(frozen=True)
class Trigger:
    """A rule by which levers are set.

    Args:
      reads: the yearly variable that it reads.
      side: "below" or "above": the side of the threshold on which it begins.
      until: the key of the threshold that ends it; `side` where the same threshold does.
      levers: names of the levers that it sets under some policy.
    """

    reads: str
    side: str
    until: str
    levers: tuple[str, ...] = ()


def settled(text: Tables, model: Model, problems: Problems) -> tuple[Tables, Model, Mapping[str, Trigger]]:
    """The tables and the model with the levers of the study's triggers, and the triggers by name.

    In the tables, a policy states these levers by their names, `when.low.release` and `low.below`; those that it does
    not state are as in the trigger's table.

    Args:
      problems: those of the triggers are added here.
    """
    triggers, levers, stated = dict[str, Trigger](), dict[str, Lever](), dict[str, Any]()
    for name, table in text["triggers"].items():
        with problems.within(f"triggers.{name}"):
            triggers[name] = one = _trigger(name, table, model)
            of, time = model.yearly[one.reads], (text.get("time") or {}).get("unit", "year")
            for key in dict.fromkeys((one.side, one.until)):
                levers[f"{name}.{key}"] = Lever(of.unit, 0.0, of.dims, f"threshold of {one.reads}, {key}")
            levers[f"{name}.for"] = Lever(time, 1.0, about=f"time that {one.reads} is beyond it first", low=1.0)
            levers[f"{name}.delay"] = Lever(time, 0.0, about="time by which it acts later", low=0.0)
            stated |= {f"{name}.{key}": value for key, value in table.items() if f"{name}.{key}" in levers}
    policies = dict[str, Tables]()
    for policy, table in text["policies"].items():
        policies[policy] = own = {} if "like" in table else dict(stated)
        for key, value in _flat(table, triggers).items():
            with problems.within(f"policies.{policy}.{key}"):
                if key.startswith(WHEN):
                    trigger, _, lever = key.removeprefix(WHEN).partition(".")
                    look_up("trigger", trigger, text["triggers"])
                    if trigger not in triggers:  # its problems are reported already
                        continue
                    look_up("lever", lever, model.levers)
                    one, held = triggers[trigger], model.levers[lever]
                    dims = model.yearly[one.reads].dims
                    if missing := [dim for dim in dims if dim not in held.dims]:
                        raise refusal(
                            "",
                            f"expected a lever by {', '.join(dims)}, as '{one.reads}' is, got '{lever}'."
                            f" Read a variable without {', '.join(missing)}.",
                        )
                    about = f"{lever} while {trigger} acts"
                    levers[key] = replace(held, default=math.nan, about=about, effect=(), price=None)
                    triggers[trigger] = replace(one, levers=(*dict.fromkeys((*one.levers, lever)),))
                own[key] = value
    if not levers:
        return text, model, {}
    with problems.within("triggers"):
        model = altered(model, levers={**model.levers, **levers})
    return {**text, "policies": policies}, model, triggers


def _trigger(name: str, table: Tables, model: Model) -> Trigger:
    """The trigger that a table states; refused with all its problems."""
    problems, reads = Problems(), table["reads"]
    observed = [one for one, variable in model.yearly.items() if variable.observed]
    if name in {*model.levers, *POLICY_KEYS}:
        problems.add("", "is the name of a lever or of a key of policies. Choose another name.")
    if reads not in observed:
        may = f"These may be read: {', '.join(observed)}." if observed else "The model marks none."
        problems.add(
            "reads",
            f"expected an observed yearly variable, got '{reads}'. "
            f"{may} A model marks a variable by Yearly(..., observed=True).",
        )
    sides = [side for side in _UNTIL if side in table]
    if len(sides) != 1:
        problems.add("", f"expected a threshold, below or above, got {'both' if sides else 'none'}.")
    for side, until in _UNTIL.items():
        if until in table and side not in table and sides:
            problems.add(until, f"cannot be combined with '{sides[0]}'. Write {_UNTIL[sides[0]]}.")
    problems.refuse()
    side, until = sides[0], _UNTIL[sides[0]]
    first, last = table[side], table.get(until, table[side])
    if isinstance(first, float) and isinstance(last, float) and (first > last if side == "below" else first < last):
        wanted = "at least" if side == "below" else "at most"
        raise refusal(until, f"expected {wanted} {side} = {number(first):g}, got {last:g}.")
    return Trigger(reads, side, until if until in table else side)


def _flat(table: Tables, triggers: Mapping[str, Trigger]) -> Tables:
    """The entries of a policy's table, with those of its tables `when` and of triggers by the names of levers."""
    flat = dict[str, Any]()
    for key, value in table.items():
        if key in triggers and isinstance(value, Mapping):
            flat |= {f"{key}.{inner}": of for inner, of in value.items()}
        elif key == WHEN.rstrip("."):
            flat |= {f"{WHEN}{name}.{lever}": of for name, levers in value.items() for lever, of in levers.items()}
        else:
            flat[key] = value
    return flat


def whole(policy: Policy) -> Policy:
    """The policy with the values of levers while triggers act, in place of how much these change the levers."""
    levers, drawn = dict(policy.levers), dict(policy.drawn)
    for name in filter(is_value, policy.levers):
        own = set_by(name)
        levers[name] = levers[name] + levers[own]
        if parts := [drawn[one] for one in (name, own) if one in drawn]:
            drawn[name] = {
                factor: np.sum([part[factor] for part in parts if factor in part], 0)
                for factor in dict.fromkeys(chain(*parts))
            }
    return replace(policy, levers=levers, drawn=drawn)


def is_value(lever: str) -> bool:
    """Whether a lever holds the values of another while a trigger acts."""
    return lever.startswith(WHEN)


def set_by(lever: str) -> str:
    """The lever whose values while a trigger acts this lever holds."""
    return lever.rpartition(".")[2]


def of_trigger(lever: str) -> str:
    """The trigger that a lever belongs to; "" for a lever of the model's own."""
    return lever.removeprefix(WHEN).partition(".")[0] if "." in lever else ""
