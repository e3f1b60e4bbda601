"""The questions of a run as methods, with their options and help; `python -m tests.methods` writes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.answers.answer import Answer


class Questions:
    """A method a question; each gives an `Answer`, which most questions also store beside the cube."""

    if TYPE_CHECKING:

        def _ask(self, question: str, **options: Any) -> Answer: ...

    def compare(
        self,
        other: str | None = None,
        outcome: Sequence[str] | str = (),
        policies: Sequence[str] | str = (),
        against: str | None = None,
        level: str | float | None = None,
        year: int | None = None,
        at: Mapping[str, str] | None = None,
        *,
        device: str | None = None,
    ) -> Answer:
        """Compare the policies of RUN on the same futures, or RUN with OTHER.

        Args:
          other: Another run, which is compared with RUN.
          outcome: Outcomes, events and yearly variables, in place of the headline and all events.
          policies: Policies to compare, each with every other, in place of all that ran.
          against: The policy that the others are compared with; the baseline, else the first, if not given. every: each
            with each.
          level: Level of VaR and ES, and of common tails, such as 97.5; 99 if not given.
          year: One year, of a yearly variable.
          at: One place, of a yearly variable: region=Liaoning.
          device: "cpu" or "gpu"; the GPUs if there are any.

        Raises:
          UserError: what is asked for is not there.
        """
        return self._ask(
            "compare",
            other=other,
            outcome=outcome,
            policies=policies,
            against=against,
            level=level,
            year=year,
            at=at,
            device=device,
        )

    def extremes(
        self,
        variable: Sequence[str] | str = (),
        policies: Sequence[str] | str = (),
        periods: Sequence[float] | float = (),
        futures: int | None = None,
        *,
        device: str | None = None,
    ) -> Answer:
        """Say how bad it gets once in so many futures of RUN, also beyond those that were computed.

        Args:
          variable: Outcomes and yearly variables, in place of the headline.
          policies: Policies to look at, in place of all that ran.
          periods: Once in so many futures or years; 10,50,100,250,1000 and further ones if not given.
          futures: First futures whose yearly values are computed again; 65,536 if not given.
          device: "cpu" or "gpu"; the GPUs if there are any.

        Raises:
          UserError: what is asked for is not there.
        """
        return self._ask(
            "extremes", variable=variable, policies=policies, periods=periods, futures=futures, device=device
        )

    def explain(
        self, outcome: str, policy: str | None = None, level: str | float | None = None, *, device: str | None = None
    ) -> Answer:
        """Show what the worst futures of a run have in common.

        Args:
          outcome: An outcome, whose worst futures are looked at; or an event, and those in which it happens.
          policy: The policy; the baseline if not given.
          level: The worst 1 - L are looked at, such as 97.5; 99 if not given, none for an event.
          device: "cpu" or "gpu"; the GPUs if there are any.

        Raises:
          UserError: what is asked for is not there.
        """
        return self._ask("explain", outcome=outcome, policy=policy, level=level, device=device)

    def discover(self, where: str, numbers: bool = False, *, device: str | None = None) -> Answer:
        """Find boxes of factors in which futures of a kind are frequent, in RUN.

        Args:
          where: Which futures: 'POLICY worse than POLICY in OUTCOME' (or better), 'EVENT under POLICY', 'OUTCOME >
            NUMBER under POLICY'; several joined by and.
          numbers: No word for how likely something is, numbers alone.
          device: "cpu" or "gpu"; the GPUs if there are any.

        Raises:
          UserError: what is asked for is not there.
        """
        return self._ask("discover", where=where, numbers=numbers, device=device)

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
        return self._ask("attribute", start=start, end=end, outcome=outcome, paths=paths, device=device)

    def sensitivity(
        self,
        outcome: Sequence[str] | str = (),
        policies: Sequence[str] | str = (),
        *,
        paths: int | None = None,
        device: str | None = None,
    ) -> Answer:
        """Show what each input of STUDY does to the spread of outcomes, events and tails.

        Args:
          outcome: Outcomes and events, in place of the headline and all events.
          policies: The policies that are looked at.
          paths: how many are computed anew; as many as the question thinks fit if not given.
          device: "cpu" or "gpu"; the GPUs if there are any.

        Raises:
          UserError: what is asked for is not there.
        """
        return self._ask("sensitivity", outcome=outcome, policies=policies, paths=paths, device=device)

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
        return self._ask("flip", outcome=outcome, policies=policies, measure=measure, paths=paths, device=device)

    def challenge(
        self,
        claim: Sequence[str] | str = (),
        only: str | None = None,
        *,
        paths: int | None = None,
        device: str | None = None,
    ) -> Answer:
        """Argue against the study's own headline.

        Args:
          claim: A claim, such as "NEW better than OLD in ruin", in place of the study's; several times for several.
          only: assumptions: only the rankings with each assumption off and doubled.
          paths: how many are computed anew; as many as the question thinks fit if not given.
          device: "cpu" or "gpu"; the GPUs if there are any.

        Raises:
          UserError: what is asked for is not there.
        """
        return self._ask("challenge", claim=claim, only=only, paths=paths, device=device)

    def backtest(
        self,
        policy: str | None = None,
        impose: Sequence[str] | str = (),
        until: int | None = None,
        *,
        paths: int | None = None,
        device: str | None = None,
    ) -> Answer:
        """Hold a study against what was observed, and score it.

        Args:
          policy: The policy that came nearest to what was done; the one that the study names if not given.
          impose: Yearly variables that are what was observed, so that what follows from them is scored apart.
          until: Last year whose figures are looked at.
          paths: how many are computed anew; as many as the question thinks fit if not given.
          device: "cpu" or "gpu"; the GPUs if there are any.

        Raises:
          UserError: what is asked for is not there.
        """
        return self._ask("backtest", policy=policy, impose=impose, until=until, paths=paths, device=device)

    def condition(
        self,
        until: int | None = None,
        on: str | None = None,
        policy: str | None = None,
        calibration: int | None = None,
        *,
        paths: int | None = None,
        device: str | None = None,
    ) -> Answer:
        """Say how risky each policy is, given what was observed.

        Args:
          until: Last year that is known; all years with figures if not given.
          on: CSV file with what was observed, in place of the study's figures.
          policy: The policy that was followed; the one that the study names if not given.
          calibration: Futures that are taken for what happened, each in its turn.
          paths: how many are computed anew; as many as the question thinks fit if not given.
          device: "cpu" or "gpu"; the GPUs if there are any.

        Raises:
          UserError: what is asked for is not there.
        """
        return self._ask(
            "condition", until=until, on=on, policy=policy, calibration=calibration, paths=paths, device=device
        )

    def gates(self, *, paths: int | None = None, device: str | None = None) -> Answer:
        """Compare STUDY with the facts that its gates state, and say which gates fail.

        Args:
          paths: how many are computed anew; as many as the question thinks fit if not given.
          device: "cpu" or "gpu"; the GPUs if there are any.

        Raises:
          UserError: what is asked for is not there.
        """
        return self._ask("gates", paths=paths, device=device)

    def constants(self, *, paths: int | None = None, device: str | None = None) -> Answer:
        """List the constants of STUDY's model with their values and sources.

        Args:
          paths: how many are computed anew; as many as the question thinks fit if not given.
          device: "cpu" or "gpu"; the GPUs if there are any.

        Raises:
          UserError: what is asked for is not there.
        """
        return self._ask("constants", paths=paths, device=device)

    def precision(
        self, target: Sequence[str] | str = (), *, paths: int | None = None, device: str | None = None
    ) -> Answer:
        """Predict how many futures of STUDY a target precision takes, and in what time.

        Args:
          target: Targets, such as 'ES99 of cost under old within 1 %'.
          paths: how many are computed anew; as many as the question thinks fit if not given.
          device: "cpu" or "gpu"; the GPUs if there are any.

        Raises:
          UserError: what is asked for is not there.
        """
        return self._ask("precision", target=target, paths=paths, device=device)
