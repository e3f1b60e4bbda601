"""`rustbelt check --device gpu --self-test`: with a card that processors stand in for, right, wrong or broken, and without one."""

import re
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
from jax.sharding import Mesh

from engine.program import card_needs, card_test, devices, gpu
from engine.program.devices import mesh
from engine.program.kernel import program_on
from engine.program.xla import AXIS
from engine.study.study import BLOCK, Block
from tests.helpers import assert_same
from tests.program.test_ptx import STUDIES
from tests.small_files import BRIDGE, call, own, write

WORDS = ("--device", "gpu", "--self-test")


@dataclass(frozen=True)
class Card:
    """What a card says of itself."""

    compute_capability: str = "9.0"
    device_kind: str = "NVIDIA H100"
    platform: str = "gpu"
    process_index: int = 0
    local_hardware_id: int = 0
    id: int = 0

    @property
    def client(self) -> SimpleNamespace:
        return SimpleNamespace(platform="cuda")

    def memory_stats(self) -> dict[str, int]:
        return {"bytes_limit": 64 << 30}


def row_of(*cards: Card) -> Mesh:
    return Mesh(np.array(cards), (AXIS,))


@pytest.fixture
def card(monkeypatch):
    """A function that puts two cards into this machine, which give the processors' outcomes after a change."""

    def put_in(change) -> None:
        studies = []

        def on_mesh(layout, text, cards):
            host = program_on(studies[-1], mesh("cpu"))

            def launch(counters, *held):
                firsts = [(int(low) + (int(high) << 32)) * layout.group for low, high in counters]
                blocks = [Block(0, first, layout.lanes) for first in firsts]
                return np.stack(
                    [change(block, host.collect(block, host.submit(block)).outcomes) for block in blocks]
                )

            return launch

        def kernel(study, lanes, target, of=card_test.kernel):
            studies.append(study)
            return of(study, lanes, target)

        of_kind = devices.mesh
        cards = row_of(Card(id=0), Card(id=1))
        monkeypatch.setattr(card_needs, "missing", lambda: [])
        monkeypatch.setattr(card_test, "kernel", kernel)
        monkeypatch.setattr(card_test, "ROUNDS", 1)
        monkeypatch.setattr(devices, "mesh", lambda kind=None: cards if kind == "gpu" else of_kind(kind))
        monkeypatch.setattr(devices, "GPU_LANES", 2 * BLOCK)
        monkeypatch.setattr(gpu, "on_mesh", on_mesh)

    return put_in


def block_of(tmp_path) -> tuple[int, dict[str, list[str]], str]:
    """Exit code, texts by label, and what is said beside them, of a small study's test."""
    ended = call("check", write(tmp_path, BRIDGE), *own("Bridge"), *WORDS)
    found: dict[str, list[str]] = {}
    for line in ended.stdout.splitlines():
        label, text = line.split(maxsplit=1)
        found.setdefault(label, []).append(text)
    return ended.exit_code, found, ended.stderr


def test_a_card_with_the_processors_words_passes_with_its_rates(card, tmp_path):
    card(lambda block, outcomes: outcomes)
    code, found, said = block_of(tmp_path)
    assert (code, said) == (0, "")
    assert found["cards"] == ["2 x NVIDIA H100 (capability 9.0)"]
    assert found["form"] == ["kernel on 2 x NVIDIA H100 (capability 9.0)"]
    # three launches, two cards, both ends, two policies, two outcomes
    assert found["words"] == [f"{3 * 2 * 2 * card_test.COMPARED * 2 * 2:,} compared, none differs"]
    assert [re.search(r", ([\d,]+) a launch", line)[1] for line in found["kernel"]] == ["131,072", "262,144"]
    assert "68.7 GB on each card" in found["memory"][0]
    assert set(found) == {
        "versions", "driver", "cards", "memory", "program", "loop", "writer", "tables", "words", "kernel", "copy", "form",
    }  # fmt: skip


def test_the_first_word_that_differs_is_named_however_late_it_comes(card, tmp_path):
    def change(block: Block, outcomes: np.ndarray) -> np.ndarray:
        changed = outcomes.copy()
        if block.first > 1 << 32:
            changed[1, 0, -1] = np.nextafter(changed[1, 0, -1], np.float32(np.inf))
        return changed

    card(change)
    code, found, said = block_of(tmp_path)
    assert code == 1
    first = re.search(r"compared, damage of path ([\d,]+) under strong is", found["words"][0])
    assert int(first[1].replace(",", "")) > 1 << 32
    assert found["form"] == [
        f"one loop on {devices.os.cpu_count()} processors, as the card gives other words"
    ]
    assert "kernel" not in found and "damage of path" in said


