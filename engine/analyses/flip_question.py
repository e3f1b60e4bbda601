"""`flip`: what would turn a ranking of two policies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from engine.answers.question import STUDY, Asked, Option

if TYPE_CHECKING:
    from engine.answers.answer import Answer


@dataclass(frozen=True)
class Flip:
    """Show which belief would turn the ranking of two policies.

    How far each belief of STUDY must move before two policies change places, and how far all priors together. A belief
    is the prior of a factor, the correlation of a group, or a lever of a policy. Name any two policies, unless the
    study has only two; the difference is from the baseline if that is one of them, else from the first. On 131,072
    paths, unless --paths says otherwise. Spreadsheets call this goal seek (break-even): the value of an input at which
    the difference of two policies is zero.

    \b
    Example: rustbelt flip rustbelt --outcome displaced_person_years --policies reform,old
    """

    needs: ClassVar[str] = STUDY
    heading: ClassVar[str] = "What would turn it"

    outcome: Annotated[str, Option("The outcome or event that the policies are ranked by.", "V", "outcome")]
    policies: Annotated[tuple[str, ...], Option("The two policies that are ranked.", "A,B", "policy")] = ()
    measure: Annotated[str | None, Option("mean or ES99 of an outcome; the mean if not given.", "M")] = None

    def answer(self, of: Asked) -> Answer:
        """How far beliefs must move; `engine.analyses.flip.flip` says how, and what is refused."""
        from engine.analyses import flip_answer

        return flip_answer.answer(of, self.outcome, self.policies, self.measure)
