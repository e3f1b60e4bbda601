"""`rustbelt check --device gpu --self-test`: with a card that processors stand in for, right, wrong or broken, and
without one.
"""

import re
from types import SimpleNamespace

import numpy as np
import pytest

from engine.program.emitting import ptx
from engine.program.running import card_test, devices, first_launch, gpu, hardware
from engine.program.running.contract import CardFailed
from engine.program.running.devices import mesh
from engine.program.running.kernel import program_on
from engine.study.study import BLOCK, Block
from tests.program.simulated_card import Hangs, Named
from tests.small_files import BRIDGE, call, own, write

WORDS = ("--device", "gpu", "--self-test")
TWO = Named(id=0), Named(id=1)
ON_PROCESSORS = f"loop on {mesh('cpu').devices.size} x cpu"


@pytest.fixture
def card(monkeypatch):
    """A function that puts two cards into this machine, which give the processors' outcomes after a change."""

    def put_in(change, row=TWO, left_out="") -> None:
        studies = []

        def on_mesh(layout, text, cards):
            host = program_on(studies[-1], mesh("cpu"))

            def launch(counters, *held):
                firsts = [(int(low) + (int(high) << 32)) * layout.group for low, high in counters]
                blocks = [Block(0, first, layout.lanes) for first in firsts]
                return np.stack([change(block, host.submit(block).of(block)) for block in blocks])

            return launch

        def kernel(study, lanes, target, of=card_test.kernel):
            studies.append(study)
            return of(study, lanes, target)

        monkeypatch.setattr(card_test, "kernel", kernel)
        monkeypatch.setattr(card_test, "ROUNDS", 1)
        monkeypatch.setattr(hardware, "cards", lambda: ([*row], left_out))
        monkeypatch.setattr(devices, "GPU_LANES", 2 * BLOCK)
        monkeypatch.setattr(first_launch, "ends_apart", apart)
        monkeypatch.setattr(gpu, "on_mesh", on_mesh)
        monkeypatch.setattr(gpu, "atexit", SimpleNamespace(register=lambda *_: None))

    return put_in


def apart(*given: object) -> np.ndarray:
    """As `first_launch.ends_apart`, by this process."""
    return gpu.in_time(lambda: first_launch.ends_here(*given), 60)


def block_of(tmp_path, *words: str) -> tuple[int, dict[str, list[str]], str]:
    """Exit code, texts by label, and what is said beside them, of a small study's test."""
    ended = call("check", write(tmp_path, BRIDGE), *own("Bridge"), *WORDS, *words)
    found: dict[str, list[str]] = {}
    for line in ended.stdout.splitlines():
        label, text = line.split(maxsplit=1)
        found.setdefault(label, []).append(text)
    return ended.exit_code, found, ended.stderr


def unchanged(block: Block, outcomes: np.ndarray) -> np.ndarray:
    return outcomes


def test_a_card_with_the_processors_words_passes_with_its_rates(card, tmp_path):
    card(unchanged, left_out="a run takes cards of one kind: 1 x NVIDIA T400 left out")
    code, found, said = block_of(tmp_path)
    assert (code, said) == (0, "")
    left_out = "a run takes cards of one kind: 1 x NVIDIA T400 left out"
    assert found["cards"] == [f"2 x NVIDIA H100 (capability 9.0); {left_out}"]
    assert found["form"] == [f"kernel on 2 x NVIDIA H100 ({left_out})"]
    # three launches, two cards, both ends, two policies, two outcomes
    assert found["words"] == [f"{3 * 2 * 2 * first_launch.COMPARED * 2 * 2:,} compared, none differs"]
    assert [re.search(r", ([\d,]+) a launch", line)[1] for line in found["kernel"]] == ["131,072", "262,144"]
    assert "68.7 GB" in found["memory"][0]
    assert set(found) == {
        "versions",
        "driver",
        "cards",
        "memory",
        "program",
        "loop",
        "writer",
        "tables",
        "words",
        "kernel",
        "copy",
        "form",
    }


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
    assert found["form"] == [f"{ON_PROCESSORS} (the card failed)"]
    assert "kernel" not in found and "damage of path" in said


