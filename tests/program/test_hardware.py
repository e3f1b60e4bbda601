"""Which cards take part and what is said where none can: by lists of cards, drivers and folders that are made up."""

import jax
import pytest

from engine.errors import UserError
from engine.program import devices, hardware
from tests.program.simulated_card import Named, row_of
from tests.program.simulated_driver import CUDA, KNOWN
from tests.shock_study import walk

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


# ------------------------------------------------------------------------------- memory


def test_lanes_follow_the_memory_of_the_smallest_card():
    row = row_of(Named(memory_limit=60 << 30), Named(memory_limit=1 << 30))
    assert hardware.memory(row) == 1 << 30
    assert devices.lanes_for(walk(), row) == 1 << 17
    assert devices.lanes_for(walk(), row_of(Named())) == devices.GPU_LANES
