"""Recomputes paths: single ones in full, the first N of a study, or all files of a run to compare with its ledger."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import jax
import numpy as np
from jaxtyping import Float

from engine.execution import precision, results
from engine.execution.progress import Observer, Progress
from engine.execution.work import Work
from engine.lanes import compilation_cache
from engine.modelling.cell_axis import split_cells
from engine.modelling.records import shock_streams
from engine.program import arguments, devices
from engine.program.contract import Program
from engine.program.cpu_program import CpuProgram
from engine.program.programs import program_on
from engine.run_folder import cube
from engine.run_folder.damage import Damage, differing
from engine.run_folder.folder import RunFolder
from engine.run_folder.ledger import CUBE, YEARLY, FinishedPart
from engine.run_folder.parts import yearly_fields
from engine.study.study import BLOCK, PRECISIONS, Block, Study

ROUNDS = 4
"""Rounds of a measurement: the first to warm up, the others to take the time."""


@dataclass(frozen=True)
class InFull:
    """Outcomes, draws, yearly values and shocks of some paths, each by name.

    Args:
      outcomes: [path, policy].
      draws: of every factor, [path].
      yearly: [path, policy, year, *dims]; none for a static model.
      shocks: [path, year, *dims]; none for a model without shocks.
    """

    outcomes: Mapping[str, Float[np.ndarray, "path policy"]]
    draws: Mapping[str, Float[np.ndarray, "path"]]
    yearly: Mapping[str, np.ndarray]
    shocks: Mapping[str, np.ndarray]


def in_full(study: Study, numbers: Sequence[int], device: str | None, precision: str) -> InFull:
    """The paths with these numbers, in this order, with everything that a run computes and does not keep.

    Args:
      precision: "float32" or "float64": type of all arithmetic; the random words are the same for both.

    Raises:
      UserError: there is no such device.
    """
    program, model = _program(study, device, precision), study.model
    traces, by_shock, first = [program.path(number) for number in numbers], {}, 0

    def stacked(part: str) -> np.ndarray:
        return np.stack([getattr(trace, part)[..., 0] for trace in traces])

    for name, streams in shock_streams(model).items():
        own = stacked("shocks")[..., first : first + len(streams)]
        sizes = [len(model.dims[dim]) for dim in model.shocks[name].dims]
        by_shock[name] = own.reshape(*own.shape[:2], *sizes)
        first += len(streams)
    return InFull(
        dict(zip(model.outcomes, np.moveaxis(stacked("outcomes"), -1, 0), strict=True)),
        {item.name: stacked("draws")[:, k] for k, item in enumerate(study.inputs)},
        split_cells(model, stacked("yearly")) if study.is_path_model else {},
        by_shock,
    )


def all_paths(
    study: Study,
    policies: Sequence[str],
    device: str | None,
    yearly: Collection[str],
    last: int,
    outcomes: Sequence[str],
    run: Study,
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Yearly values, [policy, year, *dims, path], and outcomes, [policy, path], of a study's paths, by name.

    Args:
      policies: names of the policies of the study to compute, in this order.
      yearly: names of the yearly variables to compute.
      last: the last year of their values.
      outcomes: names of the outcomes to compute.
      run: the study, or the same with other policies whose compiled code is then used.

    Raises:
      UserError: there is no such device.
    """
    program, rows = _by_code_of(run, study, device), [study.row(name) for name in policies]
    if isinstance(program, CpuProgram):
        levers = jax.tree.map(lambda leaf: leaf[..., rows], program.inputs["levers"])
        program, rows = program.under(levers), [*range(len(rows))]
    by_year: dict[str, list[np.ndarray]] = {name: [] for name in yearly}
    left = sum(year <= last for year in study.years) if yearly else 0
    for part in program.years_in_parts(study.paths) if left else ():
        by_name = split_cells(study.model, part, axis=2)
        for name, years in by_year.items():
            years.append(by_name[name][rows])  # a copy, so that the memory of all other variables is freed
        left -= part.shape[1]
        if left <= 0:
            break
    joined = {name: np.concatenate(years, axis=1) for name, years in by_year.items() if years}
    values = _outcomes(program, study, outcomes) if outcomes else {}
    return joined, {name: of[rows] for name, of in values.items()}


