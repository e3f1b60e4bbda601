"""Definition of a model: records that declare its inputs and outputs, and one or two pure methods on scalars.

A model sees one path, one policy, one year. It has no batch axis, no random key and no I/O; the engine adds axes,
draws, policies and storage. See `docs/writing-a-model.md` for one page of each kind.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from engine.modelling.folds import Fold, Term


@dataclass(frozen=True)
class Factor:
    """An uncertain input drawn once per path; its prior stands in the study.

    Args:
      unit: unit of the draw ("1" if none).
      about: what it means, in a few words.
      dims: refused where there are any, as a factor is one number.
    """

    unit: str
    about: str = ""
    dims: tuple[str, ...] = ()


@dataclass(frozen=True)
class Constant:
    """A number that the equations take as known.

    A study may replace it ([constants]), or give it a prior ([factors.NAME]). The model reads it as it reads a factor:
    `factors.NAME`.

    Args:
      value: the number.
      unit: its unit ("1" if none).
      about: what it means, in a few words.
      source: where it is published; "judgement" if nowhere.
      confidence: F read in the cited source, M remembered and to be checked, D derived, estimated or judged.
    """

    value: float
    unit: str
    about: str
    source: str = "judgement"
    confidence: Literal["F", "M", "D"] = "D"


@dataclass(frozen=True)
class Shock:
    """An uncertain input drawn every year: standard normal, or uniform on (0, 1).

    Args:
      unit: unit of the draw ("1" for a standard score).
      dims: dimensions it is drawn for; each label gets a stream of its own, named `name[label]`.
      law: "normal" or "uniform".
      about: what it means.
    """

    unit: str = "1"
    dims: tuple[str, ...] = ()
    law: Literal["normal", "uniform"] = "normal"
    about: str = ""


@dataclass(frozen=True)
class Price:
    """The cost of a lever: with its largest use, some outcome is worse on average than with its default.

    Args:
      outcome: the outcome that is worse.
      by: how much worse at least, in the outcome's unit.
      most: the largest use, a value of the lever.
      payer: who bears the cost.
    """

    outcome: str
    by: float
    most: float
    payer: str


class _Bounded:
    low: float
    high: float

    @property
    def bounds(self) -> str:
        """The values between the bounds in words, such as "0 to 1" or "at least 0"; "" without bounds."""
        if math.isfinite(self.low):
            return f"{self.low:g} to {self.high:g}" if math.isfinite(self.high) else f"at least {self.low:g}"
        return f"at most {self.high:g}" if math.isfinite(self.high) else ""


@dataclass(frozen=True)
class Lever(_Bounded):
    """One decision. A policy gives it a number, or a table by year and label; the model sees this year's scalar.

    Args:
      unit: unit of the value.
      default: value where a policy says nothing.
      dims: dimensions it is set for.
      about: what it decides.
      low: least value that a policy may give it; none if not given.
      high: largest value that a policy may give it; none if not given.
      effect: factors that say how strongly it acts.
      price: what it costs; None where that is not stated.
    """

    unit: str
    default: float = 0.0
    dims: tuple[str, ...] = ()
    about: str = ""
    low: float = -math.inf
    high: float = math.inf
    effect: tuple[str, ...] = ()
    price: Price | None = None


@dataclass(frozen=True)
class Yearly(_Bounded):
    """A value recorded every year, within bounds if the model clips it; a run counts how often it lies exactly on a
    bound.

    Args:
      unit: unit of the value.
      dims: dimensions it is recorded for.
      loss: whether high is worse; None where neither high nor low is, so that no number is called better or worse. The
        tail that is reported is then the low one.
      about: what it means.
      low: value that the model clips it at from below; none if not given.
      high: value that the model clips it at from above; none if not given.
      between: names of the constants that equal the lower and the upper bound, "" for a bound that is no constant. A
        bound follows its constant; where a study draws the constant from a prior, there is no bound.
      observed: whether those who decide can observe it, so that triggers may read it.
    """

    unit: str
    dims: tuple[str, ...] = ()
    loss: bool | None = False
    about: str = ""
    low: float = -math.inf
    high: float = math.inf
    between: tuple[str, str] | None = None
    observed: bool = False


@dataclass(frozen=True)
class Outcome:
    """One value per path.

    Args:
      unit: unit of the value.
      fold: a fold over yearly variables (`folds.py`), or the model's own function of its last state. A static model
        computes its outcomes itself and leaves this out.
      loss: whether high is worse; None where neither high nor low is, so that no number is called better or worse. The
        tail that is reported is the high one where high is worse, else the low one.
      about: what it means.
    """

    unit: str
    fold: Fold | Callable[[Any], Any] | None = None
    loss: bool | None = False
    about: str = ""

    @property
    def terms(self) -> tuple[Term, ...]:
        """The terms of its fold, each with its yearly variable; empty where it is no fold."""
        return self.fold.terms if isinstance(self.fold, Fold) else ()


def worse_side(loss: bool | None) -> str:
    """Which values of a variable are worse, in words; "" where neither high nor low values are."""
    return "" if loss is None else "high is worse" if loss else "low is worse"


class Model:
    """What every model states. `dims` maps each dimension to its labels; all other tables map names to records.

    `limits` states in sentences what the model leaves out; the report prints them beside the numbers. `imposable` names
    the yearly variables on which observed values may be imposed (`imposing.imposed`). Without time there are no shocks
    and no yearly values: a `StaticModel` leaves these tables empty.
    """

    dims: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    factors: ClassVar[Mapping[str, Factor]] = {}
    constants: ClassVar[Mapping[str, Constant]] = {}
    shocks: ClassVar[Mapping[str, Shock]] = {}
    levers: ClassVar[Mapping[str, Lever]] = {}
    yearly: ClassVar[Mapping[str, Yearly]] = {}
    outcomes: ClassVar[Mapping[str, Outcome]] = {}
    limits: ClassVar[Sequence[str]] = ()
    imposable: ClassVar[Sequence[str]] = ()


class PathModel(Model):
    """A model that goes from year to year.

    `factors` (with `constants` among them), `shocks` and `levers` arrive as namespaces of scalars (a name that has
    dimensions is a `Cells`); `levers.start` is the calendar year in which the policy in force began. `year` is the
    calendar year.
    """

    def init(self, factors: Any, levers: Any) -> Any:
        """State before the first year: any pytree of scalars."""
        raise NotImplementedError

    def step(self, state: Any, year: Any, factors: Any, shocks: Any, levers: Any) -> tuple[Any, Mapping[str, Any]]:
        """One year: the next state, and the yearly values by name."""
        raise NotImplementedError


class StaticModel(Model):
    """A model without time, whose outcomes follow from factors and levers alone."""

    def evaluate(self, factors: Any, levers: Any) -> Mapping[str, Any]:
        """Outcomes by name."""
        raise NotImplementedError


def shock_streams(model: Model) -> dict[str, tuple[str, ...]]:
    """Names of the random streams of each shock: `name`, or `name[label]` (`name[a,b]`) where it has dimensions."""
    return {
        name: tuple(f"{name}[{key}]" if key else name for key in cell_names(shock.dims, model.dims))
        for name, shock in model.shocks.items()
    }


def cell_names(dims: Sequence[str], labels: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Labels of each cell over the dimensions, joined by commas, row-major; one empty name without dimensions."""
    return tuple(map(",".join, itertools.product(*(labels[dim] for dim in dims))))
