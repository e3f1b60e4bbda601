"""Every core is a device of its own in the tests, as in a run; and what one test has compiled, the next one finds."""

import os
from pathlib import Path

from engine.program.compilation_cache import keep_programs
from engine.program.devices import use_every_core

os.environ["RUSTBELT_CACHE"] = str(Path(__file__).parents[1] / ".pytest_cache" / "programs")
os.environ.pop("COLUMNS", None)  # of the processes of pytest-xdist: what is printed is as wide as into a pipe
use_every_core()
keep_programs()


def pytest_xdist_auto_num_workers(config):
    """Two processes for all tests, none beside this one for some of them: each takes seconds to start."""
    return 2 if config.args_source is config.ArgsSource.TESTPATHS else 0
