"""Study files to start from, as commented text: one on top of another study, and a skeleton for one's own model."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Sequence
from itertools import chain, count
from typing import Any

import numpy as np

from engine.modelling.records import Constant, Factor, Lever, Model, Outcome, PathModel, Shock, worse_side
from engine.study.components import Policy
from engine.study.study import Study

FIRST, HORIZON = 2020, 10
"""First year and number of years of the horizon, where the model's outcomes do not determine it."""


def study_on_top(name: str, extends: str, below: Study, schema: str | None = None) -> str:
    """A short study that extends the one below: one prior, one policy and one event of its own.

    Args:
      extends: how it names the other study, by a name or by a path relative to the new file.
      schema: file of the JSON schema, for editors.
    """
    about = f"A study on top of '{extends}': what stands here is laid over it, key by key, and all else stays."
    return f"""{_head(name, schema, about)}
extends = {_text(extends)}

# What it is to answer.
question = "What if?"
# run = {{ paths = 131_072 }}    # fewer paths than there, to be quicker

{_prior_on_top(below)}{_policy_on_top(below)}
{_event_on_top(below)}"""


def study_of(name: str, model: Model, schema: str | None = None) -> str:
    """The skeleton of a model's study: guessed laws of all factors, shocks as comments, levers at their defaults."""
    title = f"A study of the model {type(model).__name__}. What is marked TO FILL IN is a guess that only makes it run."
    time = ""
    if isinstance(model, PathModel):
        first, last = _horizon(model)
        time = f'time = {{ first = {first}, last = {last}, unit = "year" }}\n'
    return f"""{_head(name, schema, title)}
question = "What is it to answer?"
baseline = "now"
run = {{ paths = 16_384, seed = 2016, sampler = "antithetic" }}
{time}
{_factors(model)}{_shocks(model)}{_policies(model)}
{_events(model)}"""


def study_name(stem: str) -> str:
    """A valid name for a study, made from the stem of its file name."""
    name = re.sub(r"[^\w.-]+", "-", stem).strip("-.")[:64].strip("-.")
    return re.sub(r"\.\.+", ".", name) or "study"


def _head(name: str, schema: str | None, about: str) -> str:
    first = f"#:schema ./{schema}\n" if schema is not None else ""
    return f"{first}# {_line(about)}\n# All keys: docs/study-file.md.\nname = {_text(name)}"


def _prior_on_top(below: Study) -> str:
    item = next((i for i in below.inputs if i.family == "lognormal" and _quantiles(i.targets)), None)
    if item is None:
        if not below.inputs:
            return ""
        return (
            f"# A prior of your own: a table such as [factors.{_key(below.inputs[0].name)}], with family and p05, p95"
            " or its parameters.\n\n"
        )
    quantiles = _quantiles(item.targets)
    there = ", ".join(f"{label} = {value:g}" for label, value in quantiles.items())
    here = "\n".join(f"{label} = {1.5 * value:.6g}" for label, value in quantiles.items())
    return f"""# A prior that is another one: {_line(item.about) or item.name} [{_line(item.unit)}].
# There it is {item.family}, {there}; here it is half as much again.
[factors.{_key(item.name)}]
family = {_text(item.family)}
{here}
source = "my judgement"

"""


def _quantiles(statements: Sequence[Any]) -> dict[str, float]:
    """Quantiles with a key of their own among statements of a law; nothing if there are others among them."""
    quantiles = {one.label: one.value for one in statements}
    return quantiles if quantiles.keys() <= {"p05", "p50", "p95"} else {}


def _policy_on_top(below: Study) -> str:
    base = below.policies[below.row(below.baseline)]
    like = next((policy for policy in below.policies if policy is not base), base)
    name, lever = _free("mine", below.document["policies"]), ""
    if found := _difference(base, like):
        key, low, high = found
        about = meaning(below.model.levers[key])
        lever = f"{key} = {0.5 * (low + high):.6g}    # {about}; {base.name} {low:g}, {like.name} {high:g}\n"
    differs = f"as '{like.name}', but for the levers that are set here. '{below.baseline}' is the baseline."
    return f"""# A policy that is new: {differs}
[policies.{name}]
about = "Between the two"
like = {_text(like.name)}
{lever}"""


def _difference(one: Policy, other: Policy) -> tuple[str, float, float] | None:
    """The first lever in which two policies differ and which is the same every year and everywhere, with its values."""
    for lever in one.levers:
        (here, *more), (there, *others) = (np.unique(policy.levers[lever]) for policy in (one, other))
        if here != there and not (more or others or lever in {**one.drawn, **other.drawn}):
            return lever, here, there
    return None


def _event_on_top(below: Study) -> str:
    event = next((event for event in below.events if event.outcome), None)
    outcome = event.outcome if event and event.outcome else next(iter(below.model.outcomes))
    entry = below.model.outcomes[outcome]
    side, limit, there = "above" if entry.loss else "below", 0.0, ""
    if event is not None:
        side, limit = "below" if event.above is None else "above", event.threshold
        there = f"; '{event.name}' is {side} {limit:g}"
    further = 0.25 * abs(limit) if side == "above" else -0.25 * abs(limit)  # harder to reach
    of = f"{_line(entry.about) or outcome} [{_line(entry.unit)}]{there}"
    return f"""# An event that is new, a threshold on an outcome: {of}.
[events.{_free("my_event", {*below.document["events"], *below.model.outcomes})}]
about = "Worse than that"
outcome = {_text(outcome)}
{side} = {limit + further:.6g}
"""


