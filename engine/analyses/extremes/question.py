"""`extremes`: what is passed once in so many futures or years, also beyond those that were computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from engine.answers.question import RUN, Asked, Option

if TYPE_CHECKING:
    from engine.answers.answer import Answer


@dataclass(frozen=True)
class Extremes:
    """Say how bad it gets once in so many futures of RUN, also beyond those that were computed.

    Of an outcome, what one future in 10, 50, 100, 250, 1,000 and so on reaches, and the mean of what is worse. Of a
    yearly variable, the same of the largest place (OEP) and of the sum of all places (AEP): once in so many years, any
    year of any future, and once in so many futures. Where fewer than a hundred lie beyond, the number is that of a law
    fitted to the worst, and its row is marked as extrapolated. The answer is kept beside the cube, as extremes.zarr.

    \b
    rustbelt extremes rustbelt
    rustbelt extremes rustbelt --variable layoffs --periods 100,10000,1000000
    rustbelt extremes rustbelt --variable cut_layoffs --futures 16384
    """

    needs: ClassVar[str] = RUN
    heading: ClassVar[str] = "How bad it gets, and how rarely"

    variable: Annotated[
        tuple[str, ...], Option("Outcomes and yearly variables, in place of the headline.", "A,B", "variable")
    ] = ()
    policies: Annotated[tuple[str, ...], Option("Policies to look at, in place of all that ran.", "A,B", "policy")] = ()
    periods: Annotated[
        tuple[float, ...],
        Option("Once in so many futures or years; 10,50,100,250,1000 and further ones if not given.", "N,..."),
    ] = ()
    futures: Annotated[
        int | None, Option("First futures whose yearly values are computed again; 65,536 if not given.", "N")
    ] = None

    def answer(self, of: Asked) -> Answer:
        """The levels of each return period; `engine.analyses.extremes.tails.look` says what is refused."""
        from engine.analyses.extremes import answer

        return answer.answer(of, self.variable, self.policies, self.periods, self.futures)
