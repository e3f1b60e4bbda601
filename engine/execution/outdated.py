"""Whether the user's own model still gives what a finished run of it has stored."""

from __future__ import annotations

import warnings
from dataclasses import replace

from engine.errors import UserError
from engine.execution.agreement import refuse_disagreeing, stored_block
from engine.execution.executors import site
from engine.lanes import compilation_cache
from engine.modelling.identity import ships
from engine.program import cpu_program, devices, programs
from engine.run_folder import cube, ownership
from engine.run_folder.folder import RunFolder

REMEDY = "Restore the model, or run the study into another folder (--out)."


def refuse_outdated(folder: RunFolder, device: str | None = None) -> None:
    """Computes a group of stored paths again and compares it bit for bit, as `refuse_disagreeing` does.

    The group is of the last stored block, as `--force` may have continued the blocks before with another model. The
    fingerprint of a model that ships covers all of its code, so its runs are not compared. A warning says so where the
    model cannot be traced, and where the values differ but other versions or another kind of device made the blocks;
    where another version of JAX traced the model, only its values tell that it is the same, so the run is refused.

    Args:
      device: "cpu" or "gpu"; if not given, the processors where the study has the one loop, else the usual choice.

    Raises:
      UserError: the model, as its files show it, is not that of the run; or it gives other values now.
    """
    study = replace(folder.study)  # compiled anew
    ownership.refuse_changed(folder)
    is_compared = cube.is_complete(folder.path) and not ships(study.model)
    record = stored_block(folder, last=True) if is_compared else None
    if record is None:
        return
    only_by_values = study.traced not in (None, study.model_digest)
    compilation_cache.keep_programs()
    cpu_program.forget_traces()
    try:
        device = "cpu" if device is None and programs.has_lanes(study) else device
        program = devices.program(study, device)
        program.prepare()
    except Exception as failure:  # whatever the code of a model raises
        if only_by_values:
            raise
        reason = " ".join(map(str, failure.problems)) if isinstance(failure, UserError) else repr(failure)
        warnings.warn(f"{folder.path} was not compared with what its model gives now: {reason}", stacklevel=2)
        return
    try:
        refuse_disagreeing(folder, program, record, REMEDY)
    except UserError as differs:
        others = ownership.other_versions(folder, site.of_study(study, site.versions(device, study)))
        if only_by_values or not others:
            raise
        text = "; ".join([f"{folder.path} differs from what its model gives now: {differs.problems[0]}", *others])
        warnings.warn(f"{text}.", stacklevel=2)