def _horizon(model: PathModel) -> tuple[int, int]:
    """First and last year of a horizon that holds all years which the model's outcomes need."""
    terms = [term for outcome in model.outcomes.values() for term in outcome.terms]
    years = [year for term in terms for year in term.kind.calendar]
    years += [term.until - term.kind.spell + 1 for term in terms if term.until is not None]
    spell = max([HORIZON, *(term.kind.spell for term in terms)])
    first = min(years, default=FIRST)
    return first, max([first + spell, *years])


_WAYS = """\
# ---- Factors: each is drawn once on a path. Say what you know of it, in any of these ways:
#        p05 = 1, p95 = 4 (or more quantiles); mean = 2, sd = 1; or the family's parameters
#      Families: normal, lognormal, logit-normal (from 0 to 1), uniform, triangular, pert, metalog, ...

"""


def _factors(model: Model) -> str:
    text = _WAYS if model.factors else ""
    for name, factor in model.factors.items():
        law, guess = _placeholder(factor.unit)
        places = f", for each {' and '.join(factor.dims)}" if factor.dims else ""
        text += f"""[factors.{name}]    # {meaning(factor)}{places}
{law}
source = "TO FILL IN: {guess}"

"""
    if len(model.factors) > 1:
        some = json.dumps([*model.factors][:2])
        text += f"""# Factors that move together:
# [groups]
# mine = {{ correlation = 0.3, members = {some} }}

"""
    return text


def _placeholder(unit: str) -> tuple[str, str]:
    """A placeholder law as TOML, positive so that a model can divide by it or take its log; and its meaning."""
    unit = unit.strip().lower()
    if unit in ("share", "fraction", "probability"):
        return 'family = "logit-normal"\np05 = 0.2\np95 = 0.8', "some share"
    if unit in ("%", "percent"):
        return 'family = "lognormal"\np05 = 5\np95 = 50', "some per cent"
    return 'family = "lognormal"\np05 = 0.5\np95 = 2.0', "half to double of 1"


def _shocks(model: Model) -> str:
    own = "# ---- Shocks: each is drawn every year, by the model's own law unless a table says otherwise.\n\n"
    text = own if model.shocks else ""
    for name, shock in model.shocks.items():
        places = f" for each {' and '.join(shock.dims)}" if shock.dims else ""
        law, other = "uniform from 0 to 1", ""
        if shock.law == "normal":
            law, other = "standard normal", '# family = "t"\n# df = 4\n'
        text += f"# [shocks.{name}]    # {meaning(shock)}; {law}{places}\n{other}# persistence = 0.5\n\n"
    return text


def _policies(model: Model) -> str:
    levers = [f"{name} = {float(lever.default)!r}" for name, lever in model.levers.items()]
    about = [f"    # {meaning(lever)}{_by_label(model, lever)}\n" for lever in model.levers.values()]
    first = "".join(f"# {one}\n" for one in levers[:1])
    start = f"# start = {_horizon(model)[0] + 2}\n" if isinstance(model, PathModel) else ""
    return f"""# ---- Policies: levers by their names. What is not named has the model's default.

[policies.now]
about = "As it is"
{"".join(map(str.__add__, levers, about))}
# [policies.other]
# about = "What else could be done"
# like = "now"
{first}{start}"""


def _by_label(model: Model, lever: Lever) -> str:
    if not lever.dims:
        return ""
    labels = ", ".join(f"{_key(label)} = {float(lever.default)!r}" for label in model.dims[lever.dims[0]][:2])
    return f"; by {lever.dims[0]}: {{ {_line(labels)}, ... }}"


def _events(model: Model) -> str:
    name = next((name for name, entry in model.outcomes.items() if entry.loss), next(iter(model.outcomes)))
    known = "\n".join(
        "; ".join(filter(None, (f"#   {other}: {meaning(entry)}", worse_side(entry.loss))))
        for other, entry in model.outcomes.items()
    )
    return f"""# ---- Events: thresholds on outcomes. They change no path, and can be moved without a new run.
# Outcomes:
{known}

[events.{_free("my_event", set(model.outcomes))}]
about = "TO FILL IN: what counts as bad"
outcome = {_text(name)}
{"above" if model.outcomes[name].loss else "below"} = 1.0

[keep]
outcomes = "all"
"""


def meaning(entry: Factor | Shock | Lever | Outcome | Constant) -> str:
    """What a part of a model is, in one line, with its unit."""
    return f"{_line(entry.about)} [{_line(entry.unit)}]".lstrip()


def _line(text: str) -> str:
    """One line that a comment may hold."""
    return "".join(sign if sign.isprintable() else " " for sign in " ".join(text.split()))


def _text(value: str) -> str:
    """A string of TOML."""
    return json.dumps(_line(value), ensure_ascii=False)


def _key(name: str) -> str:
    """A key of TOML."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _text(name)


def _free(name: str, taken: Container[str]) -> str:
    """The name, or the first of its numbered ones that is not taken."""
    numbered = (f"{name}_{number}" for number in count(2))
    return next(one for one in chain([name], numbered) if one not in taken)
