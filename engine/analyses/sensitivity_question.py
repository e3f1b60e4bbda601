"""`sensitivity`: which inputs the answer depends on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from engine.answers.question import STUDY, Asked, Option

if TYPE_CHECKING:
    from engine.answers.answer import Answer


@dataclass(frozen=True)
class Sensitivity:
    """Show what each input of STUDY does to the spread of outcomes, events and tails, and what knowing it is worth.

    An input is drawn independently of all others: a group of factors, a factor, a shock. Each is drawn again on the
    same futures. Differences are from the baseline; from the first of --policies where the baseline is not among these.
    On 131,072 paths, unless --paths says otherwise.

    \b
    Example: rustbelt sensitivity rustbelt --outcome capital_shortfall_peak
    """

    needs: ClassVar[str] = STUDY
    heading: ClassVar[str] = "What it hangs on"

    outcome: Annotated[
        tuple[str, ...], Option("Outcomes and events, in place of the headline and all events.", "A,B", "outcome")
    ] = ()
    policies: Annotated[tuple[str, ...], Option("The policies that are looked at.", "A,B", "policy")] = ()

    def answer(self, of: Asked) -> Answer:
        """The shares of inputs; `engine.analyses.sensitivity.sensitivity` says how, and what is refused."""
        from engine.analyses import sensitivity_answer

        return sensitivity_answer.answer(of, self.outcome, self.policies)
