"""Which runs a card pays for: by the operations of a future, and by lists of cards that are made up."""

from engine.program import devices, hardware, programs
from engine.study.loading import load_study
from tests.program.simulated_card import Named
from tests.program.simulated_driver import CUDA, KNOWN
from tests.program.test_state import study as state_of_every_type

NEW = Named("NVIDIA A100", "8.0", 108)
CARD = ["jax_cuda12_plugin"], CUDA, KNOWN


def test_small_runs_stay_on_processors_unless_a_card_is_asked_for(machine, monkeypatch):
    machine(*CARD)
    here = hardware.processors()
    monkeypatch.setattr(hardware, "processors", lambda: here)
    monkeypatch.setattr(devices, "processors", lambda: here)
    monkeypatch.setattr(hardware.jax, "local_devices", lambda backend: [NEW])
    monkeypatch.setattr(devices, "cores", lambda: [0, 1])
    few, many = load_study("rustbelt", paths=11_500_000), load_study("rustbelt", paths=12_500_000)
    chosen = devices.chosen(None, few)
    assert chosen.mesh == here and chosen.why.startswith("11,500,000 paths")
    for kind, study in ((None, many), ("gpu", few)):
        assert devices.chosen(kind, study).mesh.devices.flat[0] == NEW
    assert devices.chosen("cpu", many).mesh == here


def test_what_is_small_follows_from_the_operations_of_a_future(monkeypatch):
    monkeypatch.setattr(devices, "cores", lambda: [0])
    done = devices.START * devices.RATE
    for study in (load_study("warming"), state_of_every_type()):
        fits = int(done / programs.operations(study))
        assert devices.is_small(study.of_paths(fits - 1)) and not devices.is_small(study.of_paths(fits + 1))


def test_a_study_without_lanes_goes_to_a_card_whatever_its_size(machine, monkeypatch):
    machine(*CARD)
    monkeypatch.setattr(hardware.jax, "local_devices", lambda backend: [NEW])
    assert devices.chosen(None, load_study("warming", program="xla")).mesh.devices.flat[0] == NEW
