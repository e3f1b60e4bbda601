"""The labelled cube on disk: arrays of paths and draws, written block by block, and the summary groups at the end.

One shard of every stored variable per block, one file, one writer: zarr reads and rewrites a whole shard for anything
less (zarr-python #3682). Every file is put together in memory and put in its place at once, so a reader meets the old
one or the new one, and the same study gives the same bytes. Nothing in the cube tells when, where or by how many
workers it was made. Layout and recipes: `docs/cube.md`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Container, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np

from engine.risk.estimation.rounding import Rounding
from engine.risk.estimation.summaries import Summaries
from engine.run_folder import ledger
from engine.run_folder.cube_groups import CONVENTIONS, Attributes, described_inputs, described_value, groups, policies
from engine.run_folder.folder import RunFolder
from engine.run_folder.ledger import CUBE, FinishedPart
from engine.run_folder.provenance import release_of
from engine.storage import zarr_writer
from engine.storage.files import (
    UNFINISHED,
    content_of,
    holds,
    remove_tree,
    sync,
    write_atomically,
    write_files,
    writing,
)
from engine.study.study import BLOCK, Block, Study

CUBE_FOLDER = "cube.zarr"
ROOT = "zarr.json"
"""Metadata of a group, at its place; of the root, with those of all groups."""


# ---------------------------------------------------------------------------------------------- paths, by block


def create(folder: RunFolder) -> None:
    """Makes the cube's arrays, empty; where they are there already, brings them to the study's path count.

    The cube is marked incomplete until `finish` has been through.

    Raises:
      UserError: the folder cannot be written.
    """
    cube, files = folder.path / CUBE_FOLDER, skeleton(folder.study)
    with writing(folder.path):
        if not cube.exists():
            begun = folder.path / f"{CUBE_FOLDER}{UNFINISHED}"
            remove_tree(begun)
            write_files(begun, files)
            os.rename(begun, cube)
            sync(folder.path)
            return
        _reframe(folder, files)
        for index, path in files_of_blocks(folder.path):
            if index * BLOCK >= folder.study.paths:  # a killed run for more paths has left it without a record
                path.unlink()


def _reframe(folder: RunFolder, frame: Mapping[str, bytes]) -> None:
    """Marks the cube incomplete, and rewrites those files of its frame (`skeleton`) that are not as they should be."""
    cube = folder.path / CUBE_FOLDER
    ledger.drop(folder.path, CUBE)
    write_atomically(cube / ROOT, frame[ROOT])
    write_files(cube, {name: content for name, content in frame.items() if not holds(cube / name, content)})


def files_of_blocks(folder: Path) -> Iterator[tuple[int, Path]]:
    """Number of its block and place of every shard, tally and record of a block in a run folder."""
    for pattern in (f"{CUBE_FOLDER}/paths/*/c/0/*", f"{CUBE_FOLDER}/draws/*/c/*", f"{ledger.LEDGER}/*/*"):
        for path in folder.glob(pattern):
            if path.stem.isdecimal() and path.is_file():
                yield int(path.stem), path


def has_arrays(folder: RunFolder) -> bool:
    """Whether the cube is there with arrays as long as the study asks for."""
    frame = skeleton(folder.study).items()
    return all(holds(folder.path / CUBE_FOLDER / name, content) for name, content in frame if name != ROOT)


def skeleton(study: Study) -> dict[str, bytes]:
    """Files of a cube before any block, by place: metadata of its groups and arrays, and labels of the policies."""
    about = {"comment": "factor draws of the first paths; NaN beyond", "kept": study.keep.draws}
    files = {"draws/zarr.json": zarr_writer.group(about)}
    if study.keep.outcomes:
        about = {"comment": "outcomes of every path; path = number of the future, from 0"}
        labels = zarr_writer.Group({}, {"policy": policies(study)}, about)
        files |= zarr_writer.tree_files({"paths": labels})
    shape, array = (len(study.policies), study.paths), partial(zarr_writer.sharded, span=BLOCK, kind=study.precision)
    for name in study.keep.outcomes:
        described = described_value(study, "outcomes", name)
        files[f"paths/{name}/zarr.json"] = array(shape, ("policy", "path"), attributes=described)
    # draws span all paths too; those not kept are absent shards, NaN
    about_inputs = described_inputs(study)
    for item in study.inputs if study.keep.draws else ():
        described = about_inputs[item.name]
        if item.labels:  # CF: the values of categories, and their names, in which there are no spaces
            described["flag_values"] = [*map(float, item.labels.values())]
            described["flag_meanings"] = " ".join("_".join(label.split()) for label in item.labels)
        files[f"draws/{item.name}/zarr.json"] = array(shape[1:], ("path",), attributes=described)
    return {**files, ROOT: zarr_writer.root({**_root_attributes(study), "status": "incomplete"}, files)}


def block_files(study: Study, block: Block, outcomes: np.ndarray, draws: Mapping[str, np.ndarray]) -> dict[str, bytes]:
    """Files of the cube that hold a block, by their place below the run folder.

    Args:
      outcomes: in the study's precision [policy, outcome, path].
      draws: factor -> its draws, for as many of the block's paths as `kept_draws` says, or more; those beyond are
        not stored.
    """
    names, kept = list(study.model.outcomes), kept_draws(study, block)
    shards = {f"paths/{name}/c/0": outcomes[:, names.index(name)] for name in study.keep.outcomes}
    if kept:
        shards |= {f"draws/{item.name}/c": draws[item.name][:kept] for item in study.inputs}
    return {
        f"{CUBE_FOLDER}/{place}/{block.index}": zarr_writer.shard(values, BLOCK) for place, values in shards.items()
    }


def kept_draws(study: Study, block: Block) -> int:
    """How many of the block's paths keep their draws."""
    return min(max(study.keep.draws - block.first, 0), block.count)


