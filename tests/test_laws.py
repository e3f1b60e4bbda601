"""The laws: one number is one future, however the work is cut up and whatever stands beside it."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.execution.work import Work
from engine.program.contract import Program
from engine.run_folder import ledger
from engine.run_folder.folder import RunFolder
from engine.study.loading import load_study
from engine.study.study import BLOCK, Block, Study
from tests.helpers import assert_same
from tests.small_study import entered, read_paths
from tests.user_models import computed, farms, farms_program, program

PLENTY, MANY = 100_000, 20_000
EDGE = 1e-3
"""Most that an outcome may move [standard deviations] when something unrelated is added: no more than by rounding."""


# ------------------------------------------------------------------------------- how the work is cut up


def on_devices(folder: Path, study: str, devices: int, order: list[int]) -> dict[str, np.ndarray]:
    """Results of blocks computed in an order, on so many forced CPU devices."""
    out = folder / f"{study}-{devices}.npz"
    command = [sys.executable, "-m", "tests.split_worker", study, str(out), *map(str, order)]
    done = subprocess.run(
        command,
        env={**os.environ, "RUSTBELT_CPU_DEVICES": str(devices)},
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = dict(np.load(out))
    assert found.pop("devices") == devices
    return found


@pytest.mark.parametrize(
    ("study", "splits"),
    [
        pytest.param("farms", [(2, [1, 0])], marks=pytest.mark.slow),
        pytest.param("sobol", [(2, [1, 0])], marks=pytest.mark.slow),
        pytest.param("shocks", [(2, [1, 0]), (4, [0, 1])], marks=pytest.mark.slow),
        pytest.param("farms", [(3, [1, 0]), (4, [0, 1])], marks=[pytest.mark.slow, pytest.mark.sweep]),
        pytest.param("rustbelt", [(2, [1, 0]), (4, [0, 1])], marks=pytest.mark.slow),
    ],
)
def test_devices_and_the_order_of_blocks_change_no_bit(tmp_path, study, splits):
    alone = on_devices(tmp_path, study, 1, [0, 1])
    assert alone["0.outcomes"].shape[-1] == BLOCK
    assert alone["1.outcomes"].shape[-1] == {"sobol": 4096}.get(study, 3001)
    for devices, order in splits:
        found = on_devices(tmp_path, study, devices, order)
        assert found.keys() == alone.keys()
        for name, values in alone.items():
            assert_same(found[name], values)


def test_the_tile_changes_no_draw_and_outcomes_by_rounding_only():
    beside(farms_program(), program(farms(tile=1024)), MANY)


def test_more_paths_leave_the_first_ones_as_they_were(tmp_path):
    made = program(farms(paths=BLOCK + 1000))
    few, many = farms(paths=3000), made.study
    stored = {}
    for folder, study in (("grown", few), ("grown", many), ("whole", many)):
        with entered(tmp_path / folder, study):
            list(
                Work(RunFolder(tmp_path / folder, study), made).blocks(
                    ledger.pending(RunFolder(tmp_path / folder, study))
                )
            )
        stored[folder, study.paths] = read_paths(tmp_path / folder, study, list(many.model.outcomes), study.paths)
    for name in many.model.outcomes:
        assert_same(stored["grown", 3000][name], stored["whole", many.paths][name][:, :3000])
    assert bytes_below(tmp_path / "grown" / "cube.zarr") == bytes_below(tmp_path / "whole" / "cube.zarr")


def bytes_below(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# ------------------------------------------------------------------------------- what a path's number decides


@pytest.mark.parametrize("sampler", [pytest.param("random", marks=pytest.mark.slow), "antithetic"])
def test_path_numbers_beyond_32_bits_are_futures_of_their_own(sampler):
    made = farms_program() if sampler == "antithetic" else program(farms(sampler=sampler))
    first = 3 << 34  # low words of its counters are 0 for pairs, too
    count = 2 * made.study.tile * made.mesh.devices.size
    block = Block(first // BLOCK, first, count)
    far = made.submit(block).of(block)
    near = computed(made, 0, count)
    assert not np.any(np.all(far == near, axis=(0, 1)))
    draws = made.draws(block)
    assert not np.any(draws == made.draws(Block(0, 0, count)))
    for at in (0, count - 1):
        alone = made.path(first + at)
        assert_same(alone.outcomes[..., 0], far[..., at])
        assert_same(alone.draws[..., 0], draws[:, at])


def test_a_path_looked_at_alone_is_the_path_of_the_run():
    made = farms_program()
    whole, draws = computed(made), made.draws(Block(0, 0, 4096))
    for number in (0, 255, 256, 3001):
        alone = made.path(number)
        assert_same(alone.outcomes[..., 0], whole[..., number])
        assert_same(alone.draws[..., 0], draws[:, number])
    assert made.traces == 1
    years = made.trace(0).yearly
    for number in (0, 77):
        assert_same(made.path(number).yearly[..., 0], years[..., number])


def test_antithetic_pairs_mirror():
    names = [item.name for item in farms_program().study.inputs]
    draws = farms_program().draws(Block(0, 0, 4096)).astype(np.float64)
    one, other = draws[:, ::2], draws[:, 1::2]

    def worst(name, to_score):
        scores = to_score(one[names.index(name)]) + to_score(other[names.index(name)])
        return np.abs(scores).max()

    assert worst("demand_growth", lambda x: (x - 0.02) / 0.01) < 1e-5
    assert worst("fertility", lambda x: np.log(x / 1.2) / 0.3) < 1e-5
    assert worst("spoilage", lambda x: (np.log(x / (1 - x)) - np.log(1 / 9)) / 0.5) < 1e-5
    assert worst("capital", lambda x: (x - 12.5) / 7.5) < 1e-5


# ------------------------------------------------------------------------------- what stands beside it

DRAWN = {"mood": {"family": "uniform", "low": 0.0, "high": 1.0, "group": "land"}}
MORE = {"gradual": {"irrigation": 0.5}, "half": {"like": "reform", "implementation": "mood"}}


def test_what_is_added_changes_no_draw_and_outcomes_by_rounding_only():
    # the factor joins a group, and one policy asks for it
    beside(farms_program(), program(farms({"policies": MORE, "factors": DRAWN})), MANY)


SOME = ("old", "reform_full")


@pytest.mark.slow
def test_rustbelt_policies_change_nothing_of_each_other():
    """Nor does the factor that only one of them draws."""
    study, other = (load_study("rustbelt", policies=names) for names in (SOME, ("reform", *SOME[::-1])))
    assert {item.name for item in other.inputs} - {item.name for item in study.inputs} == {"implementation"}
    beside(program(study), program(other), PLENTY)


def beside(one: Program, two: Program, n_paths: int) -> None:
    """Asserts that the first program's policies live the same futures in the second one."""
    study, other, block = one.study, two.study, Block(0, 0, n_paths)
    drawn = dict(zip([item.name for item in other.inputs], two.draws(block), strict=True))
    for item, draws in zip(study.inputs, one.draws(block), strict=True):
        assert_same(drawn[item.name], draws)
    shared = [other.policy_names.index(name) for name in study.policy_names]
    assert_only_rounding(study, computed(one, 0, n_paths), computed(two, 0, n_paths)[shared])


