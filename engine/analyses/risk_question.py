"""`risk`: how risky each policy is; by year; and where a condition holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from engine.answers.question import RUN, Asked, Option

if TYPE_CHECKING:
    from engine.answers.answer import Answer


@dataclass(frozen=True)
class Risk:
    """Print the risk of RUN.

    With --given, what holds among the paths that meet a condition on outcomes, and among the others.
    """

    needs: ClassVar[str] = RUN
    heading: ClassVar[str] = "How risky each policy is"
    stored: ClassVar[bool] = False

    variable: Annotated[str | None, Option("One outcome, event or yearly variable.", "V", "variable")] = None
    level: Annotated[str | float | None, Option("Only the measures at this level, such as 97.5.", "L")] = None
    given: Annotated[
        str | None, Option('What holds where a condition does: "reemployed_share >= 0.667".', "CONDITION")
    ] = None

    def answer(self, of: Asked) -> Answer:
        """Measures of every outcome and event; `engine.analyses.risk_answer.answer` says which, and what is refused."""
        from engine.analyses import risk_answer
        from engine.risk.estimation.evidence import stated_level

        return risk_answer.answer(of, self.variable, stated_level(self.level), self.given)
