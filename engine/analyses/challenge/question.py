"""`challenge`: a study's claims held against other choices than its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from engine.answers.question import STUDY, Asked, Option

if TYPE_CHECKING:
    from engine.answers.answer import Answer


@dataclass(frozen=True)
class Challenge:
    """Argue against the study's own headline.

    Holds each claim of STUDY against other choices that could be defended, in two ledgers: how the world and what is
    measured are specified (assumptions off or doubled, priors moved, readings, horizons, thresholds), and how the
    policies are defined (each group of levers as under the other policy, in both). Says in which share of such
    universes a claim holds, by how many choices depart at a time; and the fewest choices that turn it, and how far
    towards them it turns. A study states its claims and readings under [challenge]; one without claims is taken to
    claim what its own futures show. On 16,384 paths a universe, unless --paths says otherwise.

    \b
    Example: rustbelt challenge rustbelt --claim "reform better than old in region_devastated"
    """

    needs: ClassVar[str] = STUDY
    heading: ClassVar[str] = "What could be said against it"

    claim: Annotated[
        tuple[str, ...],
        Option(
            'A claim, such as "NEW better than OLD in ruin", in place of the study\'s; several times for several.',
            "CLAIM",
        ),
    ] = ()

    def answer(self, of: Asked) -> Answer:
        """How far each claim holds; `engine.analyses.challenge.challenge` says how it is found, and what is refused."""
        from engine.analyses.challenge import answer

        return answer.answer(of, self.claim)
