"""Which cards take part and what is said where none can: by lists of cards, drivers and folders that are made up."""

import re
import subprocess
import sys
from dataclasses import replace

import jax
import pytest

from engine.errors import UserError
from engine.program.running import devices, first_launch, hardware
from engine.program.running.contract import CardFailed, in_words
from engine.program.running.kernel import program_on
from engine.study.tables.facts import Facts
from tests.program.simulated_card import Named, row_of
from tests.program.simulated_driver import CUDA, Driver
from tests.program.test_state import study as state_of_every_type
from tests.small_files import POND, own, write

OLD, NEW = Named("NVIDIA T400", "7.5", 6), Named("NVIDIA A100", "8.0", 108)


def names(cards):
    return [card.device_kind for card in cards]


def test_a_mesh_is_of_one_kind_of_card_the_most_that_there_are():
    chosen, left_out = hardware.of_one_kind([OLD, NEW, OLD])
    assert names(chosen) == ["NVIDIA T400"] * 2
    assert "1 x NVIDIA A100" in left_out and "T400" not in left_out
    assert hardware.of_one_kind([NEW, NEW]) == ([NEW, NEW], "")


def test_of_as_many_cards_the_more_capable_are_taken_then_the_larger_then_the_first():
    assert names(hardware.of_one_kind([OLD, NEW])[0]) == ["NVIDIA A100"]
    small, large = Named("NVIDIA RTX 4070", "8.9", 46), Named("NVIDIA RTX 4090", "8.9", 128)
    assert names(hardware.of_one_kind([small, large])[0]) == ["NVIDIA RTX 4090"]
    same = Named("NVIDIA RTX 4090 D", "8.9", 128)
    assert names(hardware.of_one_kind([same, large])[0]) == ["NVIDIA RTX 4090 D"]


def test_a_capability_that_a_card_does_not_say_is_the_oldest():
    assert [hardware.capability(card) for card in (OLD, NEW, object())] == [7.5, 8.0, hardware.OLDEST]


# ------------------------------------------------------------------------------- what stands in the way