def assert_only_rounding(study: Study, values: np.ndarray, others: np.ndarray) -> None:
    """Asserts that outcomes [policy, outcome, path] differ by rounding only, and events flip only at their edge."""
    values, others = values.astype(np.float64), others.astype(np.float64)
    allowed = EDGE * values.std(axis=-1, keepdims=True)
    assert np.all(np.abs(values - others) <= allowed)
    names = list(study.model.outcomes)
    for event in study.events:
        if event.parts:
            continue
        at = names.index(event.outcome)
        threshold = event.above if event.above is not None else event.below
        flipped = (values[:, at] > threshold) != (others[:, at] > threshold)
        assert np.all(
            np.abs(values[:, at] - threshold)[flipped] <= np.broadcast_to(allowed[:, at], flipped.shape)[flipped]
        )


# ------------------------------------------------------------------------------- policies at their limits


def test_old_under_another_name_is_old_bit_for_bit():
    # every way to say that nothing changes: the same levers, phased in late, in part, or as far as is drawn
    same = {
        "same": {"like": "old"},
        "late": {"like": "old", "start": 2018},
        "in_part": {"like": "old", "implementation": 0.3},
        "drawn": {"like": "old", "implementation": "mood"},
    }
    drawn = {"mood": {"family": "uniform", "low": 0.0, "high": 1.0}}
    found = computed(program(farms({"policies": same, "factors": drawn})))
    for other in found[2:]:
        assert_same(other, found[0])


def test_implementation_runs_from_before_to_the_policy_bit_for_bit():
    fixed = {"none": {"family": "fixed", "value": 0.0}, "full": {"family": "fixed", "value": 1.0}}
    shares = {"zero": 0, "one": 1, "drawn_zero": "none", "drawn_one": "full"}
    policies = {name: {"like": "reform", "implementation": share} for name, share in shares.items()}
    old, reform, *others = computed(program(farms({"policies": policies, "factors": fixed})))
    assert not np.array_equal(old, reform)
    for found, expected in zip(others, (old, reform, old, reform), strict=True):
        assert_same(found, expected)