def timed_outcomes(study: Study, names: Sequence[str], device: str | None) -> tuple[dict[str, np.ndarray], float]:
    """Some outcomes of a study's paths by name, [policy, path], and the seconds they took, without compilation.

    Raises:
      UserError: there is no such device.
    """
    program = _program(study, device, study.precision)
    program.prepare()
    began = time.monotonic()
    return _outcomes(program, study, names), time.monotonic() - began


def _outcomes(program: Program, study: Study, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Some outcomes of a study's paths by name, [policy, path]."""
    places = study.places(names)
    values = np.concatenate([program.submit(block).of(block)[:, places] for block in study.blocks()], axis=-1)
    return {name: values[:, k] for k, name in enumerate(names)}


def program_of(study: Study, device: str | None) -> tuple[str, int]:
    """The form and devices of the study's program ("loop on 2 x cpu"); and blocks per launch, 0 on processors.

    Raises:
      UserError: there is no such device.
    """
    return str(devices.program(study, device).form), devices.blocks_of_launch(device, study)


def measured(study: Study, device: str | None) -> tuple[float, str]:
    """Futures that this machine computes in a second, compilation left out, and what computed them ("loop on 2 x cpu").

    Raises:
      UserError: there is no such device.
    """
    program = _program(replace(study, facts=None), device, study.precision)
    program.prepare()
    return rate(program), ", ".join(map(str, program.forms))


def rate(program: Program) -> float:
    """Futures that a compiled program computes in a second, from `ROUNDS` rounds: a launch of all cards, or a block."""
    each, began = program.ahead, 0.0
    for number in range(ROUNDS):
        if number == 1:
            began = time.monotonic()
        blocks = [Block(k, k * BLOCK, BLOCK) for k in range(number * each, (number + 1) * each)]
        for block, running in [(block, program.submit(block)) for block in blocks]:
            running.of(block)
    return (ROUNDS - 1) * each * BLOCK / (time.monotonic() - began)


def _by_code_of(run: Study, study: Study, device: str | None) -> Program:
    """The program of a study by the code of another one with the same paths, where it has a form for these policies."""
    program = _program(run, device, study.precision)
    if study is run:
        return program
    if isinstance(program, CpuProgram):
        inputs = arguments.of(study, program.dtype)
        with suppress(ValueError):  # the policies draw other numbers
            return program.fed(inputs | {"levers": program.inputs["levers"]}).under(inputs["levers"])
    return _program(study, device, study.precision)


def _program(study: Study, device: str | None, precision: str) -> Program:
    compilation_cache.keep_programs()
    mesh = devices.mesh(device, study)
    return program_on(study, mesh, devices.lanes_for(study, mesh), PRECISIONS[precision])


def computed_again(
    folder: RunFolder, records: Mapping[int | str, FinishedPart], observe: Observer, device: str | None, summaries: bool
) -> Iterator[Damage]:
    """Computes recorded parts again and yields each file whose content differs from the record.

    Args:
      observe: called with the progress after every block.
      summaries: also compute the summary groups again, from the blocks that are stored.
    """
    study = folder.study
    compilation_cache.keep_programs()
    work = Work(folder, devices.program(study, device))
    done = 0
    for result in work.results(study.block(part) for part in records if isinstance(part, int)):
        yield from differing(records[result.block.index], work.files(result))
        done += result.block.count
        observe(Progress("computing again", done, study.paths))
    if YEARLY in records:
        yield from differing(records[YEARLY], work.yearly_files())
    if CUBE in records and summaries:
        numbers = results.of_run(folder).summaries(yearly_fields(folder), precision.too_coarse(study))
        files = cube.finished_files(study, numbers, cube.skeleton(study))
        yield from differing(records[CUBE], {f"{cube.CUBE_FOLDER}/{name}": files[name] for name in files})
