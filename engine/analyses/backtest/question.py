"""`backtest`: how a study does against what happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from engine.answers.question import STUDY, Asked, Option

if TYPE_CHECKING:
    from engine.answers.answer import Answer


@dataclass(frozen=True)
class Backtest:
    """Hold a study against what was observed, and score it.

    Compares each figure that the study has not seen with the futures of STUDY under the policy closest to the one that
    was followed: where it lies among them, and how their error compares with that of forecasts without a model. All
    figures together are judged against the model's own futures, each taken for the observations in turn. Figures stand
    in a file that the study names: [observed]. On 16,384 paths, unless --paths says otherwise.

    \b
    rustbelt backtest rustbelt
    rustbelt backtest rustbelt_2016 --impose output,price_gap --until 2019
    """

    needs: ClassVar[str] = STUDY
    heading: ClassVar[str] = "Held against what happened"

    policy: Annotated[
        str | None,
        Option(
            "The policy that came nearest to what was done; the one that the study names if not given.", "P", "policy"
        ),
    ] = None
    impose: Annotated[
        tuple[str, ...],
        Option("Yearly variables that are what was observed, so that what follows from them is scored apart.", "V,..."),
    ] = ()
    until: Annotated[int | None, Option("Last year whose figures are looked at.", "YEAR")] = None

    def answer(self, of: Asked) -> Answer:
        """The scores of a study; `engine.analyses.backtest.backtest.backtest` says how, and what is refused."""
        from engine.analyses.backtest import answer

        return answer.answer(of, self.policy, tuple(dict.fromkeys(self.impose)), self.until)
