"""`rustbelt compare`: which policy is better, by how much, how surely, and in which futures not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from engine.cli import options
from engine.cli.show import screen
from engine.cli.show.answers import print_place

if TYPE_CHECKING:
    from engine.analyses.comparison import Comparison
    from engine.execution.run import Run


@click.command("compare", short_help="Say which policy is better, how surely, and where not.")
@options.run_that_is_there
@click.option(
    "--outcome", "variables", type=options.NAMES, multiple=True, shell_complete=options.complete_variable,
    help="Outcomes, events and yearly variables, in place of the headline and all events.",
)  # fmt: skip
@click.option(
    "--policies", type=options.NAMES, shell_complete=options.complete_policy,
    help="Policies to compare; the first is what the others are held against, unless the baseline is among them.",
)  # fmt: skip
@click.option(
    "--level", metavar="L", help="Level of VaR and ES, and of common tails, such as 97.5; 99 if not given."
)
@click.option("--year", type=options.COUNT, metavar="Y", help="One year, of a yearly variable.")
@click.option(
    "--at", type=options.LABEL, multiple=True, help="One place, of a yearly variable: region=Liaoning."
)
@options.device
@options.partial
@options.as_json
@options.debug
def command(
    run: Run,
    variables: tuple[tuple[str, ...], ...],
    policies: tuple[str, ...] | None,
    level: str | None,
    year: int | None,
    at: tuple[tuple[str, str], ...],
    device: str | None,
    as_json: bool,
) -> None:
    """Compare the policies of RUN on the same futures.

    Differences of mean and ES, chances of being worse, regret, stochastic dominance, curves over thresholds, ranks of many policies, who is ahead
    from when on, and which worst futures are common. Everything, also of outcomes that are not shown, goes beside the run's cube, as compare.zarr.

    \b
    rustbelt compare rustbelt
    rustbelt compare rustbelt --outcome capital_shortfall --at region=Liaoning --year 2020
    """
    from engine.execution import questions
    from engine.run_folder import answer_store

    named = [name for names in variables for name in names]
    answer = questions.comparison_of(
        run.answers, run.cube, named, policies, level, year, dict(at) or None, device
    )
    kept = answer_store.keep(run.run_folder, "compare", answer.groups)
    if as_json:
        screen.print_records(_plain(answer))
    else:
        from engine.cli.show.comparison_tables import print_comparison

        console = screen.stdout()
        print_comparison(console, answer)
        print_place(console, run.run_folder, kept)


def _plain(answer: Comparison) -> Iterator[dict[str, Any]]:
    """Everything as plain data, a record a number, or a law, or a policy; "of" says which."""
    study, dims = answer.study, tuple(answer.study.model.dims)
    yield {"of": "finding", "text": answer.sentence, "baseline": study.baseline, "paths": study.paths}
    for record in answer.records:
        yield {"of": "estimate", **record.as_dict(dims)}
    for (name, policy), orders in answer.orders.items():
        for one in orders:
            plain = {
                "of": "dominance", "variable": name, "policy": policy, "order": one.order, "verdict": str(one.verdict),
                "p_better": one.better, "p_worse": one.worse, "low": one.low, "high": one.high,
                "surely_better_at": one.at_best, "surely_worse_at": one.at_worst,
            }  # fmt: skip
            yield _finite(plain)
    for event, curves in answer.curves.items():
        for p, policy in enumerate(study.policy_names):
            for name, band in (("share", curves.share), ("difference", curves.gap)):
                if name == "share" or policy != study.baseline:
                    parts = {key: getattr(band, key)[p].tolist() for key in vars(band)}
                    plain = {"of": "threshold curve", "event": event, "policy": policy, "curve": name}
                    yield (
                        plain
                        | {"levels": curves.levels.tolist()}
                        | {k: list(map(_number, v)) for k, v in parts.items()}
                    )
    for measure, by_name in answer.gaps.items():
        for name, gaps in by_name.items():
            for policy, rank in zip(study.policy_names, gaps.ranks.T.tolist(), strict=True):
                yield {"of": "rank", "measure": measure, "variable": name, "policy": policy,
                       **dict(zip(("estimate", "low", "high"), rank, strict=True))}  # fmt: skip
    for measure, front in answer.fronts.items():
        for policy, where in zip(study.policy_names, front, strict=True):
            yield {"of": "front", "measure": measure, "policy": policy, "verdict": str(where)}
    for ahead in answer.ahead:
        when = ahead.when
        yield {"of": "ahead", "policy": ahead.policy, "variable": ahead.variable, **dict(ahead.place),
               "median": when.median, "median_low": when.low, "median_high": when.high,
               **{key: _estimate(getattr(when, key)) for key in ("years", "never", "lasting")},
               "by_year": [_estimate(share) for share in when.ahead]}  # fmt: skip
    for mean in answer.in_the_mean:
        yield {"of": "ahead in the mean", "policy": mean.policy, "variable": mean.variable, **dict(mean.place),
               "year": mean.year, "clear": mean.clear}  # fmt: skip
    for tail in answer.common:
        yield {"of": "common tail", "policy": tail.policy, "first": tail.first, "second": tail.second,
               "outcome": None if tail.of == "outcome" else tail.of, "level": answer.question.level, **_estimate(tail.share)}  # fmt: skip


def _estimate(one: Any) -> dict[str, Any]:
    names = ("estimate", "standard_error", "low", "high")
    return {name: _number(getattr(one, name)) for name in names} | {"flag": one.flag}


def _finite(plain: dict[str, Any]) -> dict[str, Any]:
    return {key: _number(value) for key, value in plain.items()}


def _number(value: Any) -> Any:
    return None if isinstance(value, float) and value != value else value
