"""`explain`: what the worst futures of a run have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from engine.answers.question import RUN, Asked, Option

if TYPE_CHECKING:
    from engine.answers.answer import Answer


@dataclass(frozen=True)
class Explain:
    """Show what the worst futures of a run have in common.

    How far factors and shocks of RUN are from their priors in these futures, which priors matter most, the likeliest
    such future, and the ten worst paths. The answer is kept beside the cube, as explain.zarr.

    \b
    rustbelt explain outputs/rustbelt --outcome displaced_person_years --policy reform --level 99
    rustbelt explain outputs/rustbelt --outcome all_four
    """

    needs: ClassVar[str] = RUN
    heading: ClassVar[str] = "What drives the worst"

    outcome: Annotated[
        str,
        Option(
            "An outcome, whose worst futures are looked at; or an event, and those in which it happens.",
            "V",
            "variable",
        ),
    ]
    policy: Annotated[str | None, Option("The policy; the baseline if not given.", "P", "policy")] = None
    level: Annotated[
        str | float | None,
        Option("The worst 1 - L are looked at, such as 97.5; 99 if not given, none for an event.", "L"),
    ] = None
    numbers: Annotated[bool, Option("No word for how likely something is, numbers alone.")] = False

    def answer(self, of: Asked) -> Answer:
        """What the worst futures share; `engine.analyses.explanation.explain` says how, and what is refused."""
        from engine.analyses import explain_answer

        return explain_answer.answer(of, self.outcome, self.policy, self.level, self.numbers)
