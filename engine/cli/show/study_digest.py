"""What a study asks, in a few lines: how much of what, how well its priors are met, what lies on its bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.cli.show.prior_table import meets, targets_text
from engine.cli.show.screen import print_labelled
from engine.study.tables.constants import stated

if TYPE_CHECKING:
    import numpy as np
    from rich.console import Console

    from engine.study.study import Input, Study


def differing(study: Study) -> dict[str, list[str]]:
    """Lever -> what each policy sets, for levers in which policies differ; likewise start, before, implementation."""
    from engine.study.tables.levers import lever_text

    policies = study.policies
    every = {lever: [lever_text(study, policy, lever) for policy in policies] for lever in study.model.levers}
    every["start"] = [str(policy.start) for policy in policies if study.years]
    every["before"] = [policy.before.name if policy.before else "-" for policy in policies]
    every["implementation"] = [str(policy.implementation) for policy in policies]
    return {name: values for name, values in every.items() if len({*values}) > 1}


def print_asked(console: Console, study: Study, yearly: np.ndarray | None) -> None:
    """Prints lines on what a study asks.

    Args:
      yearly: yearly values of a few paths, [policy, year, cell, path], if there are any.
    """
    counted = {
        "factors": len(study.gathered_inputs), "groups": len(study.groups), "shocks": len(study.shocks.moving),
        "constants": len(stated(study.model)), "events": len(study.events), "assumptions": len(study.assumptions),
        "claims": len(study.challenge.claims), "gates": len(study.gates),
    }  # fmt: skip
    asks = ", ".join(_count(count, what) for what, count in counted.items() if count)
    levers = [name for name in differing(study) if name in study.model.levers]
    apart = f"; they differ in {len(levers)} of {_count(len(study.model.levers), 'levers')}" if levers else ""
    policies = f"{len(study.policies)}{apart}"
    lines = [("asks", asks), ("policies", policies), ("priors", _fit(study))]
    print_labelled(console, [*lines, *_bounds(study, yearly)])


def _count(count: int, what: str) -> str:
    return f"{count} {what[:-1] if count == 1 else what}"


def _fit(study: Study) -> str:
    """How many laws were fitted to quantiles or moments; and, of those that miss their own, the one farthest off."""
    asked = [item for item in study.gathered_inputs if item.targets]
    if not asked:
        return "as stated"
    counted, missed = f"{len(asked)} by quantiles or moments", [item for item in asked if not meets(item)]
    if not missed:
        return f"{counted}, which the fitted laws meet to three digits"
    worst = max(missed, key=_missed)
    return f"{counted}; farthest from what is asked {worst.name}: {targets_text(worst)}"


def _missed(item: Input) -> float:
    """Largest deviation of a law from the numbers that it was fitted to, relative to the largest of these."""
    size = max(abs(one.value) for one in item.targets) or 1.0
    return max(abs(one.fitted - one.value) for one in item.targets) / size


def _bounds(study: Study, yearly: np.ndarray | None) -> list[tuple[str, str]]:
    from engine.risk.estimation.bounds import TOLD, by_year, standings

    if yearly is None or not yearly.size:
        return []
    often = [one for one in standings(study, by_year(study.model, yearly)) if one.share > TOLD]
    if not often:
        return []
    others = f"; {len(often) - 1} more" if len(often) > 1 else ""
    return [("bounds", f"{often[0].text}{others}, at {yearly.shape[-1]} paths")]
