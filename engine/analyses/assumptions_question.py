"""`assumptions`: a study held against its own assumptions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from engine.answers.question import STUDY, Asked, Option

if TYPE_CHECKING:
    from engine.answers.answer import Answer


@dataclass(frozen=True)
class Assumptions:
    """Hold a study against its own assumptions.

    Runs STUDY again on the same futures with each of its assumptions off, with each doubled, and with all of them: how
    every policy does on each event and outcome, and which rankings of the policies hold in every one of these
    structures and which flip. A study names its assumptions: [assumptions.exit] with off = { exit_rate = 0 }. On
    131,072 paths, unless --paths says otherwise.

    \b
    Example: rustbelt assumptions rustbelt --outcome public_cost
    """

    needs: ClassVar[str] = STUDY
    heading: ClassVar[str] = "What it rests on"

    outcome: Annotated[
        tuple[str, ...], Option("Outcomes and events, in place of the headline and all events.", "A,B", "outcome")
    ] = ()

    def answer(self, of: Asked) -> Answer:
        """The estimates in each structure; `engine.analyses.assumptions` says how, and what is refused."""
        from engine.analyses import assumptions_answer

        return assumptions_answer.answer(of, self.outcome)
