"""Which cards take part and what is said where none can: by lists of cards, drivers and folders that are made up."""

import re
import subprocess
import sys
from dataclasses import replace

import jax
import pytest

from engine.errors import UserError
from engine.program import devices, hardware
from engine.program.contract import in_words
from engine.program.programs import program_on
from engine.study.tables.facts import Facts
from tests.program.simulated_card import Named, row_of
from tests.program.simulated_driver import CUDA, KNOWN
from tests.shock_study import walk
from tests.small_files import POND, own, write

OLD, NEW = Named("NVIDIA T400", "7.5"), Named("NVIDIA A100", "8.0")


def test_a_mesh_is_of_one_kind_of_card_the_most_that_there_are_then_the_first(machine, monkeypatch):
    machine(*CASES["a card"][:3])
    for row, kind, count, other in (
        ([OLD, NEW, OLD], OLD, 2, NEW),
        ([NEW, NEW], NEW, 2, None),
        ([NEW, OLD], NEW, 1, OLD),
    ):
        monkeypatch.setattr(hardware.jax, "local_devices", lambda backend, row=row: row)
        found = devices.chosen("gpu")
        assert [*found.mesh.devices.flat] == [kind] * count
        left_out = f"a run takes cards of one kind: 1 x {other.device_kind} left out" if other else ""
        assert found.why == left_out


def test_a_card_that_is_too_old_is_refused(machine, monkeypatch):
    machine(*CASES["a card"][:3])
    monkeypatch.setattr(hardware.jax, "local_devices", lambda backend: [Named("NVIDIA GeForce GTX 1080", "6.1")])
    with pytest.raises(UserError, match=r"GTX 1080 .* 6.1, .* 7.5"):
        devices.chosen("gpu")


# ------------------------------------------------------------------------------- what stands in the way


CASES = {
    "nothing is installed": ([], CUDA, KNOWN, "not installed: pip install"),
    "ROCm": ([], "dev/kfd", 0, "AMD's .ROCm.,.*NVIDIA's"),
    "no driver": (["jax_cuda12_plugin"], "dev", 0, "no NVIDIA driver.*--gpus all.*in Windows"),
    "old": (["jax_cuda12_plugin"], CUDA, 11_040, "CUDA 11.4,.* 12.0. .*driver 525"),
    "old for 13": (["jax_cuda13_plugin"], CUDA, KNOWN, "it knows CUDA 12.4, JAX here needs 13.0. Install driver 580"),
    "a card": (["jax_cuda12_plugin"], CUDA, KNOWN, None),
}


@pytest.mark.parametrize("name", CASES)
def test_what_keeps_a_card_from_being_used_is_a_sentence_with_a_remedy(machine, monkeypatch, name):
    plugins, folder, driver, words = CASES[name]
    machine(plugins, folder, driver)
    monkeypatch.setattr(hardware.jax, "local_devices", lambda backend: [NEW])
    if words is None:
        assert hardware.obstacles() == [] and devices.chosen("gpu").mesh.devices.flat[0] == NEW
        return
    with pytest.raises(UserError, match=f"--device: .*\n.* found cpu: .*{words}"):
        devices.mesh("gpu")
    monkeypatch.undo()
    machine(plugins, folder, driver)
    found = devices.chosen()
    assert found.mesh.devices.flat[0].platform == "cpu" and found.missing == bool(plugins)


def test_where_a_card_is_missing_the_program_says_so_and_runs_on_processors(machine):
    machine(*CASES["old"][:3])
    with pytest.warns(UserWarning, match="processors compute.*too old"):
        program = devices.program(walk().of_paths(10**10))
    assert program.forms[0].name == "loop" and "too old" in program.forms[0].why


def test_cards_that_the_environment_hides_are_no_fault(machine, monkeypatch):
    machine(*CASES["a card"][:3])
    assert hardware.cards_wanted() and hardware.visible_cards() == ["0"]
    for name, value in (("CUDA_VISIBLE_DEVICES", "-1"), ("JAX_PLATFORMS", "cpu")):
        monkeypatch.setenv(name, value)
        assert not hardware.cards_wanted()
        assert devices.chosen() == devices.Chosen(hardware.processors())
        with pytest.raises(UserError, match=f"{name} is '{value}'"):
            devices.mesh("gpu")
        monkeypatch.delenv(name)


def test_a_machine_without_the_package_that_launches_is_told_of_it(machine):
    machine(*CASES["a card"][:3], launcher="")
    (told,) = hardware.obstacles()
    assert "cuda.core, is not installed: pip install" in told


def test_all_that_stands_in_the_way_is_said_at_once(machine, monkeypatch):
    machine([], "dev", 0)
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    installed, shown, driver = hardware.obstacles()
    assert "is not installed" in installed and "leaves cards out" in shown and "no NVIDIA driver" in driver
    with pytest.raises(UserError, match="3 problems"):
        devices.mesh("gpu")


def test_under_windows_which_lists_no_card_one_is_seen(machine):
    machine(["jax_cuda12_plugin"], "dev/dxg", KNOWN)
    assert hardware.visible_cards() == ["0"]


def test_what_jax_says_of_a_card_that_it_cannot_start_is_told(machine, monkeypatch):
    machine(*CASES["a card"][:3])

    def none(backend):
        raise RuntimeError("Unable to initialize backend 'cuda': no devices\nand more")

    monkeypatch.setattr(hardware.jax, "local_devices", none)
    with pytest.raises(UserError, match=r"no card \(.*'cuda': no devices\)"):
        devices.mesh("gpu")


