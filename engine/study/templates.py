"""Studies to start from, as commented text: one on top of another study, and the skeleton of one for a model of one's own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from engine.modelling.records import Lever, Model, PathModel
from engine.study.study import Policy, Study

FIRST, HORIZON = 2020, 10
"""First year and length of a horizon where a model does not say."""


def study_on_top(name: str, extends: str, below: Study, schema: str | None = None) -> str:
    """A short study that extends the one below: one prior, one policy and one event of its own.

    Args:
      extends: what it is to call the other, a name or a path relative to it.
      schema: file of the JSON schema, for editors.
    """
    parts = [
        _head(
            name,
            schema,
            f"A study on top of '{extends}': what stands here is laid over it, key by key, and all else stays.",
        ),
        f"extends = {_text(extends)}",
        "",
        "# What it is to answer.",
        'question = "What if?"',
        "# run = { paths = 131_072 }    # fewer paths than there, to be quicker",
        "",
        *_prior_on_top(below),
        *_policy_on_top(below),
        *_event_on_top(below),
    ]
    return "\n".join(parts).rstrip() + "\n"


def study_of(name: str, model: Model, schema: str | None = None) -> str:
    """The skeleton of a study for a model: every factor with a law to be replaced, shocks as comments, all levers at their defaults."""
    title = f"A study of the model {type(model).__name__}. What is marked TO FILL IN is a guess that only makes it run."
    parts = [
        _head(name, schema, title),
        'question = "What is it to answer?"',
        'baseline = "now"',
        'run = { paths = 16_384, seed = 2016, sampler = "antithetic" }',
    ]
    if isinstance(model, PathModel):
        first, last = _horizon(model)
        parts.append(f'time = {{ first = {first}, last = {last}, unit = "year" }}')
    parts += ["", *_factors(model), *_shocks(model), *_policies(model), *_events(model)]
    return "\n".join(parts).rstrip() + "\n"


def study_name(stem: str) -> str:
    """A name that a study may have, after that of its file."""
    name = re.sub(r"[^\w.-]+", "-", stem).strip("-.")[:64].strip("-.")
    return re.sub(r"\.\.+", ".", name) or "study"


def _head(name: str, schema: str | None, about: str) -> str:
    lines = [f"#:schema ./{schema}"] * (schema is not None)
    lines += [f"# {_line(about)}", "# All keys: docs/study-file.md.", f"name = {_text(name)}"]
    return "\n".join(lines)


def _prior_on_top(below: Study) -> Iterator[str]:
    item = next((i for i in below.inputs if i.family == "lognormal" and _quantiles(i.targets)), None)
    if item is None:
        if below.inputs:
            yield f"# A prior of your own: a table such as [factors.{_key(below.inputs[0].name)}], with family and p05, p95 or its parameters."
            yield ""
        return
    quantiles = _quantiles(item.targets)
    there = ", ".join(f"{label} = {value:g}" for label, value in quantiles.items())
    yield f"# A prior that is another one: {_line(item.about) or item.name} [{_line(item.unit)}]."
    yield f"# There it is {item.family}, {there}; here it is half as much again."
    yield f"[factors.{_key(item.name)}]"
    yield f"family = {_text(item.family)}"
    yield from (f"{label} = {1.5 * value:.6g}" for label, value in quantiles.items())
    yield 'source = "my judgement"'
    yield ""


def _quantiles(statements: Sequence[Any]) -> dict[str, float]:
    """Quantiles with a key of their own among statements of a law; nothing if there are others among them."""
    quantiles = {one.label: one.value for one in statements}
    return quantiles if all(re.fullmatch(r"p(05|50|95)", label) for label in quantiles) else {}


def _policy_on_top(below: Study) -> Iterator[str]:
    others = [policy for policy in below.policies if policy.name != below.baseline]
    like = others[0] if others else below.policies[0]
    base = next(policy for policy in below.policies if policy.name == below.baseline)
    name = _free("mine", below.document["policies"])
    yield f"# A policy that is new: as '{like.name}', but for the levers that are set here. '{below.baseline}' is the baseline."
    yield f"[policies.{name}]"
    yield 'about = "Between the two"'
    yield f"like = {_text(like.name)}"
    for lever, (low, high) in _differing(base, like).items():
        entry = below.model.levers[lever]
        yield f"{lever} = {0.5 * (low + high):.6g}    # {_about(entry)}; {base.name} {low:g}, {like.name} {high:g}"
        break
    yield ""


def _differing(one: Policy, other: Policy) -> dict[str, tuple[float, float]]:
    """Levers in which two policies differ and which are the same every year and everywhere."""
    return {
        lever: (float(values.flat[0]), float(other.levers[lever].flat[0]))
        for lever, values in one.levers.items()
        if lever not in {**one.drawn, **other.drawn}
        and np.ptp(values) == 0
        and np.ptp(other.levers[lever]) == 0
        and values.flat[0] != other.levers[lever].flat[0]
    }


def _event_on_top(below: Study) -> Iterator[str]:
    event = next((event for event in below.events if event.outcome), None)
    outcome = event.outcome if event and event.outcome else next(iter(below.model.outcomes))
    entry = below.model.outcomes[outcome]
    side, limit, there = "above" if entry.loss else "below", 0.0, ""
    if event is not None:
        side, limit = ("above", event.above) if event.above is not None else ("below", event.below or 0.0)
        there = f"; '{event.name}' is {side} {limit:g}"
    name = _free("my_event", {*below.document["events"], *below.model.outcomes})
    yield f"# An event that is new, a threshold on an outcome: {_line(entry.about) or outcome} [{_line(entry.unit)}]{there}."
    yield f"[events.{name}]"
    yield 'about = "Worse than that"'
    yield f"outcome = {_text(outcome)}"
    further = 0.25 * abs(limit) if side == "above" else -0.25 * abs(limit)  # harder to reach
    yield f"{side} = {limit + further:.6g}"


def _horizon(model: PathModel) -> tuple[int, int]:
    """Years that hold all that the model's outcomes look at."""
    terms = [term for outcome in model.outcomes.values() for term in outcome.terms]
    kinds = [term.kind for term in terms]
    years = [year for kind in kinds for year in kind.calendar]
    years += [term.until - term.kind.spell + 1 for term in terms if term.until is not None]
    spell = max([HORIZON, *(kind.spell for kind in kinds)])
    first = min(years, default=FIRST)
    return first, max([first + spell, *years])


