"""The policy closest to what was done in reality, and the study under that policy alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.errors import Problems, UserError, unknown
from engine.study.holdout import check_imposed, check_known, known_and_later
from engine.study.loading import again, read_again, under
from engine.study.study import Study


def followed(study: Study, policy: str | None, impose: Sequence[str] = (), until: int | None = None) -> Study:
    """The study under one policy alone, the one closest to what was done in reality.

    Args:
      policy, impose, until: as of `backtest`.

    Raises:
      UserError: nothing was observed, no policy is named, or something cannot be imposed; all problems at once.
    """
    problems = Problems()
    if not study.observed.rows:
        problems.add(
            "observed",
            'expected observed figures, got none. State them: [observed] file = "observed.csv", with a row for each'
            " figure.",
        )
    chosen = _policy(study, policy, problems)
    check_imposed(study, impose, until, problems)
    if until is not None and study.years and until < study.years[0]:
        problems.add("--until", f"expected a year from {study.years[0]} on, got {until}.")
    problems.refuse(study.source)
    whole = study if chosen in study.policy_names else under(study, [chosen])
    return replace(whole, policies=(whole.policies[whole.row(chosen)],), baseline=chosen, facts=None)


def knowing(study: Study, until: int | None, policy: str | None, paths: int) -> Study:
    """The study conditioned on its observed figures up to a year, with `paths` paths.

    Args:
      until: last year whose figures are known; the last with a figure if not given.
      policy: the policy that was followed; the one that the study names if not given.

    Raises:
      UserError: nothing was observed until then, or a figure has no standard error; no policy is named; `paths` is no
        multiple of the size of a run of moved futures.
    """
    one, problems = followed(study, policy), Problems()
    check_known(one, until, "--until", problems)
    problems.refuse(study.source)
    last = max(row.time for row in known_and_later(one, until)[0])
    facts = {"until": until or last, "policy": one.baseline}
    if one.baseline in study.document["policies"]:
        return again(study, facts=facts, run={**study.document["run"], "paths": paths})
    return read_again(replace(study, paths=paths), settings=[f"facts.{name}={value}" for name, value in facts.items()])


def _policy(study: Study, policy: str | None, problems: Problems) -> str:
    stated = study.facts.policy if study.facts else study.observed.policy
    named = policy or stated or (study.baseline if len(study.policies) == 1 else "")
    if policy and policy not in study.document["policies"]:
        try:
            under(study, [policy])
        except UserError:
            problems.add("--policy", unknown("policy", policy, study.document["policies"]))
    elif not named:
        known = ", ".join(study.policy_names)
        problems.add(
            "--policy",
            f"expected a policy, the one closest to what was done, got none. Known: {known}. Ask the study's file for a"
            " policy that does not run.",
        )
    return named
