"""What is known of a study from earlier processes: as long as nothing that it follows from has changed, and not a
moment longer.
"""

import functools
import sys
import threading
from contextlib import contextmanager
from dataclasses import replace

import jax
import numpy as np
import pytest

from engine.execution import job
from engine.execution.job import RunOptions
from engine.lanes import machine_code, nest
from engine.modelling import contract
from engine.modelling.identity import altered
from engine.modelling.records import Constant
from engine.program import cache_keys, cpu_program, devices, precision as both_precisions
from engine.program.cpu_program import forget_traces
from engine.program.programs import program_on
from engine.study.loading import load_study
from engine.study.study import Block
from tests.helpers import assert_same
from tests.user_models import Farms, farms

INIT = Farms.init
LIVE = []
"""Code in memory lives as long as the process: LLVM's parts of it share one another."""
shipped = functools.cache(functools.partial(load_study, "rustbelt"))
small = functools.partial(load_study, "warming")
"""Of this one is what must be traced and compiled."""


def key(study, dtype=np.float32, width=16, gives="outcomes"):
    return cache_keys.key_of(study, "code", np.dtype(dtype).name, width, gives)


def forget_what_is_loaded(monkeypatch):
    LIVE.append({})
    monkeypatch.setattr(machine_code, "_LOADED", LIVE[-1])


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A folder of programs that holds none, as a process finds it that has loaded none."""
    forget_what_is_loaded(monkeypatch)
    monkeypatch.setenv("RUSTBELT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "programs"


TRACING = {one.__code__: one.__name__ for one in (contract.refuse_broken, nest.trace, both_precisions.in_both)}


@contextmanager
def traced(monkeypatch):
    """What traces a study in here, as if another process began; nothing of it is replaced, as that would be
    another program.
    """
    forget_what_is_loaded(monkeypatch)
    called = []

    def note(frame, event, _):
        if event == "call" and frame.f_code in TRACING:
            called.append(TRACING[frame.f_code])

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield called
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def computed(study):
    """Outcomes and draws of a few paths."""
    program, block = program_on(study, devices.mesh("cpu")), Block(0, 0, study.paths)
    return [program.submit(block).of(block), program.draws(block)]


# ------------------------------------------------------------------------------- what it is known by


def test_a_study_is_known_by_what_it_says_however_many_paths_it_has():
    assert key(shipped(paths=1)) == key(shipped(paths=1000)) is not None
    assert cache_keys.key_of(shipped(), "contract") is not None


def changed_lever(study):
    first, *others = study.policies
    name = next(iter(first.levers))
    return replace(study, policies=(replace(first, levers={**first.levers, name: first.levers[name] + 1e-9}), *others))


def test_another_study_or_another_code_is_another_one():
    study = shipped()
    first, second, *rest = study.inputs
    keys = [
        key(study),
        key(shipped(seed=1)),
        key(load_study("rustbelt", policies=["old"])),
        key(changed_lever(study)),
        key(replace(study, inputs=(replace(first, marginal=second.marginal), second, *rest))),
        key(replace(study, groups=dict([*study.groups.items()][1:]))),
        key(replace(study, sampler="random")),
        key(replace(study, years=study.years[:-1])),
        key(study, dtype=np.float64),
        key(study, width=8),
        key(study, gives="draws"),
    ]
    assert len({*keys, None}) == len(keys) + 1


def with_constant(value):
    """The shipped study with one constant more, as `constant_tables.settled` makes it."""
    study = shipped()
    return replace(study, model=altered(study.model, constants={"more": Constant(value, "1", "")}))


def test_another_constant_is_another_program_and_the_same_is_the_same():
    one, again, other = (with_constant(value) for value in (0.5, 0.5, 0.25))
    assert key(one) == key(again) is not None
    assert len({key(one), key(other), key(shipped()), None}) == 4
    kept = [cache_keys.key_of(study, "contract") for study in (one, other, shipped())]
    assert len({*kept, None}) == 4


def test_other_releases_versions_processors_or_settings_of_jax_are_others(monkeypatch):
    study = shipped()
    keys = [key(study)]
    with jax.numpy_dtype_promotion("strict"):
        jax.config.update("jax_default_matmul_precision", "float32")
        keys.append(key(study))
        jax.config.update("jax_default_matmul_precision", None)
    for place, name, value in (
        (cache_keys, "RELEASE", "0" * 64),
        (cache_keys, "_packages", dict),
        (machine_code, "surroundings", list),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(place, name, value)
            keys += [key(study), cache_keys.key_of(study, "contract")]
    assert len(set(keys)) == len(keys)
    assert key(study) == keys[0]


def test_a_model_of_ones_own_and_one_that_was_changed_by_hand_are_never_known():
    assert key(farms(paths=8)) is None
    assert cache_keys.key_of(farms(paths=8), "contract") is None
    study = load_study("rustbelt")
    study.model.limits = ("none",)
    assert key(study) is None


def test_a_process_traces_equal_studies_of_a_model_of_ones_own_once(monkeypatch):
    forget_traces()
    first = cpu_program.traced(farms(), np.float32)
    assert cpu_program.traced(farms(paths=512), np.float32) is first
    assert cpu_program.traced(farms({"policies": {"old": {"release": 0.4}}}), np.float32) is not first
    monkeypatch.setattr(Farms, "init", lambda self, *given: INIT(self, *given) | {"demand": 8.0})
    assert cpu_program.traced(farms(), np.float32) is not first


def test_what_is_no_plain_data_is_never_known():
    study = shipped()
    assert key(replace(study, events=(len,))) is None
    assert key(replace(study, events=(np.array([len]),))) is None


# ------------------------------------------------------------------------------- what is found


@pytest.mark.parametrize(
    "lost", ["notes", pytest.param("code", marks=pytest.mark.slow), pytest.param("ends", marks=pytest.mark.slow)]
)
def test_what_is_lost_is_made_again(kept, monkeypatch, lost):
    study = small(paths=64)
    first = computed(study)
    for file in kept.iterdir():
        if lost == "ends":
            file.write_bytes(file.read_bytes()[:-7])
        elif (file.suffix == ".layout") == (lost == "notes"):
            file.unlink()
    forget_what_is_loaded(monkeypatch)
    for ours, theirs in zip(computed(small(paths=64)), first, strict=True):
        assert_same(ours, theirs)


@pytest.mark.parametrize("study", ["warming", pytest.param("rustbelt", marks=pytest.mark.slow)])
def test_a_second_run_traces_nothing_and_leaves_the_same_cube(kept, tmp_path, monkeypatch, study):
    def cube(name):
        job.compute(load_study(study, paths=64), RunOptions(tmp_path / name, device="cpu"))
        place = tmp_path / name / "cube.zarr"
        return {path.relative_to(place): path.read_bytes() for path in place.rglob("*") if path.is_file()}

    with traced(monkeypatch) as earlier:
        first = cube("first")
    with traced(monkeypatch) as later:
        assert cube("second") == first
    assert {*earlier} == {*TRACING.values()} and not later
