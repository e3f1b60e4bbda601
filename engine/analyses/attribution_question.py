"""`attribute`: which lever does what between two policies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from engine.answers.question import STUDY, Asked, Option

if TYPE_CHECKING:
    from engine.answers.answer import Answer


@dataclass(frozen=True)
class Attribute:
    """Show which lever does what between two policies.

    What each group of levers does to the difference between two policies of STUDY, on the same futures. The study names
    the groups, under [lever_groups]; a lever in none is one by itself. Of each group: its Shapley share of the
    difference, what it does alone, and what is lost where it alone is taken back. On 131,072 paths, unless --paths says
    otherwise.

    \b
    rustbelt attribute rustbelt --from old --to reform
    rustbelt attribute rustbelt --from old --to reform --outcome all_four,layoffs
    """

    needs: ClassVar[str] = STUDY
    heading: ClassVar[str] = "Which lever does what"

    start: Annotated[str, Option("The policy that is left, which is deducted.", "P", "policy", "from")]
    end: Annotated[str, Option("The policy that is gone to.", "P", "policy", "to")]
    outcome: Annotated[
        tuple[str, ...], Option("Outcomes and events, in place of the headline and all events.", "A,B", "outcome")
    ] = ()

    def answer(self, of: Asked) -> Answer:
        """The shares of groups of levers; `engine.analyses.attribution.attribution` says how, and what is refused."""
        from engine.analyses import attribution_answer

        return attribution_answer.answer(of, self.start, self.end, self.outcome)
