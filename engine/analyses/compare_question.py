"""`compare`: which policy is better, by how much, how surely, and in which futures not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from engine.answers.question import RUN, Asked, Option

if TYPE_CHECKING:
    from engine.answers.answer import Answer


@dataclass(frozen=True)
class Compare:
    """Compare the policies of RUN on the same futures, or RUN with OTHER.

    Differences of mean and ES, chances of being worse, regret, stochastic dominance, curves over thresholds, ranks of
    many policies, and which worst futures are common. Everything, also of outcomes that are
    not shown, goes beside the run's cube, as compare.zarr. With OTHER: what the studies of two runs state differently,
    and their headline numbers with the differences.

    \b
    rustbelt compare rustbelt
    rustbelt compare RUN OTHER
    rustbelt compare rustbelt --against reform
    rustbelt compare rustbelt --against every
    rustbelt compare rustbelt --outcome capital_shortfall --at region=Liaoning --year 2020
    """

    needs: ClassVar[str] = RUN
    heading: ClassVar[str] = "Which policy, how surely"

    other: Annotated[
        str | None, Option("Another run, which is compared with RUN.", "OTHER", "place", argument=True)
    ] = None
    outcome: Annotated[
        tuple[str, ...],
        Option("Outcomes, events and yearly variables, in place of the headline and all events.", "A,B", "variable"),
    ] = ()
    policies: Annotated[tuple[str, ...], Option("Policies to compare, in place of all that ran.", "A,B", "policy")] = ()
    against: Annotated[
        str | None,
        Option(
            "The policy that the others are held against; the baseline, else the first, if not given. every: each"
            " against each.",
            "P",
            "policy",
        ),
    ] = None
    level: Annotated[
        str | float | None, Option("Level of VaR and ES, and of common tails, such as 97.5; 99 if not given.", "L")
    ] = None
    year: Annotated[int | None, Option("One year, of a yearly variable.", "YEAR")] = None
    at: Annotated[
        Mapping[str, str] | None, Option("One place, of a yearly variable: region=Liaoning.", "DIM=LABEL")
    ] = None
    numbers: Annotated[bool, Option("No word for how likely something is, numbers alone.")] = False

    @property
    def stored(self) -> bool:
        """Whether the answer is stored: it is not if it is about two runs."""
        return self.other is None

    def answer(self, of: Asked) -> Answer:
        """Each policy against the baseline path by path; `engine.analyses.compare_answer` says what is refused."""
        if self.other is not None:
            from engine.analyses import two_runs

            return two_runs.answer(of, self.other, self.outcome)
        from engine.analyses import compare_answer
        from engine.analyses.comparison import Question
        from engine.analyses.variables import LEVEL
        from engine.risk.estimation.evidence import stated_level

        level = stated_level(self.level)
        wanted = Question(self.outcome, level or LEVEL, self.year, self.at, self.numbers)
        return compare_answer.answer(of.with_level(level), wanted, self.policies, self.against)