def _factors(model: Model) -> Iterator[str]:
    if model.factors:
        yield "# ---- Factors: each is drawn once on a path. Say what you know of it, in any of these ways:"
        yield "#        p05 = 1, p95 = 4 (or more quantiles); mean = 2, sd = 1; or the family's parameters"
        yield "#      Families: normal, lognormal, logit-normal (from 0 to 1), uniform, triangular, pert, metalog, ..."
        yield ""
    for name, factor in model.factors.items():
        law, guess = _placeholder(factor.unit)
        places = f", for each {' and '.join(factor.dims)}" if factor.dims else ""
        yield f"[factors.{name}]    # {_about(factor)}{places}"
        yield from (f"{key} = {value}" for key, value in law.items())
        yield f'source = "TO FILL IN: {guess}"'
        yield ""
    if len(model.factors) > 1:
        some = [*model.factors][:2]
        yield "# Factors that move together:"
        yield "# [groups]"
        yield f"# mine = {{ correlation = 0.3, members = {json.dumps(some)} }}"
        yield ""


def _placeholder(unit: str) -> tuple[dict[str, str], str]:
    """A law that only makes a study run, above 0 so that a model may divide by it or take its logarithm."""
    if unit.strip().lower() in ("share", "fraction", "probability"):
        return {"family": '"logit-normal"', "p05": "0.2", "p95": "0.8"}, "some share"
    if unit.strip().lower() in ("%", "percent"):
        return {"family": '"lognormal"', "p05": "5", "p95": "50"}, "some per cent"
    return {"family": '"lognormal"', "p05": "0.5", "p95": "2.0"}, "half to double of 1"


def _shocks(model: Model) -> Iterator[str]:
    if not model.shocks:
        return
    yield "# ---- Shocks: each is drawn every year, by the model's own law unless a table says otherwise."
    yield ""
    for name, shock in model.shocks.items():
        places = f" for each {' and '.join(shock.dims)}" if shock.dims else ""
        law = "standard normal" if shock.law == "normal" else "uniform from 0 to 1"
        yield f"# [shocks.{name}]    # {_about(shock)}; {law}{places}"
        if shock.law == "normal":
            yield '# family = "t"'
            yield "# df = 4"
        yield "# persistence = 0.5"
        yield ""


def _policies(model: Model) -> Iterator[str]:
    yield "# ---- Policies: levers by their names. What is not named has the model's default."
    yield ""
    yield "[policies.now]"
    yield 'about = "As it is"'
    for name, lever in model.levers.items():
        yield f"{name} = {float(lever.default)!r}    # {_about(lever)}{_by_label(model, lever)}"
    yield ""
    yield "# [policies.other]"
    yield '# about = "What else could be done"'
    yield '# like = "now"'
    yield from (f"# {name} = {float(lever.default)!r}" for name, lever in [*model.levers.items()][:1])
    if isinstance(model, PathModel):
        yield f"# start = {_horizon(model)[0] + 2}"
    yield ""


def _by_label(model: Model, lever: Lever) -> str:
    if not lever.dims:
        return ""
    labels = ", ".join(f"{_key(label)} = {float(lever.default)!r}" for label in model.dims[lever.dims[0]][:2])
    return f"; by {lever.dims[0]}: {{ {_line(labels)}, ... }}"


def _events(model: Model) -> Iterator[str]:
    name, outcome = next(
        ((name, entry) for name, entry in model.outcomes.items() if entry.loss),
        next(iter(model.outcomes.items())),
    )
    side = "above" if outcome.loss else "below"
    yield "# ---- Events: thresholds on outcomes. They change no path, and can be moved without a new run."
    yield "# Outcomes:"
    for other, entry in model.outcomes.items():
        yield f"#   {other}: {_about(entry)}; {'high' if entry.loss else 'low'} is worse"
    yield ""
    yield f"[events.{_free('my_event', set(model.outcomes))}]"
    yield 'about = "TO FILL IN: what counts as bad"'
    yield f"outcome = {_text(name)}"
    yield f"{side} = 1.0"
    yield ""
    yield "[keep]"
    yield 'outcomes = "all"'


def _about(entry: Any) -> str:
    about = _line(getattr(entry, "about", ""))
    return f"{about} [{_line(entry.unit)}]" if about else f"[{_line(entry.unit)}]"


def _line(text: str) -> str:
    """One line that a comment may hold."""
    return "".join(sign if sign.isprintable() else " " for sign in " ".join(str(text).split()))


def _text(value: str) -> str:
    """A string of TOML."""
    return json.dumps(_line(value), ensure_ascii=False)


def _key(name: str) -> str:
    """A key of TOML."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _text(name)


def _free(name: str, taken: Any) -> str:
    """The name, or the first of its numbered ones that is not taken."""
    names = [name, *(f"{name}_{number}" for number in range(2, len(list(taken)) + 3))]
    return next(one for one in names if one not in taken)
