"""What the worst futures of a run have in common, in sentences, as intervals allow."""

from __future__ import annotations

from collections.abc import Iterator

from engine.analyses.explanation import Explanation
from engine.analyses.independent_inputs import independent_inputs
from engine.analyses.prior_scores import BINS
from engine.analyses.reverse_stress import FailurePoint
from engine.analyses.tail_drivers import SCORED, Driver
from engine.formatting import begun
from engine.risk.estimation.intervals import CONFIDENCE
from engine.risk.estimation.wording import amount, amounts, likely, named, share, some, worst_share
from engine.study.study import Study

LEAST_SHARE, MOST_NAMED = 0.05, 3
"""Least share of the squared distance of what is called unusual in the likeliest future, and most that is named."""


def findings(given: Explanation, numbers: bool = False) -> Iterator[str]:
    """Sentences: the inputs farthest from their priors, the tail or probability, and the likeliest future.

    Args:
      numbers: whether words for how likely something is are left out.
    """
    study, what = given.study, given.watched
    name, under = named(study, what.variable), f"under {study.phrase('policies', what.policy)}"
    value = given.measured[given.measure]
    if what.level is None:
        yield from _farthest(given, f"futures with {name} {under}")
        yield f"In {share(value)} of futures {under} it comes to {name}{likely(value, numbers)}."
    else:
        yield from _farthest(given, f"{worst_share(what.level)} {under}")
        yield f"They are the worst ones in {name}, with {amount(given.unit, value)} on average."
    yield _likeliest(given)


def _farthest(given: Explanation, futures: str) -> Iterator[str]:
    """Sentences: which input deviates most from its prior and how; then whether another may deviate as much.

    An input is distinguishable from its prior at 5 % over all inputs (Bonferroni), by its whole distribution. Another
    input deviates less where the interval of its distance lies wholly below that of the first.

    Args:
      futures: the worst futures as a plural noun that begins with a small letter.
    """
    every = ranked(given)
    far = [one for one in every if one.p_value < (1 - CONFIDENCE) / len(every)]
    if not every:
        yield f"Nothing is drawn, so that nothing sets {futures} apart."
    elif all(one.distance.low != one.distance.low for one in every):
        yield f"What sets {futures} apart is open: they are too few for an interval."
    elif not far:
        yield f"No factor and no shock of a year can be told from its prior in {futures}."
    else:
        first, *rest = far
        others = [_with_side(given.study, one) for one in rest if not one.distance.high < first.distance.low]
        yield f"{begun(futures)} have {_how(given.study, first)}."
        yield (
            f"Whether anything stands out more is open: {some(others)} may."
            if others
            else "Nothing else stands out as much."
        )


def ranked(given: Explanation) -> list[Driver]:
    """The drivers, those that are farthest from their priors first."""
    return sorted(given.drivers, key=lambda one: -one.distance.estimate)


def _shape(one: Driver) -> str:
    """Where an input lies more often than its prior: "high", "low", "ends", "middle"; "uneven" if none is sure.

    The difference from the prior over tenths is split into its mirror-symmetric and its antisymmetric part; the larger
    part decides. An antisymmetric difference is "high" or "low" if the interval of the shift excludes zero. A symmetric
    one is "ends" if both outer tenths surely have more than a tenth of the futures, "middle" if both have less.
    """
    gaps = [tenth.estimate - 1 for tenth in one.density]
    pairs = list(zip(gaps, reversed(gaps), strict=True))
    if sum((a - b) ** 2 for a, b in pairs) >= sum((a + b) ** 2 for a, b in pairs):
        return "high" if one.shift.low > 0 else "low" if one.shift.high < 0 else "uneven"
    outer = one.density[0], one.density[-1]
    if all(tenth.low > 1 for tenth in outer):
        return "ends"
    return "middle" if all(tenth.high < 1 for tenth in outer) else "uneven"


def _how(study: Study, one: Driver) -> str:
    kind, name = _shape(one), _called(study, one)
    parts = [f"{100 * tenth.estimate / BINS:.0f} %" for tenth in one.density]
    if kind in ("high", "low"):
        means = "" if one.unit == SCORED else f": {' in place of '.join(amounts(one.unit, one.mean, one.prior[0]))}"
        return f"{kind} {name}{means}"
    if kind == "uneven":
        fullest = max(range(BINS), key=lambda k: one.density[k].estimate)
        return (
            f"{name} unevenly: {parts[fullest]} in tenth {fullest + 1} of its prior, from the lowest, in place of 10 %"
        )
    where = "at its ends" if kind == "ends" else "near its middle"
    return f"{name} {where}: {parts[0]} in its lowest tenth, {parts[-1]} in its highest, in place of 10 % each"


def _with_side(study: Study, one: Driver) -> str:
    kind, name = _shape(one), _called(study, one)
    return f"{kind} {name}" if kind in ("high", "low") else name


def _called(study: Study, one: Driver) -> str:
    name = study.phrase(f"{one.kind}s", one.name).replace("[", " (").replace("]", ")")
    return name if one.year is None else f"{name} in {one.year}"


def _likeliest(given: Explanation) -> str:
    """What is unusual in the likeliest such future that was found."""
    point, study = given.likeliest, given.study
    if point is None:
        return (
            "No likeliest way there is looked for where facts are known."
            if study.facts
            else "No likeliest way there was found."
        )
    if not point.distance:
        return "Nothing unusual is needed for it: the middle future is such a one already."
    called = {one.name: one.phrase(study) for one in independent_inputs(study)}
    return f"The likeliest way there that was seen takes an unusual {some([called[name] for name in _largest(point)])}."


def _largest(point: FailurePoint) -> list[str]:
    """The inputs with the largest shares of the likeliest future's squared distance, the largest first."""
    names = sorted(point.share, key=lambda name: -point.share[name])
    return [name for name in names if point.share[name] >= LEAST_SHARE][:MOST_NAMED] or names[:1]


def unusual(point: FailurePoint) -> str:
    """`x2 +2.50 (100 %)`: inputs with their scores and shares of the squared distance, the largest first."""
    scores = {name: f" {score:+.2f}" for name, score in point.scores.items()}
    return ", ".join(f"{name}{scores.get(name, '')} ({100 * point.share[name]:.0f} %)" for name in _largest(point))
