"""`condition`: a study given what was observed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from engine.answers.question import STUDY, Asked, Option

if TYPE_CHECKING:
    from engine.answers.answer import Answer
    from engine.study.study import Study


@dataclass(frozen=True)
class Condition:
    """Say how risky each policy is, given what was observed.

    Moves futures of STUDY to where the figures observed up to some year are likely under the policy that was followed,
    given the errors of the figures and of the model (observed.discrepancy). They are a run of their own,
    outputs/NAME-until-YEAR-..., which all other commands take. Shows the risk of every policy before and after, what is
    known of each factor, and where later figures lie. With --calibration futures of the study are taken for the
    observations, to check that what is then known of factors is calibrated.

    \b
    rustbelt condition rustbelt_2016 --until 2018
    rustbelt condition mine.toml --on observed.csv --policy old
    rustbelt condition rustbelt_2016 --until 2018 --calibration 200
    """

    needs: ClassVar[str] = STUDY
    heading: ClassVar[str] = "Given what is known"

    until: Annotated[int | None, Option("Last year that is known; all years with figures if not given.", "YEAR")] = None
    on: Annotated[str | None, Option("CSV file with what was observed, in place of the study's figures.", "FILE")] = (
        None
    )
    policy: Annotated[
        str | None, Option("The policy that was followed; the one that the study names if not given.", "P", "followed")
    ] = None
    calibration: Annotated[int | None, Option("Futures that are taken for what happened, each in its turn.", "N")] = (
        None
    )

    def run_of(self, of: Asked) -> Study | None:
        """The study whose run is asked: the one with the figures as facts; a calibration asks none."""
        from engine.program.posterior.agreement import RUNS
        from engine.study.actual_policy import knowing
        from engine.study.tables.facts import FUTURES

        if self.calibration is not None:
            return None
        known, (until, policy) = of.study.facts, self._until_and_policy(of)
        if known and self.on is None and (until, policy) == (known.until, known.policy):
            return of.study
        return knowing(self._observed(of), until, policy, of.paths or RUNS * FUTURES)

    def _until_and_policy(self, of: Asked) -> tuple[int | None, str | None]:
        """The last year that is known, and the policy that was followed: as asked for, else of the study's facts."""
        known = of.study.facts
        if known is None:
            return self.until, self.policy
        return known.until if self.until is None else self.until, self.policy or known.policy

    def _observed(self, of: Asked) -> Study:
        from engine.study.actual_policy import observing

        return of.study if self.on is None else observing(of.study, self.on)

    def answer(self, of: Asked) -> Answer:
        """The risk given the figures; `engine.analyses.conditioning.condition` says how, and what is refused."""
        from engine.analyses.conditioning import answer, calibrated

        if self.calibration is not None:
            until, policy = self._until_and_policy(of)
            return calibrated.answer(of, self._observed(of), until, policy, self.calibration)
        return answer.answer(of)