def test_a_card_that_fails_is_named_with_what_it_says(card, tmp_path):
    def fail(block: Block, outcomes: np.ndarray) -> np.ndarray:
        raise RuntimeError("CUDA_ERROR_ILLEGAL_ADDRESS\nand more")

    card(fail)
    code, found, said = block_of(tmp_path)
    assert code == 1 and "RuntimeError: CUDA_ERROR_ILLEGAL_ADDRESS" in said and "and more" not in said
    assert found["form"] == [f"{ON_PROCESSORS} (the card failed)"] and found["loop"]


@pytest.mark.parametrize("at", ["trial", "rates"])
def test_a_card_that_hangs_ends_the_test_which_says_so(card, monkeypatch, tmp_path, at):
    def never(*_: object) -> np.ndarray:
        raise CardFailed("its first launch had not ended after 180 s")

    def rates(*kernel: object, seconds=card_test.seconds) -> tuple[float, float]:
        monkeypatch.setattr(gpu, "on_mesh", lambda *_: lambda *_: Hangs())
        return seconds(*kernel)

    card(unchanged)
    if at == "trial":
        monkeypatch.setattr(first_launch, "ends_apart", never)
    else:
        monkeypatch.setattr(gpu, "FIRST", 0.2)
        monkeypatch.setattr(card_test, "seconds", rates)
    code, found, said = block_of(tmp_path)
    assert code == 1 and ("not ended after" if at == "trial" else "not come back") in said
    assert found["form"] == [f"{ON_PROCESSORS} (the card failed)"]
    assert ("words" in found) == (at == "rates") and "kernel" not in found


def test_a_card_that_is_too_old_is_named_and_is_no_fault_of_ours(card, tmp_path):
    card(unchanged, (Named("NVIDIA GeForce GTX 1080", "6.1"),))
    code, found, said = block_of(tmp_path)
    assert code == 2 and all(word in said for word in ("GTX 1080", "6.1", "7.5"))
    assert found["cards"] == ["none"] and found["loop"]


def test_a_study_that_asks_for_xla_is_not_said_to_have_a_kernel(card, tmp_path):
    card(unchanged)
    code, found, said = block_of(tmp_path, "--program", "xla")
    assert code == 2 and found["form"][0].startswith("XLA's")
    assert "one loop" in said
    assert not {"program", "words", "kernel"} & set(found)


def test_without_a_card_all_that_is_missing_is_said_and_all_else_is_found(monkeypatch, tmp_path):
    monkeypatch.setattr(hardware, "_ROOT", tmp_path)
    monkeypatch.setattr(hardware, "_PLUGINS", {})
    monkeypatch.setattr(hardware, "_ROCM", ())
    monkeypatch.setattr(hardware, "_driver", lambda: None)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    code, found, said = block_of(tmp_path)
    assert code == 2
    assert said.splitlines()[0] == "--device: 3 problems"
    for what in ("is not installed", "no NVIDIA driver", "is '-1', which shows no card"):
        assert what in said
    assert found["cards"] == found["driver"] == ["none"]
    assert found["form"][0].startswith(f"{ON_PROCESSORS} (") and "no card" in found["form"][0]
    assert set(found) == {
        "versions", "driver", "cards", "memory", "program", "loop", "writer", "tables", "form",
    }  # fmt: skip
    assert f"for {ptx.NEWEST}," in found["program"][0]


def test_where_nothing_is_missing_and_jax_finds_no_card_it_is_heard(monkeypatch, tmp_path):
    monkeypatch.setattr(hardware, "obstacles", lambda: [])
    code, found, said = block_of(tmp_path)
    assert code == 2 and "found cpu" in said
    assert found["cards"] == ["none"] and found["loop"]


def test_a_model_without_a_kernel_is_refused_with_what_is_missing(tmp_path):
    model = tmp_path / "open_loop.py"
    model.write_text(
        "import jax\nfrom tests.data.small_models import Bridge\nclass OpenLoop(Bridge):\n    def evaluate(self,"
        " factors, levers):\n        load = jax.lax.while_loop(lambda load: load > levers.strength, lambda load: load *"
        " 0.9, factors.load)\n        return {'damage': factors.load - load, 'margin': levers.strength - load}\n"
    )
    ended = call("check", write(tmp_path, BRIDGE), "--model", f"{model}:OpenLoop", *WORDS)
    assert ended.exit_code == 2 and "form of: while" in ended.stderr


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