CASES = {
    "nothing is installed": ([], CUDA, Driver(), "not installed: pip install"),
    "ROCm": (["jax_rocm7_plugin"], "dev/kfd", None, "AMD's .ROCm.,.*NVIDIA's"),
    "ROCm without JAX": ([], "dev/kfd", None, "AMD's .ROCm."),
    "no driver": (["jax_cuda12_plugin"], "dev", None, "no NVIDIA driver"),
    "a container": (["jax_cuda12_plugin"], CUDA, None, "no libcuda.so.1.*--gpus all"),
    "WSL2 without": (["jax_cuda12_plugin"], "dev/dxg", None, "WSL2 .*in Windows"),
    "old": (["jax_cuda12_plugin"], CUDA, Driver(11_040), "CUDA 11.4,.* 12.0. .*driver 525"),
    "old for 13": (
        ["jax_cuda13_plugin"],
        CUDA,
        Driver(),
        "it knows CUDA 12.4, JAX here needs 13.0. Install driver 580",
    ),
    "WSL2": (["jax_cuda12_plugin"], "dev/dxg", Driver(), None),
    "a card": (["jax_cuda12_plugin"], CUDA, Driver(), None),
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
        program = devices.program(state_of_every_type_of(10**10))
    assert program.forms[0].name == "loop" and "too old" in program.forms[0].why


def state_of_every_type_of(paths):
    return state_of_every_type().of_paths(paths)


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


def test_a_driver_says_its_version_and_the_cuda_that_it_knows(machine, tmp_path):
    machine([], "proc/driver/nvidia", Driver())
    assert hardware.driver().endswith(", CUDA 12.4") and not re.match(r"\d", hardware.driver())
    (tmp_path / "proc/driver/nvidia/version").write_text(
        "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build\nGCC version: 13"
    )
    assert hardware.driver() == "580.65.06, CUDA 12.4"


def test_all_that_stands_in_the_way_is_said_at_once(machine, monkeypatch):
    machine([], "dev", None)
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    installed, shown, driver = hardware.obstacles()
    assert "is not installed" in installed and "leaves cards out" in shown and "no NVIDIA driver" in driver
    with pytest.raises(UserError, match="3 problems"):
        devices.mesh("gpu")


def test_under_windows_cards_are_counted_by_the_driver(machine):
    machine(["jax_cuda12_plugin"], "dev/dxg", Driver(count=2))
    assert hardware.visible_cards() == ["0", "1"]


def test_what_jax_says_of_a_card_that_it_cannot_start_is_told(machine, monkeypatch):
    machine(*CASES["a card"][:3])

    def none(backend):
        raise RuntimeError("Unable to initialize backend 'cuda': no devices\nand more")

    monkeypatch.setattr(hardware.jax, "local_devices", none)
    with pytest.raises(UserError, match=r"no card \(.*'cuda': no devices\)"):
        devices.mesh("gpu")


# ------------------------------------------------------------------------------- cards that start elsewhere first


@pytest.fixture
def asleep(machine, monkeypatch, tmp_path):
    """Puts a card in that JAX does not start by itself; another process that is to start it runs some lines instead."""

    def put_in(lines):
        machine(*CASES["a card"][:3])
        started, here = [], hardware.processors()
        monkeypatch.setattr(hardware, "_ASLEEP", [])
        monkeypatch.setattr(hardware, "_FAILED", [])
        monkeypatch.setattr(hardware, "_MODULE", "starts")
        monkeypatch.setattr(hardware, "clear_backends", lambda: started.append("anew"))
        update = jax.config.update

        def of_platforms(name, value):
            return started.append((name, value)) if name == "jax_platforms" else update(name, value)

        monkeypatch.setattr(hardware.jax.config, "update", of_platforms)
        monkeypatch.setattr(hardware.jax, "local_devices", lambda backend: started.append(backend) or [NEW])
        monkeypatch.setattr(hardware, "processors", lambda: here)
        monkeypatch.setattr(devices, "processors", lambda: here)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        (tmp_path / "starts.py").write_text(lines)
        hardware.keep_asleep()
        assert started == [("jax_platforms", "cpu")]
        started.clear()
        return started

    return put_in


ANSWERS = "from engine.program.running import child_process\nchild_process.answer(lambda _: {!r}, 60)\n"


@pytest.mark.slow
def test_jax_starts_cards_once_another_process_has(asleep):
    started = asleep(ANSWERS.format(b"started"))
    for _ in range(2):
        assert devices.chosen().mesh.devices.flat[0] == NEW
    assert started == [("jax_platforms", None), "anew", "cuda", "cuda"]


HANGS = "the start .*not ended.*restart"
DIES = "the start .*SIGBUS"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("import time; time.sleep(600)", HANGS),
        ("import os, signal; os.kill(os.getpid(), signal.SIGBUS)", DIES),
        (ANSWERS.format(b"no supported devices"), r"JAX .*\(no supported devices\).*nvidia-smi"),
    ],
    ids=["hangs", "dies", "fails"],
)
def test_a_card_that_does_not_start_elsewhere_is_not_started_here(asleep, monkeypatch, lines, words):
    started = asleep(lines)
    monkeypatch.setattr(hardware, "PATIENCE", 0.5 if words == HANGS else 60)
    with pytest.raises(UserError, match=f"found cpu: {words}"):
        devices.chosen("gpu")
    monkeypatch.setattr(hardware, "_MODULE", "nothing")  # it is not tried again
    found = devices.chosen()
    assert found.mesh.devices.flat[0].platform == "cpu" and found.missing
    with pytest.warns(UserWarning, match=f"processors compute, as {words}"):
        devices.program(state_of_every_type_of(10**10))
    assert started == []


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case[3] is not None])
def test_where_no_card_can_be_used_no_other_process_is_started(asleep, machine, monkeypatch, name):
    started = asleep("")
    machine(*CASES[name][:3])
    monkeypatch.setattr(hardware.child_process, "answered", None)
    for kind in (None, "cpu"):
        assert devices.chosen(kind).mesh.devices.flat[0].platform == "cpu"
    assert started == []


