"""`rustbelt discover`: in which boxes of factors futures of a kind are frequent."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from engine.cli import options
from engine.cli.show import screen
from engine.cli.show.answers import print_place

if TYPE_CHECKING:
    from engine.analyses.discovery import Discovery
    from engine.execution.run import Run


@click.command("discover", short_help="Say in which boxes of factors futures of a kind are frequent.")
@options.run_that_is_there
@click.option(
    "--where", required=True, metavar="WHERE",
    help="Which futures: 'POLICY worse than POLICY in OUTCOME' (or better), 'EVENT under POLICY', 'OUTCOME > NUMBER under POLICY'; several joined by and.",
)  # fmt: skip
@options.partial
@options.as_json
@options.debug
def command(run: Run, where: str, as_json: bool) -> None:
    """Find boxes of factors in which futures of a kind are frequent, in RUN.

    By PRIM and CART of ema_workbench (pip install 'rustbelt[discover]'), on the paths whose draws are stored. Half of them propose and choose
    the boxes, the other half judges them. Everything goes beside the run's cube, as discover.zarr.

    \b
    rustbelt discover rustbelt --where "reform worse than old in displaced_person_years"
    rustbelt discover rustbelt --where "banks_wrecked under old and layoffs > 500 under reform"
    """
    from engine.execution import questions
    from engine.run_folder import answer_store

    answer = questions.discovery_of(run.answers, run.cube, where)
    kept = answer_store.keep(run.run_folder, "discover", answer.groups)
    if as_json:
        screen.print_records(_plain(answer))
    else:
        from engine.cli.show.box_tables import print_discovery

        console = screen.stdout()
        print_discovery(console, answer)
        print_place(console, run.run_folder, kept)


def _plain(of: Discovery) -> Iterator[dict[str, Any]]:
    """Everything as plain data, a record a finding, a box, a restriction, a factor or a step; "of" says which."""
    from engine.analyses.discovery_sentence import because, words

    yield {
        "of": "finding", "text": of.sentence, "where": of.where.text, "paths": of.study.paths, "searched": of.searched,
        "chosen_on": of.chosen_on, "judged_on": of.judged_on, "left_out": of.lost, **_estimate("rate", of.rate),
        "leads": of.lead.first if any(of.boxes.values()) else None, "because": because(of),
    }  # fmt: skip
    names = ("coverage", "density", "mass")
    for method, boxes in of.boxes.items():
        for k, box in enumerate(boxes, 1):
            plain = {"of": "box", "method": method, "box": k, "cheapest_to_drop": box.cheapest}
            for name in names:
                plain |= _estimate(name, getattr(box, name))
            yield plain
            texts = words(of, box)
            for name, part in box.restrictions.items():
                limits = part.limits
                yield {
                    "of": "restriction", "method": method, "box": k, "factor": name, "low": _number(limits.low), "high": _number(limits.high),
                    "allowed": limits.allowed, "below": part.below, "above": part.above, "words": texts[name],
                    "quasi_p": [_number(one) for one in part.quasi_p],
                    "coverage_without": part.coverage, "density_without": part.density,
                }  # fmt: skip
        plain = {"of": "all boxes", "method": method}
        for name in names:
            plain |= _estimate(name, getattr(of.together[method], name))
        yield (
            plain
            | _estimate("correlation", of.lead.correlations[method])
            | {"limits": of.lead.limits[method]}
        )
    for name in of.factors:
        yield {"of": "factor", "factor": name, "stability": of.stability.get(name), "resamples": of.resamples}
    for k, step in enumerate(of.steps):
        yield {"of": "step", "step": k, **vars(step)}


def _estimate(name: str, one: Any) -> dict[str, Any]:
    return {name: _number(one.estimate), f"{name}_low": _number(one.low), f"{name}_high": _number(one.high)}


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
