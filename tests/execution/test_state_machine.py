"""Whatever happens to a run folder, in any order, it stays what a small model says: hypothesis looks for an order that
breaks it.
"""

import functools
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import engine
from engine.errors import UserError
from engine.execution import job
from engine.run_folder import ledger, ownership
from engine.run_folder.folder import RunFolder
from engine.runs import upkeep
from engine.study.study import BLOCK, Study
from tests.recorded import VERSIONS, Stops, contents, played_back, study_in

COUNTS = [600, BLOCK, BLOCK + 600, 2 * BLOCK + 2, 3 * BLOCK]
HOME = Path(tempfile.gettempdir()) / f"rustbelt-machine-{os.getpid()}"


@functools.cache
def study_of(paths: int) -> Study:
    """The study with so many paths, read once."""
    return study_in(HOME, paths)


@functools.cache
def whole(paths: int) -> dict[str, str]:
    """Contents of an undisturbed run of so many paths."""
    place = HOME / f"whole-{paths}"
    job.compute(study_of(paths), job.RunOptions(place))
    return contents(place)


class OneFolder(RuleBasedStateMachine):
    """What must be true: `done` are recorded blocks by number with their counts, `damaged` what verify must name."""

    def __init__(self):
        super().__init__()
        self.executor = played_back(HOME)
        self.folder = Path(tempfile.mkdtemp(dir=HOME)) / "run"
        self.paths = 0
        self.done: dict[int, int] = {}
        self.damaged: set[int] = set()
        self.unrecorded: set[int] = set()
        self.finished = False

    def study(self, paths=None):
        return study_of(paths or self.paths)

    def run(self, paths, executor):
        """A run to its end; gives the numbers of the blocks it computed."""
        job.executor_of = lambda *_: executor
        try:
            return job.compute(self.study(paths), job.RunOptions(self.folder)).computed
        finally:
            job.executor_of = lambda *_: self.executor

    def reach(self) -> int:
        """Paths up to the end of the last block that has a record."""
        return max((k * BLOCK + n for k, n in self.done.items() if k not in self.unrecorded), default=0)

    def sound(self) -> dict[int, int]:
        """Blocks of the study that are done."""
        blocks = self.study().blocks() if self.paths else ()
        return {b.index: b.count for b in blocks if self.done.get(b.index) == b.count}

    def missing(self, paths: int) -> list[int]:
        """Blocks that a run for so many paths has to compute."""
        blocks = self.study(paths).blocks()
        return [b.index for b in blocks if self.done.get(b.index) != b.count or b.index in self.damaged]

    @rule(paths=st.sampled_from(COUNTS))
    def run_to_the_end(self, paths):
        if self.reach() > paths:
            try:  # what is there is the answer
                assert self.run(paths, self.executor) == ()
            except UserError as told:
                assert self.damaged and "rustbelt repair" in str(told)
            return
        expected = self.missing(paths)
        try:
            assert list(self.run(paths, self.executor)) == expected
        except UserError as told:
            # a finished run is taken at its files' sizes; what else has gone bad in it is met where it is read
            assert self.finished and paths == self.paths and self.damaged and "rustbelt" in str(told)
            return
        self.done = {block.index: block.count for block in self.study(paths).blocks()}
        self.paths, self.finished = paths, True
        self.damaged.clear()
        self.unrecorded.clear()

    @precondition(lambda self: not self.damaged)
    @rule(paths=st.sampled_from(COUNTS), most=st.integers(0, 2), backwards=st.booleans())
    def run_and_be_stopped(self, paths, most, backwards):
        missing = self.missing(paths)
        if self.reach() > paths or (not missing and self.done):
            return
        counts = {block.index: block.count for block in self.study(paths).blocks()}
        with pytest.raises(KeyboardInterrupt):
            self.run(paths, Stops(self.executor.program, most, backwards))
        reached = missing[:: -1 if backwards else 1][:most]
        self.done |= {k: counts[k] for k in reached}
        self.paths, self.finished = paths, False

    @precondition(lambda self: self.finished and not self.damaged)
    @rule(data=st.data(), how=st.sampled_from(["flip", "cut", "empty", "delete"]))
    def damage_a_block(self, data, how):
        index = data.draw(st.sampled_from(sorted(self.done)))
        name = f"cube.zarr/paths/lowest_stock/c/0/{index}"
        path = self.folder / data.draw(st.sampled_from([name, f"ledger/00000/{index:08d}.npz"]))
        content = bytearray(path.read_bytes())
        if how == "delete":
            path.unlink()
        else:
            at = data.draw(st.integers(1, len(content) - 1))
            content[at] ^= 16
            path.write_bytes({"flip": content, "cut": content[:at], "empty": b""}[how])
        self.damaged.add(index)

    @precondition(lambda self: self.finished and self.done and not self.damaged)
    @rule(data=st.data())
    def delete_a_record(self, data):
        index = data.draw(st.sampled_from(sorted(self.done)))
        ledger.record_file(self.folder, index).unlink()
        self.damaged.add(index)
        self.unrecorded.add(index)

    @precondition(lambda self: self.finished)
    @rule()
    def verify_and_repair(self):
        found = upkeep.verify(RunFolder(self.folder, self.study()))
        assert {damage.part for damage in found} == self.damaged
        _, done = upkeep.repair(RunFolder(self.folder, self.study()))
        assert set(done.computed if done else ()) == self.damaged
        assert upkeep.verify(RunFolder(self.folder, self.study())) == []
        self.damaged.clear()
        self.unrecorded.clear()

    @precondition(lambda self: self.paths)
    @rule()
    def a_second_coordinator_is_refused(self):
        with ownership.claim(RunFolder(self.folder, self.study())), pytest.raises(ownership.Busy):
            job.compute(self.study(), job.RunOptions(self.folder))

    @precondition(lambda self: self.paths)
    @rule()
    def another_seed_is_refused(self):
        text = (HOME / "pond.toml").read_text().replace("seed = 7", "seed = 8")
        (HOME / "other.toml").write_text(text)
        other = engine.load_study(HOME / "other.toml", model=self.study().model, paths=self.paths)
        with pytest.raises(UserError, match=f"{self.study().fingerprint}.*{other.fingerprint}"):
            job.compute(other, job.RunOptions(self.folder))

    @precondition(lambda self: self.sound() and not self.damaged)
    @rule()
    def what_is_there_can_be_read(self):
        tree = engine.open_run(self.folder, self.study().model, partial=True).cube
        stock = tree["paths"]["lowest_stock"].values
        recorded = self.executor.program._arrays["outcomes"]
        column = list(self.study().model.outcomes).index("lowest_stock")
        # also a block that was the last, and is short of the paths that have been asked for since
        there = {b.index: self.done[b.index] for b in self.study().blocks() if b.index in self.done}
        parts = [recorded[:, column, k * BLOCK : k * BLOCK + n] for k, n in sorted(there.items())]
        np.testing.assert_array_equal(stock, np.concatenate(parts, axis=-1))

    @invariant()
    def done_blocks_are_those_of_the_model(self):
        if not self.paths or self.damaged:
            return
        assert {k: r.count for k, r in ledger.done_blocks(RunFolder(self.folder, self.study())).items()} == self.sound()
        if self.finished:
            assert contents(self.folder) == whole(self.paths)

    def teardown(self):
        shutil.rmtree(self.folder.parent, ignore_errors=True)


@pytest.fixture(scope="module", autouse=True)
def played(request):
    """Runs are played back, and the folders are taken away."""
    HOME.mkdir()
    study_in(HOME)
    with pytest.MonkeyPatch.context() as patched:
        executor = played_back(HOME)
        patched.setattr(job, "executor_of", lambda *_: executor)
        patched.setattr(upkeep, "versions", lambda device: VERSIONS)
        yield
    shutil.rmtree(HOME, ignore_errors=True)


CALM = dict(deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@pytest.mark.slow
@pytest.mark.parametrize("examples", [6, pytest.param(30, marks=pytest.mark.sweep)])
def test_many_orders(examples):
    OneFolder.TestCase.settings = settings(max_examples=examples, stateful_step_count=20, **CALM)
    OneFolder.TestCase("runTest").runTest()
