"""`rustbelt check`: what a study asks, and how much time, disk and memory its run will take."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from engine.cli import options
from engine.cli.show import screen
from engine.cli.show.bound_table import print_standings
from engine.cli.show.input_tables import print_groups, print_shocks, print_stated
from engine.cli.show.prior_table import print_priors
from engine.cli.show.rows import Column, columns_of, print_rows
from engine.cli.show.study_digest import differing, print_asked
from engine.formatting import size_as_text
from engine.study.tables.facts import INDEPENDENT

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from engine.answers.answer import Answer
    from engine.run_folder.folder import RunFolder
    from engine.study.study import Study


@click.command("check", short_help="Show what a study computes and what it needs.")
@options.study_to_run
@click.option(
    "--workers",
    type=options.COUNT,
    metavar="N",
    help="Compute a few blocks, and say what N workers like this machine will take.",
)
@click.option(
    "--gates", is_flag=True, help="Hold the model against the facts that the study's gates name, in place of all else."
)
@click.option(
    "--constants", is_flag=True, help="The constants of the model and where they are from, in place of all else."
)
@click.option(
    "--for",
    "targets",
    multiple=True,
    metavar="SENTENCE",
    help="How many futures a precision takes, such as 'ES99 of cost under old within 1 %', in place of all else.",
)
@click.option(
    "--self-test",
    is_flag=True,
    is_eager=True,
    help=(
        "With --device gpu: what this machine's cards make of STUDY, of the shipped one if none is named, as a block to"
        " paste into a report, in place of all else."
    ),
)
@click.option("--full", is_flag=True, help="Everything that the study states, table by table.")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help=(
        "With --gates, --constants or --for: print the answer as one JSON object and nothing else: rustbelt schema"
        " answer."
    ),
)
@options.debug
def command(
    study: Study,
    folder: RunFolder,
    place: dict[str, Any],
    workers: int | None,
    gates: bool,
    constants: bool,
    self_test: bool,
    full: bool,
    as_json: bool,
) -> None:
    """Show what STUDY asks and what running it will take, from the first 256 futures.

    How much it asks, how well its priors are met, blocks, devices, bytes on disk and in memory. With --full all of it:
    policies where they differ, priors as asked and as fitted, groups, shocks, regimes, assumptions, claims. With --for
    a pilot is computed in memory under each sampler, and says how many futures, seconds and bytes the precision takes,
    and how sure that is. With --gates the facts that its gates name are held against some thousands of paths, which are
    computed. With --constants the numbers that the model takes for known are listed, those that the study sets or draws
    first. With --workers a few blocks are computed and measured, and what stands in the way ends with exit code 2. With
    --self-test the program for cards is written, and launched where there are any: exit code 0 where
    they give the processors' bytes, 1 where they do not, 2 where something is missing.
    """
    targets = bool(click.get_current_context().params["targets"])
    questions = {"gates": gates, "constants": constants, "for": targets, "self-test": self_test}
    asked = [name for name, is_asked in questions.items() if is_asked]
    if as_json and (self_test or not asked):
        raise click.UsageError("--json goes with --gates, --constants or --for.")
    if asked:
        if workers is not None or len(asked) > 1:
            raise click.UsageError(f"--{asked[0]} goes without --{[*asked, 'workers'][1]}.")
        if targets:
            _print_forecast(study, place, as_json, full)
        elif self_test:
            _print_self_test(folder, place["device"])
        elif gates:
            _print_gates(study, place["device"], as_json, full)
        else:
            _print_constants(study, as_json, full)
        return
    from engine.execution import precision
    from engine.execution.bounds import refuse_beyond
    from engine.execution.planning import devices_of

    study.refuse_broken_model()
    yearly = precision.first_years(study)
    if yearly is not None:
        refuse_beyond(study, yearly)
    devices, platform, launch = devices_of(study, place["device"])
    folder = replace(folder, study=study)
    console = screen.stdout()
    screen.print_head(console, study, folder.path)
    if full:
        _print_policies(console, study)
        print_priors(console, study.gathered_inputs)
        print_groups(console, study)
        print_shocks(console, study)
        print_standings(console, study, yearly)
        print_stated(console, study)
    else:
        print_asked(console, study, yearly)
    _print_size(console, folder, devices, platform, place["memory"], launch)
    if not full:
        screen.print_command(
            console, "Everything that it states", "check", study.source, "--full", model=study.model_spec
        )
    screen.print_rounding(console, precision.too_coarse(study))
    if workers is not None:
        _print_plan(screen.stdout(), folder, place["device"], workers)


def _print_gates(study: Study, device: str | None, as_json: bool, full: bool) -> None:
    from engine.cli.show.gate_table import print_gates
    from engine.errors import UserError
    from engine.runs.gates import answer, paths_of, with_their_policies

    if not study.gates:
        raise UserError(
            study.source, ["has no gates. Add tables such as [gates.NAME] with policy, variable and what is asked."]
        )
    study.refuse_broken_model()
    asked = with_their_policies(study)
    click.echo(f"computing {paths_of(asked):,} paths under {', '.join(asked.policy_names)}", err=True)
    _print_answer(study, answer(asked, device), as_json, full, print_gates, "What each is of, and its source")


def _print_self_test(folder: RunFolder, device: str | None) -> None:
    from engine.execution import self_test

    if device == "cpu":
        raise click.UsageError("--self-test goes with --device gpu.")
    console = screen.stdout()
    for line in self_test.lines(folder):
        screen.print_labelled(console, [line])


def _print_forecast(study: Study, place: dict[str, Any], as_json: bool, full: bool) -> None:
    from engine.cli.show.forecast_table import print_forecast
    from engine.runs.forecast import answer

    study.refuse_broken_model()
    given = answer(study, **place)
    if as_json:
        screen.print_object(given.plain())
    else:
        print_forecast(screen.stdout(), given, full)


def _print_constants(study: Study, as_json: bool, full: bool) -> None:
    from engine.cli.show.constant_table import print_constants
    from engine.runs.constants import answer

    _print_answer(study, answer(study), as_json, full, print_constants, "All of them, and their sources")


def _print_answer(study: Study, given: Answer, as_json: bool, full: bool, show: Callable[..., None], more: str) -> None:
    """Prints an answer as JSON, or as its own table with the command that shows more of it."""
    if as_json:
        screen.print_object(given.plain())
        return
    console = screen.stdout()
    show(console, given, full)
    if not full:
        words = "check", study.source, f"--{given.question}", "--full"
        screen.print_command(console, more, *words, model=study.model_spec)


def _print_policies(console: Console, study: Study) -> None:
    group_of = {lever: group for group, levers in study.lever_groups.items() for lever in levers}
    rows = {}
    for name, values in differing(study).items():
        unit = study.model.levers[name].unit if name in study.model.levers else ""
        rows[name if unit else f"({name})"] = [unit, group_of.get(name, ""), *values]
    names = study.policy_names
    columns = columns_of(["unit", "group", *names], [*rows.values()], ("unit", "group"), names)
    columns = [column for column in columns if column.head != "group" or any(column.cells)]
    print_rows(console, "Levers in which policies differ", Column("lever", [*rows], left=True), columns)


def _print_size(
    console: Console, folder: RunFolder, devices: str, platform: str, allowed: int | None, launch: int
) -> None:
    study = folder.study
    from engine.execution.planning import form
    from engine.execution.resources import bytes_free, bytes_needed, memory_needed, room
    from engine.study.labels import wordless
    from engine.study.study import BLOCK

    lacking = wordless(study)
    horizon = f"{study.step}s {study.years[0]}-{study.years[-1]}" if study.years else "no years"
    blocks = -(-study.paths // BLOCK)
    there, whose = room(allowed)
    lines = (
        ("model", f"{study.model_name}, keeps what it states; {horizon}"),
        (
            "paths",
            f"{study.paths:,} in {blocks:,} block{'s' if blocks != 1 else ''} of {BLOCK:,}, tiles of {study.tile:,}",
        ),
        (
            "sampler",
            (
                f"{INDEPENDENT if study.facts else study.sampler}, seed {study.seed}, independent units of"
                f" {study.unit}{_in_dimensions(study)}"
            ),
        ),
        *(
            (("facts", f"figures to {study.facts.until}, {study.facts.policy} followed; futures are moved to them"),)
            if study.facts
            else ()
        ),
        *((("precision", study.precision),) if study.precision != "float32" else ()),
        ("program", form(study, platform)),
        ("disk", f"{size_as_text(bytes_needed(study))} needed at most, {size_as_text(bytes_free(folder.path))} free"),
        (
            "memory",
            (
                f"{size_as_text(memory_needed(study, memory=allowed, launch=launch))} needed,"
                f" {size_as_text(there) if there else 'unknown'} {whose}"
            ),
        ),
        ("devices", devices),
        ("fingerprint", study.fingerprint),
        ("beliefs", f"{study.beliefs}: priors and constants, as a score names them"),
        *(
            (
                (
                    "labels",
                    (
                        f"missing, and no about: {'; '.join(_listed(*one) for one in lacking.items())}. A label or an"
                        " about tells people what they are."
                    ),
                ),
            )
            if lacking
            else ()
        ),
    )
    screen.print_labelled(console, lines)


def _in_dimensions(study: Study) -> str:
    every = [dimension for by_year in study.dimensions.values() for dimension in by_year]
    own = sum(dimension > 0 for dimension in every)
    return f"; {own:,} of {len(every):,} random numbers of a path in dimensions of their own" if every else ""


def _listed(kind: str, names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    what = "readings and horizons" if kind == "challenge" else kind.replace("_", " ")
    return f"{len(names)} of the {what}: {', '.join(names[:3])}{more}"


def _print_plan(console: Console, folder: RunFolder, device: str | None, workers: int) -> None:
    """Prints the time, tasks and disk that so many workers will take, from blocks measured here.

    Raises:
      UserError: there is no worker, or something stands in the way of the run.
    """
    from engine.errors import UserError
    from engine.execution.planning import BLOCKS, measure, plan
    from engine.execution.resources import bytes_free

    if workers < 1:
        raise UserError("--workers", [f"expected at least 1, got {workers}."])
    measured = measure(folder, device)
    needs = plan(folder, measured, workers)
    console.print()
    each = f"{needs.per_task} block{'s' if needs.per_task > 1 else ''}"
    lines = (
        (
            "measured",
            (
                f"{BLOCKS} blocks here: {measured.compute:.2f} s to compute one, {measured.write:.2f} s to"
                f" write it, {measured.start:.1f} s to start"
            ),
        ),
        ("workers", f"{needs.workers:,}, each like this machine ({measured.worker})"),
        ("time", f"{_duration(needs.seconds)} for the paths, {_duration(needs.tables)} for the tables at the end"),
        (
            "tasks",
            (
                f"{needs.tasks:,} of {each}, {needs.per_task * measured.block:,.1f} s each;"
                f" {needs.rate:,.1f} a second through the scheduler"
            ),
        ),
        (
            "on disk",
            f"{size_as_text(needs.size)} in {needs.files:,} files, {size_as_text(bytes_free(folder.path))} free",
        ),
        *(("advice", text) for text in needs.advice),
    )
    screen.print_labelled(console, lines)
    if needs.obstacles:
        raise UserError(f"{folder.study.source} with {folder.study.paths:,} paths", list(needs.obstacles))


def _duration(seconds: float) -> str:
    for unit, scale in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * scale:
            return f"{seconds / scale:,.1f} {unit}"
    return f"{seconds:,.0f} s"
