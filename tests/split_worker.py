"""Runs a study's blocks in a given order on forced devices, for test_laws.py.

`python -m tests.split_worker STUDY OUT BLOCK...` writes an .npz with the outcomes of each block.
"""

import sys

import numpy as np

from engine.program.devices import use_every_core

use_every_core()

from engine.study.loading import load_study  # noqa: E402
from engine.study.study import BLOCK  # noqa: E402
from tests.shock_study import walk  # noqa: E402
from tests.user_models import farms, program  # noqa: E402

PATHS = BLOCK + 3001
"""The last block is partial, and so is its last tile."""


def main(name: str, target: str, order: list[int]) -> None:
    """Writes the results of the blocks."""
    own = {
        "farms": farms(paths=PATHS),
        "sobol": farms({"keep": {"yearly": 4096}}, paths=BLOCK + 4096, sampler="sobol"),
        "shocks": walk(paths=PATHS, sampler="antithetic"),
    }
    study = own.get(name) or load_study(name, paths=PATHS)
    made = program(study)
    blocks = study.blocks()
    running = [(blocks[k], made.submit(blocks[k])) for k in order]
    results = {block.index: started.of(block) for block, started in running}
    assert made.traces == 1
    arrays = {f"{k}.outcomes": outcomes for k, outcomes in results.items()}
    np.savez(target, devices=made.mesh.devices.size, **arrays)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], [int(word) for word in sys.argv[3:]])
