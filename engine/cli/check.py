"""`rustbelt check`: what a study asks and what it will take; nothing is computed but, if it is asked for, a few blocks to measure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.markup import escape

from engine.cli import options
from engine.cli.run import print_head
from engine.cli.show import screen
from engine.cli.show.input_tables import listing, print_groups, print_shocks
from engine.cli.show.prior_table import priors_table

if TYPE_CHECKING:
    from rich.console import Console

    from engine.study.study import Policy, Study


@click.command("check", short_help="Show what a study asks and what it will take.")
@options.study
@options.paths
@options.seed
@options.policies
@click.option("--out", type=click.Path(path_type=Path), help="The run folder itself.")
@options.own_model
@options.device
@options.memory
@click.option(
    "--workers",
    type=options.Count(),
    metavar="N",
    help="Compute a few blocks, and say what N workers like this machine will take.",
)
@options.debug
def command(
    study: str,
    paths: int | None,
    seed: int | None,
    policies: tuple[str, ...] | None,
    out: Path | None,
    model: Any,
    device: str | None,
    memory: int | None,
    workers: int | None,
) -> None:
    """Show what STUDY asks and what running it will take; compute nothing.

    Policies where they differ, priors as asked and as fitted, groups, shocks, regimes, blocks, devices, bytes on disk
    and in memory.
    With --workers a few blocks are computed and measured, and what stands in the way ends with exit code 2.
    """
    from engine.modelling import contract
    from engine.program import devices
    from engine.run_folder.finding import run_folder
    from engine.study.loading import load_study

    devices.use_every_core()
    resolved = load_study(study, model=model, paths=paths, seed=seed, policies=policies)
    contract.refuse_broken(resolved.model, resolved.model_name)
    row = devices.mesh(device).devices.flat
    console = screen.stdout()
    folder = run_folder(resolved, out)
    print_head(console, resolved, folder)
    _print_policies(console, resolved)
    _print_priors(console, resolved)
    print_groups(console, resolved)
    print_shocks(console, resolved)
    _print_size(console, resolved, folder, f"{len(row)} x {row[0].device_kind}", memory)
    if workers is not None:
        _print_plan(console, resolved, folder, device, workers)


def _print_policies(console: Console, study: Study) -> None:
    names = study.policy_names
    table = listing("Levers in which policies differ", "lever", "unit", *names)
    for lever, entry in study.model.levers.items():
        told = [_lever(study, policy, lever) for policy in study.policies]
        if len(set(told)) > 1:
            table.add_row(lever, escape(entry.unit), *map(escape, told))
    for label, told in (
        ("start", [str(policy.start) for policy in study.policies if study.years]),
        ("before", [policy.before.name if policy.before else "-" for policy in study.policies]),
        ("implementation", [str(policy.implementation) for policy in study.policies]),
    ):
        if len(set(told)) > 1:
            table.add_row(f"({label})", "", *told)
    if table.row_count:
        console.print(table)
        console.print()


def _lever(study: Study, policy: Policy, lever: str) -> str:
    from engine.study.lever_tables import lever_table

    value = lever_table(policy.levers[lever], study.model.levers[lever].dims, study.model, study.years)
    return _told(value)


def _told(value: Any) -> str:
    if not isinstance(value, dict):
        return f"{value:g}"
    return ", ".join(
        f"{key}: {{{_told(part)}}}" if isinstance(part, dict) else f"{key}: {part:g}"
        for key, part in value.items()
    )


def _print_priors(console: Console, study: Study) -> None:
    if study.inputs:
        console.print(priors_table(study.inputs))
        console.print()


def _print_size(console: Console, study: Study, folder: Path, devices: str, allowed: int | None) -> None:
    from engine.execution.resources import memory_free, memory_needed
    from engine.run_folder import cube
    from engine.study.study import BLOCK

    horizon = f"{study.years[0]}-{study.years[-1]}" if study.years else "none"
    blocks = -(-study.paths // BLOCK)
    free = memory_free()
    room = f"{cube.size(allowed)} allowed" if allowed else f"{cube.size(free) if free else 'unknown'} free"
    for label, told in (
        ("model", f"{study.model_name}, keeps what it states; years {horizon}"),
        ("paths", f"{study.paths:,} in {blocks:,} block{'s' if blocks != 1 else ''} of {BLOCK:,}, tiles of {study.tile:,}"),
        ("sampler", f"{study.sampler}, seed {study.seed}, independent units of {study.unit}"),
        ("disk", f"{cube.size(cube.bytes_needed(study))} needed at most, {cube.size(cube.bytes_free(folder))} free"),
        ("memory", f"{cube.size(memory_needed(study))} needed, {room}"),
        ("devices", devices),
        ("fingerprint", study.fingerprint),
    ):  # fmt: skip
        console.print(f"[bold]{label:<12}[/bold]{escape(told)}", soft_wrap=True)


def _print_plan(console: Console, study: Study, folder: Path, device: str | None, workers: int) -> None:
    """What so many workers will take, from blocks measured here; what stands in the way is refused."""
    from engine.errors import UserError
    from engine.execution.planning import BLOCKS, measure, plan
    from engine.run_folder import cube

    if workers < 1:
        raise UserError("--workers", [f"expected at least 1, got {workers}."])
    found = measure(study, folder, device)
    told = plan(study, folder, found, workers)
    console.print()
    each = f"{told.per_task} block{'s' if told.per_task > 1 else ''}"
    for label, line in (
        ("measured", f"{BLOCKS} blocks here: {found.compute:.2f} s to compute one, {found.write:.2f} s to write it, {found.start:.1f} s to start"),
        ("workers", f"{told.workers:,}, each like this machine ({found.worker})"),
        ("time", f"{_duration(told.seconds)} for the paths, {_duration(told.tables)} for the tables at the end"),
        ("tasks", f"{told.tasks:,} of {each}, {told.per_task * found.block:,.1f} s each; {told.rate:,.1f} a second through the scheduler"),
        ("on disk", f"{cube.size(told.size)} in {told.files:,} files, {cube.size(cube.bytes_free(folder))} free"),
        *(("advice", text) for text in told.advice),
    ):  # fmt: skip
        console.print(f"[bold]{label:<12}[/bold]{escape(line)}", soft_wrap=True)
    if told.obstacles:
        raise UserError(f"{study.source} with {study.paths:,} paths", list(told.obstacles))


def _duration(seconds: float) -> str:
    for unit, scale in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * scale:
            return f"{seconds / scale:,.1f} {unit}"
    return f"{seconds:,.0f} s"
