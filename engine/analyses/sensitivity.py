"""Global sensitivity: Sobol' indices, Shapley effects, value of information, and swings of single factors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.analyses.futures import Futures, Quantity, of_paths, quantities, sound
from engine.analyses.given_data import GivenData, given_data
from engine.analyses.independent_inputs import IndependentInput
from engine.analyses.indices import Shares, indices
from engine.analyses.swings import Swing, swings
from engine.analyses.variables import outcomes_of
from engine.analyses.variants import PATHS, Observer, unobserved
from engine.analyses.worth import Worth, worths
from engine.study.study import Study


@dataclass(frozen=True)
class SensitivityResult:
    """The result of `sensitivity`.

    Args:
      study: with the paths that were simulated.
      inputs: the independent inputs: groups of factors, factors, shocks, regimes.
      shares: for every quantity, the shares of its variance by input.
      worths: for every outcome, the value of knowing inputs.
      swung: the quantities that `swings` are of.
      swings: for every factor, the effect of holding it low and high.
      given_data: SALib's measures, if they were asked for.
    """

    study: Study
    inputs: tuple[IndependentInput, ...]
    shares: tuple[Shares, ...]
    worths: tuple[Worth, ...]
    swung: tuple[Quantity, ...]
    swings: tuple[Swing, ...]
    given_data: tuple[GivenData, ...] = ()


def sensitivity(
    study: Study,
    variables: Sequence[str] | None = None,
    paths: int | None = None,
    device: str | None = None,
    observe: Observer = unobserved,
    with_given_data: bool = False,
) -> SensitivityResult:
    """The sensitivity of outcomes, events and tails to each input, by policy and less the baseline.

    Inputs are those drawn independently (`independent_inputs`). One compiled program draws each again, all others held.

    Args:
      study: the resolved study.
      variables: outcomes and events; the headline and all events if not given.
      paths: how many, from the first on; the study's, at most 131,072, if not given.
      device: "cpu" or "gpu"; the GPUs if there are any.
      observe: called with the stage, how much is done, and how much there is.
      with_given_data: also compute SALib's measures from draws and outcomes alone.

    Raises:
      UserError: no such outcome or event; `paths` is not a number of whole units; values that are not finite on
        more paths than the study allows.
    """
    study.refuse_broken_model()
    study = of_paths(study, paths, PATHS, units=2)
    wanted = quantities(study, variables)
    names = [one.variable for one in wanted]
    futures = Futures(study, outcomes_of(study, names), device)
    inputs, shares = indices(futures, wanted, observe)
    outcomes = [*dict.fromkeys(name for name in names if name in study.model.outcomes)]
    (own,) = futures.mixed([{}])
    worth = worths(futures, inputs, outcomes, own, sound((own,)))
    observe("knowledge", 1, 1)
    swung, of_factors = swings(futures, wanted, observe)
    data = given_data(futures, wanted) if with_given_data else []
    return SensitivityResult(study, inputs, tuple(shares), tuple(worth), swung, tuple(of_factors), tuple(data))
