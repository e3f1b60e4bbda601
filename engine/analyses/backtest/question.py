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

    Each figure that nobody had seen is held against the futures of STUDY under the policy that came nearest to what was
    done: where it lies among them, and what they score against what one would have said without a model. All figures
    together are judged against the model's own futures, each taken for what happened. Figures stand in a file that the
    study names: [observed]. On 16,384 paths, unless --paths says otherwise.

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
        """How it does; `engine.analyses.backtest.backtest.backtest` says how, and what is refused."""
        from engine.analyses.backtest import answer

        return answer.answer(of, self.policy, tuple(dict.fromkeys(self.impose)), self.until)
