"""Tables, summaries and the cube of a run, from all of its blocks or from those that are done."""

from __future__ import annotations

from collections.abc import Container, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.errors import UserError
from engine.execution import summing
from engine.lanes import memory
from engine.risk.estimation.bounds import OnBound, standings
from engine.risk.estimation.rounding import Rounding
from engine.risk.estimation.stopping import Ended
from engine.risk.estimation.summaries import Summaries, summarise
from engine.risk.estimation.tables import Tables, tables_of_paths, tables_of_tally
from engine.risk.estimation.tallies import TOGETHER, Tally, folded, unkept, unkept_events
from engine.run_folder import cube, ledger, ownership, reading
from engine.run_folder.cube_groups import described_paths, groups
from engine.run_folder.finding import finishing_command
from engine.run_folder.folder import RunFolder
from engine.run_folder.ledger import FinishedPart
from engine.run_folder.parts import stored_tally, yearly_fields
from engine.run_folder.reading import Paths
from engine.study.study import Block

if TYPE_CHECKING:
    import xarray as xr


class Answers:
    """Tables and summaries over some blocks of a run, each computed when it is first asked for.

    Args:
      folder: the run folder.
      records: records of the blocks by number: all of the run's, or those that are done.
    """

    def __init__(self, folder: RunFolder, records: Mapping[int, FinishedPart]):
        self.folder, self.records = folder, records
        self.blocks = tuple(Block(index, records[index].first, records[index].count) for index in sorted(records))
        self.study = replace(folder.study, paths=sum(block.count for block in self.blocks))
        self.paths = Paths(folder, self.blocks, memory.array)

    def with_level(self, level: float | None) -> Answers:
        """The same with VaR and ES at one level more; this object itself if the level is None or one of the study's."""
        levels = self.study.levels
        if level is None or level in levels:
            return self
        study = replace(self.folder.study, levels=tuple(sorted((*levels, level))))
        return Answers(replace(self.folder, study=study), self.records)

    @cached_property
    def all_tables(self) -> Tables:
        """The tables of risk and of comparison, for every outcome and event."""
        return self.tables()

    def tables(self, variables: Container[str] | None = None) -> Tables:
        """The tables of risk and of comparison, from paths or tallies; outcomes in the model's order, then events.

        Args:
          variables: the outcomes and events asked for; all of them if not given.
        """
        summing.in_machine_code()
        parts = [tables_of_paths(self.study, self.paths, variables)]
        tallied = {*unkept(self.study), *(event.name for event in unkept_events(self.study))}
        if variables is None or any(name in variables for name in tallied):
            parts += [tables_of_tally(self.study, self.tally, variables)] if self.tally else []
        names = [*self.study.model.outcomes, *(event.name for event in self.study.events)]
        tables = Tables.joined(parts)
        for records in (tables.risk, tables.comparison):
            records.sort(key=lambda r: names.index(r.variable))
        return tables

    @cached_property
    def tally(self) -> Tally | None:
        """Tally of the outcomes not kept whole, the blocks' tallies folded in order; None if all are kept whole."""
        if not unkept(self.study):
            return None

        def stored(block: Block) -> Tally:
            return stored_tally(self.folder.path, self.records[block.index])

        # as many are read at a time as are folded at once
        parts = (self.blocks[first : first + TOGETHER] for first in range(0, len(self.blocks), TOGETHER))
        with ThreadPoolExecutor(TOGETHER) as threads:
            # the blocks that are there fill the groups in turn, so that the groups' sizes differ as little as possible
            return folded(tally for some in parts for tally in threads.map(stored, some))

    def summaries(self, yearly: Mapping[str, Any], rounding: tuple[Rounding, ...] = ()) -> Summaries:
        """The content of the cube's summary groups.

        Args:
          yearly: the fields of `Summaries` that hold yearly variables.
          rounding: the quantities for which single precision is too coarse.
        """
        nonfinite = ledger.nonfinite_of(self.records)
        fields, out = {**yearly, "rounding": rounding}, ledger.excluded_of(self.records)
        return summarise(self.study, self.all_tables, self.paths, fields, nonfinite, out)

    @cached_property
    def on_bounds(self) -> tuple[OnBound, ...]:
        """How often yearly values lie exactly on a bound at which the model clips them, the most frequent first."""
        return standings(self.study, yearly_fields(self.folder).get("on_bounds", {}))


