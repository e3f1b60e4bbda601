"""`discover`: in which boxes of factors futures of a kind are frequent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from engine.answers.question import RUN, Asked, Option

if TYPE_CHECKING:
    from engine.answers.answer import Answer


@dataclass(frozen=True)
class Discover:
    """Find boxes of factors in which futures of a kind are frequent, in RUN.

    By PRIM, on the paths whose draws are stored. Half of them propose and choose the boxes, the other half judges
    them.

    \b
    rustbelt discover rustbelt --where "reform worse than old in displaced_person_years"
    rustbelt discover rustbelt --where "banks_wrecked under old and layoffs > 500 under reform"
    """

    needs: ClassVar[str] = RUN
    heading: ClassVar[str] = "Where such futures lie"

    where: Annotated[
        str,
        Option(
            "Which futures: 'POLICY worse than POLICY in OUTCOME' (or better), 'EVENT under POLICY', 'OUTCOME > NUMBER"
            " under POLICY'; several joined by and.",
            "WHERE",
        ),
    ]
    numbers: Annotated[bool, Option("No word for how likely something is, numbers alone.")] = False

    def answer(self, of: Asked) -> Answer:
        """The boxes; `engine.analyses.discovery.discovery` says how, and what is refused."""
        from engine.analyses import discover_answer

        return discover_answer.answer(of, self.where, self.numbers)