def test_a_card_that_fails_is_named_with_what_it_says(card, tmp_path):
    def fail(block: Block, outcomes: np.ndarray) -> np.ndarray:
        raise RuntimeError("CUDA_ERROR_ILLEGAL_ADDRESS\nand more")

    card(fail)
    code, found, said = block_of(tmp_path)
    assert code == 1 and "RuntimeError: CUDA_ERROR_ILLEGAL_ADDRESS" in said and "and more" not in said
    assert "as the card fails" in found["form"][0] and found["loop"]


def test_without_a_card_all_that_is_missing_is_said_and_all_else_is_found(monkeypatch, tmp_path):
    monkeypatch.setattr(card_needs, "_ROOT", tmp_path)
    monkeypatch.setattr(card_needs, "_PLUGINS", ())
    monkeypatch.setattr(card_needs, "_has_driver", lambda: False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    code, found, said = block_of(tmp_path)
    assert code == 2
    assert said.splitlines()[0] == "--device gpu: 5 problems"
    for what in (
        "is not installed",
        "no NVIDIA driver",
        "no card is in sight",
        "is '-1', which hides",
        "is 'cpu', which leaves",
    ):
        assert what in said
    assert found["cards"] == found["driver"] == ["none"]
    assert set(found) == {
        "versions",
        "driver",
        "cards",
        "memory",
        "program",
        "loop",
        "writer",
        "tables",
        "form",
    }
    assert "for sm_90" in found["program"][0]


def test_where_nothing_is_missing_and_jax_finds_no_card_it_is_heard(monkeypatch, tmp_path):
    monkeypatch.setattr(card_needs, "missing", lambda: [])
    code, found, said = block_of(tmp_path)
    assert code == 2 and "expected a gpu device, found cpu" in said
    assert found["cards"] == ["none"] and found["loop"]


def test_what_is_there_is_not_missing(monkeypatch, tmp_path):
    monkeypatch.setattr(card_needs, "_ROOT", tmp_path)
    monkeypatch.setattr(card_needs, "_PLUGINS", ("jax",))
    monkeypatch.setattr(card_needs, "_has_driver", lambda: True)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setenv("JAX_PLATFORMS", "cuda,cpu")
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/nvidia0").touch()
    assert card_needs.missing() == []
    assert card_needs.driver() == "of a version that it does not say"
    (tmp_path / "proc/driver/nvidia").mkdir(parents=True)
    file = tmp_path / "proc/driver/nvidia/version"
    file.write_text(
        "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build\nGCC version: 13"
    )
    assert card_needs.driver() == "580.65.06"


def test_a_program_is_told_by_its_text_and_written_for_the_oldest_card():
    study = STUDIES["static"]()
    one = card_test.kernel(study, BLOCK, "sm_90")
    assert one.digest == card_test.kernel(study, BLOCK, "sm_90").digest
    assert one.digest != card_test.kernel(study, 2 * BLOCK, "sm_90").digest
    cards = [Card("8.9"), Card("12.0"), Card("7.5")]
    assert_same(
        [card_test.target(row_of(*cards[:count])) for count in (1, 2, 3)], ["sm_89", "sm_89", "sm_75"]
    )
    assert card_test.target(row_of(cards[1])) == card_test.target(None) == "sm_90"


def test_a_model_without_a_kernel_is_refused_with_what_is_missing(tmp_path):
    model = tmp_path / "open_loop.py"
    model.write_text(
        "import jax\nfrom tests.data.small_models import Bridge\nclass OpenLoop(Bridge):\n    def evaluate(self, factors, levers):\n"
        "        load = jax.lax.while_loop(lambda load: load > levers.strength, lambda load: load * 0.9, factors.load)\n"
        "        return {'damage': factors.load - load, 'margin': levers.strength - load}\n"
    )
    ended = call("check", write(tmp_path, BRIDGE), "--model", f"{model}:OpenLoop", *WORDS)
    assert ended.exit_code == 2 and "a card has no form of while" in ended.stderr


def test_the_test_goes_with_cards_and_without_other_questions(tmp_path):
    study = write(tmp_path, BRIDGE)
    for words, said in (
        (("--self-test", "--device", "cpu"), "--self-test goes with --device gpu."),
        (("--self-test", "--gates"), "--gates goes without --self-test."),
        (("--self-test", "--workers", "2"), "--self-test goes without --workers."),
        (("--self-test", "--json"), "--json goes with --gates, --constants or --for."),
    ):
        ended = call("check", study, *own("Bridge"), *words)
        assert ended.exit_code == 2 and said in ended.stderr
    assert "Missing argument 'STUDY'" in call("check").stderr


@pytest.mark.slow
def test_the_shipped_study_is_tested_where_none_is_named():
    ended = call("check", *WORDS)
    assert re.search(r"^program +rustbelt \w+, PTX \w{16} for sm_90", ended.stdout, re.MULTILINE)