# ------------------------------------------------------------------------------- cards that start elsewhere first


@pytest.fixture
def asleep(machine, monkeypatch):
    """Puts a card in that JAX does not start by itself; another process that is to start it runs some lines instead."""

    def put_in(lines):
        machine(*CASES["a card"][:3])
        started, here = [], hardware.processors()
        monkeypatch.setattr(hardware, "_ASLEEP", [])
        monkeypatch.setattr(hardware, "_FAILED", [])
        monkeypatch.setattr(hardware, "_START", lines)
        monkeypatch.setattr(hardware, "clear_backends", lambda: started.append("anew"))
        update = jax.config.update

        def of_platforms(name, value):
            return started.append((name, value)) if name == "jax_platforms" else update(name, value)

        monkeypatch.setattr(hardware.jax.config, "update", of_platforms)
        monkeypatch.setattr(hardware.jax, "local_devices", lambda backend: started.append(backend) or [NEW])
        monkeypatch.setattr(hardware, "processors", lambda: here)
        monkeypatch.setattr(devices, "processors", lambda: here)
        hardware.keep_asleep()
        assert started == [("jax_platforms", "cpu")]
        started.clear()
        return started

    return put_in


def test_jax_starts_cards_once_another_process_has(asleep):
    started = asleep("pass")
    for _ in range(2):
        assert devices.chosen().mesh.devices.flat[0] == NEW
    assert started == [("jax_platforms", jax.config.jax_platforms), "anew", "cuda", "cuda"]


HANGS = "the start .*not ended.*restart"
DIES = "the start .*SIGBUS"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("import time; time.sleep(600)", HANGS),
        ("import os, signal; os.kill(os.getpid(), signal.SIGBUS)", DIES),
        ("raise SystemExit('no supported devices')", r"JAX .*\(no supported devices\).*nvidia-smi"),
    ],
    ids=["hangs", "dies", "fails"],
)
def test_a_card_that_does_not_start_elsewhere_is_not_started_here(asleep, monkeypatch, lines, words):
    started = asleep(lines)
    monkeypatch.setattr(hardware, "PATIENCE", 0.5 if words == HANGS else 60)
    with pytest.raises(UserError, match=f"found cpu: {words}"):
        devices.chosen("gpu")
    monkeypatch.setattr(hardware, "_START", "pass")  # it is not tried again
    found = devices.chosen()
    assert found.mesh.devices.flat[0].platform == "cpu" and found.missing
    with pytest.warns(UserWarning, match=f"processors compute, as {words}"):
        devices.program(walk().of_paths(10**10))
    assert started == []


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case[3] is not None])
def test_where_no_card_can_be_used_no_other_process_is_started(asleep, machine, monkeypatch, name):
    started = asleep("")
    machine(*CASES[name][:3])
    monkeypatch.setattr(hardware, "_start_apart", None)
    for kind in (None, "cpu"):
        assert devices.chosen(kind).mesh.devices.flat[0].platform == "cpu"
    assert started == []


RUNS = """
import sys, threading
import jax.numpy as jnp
from jax.extend.backend import register_backend_factory
from engine.program import devices, hardware

start, script = float(sys.argv.pop(1)), sys.argv.pop(1)
hangs = "sleep" in script

def card():
    if hangs:
        threading.Event().wait()
    raise RuntimeError("no card")

register_backend_factory("card", card, priority=300)
hardware._is_installed, hardware.obstacles = lambda name: True, lambda: []
hardware._START, hardware.PATIENCE, devices.START = script, 0.5 if hangs else 60, start
from engine.cli import main
from engine.execution.resources import take_every_core

take_every_core()
assert float(jnp.ones(3).sum()) == 3  # JAX has started
main(prog_name="rustbelt")
"""
SLEEPS = "import time; time.sleep(600)"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("start", "script", "words"),
    [("1e9", SLEEPS, ""), ("0", SLEEPS, HANGS), ("0", "pass", r"\(Unknown backend cuda")],
    ids=["small", "large", "without CUDA"],
)
def test_a_run_ends_whatever_a_driver_does(tmp_path, monkeypatch, start, script, words):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.delenv("JAX_PLATFORMS", raising=False)
    (tmp_path / "runs.py").write_text(RUNS)
    words_of_run = ["run", str(write(tmp_path, POND)), *own("Pond"), "--out", "out"]
    done = subprocess.run(
        [sys.executable, "-m", "runs", start, script, *words_of_run],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    assert ("processors compute" in done.stderr) == bool(words)
    assert re.search(words, done.stderr, re.DOTALL)


# ------------------------------------------------------------------------------- memory


def test_a_card_that_another_process_has_alone_is_named_with_the_remedy():
    held = "INTERNAL: CUDA error: CUDA_ERROR_DEVICE_UNAVAILABLE: CUDA-capable device(s) is/are busy or unavailable"
    assert "nvidia-smi -c 0" in in_words(held)


def test_lanes_follow_the_memory_of_the_smallest_card():
    row = row_of(Named(memory_limit=60 << 30), Named(memory_limit=1 << 30))
    assert hardware.memory(row) == 1 << 30
    assert devices.lanes_for(walk(), row) == 1 << 17
    assert devices.lanes_for(walk(), row_of(Named())) == devices.GPU_LANES


def test_futures_that_are_moved_are_computed_by_processors(tmp_path):
    study = walk()
    moved = replace(study, facts=Facts(until=0, policy=study.policy_names[0], held=lambda run: None))
    (form,) = program_on(moved, row_of(Named())).forms
    assert form.name == "loop" and "moved futures" in form.why
