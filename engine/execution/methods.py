"""The questions of a run as methods, with their options and their help. Written from the registry: python -m tests.methods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.answers.answer import Answer


class Questions:
    """A method a question; each gives an `Answer`, which is also kept beside the cube."""

    def ask(self, question: str, **options: Any) -> Answer:
        """The answer to a question by its name."""
        raise NotImplementedError

    def attribute(
        self,
        start: str,
        end: str,
        outcome: Sequence[str] | str = (),
        *,
        paths: int | None = None,
        device: str | None = None,
    ) -> Answer:
        """Show which lever does what between two policies.

        Args:
          start: The policy that is left, which is deducted.
          end: The policy that is gone to.
          outcome: Outcomes and events, in place of the headline and all events.
          paths: how many are computed anew; as many as the question thinks fit if not given.
          device: "cpu" or "gpu"; the GPUs if there are any.

        Raises:
          UserError: what is asked for is not there.
        """
        return self.ask("attribute", start=start, end=end, outcome=outcome, paths=paths, device=device)

    def sensitivity(
        self,
        outcome: Sequence[str] | str = (),
        policies: Sequence[str] | str = (),
        groups: Sequence[str] | str = (),
        given_data: bool = False,
        *,
        paths: int | None = None,
        device: str | None = None,
    ) -> Answer:
        """Show what each input of STUDY does to the spread of outcomes, events and tails, and what knowing it is worth.

        Args:
          outcome: Outcomes and events, in place of the headline and all events.
          policies: The policies that are looked at.
          groups: Also what each member of a Gaussian group does.
          given_data: Also what SALib says from draws and outcomes alone: delta and PAWN.
          paths: how many are computed anew; as many as the question thinks fit if not given.
          device: "cpu" or "gpu"; the GPUs if there are any.

        Raises:
          UserError: what is asked for is not there.
        """
        return self.ask(
            "sensitivity",
            outcome=outcome,
            policies=policies,
            groups=groups,
            given_data=given_data,
            paths=paths,
            device=device,
        )

    def flip(
        self,
        outcome: str,
        policies: Sequence[str] | str = (),
        measure: str | None = None,
        *,
        paths: int | None = None,
        device: str | None = None,
    ) -> Answer:
        """Show which belief would turn the ranking of two policies.

        Args:
          outcome: The outcome or event that the policies are ranked by.
          policies: The two policies that are ranked.
          measure: mean or ES99 of an outcome; the mean if not given.
          paths: how many are computed anew; as many as the question thinks fit if not given.
          device: "cpu" or "gpu"; the GPUs if there are any.

        Raises:
          UserError: what is asked for is not there.
        """
        return self.ask(
            "flip", outcome=outcome, policies=policies, measure=measure, paths=paths, device=device
        )