@dataclass(frozen=True)
class Finished:
    """The result of a run whose tables are known; its cube is finished, or about to be.

    Args:
      answers: tables and summaries over all of its blocks.
      rounding: the quantities for which single precision is too coarse.
      computed: numbers of the blocks that this call computed; empty where all were stored already.
      ended: how the stopping rule ended the run (`until.py`); None where it has none.
    """

    answers: Answers
    computed: tuple[int, ...]
    rounding: tuple[Rounding, ...] = ()
    ended: Ended | None = None


def of_run(folder: RunFolder, partial: bool = False) -> Answers:
    """The `Answers` of a run.

    Args:
      partial: accept a run that is not finished, and use the blocks that are done.

    Raises:
      UserError: blocks are missing or damaged; with `partial`, only where no block is left; or the model has changed.
    """
    ownership.refuse_changed(folder)
    path, records = folder.path, ledger.done_blocks(folder, short=partial)
    gone = [block.index for block in folder.study.blocks() if block.index not in records]
    if not gone or (partial and records):
        return Answers(folder, records)
    if partial:
        recorded = sorted(ledger.recorded_blocks(path))
        message = ledger.missing(path, recorded) if recorded else "no block is done yet."
    elif cube.is_complete(path):
        message = ledger.missing(path, gone)
    else:
        message = (
            f"the run is not finished: {ledger.named(gone)} still to be computed. Read the finished blocks with"
            f" --partial, or finish it: {finishing_command(folder)}"
        )
    raise UserError(path, [message])


def cube_of(folder: RunFolder, partial: bool = False, by_dask: bool = True) -> xr.DataTree:
    """The cube of a run, as `engine.run_folder.reading.open_cube`.

    Args:
      partial: accept a run that is not finished. Its tables are then computed from the blocks that are done, with
        intervals from the units in these. Groups `paths` and `draws` hold the paths of these blocks, labelled by their
        numbers; yearly summaries are there if the yearly sample is done. The root's attribute `status` is "partial",
        `paths` the number of paths that are there, `paths_asked` the number asked for.
    """
    if not partial:
        return reading.open_cube(folder.path, by_dask)
    tree = reading.open_tree(folder.path, by_dask)
    return tree if tree.attrs.get("status") == "complete" else _partial(of_run(folder, partial=True), tree)


def _partial(answers: Answers, tree: xr.DataTree) -> xr.DataTree:
    """The cube as it would be if the study had only the blocks that are done."""
    import xarray as xr

    asked, blocks = answers.folder.study.paths, answers.blocks
    numbers = np.concatenate([np.arange(b.first, b.first + b.count) for b in blocks])
    summaries = answers.summaries(yearly_fields(answers.folder))
    made = groups(answers.study, summaries, f"{len(numbers):,} paths of {len(blocks):,} blocks, of {asked:,} asked for")
    parts = {name: xr.Dataset(*group) for name, group in made if group.data_vars}
    for name in ("paths", "draws"):
        if name in tree.children and tree.children[name].data_vars:
            held = tree.children[name].to_dataset(inherit=False)
            parts[name] = held.isel(path=numbers).assign_coords(path=xr.Variable("path", numbers, described_paths()))
    state = {"status": "partial", "paths": len(numbers), "paths_asked": asked, "blocks": [b.index for b in blocks]}
    parts["/"] = xr.Dataset(attrs=tree.attrs | state)
    return xr.DataTree.from_dict(parts)
