"""Every core is a device of its own in the tests, as in a run; and what one test has compiled, the next one finds."""

import os
from pathlib import Path

from engine.program.devices import use_compilation_cache, use_every_core

os.environ["RUSTBELT_CACHE"] = str(Path(__file__).parents[1] / ".pytest_cache" / "programs")
use_every_core()
use_compilation_cache()


def pytest_xdist_auto_num_workers(config):
    """Two processes for all tests, none beside this one for some of them: each takes seconds to start."""
    return 2 if config.args_source is config.ArgsSource.TESTPATHS else 0
