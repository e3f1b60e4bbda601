"""`rustbelt check`: what a study asks and what it will take, on one screen or in full."""

import re

from engine.study.study import BLOCK
from tests.small_files import BRIDGE, POND, call, own, ran, write


def test_check_shows_what_is_asked_and_writes_nothing(tmp_path):
    study = write(tmp_path, POND)
    ended = ran("check", study, *own("Pond"), "--out", tmp_path / "out", "--paths", "1_000_000", "--full")
    assert "2016: 0.3, 2018: 0.4" in ended.stdout
    assert "inflow" in ended.stdout and "lognormal" in ended.stdout
    assert "1,000,000 in 8 blocks of 131,072" in ended.stdout
    assert "needed at most" in ended.stdout and "free" in ended.stdout
    assert not (tmp_path / "out").exists()


OPEN_LOOP = """
import jax
from tests.data.small_models import Bridge

class OpenLoop(Bridge):
    def evaluate(self, factors, levers):
        load = jax.lax.while_loop(lambda load: load > levers.strength, lambda load: load * 0.9, factors.load)
        return {"damage": factors.load - load, "margin": levers.strength - load}
"""


def test_check_says_which_form_the_program_gets_and_why(tmp_path):
    study, model = write(tmp_path, BRIDGE), tmp_path / "open_loop.py"
    model.write_text(OPEN_LOOP)
    found = {}
    for name, words in {
        "loop": own("Bridge"),
        "asked": [*own("Bridge"), "--program", "xla"],
        "open": ["--model", f"{model}:OpenLoop"],
    }.items():
        ended = ran("check", study, *words)
        (line,) = (line for line in ended.stdout.splitlines() if line.startswith("program "))
        found[name] = line.removeprefix("program").strip()
    assert found["loop"].startswith("loop on ") and found["asked"].endswith("x cpu (as was asked)")
    assert found["open"].startswith("XLA on ") and "lanes have no form of while at open_loop.py:" in found["open"]


def test_check_calls_steps_by_their_unit(tmp_path):
    for unit, said in (("", "years 2016-2020"), (', unit = "week"', "weeks 2016-2020")):
        study = write(tmp_path, POND.replace("last = 2020", f"last = 2020{unit}"))
        assert said in call("check", study, *own("Pond")).stdout


def test_the_command_says_what_many_workers_compute_and_refuses_what_cannot_be(tmp_path):
    words = ["check", write(tmp_path, BRIDGE), *own("Bridge"), "--out", tmp_path / "out", "--device", "cpu"]
    shown = ran(*words, "--paths", 40 * BLOCK, "--workers", 16)
    here, there = (int(text.replace(",", "")) for text in re.findall(r"([\d,]+) futures/s", shown.stdout))
    assert here > 0 and abs(there - 16 * here) <= 16
    assert "16, each like this machine" in shown.stdout and "loop on" in shown.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["study.toml"]  # measuring leaves nothing behind
    refused = call(*words, "--paths", "1e12", "--workers", 512)
    assert refused.exit_code == 2 and "on disk, and there are" in refused.stderr and "512, each" in refused.stdout
    assert "at least 1, got 0" in call(*words, "--workers", 0).stderr