# ---------------------------------------------------------------------------------------------- summaries


def finish(folder: RunFolder, summaries: Summaries) -> None:
    """Writes the summary groups, then their record in the ledger, and last marks the cube complete."""
    study, cube, begun = folder.study, folder.path / CUBE_FOLDER, folder.path / f"summaries{UNFINISHED}"
    frame = skeleton(study)
    files = finished_files(study, summaries, frame)
    written = {name: content for name, content in files.items() if name not in frame}
    with writing(folder.path):
        _reframe(folder, frame)
        remove_tree(begun)
        write_files(begun, written)
        for name in dict.fromkeys(file.partition("/")[0] for file in written):
            remove_tree(cube / name)
            os.rename(begun / name, cube / name)
        begun.rmdir()
        sync(cube)
        placed = {f"{CUBE_FOLDER}/{name}": content for name, content in files.items()}
        ledger.write_record(folder, FinishedPart(CUBE, 0, study.paths, ()), placed)
        write_atomically(cube / ROOT, files[ROOT])


def finished_files(study: Study, summaries: Summaries, frame: Mapping[str, bytes]) -> dict[str, bytes]:
    """Every file of the finished cube but the shards, by its place in the cube; `frame` is its `skeleton`."""
    files = {**frame, **zarr_writer.tree_files(dict(groups(study, summaries)))}
    del files[ROOT]
    attributes = {**_root_attributes(study), "status": "complete", "paths": study.paths}
    return {**files, ROOT: zarr_writer.root(attributes, files)}


def is_finished(folder: RunFolder, done: Container[int]) -> bool:
    """Whether the folder holds the whole of this study: every block done, summaries written over all its paths.

    Args:
      done: numbers of the blocks that are done.
    """
    record = ledger.read(folder, CUBE)
    return (
        record is not None
        and record.count == folder.study.paths
        and ledger.intact(folder.path, record)
        and all(block.index in done for block in folder.study.blocks())
        and is_complete(folder.path)
    )


def is_complete(folder: Path) -> bool:
    """Whether the cube states that its run has come to its end."""
    return attributes(folder).get("status") == "complete"


def was_finished(folder: Path) -> bool:
    """Whether a run in the folder was once finished, for as many paths as are asked for now or for fewer."""
    return is_complete(folder) or bool(attributes(folder, "diagnostics"))


def attributes(folder: str | Path, group: str = "") -> Attributes:
    """Attributes of a group of a run folder's cube, of the root among them `title`, `summary`, `status` and `paths`;
    empty if there is none.
    """
    try:
        return dict(json.loads(content_of(Path(folder) / CUBE_FOLDER / group / ROOT))["attributes"])
    except (FileNotFoundError, ValueError, KeyError, TypeError, RecursionError):
        return {}


def rounding(folder: Path) -> tuple[Rounding, ...]:
    """The quantities for which single precision is too coarse, from a finished cube, as far as they can be read."""
    found = []
    with suppress(ValueError, TypeError):
        for entry in json.loads(attributes(folder, "diagnostics").get("rounding") or "[]"):
            with suppress(ValueError, KeyError, TypeError, AttributeError):  # of an earlier version
                found.append(Rounding.of_dict(entry))
    return tuple(found)


def _root_attributes(study: Study) -> Attributes:
    return {
        "Conventions": CONVENTIONS,
        "title": study.name,
        "summary": study.question,
        "source": f"rustbelt {release_of('rustbelt')}, model {study.model_name} {study.model_digest[:12]}",
        "id": f"{study.name}-{study.fingerprint}",
        "sampler": study.sampler,
        "seed": study.seed,
        "independent_unit": study.unit,
        **({f"facts_{name}": value for name, value in study.facts.model_dump().items()} if study.facts else {}),
        "block": BLOCK,
    }
