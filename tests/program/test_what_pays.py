"""Which runs a card pays for: by the operations of a future, and by lists of cards that are made up."""

from dataclasses import dataclass

from engine.program import devices, hardware, programs
from engine.study.loading import load_model_file, load_study
from tests.program.simulated_driver import CUDA, KNOWN
from tests.program.test_state import study as state_of_every_type


@dataclass(frozen=True)
class Card:
    """What a card says of itself."""

    device_kind: str = "NVIDIA A100"
    compute_capability: str = "8.0"
    core_count: int = 108
    platform: str = "gpu"
    id: int = 0

    def memory_stats(self):
        return {}


NEW = Card()
CARD = ["jax_cuda12_plugin"], CUDA, KNOWN
OWN = """
import jax.numpy as jnp
from engine import Factor, Lever, Outcome, StaticModel

class Light(StaticModel):
    factors, levers = {"load": Factor("t")}, {"strength": Lever("t", default=1.0)}
    outcomes = {"damage": Outcome("t", loss=True)}
    rounds = 1

    def evaluate(self, factors, levers):
        damage = factors.load
        for _ in range(self.rounds):
            damage = jnp.exp(-damage) + levers.strength
        return {"damage": damage}

class Heavy(Light):
    rounds = 900
"""
STUDY = """
name = "own"
run = { paths = 1000, seed = 7 }
[factors.load]
family = "uniform"
low = 1
high = 2
[policies.plain]
"""


def test_small_runs_stay_on_processors_unless_a_card_is_asked_for(machine, monkeypatch):
    machine(*CARD)
    here = hardware.processors()
    monkeypatch.setattr(hardware, "processors", lambda: here)
    monkeypatch.setattr(devices, "processors", lambda: here)
    monkeypatch.setattr(hardware.jax, "local_devices", lambda backend: [NEW])
    monkeypatch.setattr(devices, "cores", lambda: [0, 1])
    few, many = load_study("rustbelt", paths=12_000_000), load_study("rustbelt", paths=13_000_000)
    chosen = devices.chosen(None, few)
    assert chosen.mesh == here and chosen.why.startswith("12,000,000 paths")
    for kind, study in ((None, many), ("gpu", few)):
        assert devices.chosen(kind, study).mesh.devices.flat[0] == NEW
    assert devices.chosen("cpu", many).mesh == here


def test_what_is_small_follows_from_the_operations_of_a_future(monkeypatch):
    monkeypatch.setattr(devices, "cores", lambda: [0])
    done = devices.START * devices.RATE
    for study in (load_study("warming"), state_of_every_type()):
        fits = int(done / programs.operations(study))
        assert devices.is_small(study.of_paths(fits - 1)) and not devices.is_small(study.of_paths(fits + 1))


def test_a_heavy_model_of_ones_own_goes_to_a_card_sooner_than_the_shipped_one_and_a_light_one_later(
    monkeypatch, tmp_path
):
    monkeypatch.setattr(devices, "cores", lambda: [0])
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "study.toml").write_text(STUDY)
    monkeypatch.setattr(programs, "compiled", lambda *_: None)
    bound = int(devices.START * 1e7)  # of futures of one year and one policy, were it the shipped model's
    for name, paths, is_small in (("Light", 2 * bound, True), ("Heavy", bound // 2, False)):
        model = load_model_file(f"{tmp_path / 'own.py'}:{name}")
        study = load_study(tmp_path / "study.toml", model=model, paths=paths)
        assert devices.is_small(study) == is_small


def test_a_study_without_lanes_goes_to_a_card_whatever_its_size(machine, monkeypatch):
    machine(*CARD)
    monkeypatch.setattr(hardware.jax, "local_devices", lambda backend: [NEW])
    assert devices.chosen(None, load_study("warming", program="xla")).mesh.devices.flat[0] == NEW
