"""`rustbelt assumptions`: a study held against its own assumptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from engine.cli import options
from engine.cli.show import screen
from engine.cli.show.answers import print_place
from engine.cli.show.progress import progress

if TYPE_CHECKING:
    from engine.analyses.assumptions import ByStructure
    from engine.run_folder.folder import RunFolder
    from engine.study.study import Study


@click.command("assumptions", short_help="Hold a study against its own assumptions.")
@options.study_to_run
@click.option(
    "--outcome", "variables", type=options.NAMES, multiple=True, shell_complete=options.complete_outcome,
    help="Outcomes and events, in place of the headline and all events; may be given several times.",
)  # fmt: skip
@click.option("--full", is_flag=True, help="Every structure in every table, also those that rank as stated.")
@options.as_json
@options.quiet
@options.debug
@click.pass_context
def command(
    ctx: click.Context,
    study: Study,
    folder: RunFolder,
    place: dict[str, Any],
    variables: tuple[tuple[str, ...], ...],
    full: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Run STUDY again on the same futures with each of its assumptions off, with each doubled, and with all of them.

    Prints how every policy does on each event and outcome, and which rankings of the policies hold in every one of these structures and
    which flip. A study names its assumptions: [assumptions.exit] with off = { exit_rate = 0 }. On 131,072 paths, unless --paths says
    otherwise. Where the study has been run, the answer is written beside its cube, as assumptions.zarr.

    \b
    Example: rustbelt assumptions rustbelt --outcome public_cost
    """
    from engine.analyses.assumptions import assumptions, of_few
    from engine.execution.resources import refuse_if_memory_too_small
    from engine.execution.stages import Stage
    from engine.run_folder import answer_store

    looked_at = study if ctx.params["paths"] else of_few(study)
    refuse_if_memory_too_small(looked_at, place["memory"])
    with progress(quiet) as observe:
        answer = assumptions(
            looked_at, [name for names in variables for name in names] or None, place["device"],
            lambda stage, done, total: observe(Stage(stage, done, total)),
        )  # fmt: skip
    kept = answer_store.keep(folder, "assumptions", answer.groups)
    if as_json:
        screen.print_records(_plain(answer))
    else:
        from engine.cli.show.assumptions_table import print_assumptions

        console = screen.stdout()
        print_assumptions(console, answer, full)
        print_place(console, folder, kept)


def _plain(answer: ByStructure) -> list[dict[str, Any]]:
    """Every estimate and every difference as plain data, with its structure, and what a difference decides."""
    structures = {one.name: one for one in answer.structures}
    rankings = {(one.variable, one.measure, one.policy, one.against): one for one in answer.rankings}
    records = []
    for record in answer.records:
        one = structures[record.place["structure"]]
        plain = {"assumption": one.assumption or None, "kind": one.kind or None}
        plain |= record.as_dict(("structure", "against"))
        if "against" in record.place:
            ranking = rankings[record.variable, record.bare_measure, record.policy, record.place["against"]]
            plain |= {"worse": ranking.worse(one.name) or None, "verdict": str(ranking.verdict)}
        records.append(plain)
    return records
