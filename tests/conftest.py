"""Settings of all tests: every core is a device, as in a run; compiled programs are cached; folders are in memory."""

import ctypes
import gc
import os
import shutil
import sys
from pathlib import Path

import pytest

from engine.lanes.compilation_cache import keep_programs
from engine.program.devices import use_every_core
from tests.top_level import strays

# objects made while tests are collected stay, so there is no garbage to look for; and bytecode is written, as it takes
# seconds to rewrite the tests' assertions
gc.disable()
sys.dont_write_bytecode = False
os.environ["RUSTBELT_CACHE"] = str(Path(__file__).parents[1] / ".pytest_cache" / "programs")
os.environ.pop("COLUMNS", None)  # set by pytest-xdist for its processes; output is to be as wide as into a pipe
MEMORY = Path("/dev/shm")
if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > 4 << 30:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))  # a disk takes a millisecond to delete a file
use_every_core()
keep_programs()
AT_FIRST = strays()
MOST_RESIDENT = 3 << 29
"""Memory of a process above which it is returned [bytes]; after every file this takes a minute of processor time."""
HERE = Path(__file__).parent
LONGEST = {
    HERE / name
    for name in (
        "cli/test_one_screen.py",
        "program/test_forms_of_studies.py",
        "test_article.py",
        "test_docs.py",
        "test_notebook.py",
        "test_tutorial.py",
    )
}
"""Files with a test that takes a minute or more."""


def pytest_collection_modifyitems(items):
    """Puts the longest tests first: begun last, they would leave the other process idle."""
    items.sort(key=lambda item: item.path not in LONGEST)


def pytest_collection_finish():
    """Turns garbage collection on again, for new objects only."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A folder with two studies and their finished runs, `bridge` and `pond`, which no test changes: ask a copy."""
    from tests.small_files import BRIDGE, POND, own, ran, write

    folder = tmp_path_factory.mktemp("finished")
    for name, text, model in (("bridge", BRIDGE, "Bridge"), ("pond", POND, "Pond")):
        ran("run", write(folder, text, f"{name}.toml"), *own(model), "--out", folder / name, "--quiet")
    return folder


@pytest.fixture(scope="session")
def runs(finished, tmp_path_factory):
    """A copy of both that all tests ask: answers are kept beside the cubes."""
    return shutil.copytree(finished, tmp_path_factory.mktemp("runs") / "asked")


@pytest.fixture
def bridge_run(finished, tmp_path):
    """A run of the bridge that nobody has asked, to be changed."""
    return shutil.copytree(finished / "bridge", tmp_path / "bridge")


def resident():
    """Memory of this process, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture(autouse=True, scope="module")
def memory_returned():
    """Returns memory that the tests of a file have freed to the system, as glibc keeps gigabytes of it."""
    yield
    if sys.platform == "linux" and resident() > MOST_RESIDENT:
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)


def pytest_xdist_auto_num_workers(config):
    """Two processes where all tests run; only this process where some do, as another one takes seconds to start."""
    return 2 if config.args_source is config.ArgsSource.TESTPATHS else 0


def pytest_sessionfinish(session):
    """Fails the tests if they have left a file at the top of the project, as it would be committed one day."""
    left = strays() - AT_FIRST
    if left and not hasattr(session.config, "workerinput"):
        print(f"\nLeft at the top of the project: {', '.join(sorted(left))}. Write into tmp_path.")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