def test_jax_is_left_alone_where_it_is_not_made_for_cards(machine):
    machine([], CUDA, Driver())
    hardware.keep_asleep()
    assert hardware._ASLEEP == [] and jax.config.jax_platforms is None


RUNS = """
import sys, threading
import jax.numpy as jnp
from jax.extend.backend import register_backend_factory
from engine.program.running import devices, first_launch, hardware, kernel
from engine.program.running.contract import CardFailed, in_words

start, hardware._MODULE = float(sys.argv.pop(1)), sys.argv.pop(1)

def card():
    if hardware._MODULE == "hangs":
        threading.Event().wait()
    raise RuntimeError("no card")

register_backend_factory("card", card, priority=300)
hardware._installed, hardware.obstacles = lambda names: [*names], lambda: []
hardware.PATIENCE, devices.START = 0.5 if hardware._MODULE == "hangs" else 60, start
from engine.cli import main
from engine.execution.resources import take_every_core

take_every_core()
assert float(jnp.ones(3).sum()) == 3  # JAX has started
main(prog_name="rustbelt")
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("start", "module", "words"),
    [("1e9", "hangs", ""), ("0", "hangs", HANGS), ("0", "starts", r"\(Unknown backend cuda")],
    ids=["small", "large", "without CUDA"],
)
def test_a_run_ends_whatever_a_driver_does(tmp_path, monkeypatch, start, module, words):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.delenv("JAX_PLATFORMS", raising=False)
    (tmp_path / "hangs.py").write_text("import time; time.sleep(600)")
    (tmp_path / "starts.py").write_text(ANSWERS.format(b"started"))
    (tmp_path / "runs.py").write_text(RUNS)
    words_of_run = ["run", str(write(tmp_path, POND)), *own("Pond"), "--out", "out"]
    done = subprocess.run(
        [sys.executable, "-m", "runs", start, module, *words_of_run],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    assert ("processors compute" in done.stderr) == bool(words)
    assert re.search(words, done.stderr, re.DOTALL)


# ------------------------------------------------------------------------------- memory


def test_a_card_that_lets_one_process_in_is_named_before_another_is_tried(machine, monkeypatch):
    driver = Driver()
    machine(["jax_cuda12_plugin"], CUDA, driver)
    monkeypatch.setattr(first_launch.child_process, "answered", None)
    row = row_of(Named(), Named(id=1, local_hardware_id=1))
    hardware.refuse_exclusive(row)
    driver.exclusive = [1]
    with pytest.raises(CardFailed, match=r"EXCLUSIVE_PROCESS.*nvidia-smi -c 0"):
        first_launch.ends_apart(None, "", row, [], [])
    driver.silent = True
    hardware.refuse_exclusive(row)
    machine([], CUDA, None)
    hardware.refuse_exclusive(row)
    held = "INTERNAL: CUDA error: CUDA_ERROR_DEVICE_UNAVAILABLE: CUDA-capable device(s) is/are busy or unavailable"
    assert "nvidia-smi -c 0" in in_words(held)


def test_lanes_follow_the_memory_that_is_free_on_the_fullest_card(machine):
    study, driver = state_of_every_type(), Driver()
    machine(["jax_cuda12_plugin"], CUDA, driver)
    row = row_of(Named(memory_limit=60 << 30), Named(memory_limit=6 << 30))
    assert hardware.memory(row) == 6 << 30
    assert devices.lanes_for(study, row) == 1 << 18
    driver.free = 1 << 30
    assert hardware.memory(row) == 1 << 30 and driver.held == 0
    assert devices.lanes_for(study, row) == 1 << 16
    assert devices.lanes_for(study, row_of(Named())) == 1 << 16
    driver.free = 1 << 40
    assert devices.lanes_for(study, row_of(Named())) == devices.GPU_LANES


def test_futures_that_are_moved_are_computed_by_processors(tmp_path):
    study = state_of_every_type()
    moved = replace(study, facts=Facts(0, study.policy_names[0], lambda run: None))
    (form,) = program_on(moved, row_of(Named())).forms
    assert form.name == "loop" and "moved futures" in form.why
