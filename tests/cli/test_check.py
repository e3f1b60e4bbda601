"""`rustbelt check`: what a study asks and what it will take, on one screen or in full."""

import re

import pytest

from engine.cli.show import streams
from engine.formatting import rounded
from engine.program import precision
from engine.study.loading import load_model_file, load_study
from tests.small_files import BRIDGE, POND, call, own, write


@pytest.mark.slow
@pytest.mark.parametrize(
    "words", [("rustbelt", "--full"), pytest.param(("rustbelt_2016", "--full"), marks=pytest.mark.sweep), ("rustbelt",)]
)
def test_what_check_shows_fits_a_terminal_with_every_word_whole(monkeypatch, words):
    monkeypatch.setattr(streams.Screen, "is_terminal", True)
    pages = []
    for width in (80, 400):
        monkeypatch.setenv("COLUMNS", str(width))
        ended = call("check", *words)
        assert ended.exit_code == 0, ended.output
        pages.append(ended.stdout)
    narrow, wide = (re.sub(r"\x1b\[[0-9;]*m|\u2500+|(\d[\d.,]* [MGTE]B \w+)", "", page) for page in pages)
    assert max(map(len, narrow.splitlines())) <= 80
    assert not {*wide.split()} - {*narrow.split()}


def test_its_help_says_what_it_computes():
    said = " ".join(call("check", "--help").output.split())
    assert f"the first {precision.PATHS} futures" in said and "nothing" not in said.partition("Positional")[0]


def test_check_shows_what_is_asked_and_writes_nothing(tmp_path):
    study = write(tmp_path, POND)
    ended = call("check", study, *own("Pond"), "--out", tmp_path / "out", "--paths", "1_000_000", "--full")
    assert ended.exit_code == 0, ended.output
    assert "2016: 0.3, 2018: 0.4" in ended.stdout
    assert "inflow" in ended.stdout and "lognormal" in ended.stdout
    assert "1,000,000 in 8 blocks of 131,072" in ended.stdout
    assert "needed at most" in ended.stdout and "free" in ended.stdout
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("words", [["rustbelt"], ["POND", *own("Pond")]], ids=["shipped", "pond"])
def test_what_check_shows_fits_one_screen_and_says_where_the_rest_is(tmp_path, monkeypatch, words):
    monkeypatch.setattr(streams.Screen, "is_terminal", True)
    monkeypatch.setenv("COLUMNS", "80")
    if words[0] == "POND":
        words = [write(tmp_path, POND), *words[1:]]
    lines = call("check", *words).stdout.splitlines()
    assert len(lines) <= 24 and any("--full" in line for line in lines)
    said = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(lines))
    assert re.search(r"^The study has \d+ factor", said, re.MULTILINE) and "fingerprint" in said


CHALLENGED = """\
dire = { outcome = "lowest_stock", below = 1.0 }
[challenge]
claims = ["use worse than keep in dry", "use better than keep in ES99 of shortage"]
"""


def test_check_in_full_has_claims_in_words(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    study = write(tmp_path, POND.replace("[policies.keep]", '[policies.keep]\nlabel = "Keeping"') + CHALLENGED)
    said = re.sub(" +", " ", call("check", study, *own("Pond"), "--full").stdout)
    assert "use worse than keep in dry dry is likelier under use than under keeping" in said
    assert "the mean of shortage in the worst 1 % is lower under use than under keeping" in said


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
        ended = call("check", study, *words)
        assert ended.exit_code == 0, ended.output
        (line,) = (line for line in ended.stdout.splitlines() if line.startswith("program "))
        found[name] = line.removeprefix("program").strip()
    assert found["loop"].startswith("loop on ") and found["asked"].endswith("x cpu (as was asked)")
    assert found["open"].startswith("XLA on ") and "lanes have no form of while at open_loop.py:" in found["open"]


def test_check_shows_priors_asked_beside_fitted(tmp_path):
    study = write(tmp_path, BRIDGE)
    ended = call("check", study, *own("Bridge"), "--full")
    (row,) = (line for line in ended.stdout.splitlines() if line.startswith("load"))
    assert "p05 4 (4.04), p50 8 (7.83), p95 15 (15.2)" in row
    (load,) = (one for one in load_study(study, model=load_model_file(own("Bridge")[1])).inputs if one.name == "load")
    assert row.split()[-1] == rounded(float(load.marginal.mean()), None)


def test_check_names_groups_assumptions_and_readings_with_neither_a_label_nor_an_about(tmp_path):
    more = '[lever_groups]\nby_hand = ["release"]\n[assumptions.rain]\noff = { inflow = 1 }\n'
    more += '[challenge.readings.deep]\ninstead = { dry = "full" }\n'
    more += '[events.full]\noutcome = "lowest_stock"\nabove = 1\n'
    ended = call("check", write(tmp_path, POND + more), *own("Pond"))
    assert ended.exit_code == 0, ended.output
    shown = " ".join(ended.stdout.split())
    assert all(f": {name}" in shown for name in ("by_hand", "rain", "deep"))
    labelled = more.replace('["release"]', '{ label = "By hand", levers = ["release"] }')
    labelled = labelled.replace("off =", 'about = "it rains"\noff =').replace("instead =", 'label = "Deep"\ninstead =')
    shown = " ".join(call("check", write(tmp_path, POND + labelled), *own("Pond")).stdout.split())
    assert "lever groups" not in shown and "of the assumptions" not in shown and "labels" in shown
    assert "readings" not in shown


def test_check_calls_steps_by_their_unit(tmp_path):
    for unit, said in (("", "years 2016-2020"), (', unit = "week"', "weeks 2016-2020")):
        study = write(tmp_path, POND.replace("last = 2020", f"last = 2020{unit}"))
        assert said in call("check", study, *own("Pond")).stdout


def test_check_names_the_prior_that_misses_what_is_asked_most_if_there_is_one(tmp_path):
    missed = call("check", write(tmp_path, BRIDGE), *own("Bridge")).stdout
    assert "; the fit is worst for load: p05 4 (4.04)" in " ".join(missed.split())
    met = call("check", write(tmp_path, BRIDGE.replace("p50 = 8\n", "")), *own("Bridge")).stdout
    assert "1 prior is fitted to percentiles or moments, which the fitted laws meet" in met and "worst" not in met
