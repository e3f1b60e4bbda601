"""The sensitivity to inputs as an answer: sentences that claim no more than their intervals, and tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from engine.analyses.columns import fields
from engine.analyses.comparison import of_named
from engine.analyses.futures import Quantity
from engine.analyses.indices import Shares
from engine.analyses.sensitivity import SensitivityResult, Swing, sensitivity
from engine.analyses.variables import MEAN, PROBABILITY, SHORTFALL
from engine.answers.answer import Answer, Subject
from engine.answers.question import Asked
from engine.answers.table import Column, Table, estimates, numbers, texts
from engine.risk.estimation.wording import measured, share, some

MOST = 8
"""Most rows that a brief table shows."""
MOST_KNOWN = 3
"""Most inputs that the brief table of the value of knowing shows."""
EVERYTHING, FACTORS = "everything", "all factors"
READING = (
    "Shares are in % of the variance: of the outcome on a path, of what a path adds to ES, of whether the event"
    " happens. share: an input's part, what inputs do together shared out evenly (its Shapley effect): all parts add up"
    " to 100. alone: what goes if the input is known (Sobol' first index). total: what is left if all others are known."
    " Inputs stand in the order of the finding, factors in that of the first table. worth: how much better the measure"
    " gets if the policy is picked by a rule that reads the input; a lower bound. Brackets: 95 % intervals."
)


def answer(of: Asked, variables: Sequence[str], policies: Sequence[str]) -> Answer:
    """The answer to `sensitivity`: shares of variance by input, the value of knowing inputs, and swings of factors.

    Args:
      variables: outcomes and events; the sentence is about the first. The headline and all events if there are none.

    Raises:
      UserError: as `engine.analyses.sensitivity.sensitivity`.
    """
    study = of_named(of.study, policies or None)
    given = sensitivity(study, variables or None, of.paths, of.device, of.observe)
    study = given.study
    basis = (
        f"{study.name}: {study.futures}, and as many that are independent of them; "
        f"{len(given.inputs)} input{'s that are' if len(given.inputs) > 1 else ' that is'} drawn apart"
    )
    made = _tables(given, _subject(given, variables))
    return Answer(Subject.of(study), tuple(sentences(given, variables)), tuple(made), basis, READING, given)


def sentences(given: SensitivityResult, named: Sequence[str] = ()) -> Iterator[str]:
    """Sentences on one quantity: which input carries most of its variance, and the shares of factors and of shocks."""
    of, study = _subject(given, named), given.study
    if of is None:
        yield "Nothing is drawn: no input has a share."
        return
    one, policy = of.quantity, study.phrase("policies", of.quantity.policy)
    what = measured(study, one.variable, one.measure).removeprefix("average ")
    whose = f"How {policy} and {study.phrase('policies', one.against)} differ in" if one.against else "What becomes of"
    head = f"{whose} {what}{'' if one.against else f' under {policy}'}"
    if not of.sd:
        yield f"{head} is the same on every path: no input has a share."
        return
    order = sorted(range(len(given.inputs)), key=lambda k: -of.shapley[k].estimate)
    names = [given.inputs[k].phrase(study) for k in order]
    first = of.shapley[order[0]]
    if not first.low > 0:
        yield f"{head} hangs on what cannot be said: too few paths, or too heavy a tail, for an interval."
        return
    level = [name for k, name in zip(order, names, strict=True) if not of.shapley[k].high < first.low]
    if len(level) > 1:
        yield f"{head} hangs above all on {some(level)}; which matters most is open."
    else:
        yield (
            f"{head} hangs {'mostly' if first.low > 0.5 else 'above all'} on {names[0]}: {share(first)} of the spread."
        )
    sides = ((FACTORS, of.known), ("all shocks", of.accidents))
    if rest := [f"{share(own)} if {name} were known" for name, own in sides if own.low == own.low]:
        yield f"Of that spread would go {' and '.join(rest)}."


def _subject(given: SensitivityResult, named: Sequence[str]) -> Shares | None:
    """What the sentences are about: a policy's difference from the baseline, if any, in the mean or probability.

    Of the variable named first, else of the first of the headline.
    """
    if not given.inputs:
        return None
    name = named[0] if named else given.shares[0].quantity.variable
    own = [s for s in given.shares if s.quantity.variable == name and s.quantity.measure in (MEAN, PROBABILITY)]
    return next((s for s in own if s.quantity.against), own[0])


def _tables(given: SensitivityResult, subject: Shares | None) -> list[Table]:
    made = []
    if subject is not None:
        order = sorted(range(len(given.inputs)), key=lambda k: -np.nan_to_num(subject.shapley[k].estimate))
        made += [_shares(given, order), _vanishing(given)]
    if given.worths:
        made.append(_worth(given))
    outcomes = [k for k, one in enumerate(given.swung) if one.measure != PROBABILITY]
    events = [k for k, one in enumerate(given.swung) if one.measure == PROBABILITY]
    if given.swings:
        made += [_swings(given, "swings", outcomes, ""), _swings(given, "event_swings", events, "points")]
    return [table for table in made if len(table)]


def _shares(given: SensitivityResult, order: Sequence[int]) -> Table:
    """The table of variance shares by measure, input and policy or difference."""
    among: dict[str, list[Shares]] = {}
    for one in given.shares:
        among.setdefault(_what(one.quantity), []).append(one)
    rows = [(s, k) for several in among.values() for k in order for s in several]
    most = {
        what: _largest([[s.shapley[k].estimate for s in several] for k in order]) for what, several in among.items()
    }
    shown = {(what, order[place]) for what, places in most.items() for place in places}
    columns = (
        *_measures([s.quantity for s, _ in rows]),
        texts("input", [given.inputs[k].name for _, k in rows], "what is drawn apart from all else"),
        *fields(
            texts, [given.inputs[k] for _, k in rows], {"kind": "factor, group, shock or regime"}, over=("input",),
            brief=False,
        ),
        *_sides([s.quantity for s, _ in rows]),
        estimates(
            "share", [s.shapley[k] for s, k in rows],
            "its part in the variance, what inputs do together shared out evenly", shown="%",
        ),
        estimates(
            "alone", [s.first[k] for s, k in rows], "share of the variance that goes if it is known", shown="%",
            brief=False,
        ),
        estimates(
            "total", [s.total[k] for s, k in rows], "share of the variance that is left if all others are known",
            shown="%", brief=False,
        ),
    )  # fmt: skip
    brief = [(_what(s.quantity), k) in shown for s, k in rows]
    title = "What each input does to the variance, in %"
    return Table("shares", title, columns, ("of", "input", "side"), brief, across="side", apart="of")


def _vanishing(given: SensitivityResult) -> Table:
    """The table of the shares that vanish if all factors (epistemic), or all shocks (aleatory), are known."""
    units = [given.study.unit_of(s.quantity.variable) for s in given.shares]
    columns = (
        *_measures([s.quantity for s in given.shares]),
        *_sides([s.quantity for s in given.shares]),
        estimates(
            "factors",
            [s.known for s in given.shares],
            "share of the variance that goes if all factors are known",
            head="all factors",
            shown="%",
        ),
        estimates(
            "shocks",
            [s.accidents for s in given.shares],
            "share of the variance that goes if all shocks are known",
            head="all shocks",
            shown="%",
        ),
        numbers(
            "sd",
            [s.sd for s in given.shares],
            "standard deviation, in the unit of the variable",
            head="standard deviation",
            brief=False,
        ),
        texts("unit", units, "unit of the variable", over=("of",), brief=False),
    )
    return Table("known", "What goes of the variance if these are known", columns, ("of", "side"))


def _worth(given: SensitivityResult) -> Table:
    names = [EVERYTHING, FACTORS, *(one.name for one in given.inputs)]
    rows, brief = [], []
    for worth in given.worths:
        every = (worth.everything, worth.known, *worth.inputs)
        single = [-np.inf if one is None or not one.low > 0 else one.estimate for one in worth.inputs]
        shown = [k for k in np.argsort(-np.array(single))[:MOST_KNOWN] if np.isfinite(single[k])]
        rows += [(worth, name, one) for name, one in zip(names, every, strict=True)]
        brief += [k < 2 or k - 2 in shown for k in range(len(names))]
    over = {"over": ("decision",), "brief": False}
    columns = (
        texts(
            "decision",
            [f"{w.measure} of {w.outcome}, {w.choice} picked without knowing" for w, *_ in rows],
            "what a policy is picked by",
        ),
        *fields(
            texts,
            [w for w, *_ in rows],
            {
                "outcome": "outcome",
                "measure": "what the choice looks at",
                "choice": "policy that is picked without knowing",
            },
            **over,
        ),
        texts("unit", [given.study.unit_of(w.outcome) for w, *_ in rows], "unit of the outcome", **over),
        texts("knowing", [name for _, name, _ in rows], "what is known"),
        estimates(
            "worth",
            [one for *_, one in rows],
            "what it is worth to know before the policy is picked; nobody knows a shock in advance",
        ),
    )
    return Table("worth", "What it is worth to know first", columns, ("decision", "knowing"), brief, apart="decision")


def _swings(given: SensitivityResult, name: str, at: Sequence[int], shown: str) -> Table:
    """The table of effects on some quantities of holding each factor low and high."""
    rows, brief = [], []
    order = sorted(given.swings, key=lambda s: -_span(s, at[0])) if at else []
    for k in at:
        most = _largest([[_span(s, k)] for s in order]) if given.swung[k].measure != SHORTFALL else set()
        rows += [(k, s) for s in order]
        brief += [place in most and bool(s.low[k].estimate or s.high[k].estimate) for place, s in enumerate(order)]
    quantities = [given.swung[k] for k, _ in rows]
    columns = (
        *_alone(quantities),
        texts(
            "unit",
            [shown or given.study.unit_of(one.variable) for one in quantities],
            "unit of what people read",
            over=("quantity",),
            brief=False,
        ),
        texts("factor", [s.factor for _, s in rows], "factor that is held"),
        numbers(
            "low_value",
            [s.values[0] for _, s in rows],
            "5 % quantile of its prior, in its unit",
            head="at 5 %",
            over=("factor",),
        ),
        estimates(
            "low", [s.low[k] for k, s in rows], "what changes where it is held there", head="moves it by", shown=shown
        ),
        numbers(
            "high_value",
            [s.values[1] for _, s in rows],
            "95 % quantile of its prior, in its unit",
            head="at 95 %",
            over=("factor",),
        ),
        estimates(
            "high", [s.high[k] for k, s in rows], "what changes where it is held there", head="moves it by", shown=shown
        ),
    )
    return Table(name, "One factor held low and high", columns, ("quantity", "factor"), brief, apart="quantity")


def _measures(every: Sequence[Quantity]) -> tuple[Column, ...]:
    """Columns of the dimension "of": variables with their measures."""
    return (
        texts("of", [_what(one) for one in every], "what is looked at"),
        *_parts(every, "of", ("variable", "measure")),
    )


def _sides(every: Sequence[Quantity]) -> tuple[Column, ...]:
    """Columns of the dimension "side": policies, and differences of two."""
    return (
        texts("side", [_side(one) for one in every], "policy, or difference of two"),
        *_parts(every, "side", ("policy", "against")),
    )


def _alone(every: Sequence[Quantity]) -> tuple[Column, ...]:
    """Columns of the dimension "quantity": measures under one policy."""
    named = texts("quantity", [f"{_what(one)} under {one.policy}" for one in every], "what is looked at")
    return (named, *_parts(every, "quantity", ("variable", "measure", "policy")))


def _parts(every: Sequence[Quantity], dim: str, names: Sequence[str]) -> list[Column]:
    about: Mapping[str, str] = {
        "variable": "outcome or event", "measure": "mean, what a path adds to ES, or probability",
        "policy": "policy", "against": "policy that is deducted; empty for none",
    }  # fmt: skip
    return fields(texts, every, {name: about[name] for name in names}, over=(dim,), brief=False)


def _what(one: Quantity) -> str:
    return f"{one.measure} of {one.variable}"


def _side(one: Quantity) -> str:
    return f"{one.policy} less {one.against}" if one.against else one.policy


def _span(one: Swing, k: int) -> float:
    """The absolute difference of a quantity between the factor held low and held high."""
    return float(np.nan_to_num(abs(one.high[k].estimate - one.low[k].estimate)))


def _largest(rows: Sequence[Sequence[float]]) -> set[int]:
    """Indices of the rows with the largest maxima, at most `MOST`."""
    return {*sorted(range(len(rows)), key=lambda k: -max(np.nan_to_num(rows[k])))[:MOST]}
