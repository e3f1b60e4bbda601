"""`rustbelt check --operations`: what a model is made of for the processor."""

import re

from engine.program.lowering.passes import OF_LIST, OF_STAGES
from tests.small_files import MODELS, POND, call, write

OF_POND = "--model", f"{MODELS}:Pond"
SORTED = """
import jax
from engine import Factor, Lever, Outcome, StaticModel


class Ranked(StaticModel):
    factors, levers = {"load": Factor("t")}, {"strength": Lever("t", default=1.0)}
    outcomes = {"damage": Outcome("t", loss=True)}

    def evaluate(self, factors, levers):
        return {"damage": jax.lax.while_loop(lambda x: x > 1, lambda x: x * 0.5, factors.load) + levers.strength}
"""
STUDY = """
name = "ranked"
run = { paths = 64 }
[factors]
load = { family = "uniform", low = 1, high = 2 }
[policies]
keep = {}
"""


def test_it_counts_what_a_future_takes_and_full_shows_every_operation(tmp_path):
    study = write(tmp_path, POND)
    brief, full = (call("check", study, *OF_POND, "--operations", *words) for words in ((), ("--full",)))
    assert brief.exit_code == full.exit_code == 0, brief.output + full.output
    assert int(re.match(r"A future .*?([\d,]+) operations", brief.stdout)[1].replace(",", "")) > 0
    for what in ("once for all paths", "once a path, for all policies", "under each policy", "each year"):
        assert what in brief.stdout
    *shown, command = brief.stdout.splitlines()
    assert "--operations --full" in command and max(map(len, shown)) <= 80
    assert re.search(r"^%\d+ = float32 \w+ %\d+", full.stdout, re.M)


def test_each_pass_has_a_line_by_its_name_in_their_order_and_the_last_leaves_what_is_done(tmp_path):
    shown = call("check", write(tmp_path, POND), *OF_POND, "--operations").stdout
    table = shown.partition("After each pass of the compiler")[2]
    names = [name for name, _ in (*OF_LIST, *OF_STAGES)]
    found = re.findall(rf"^({'|'.join(names)}) +([\d,]+)$", table, re.M)
    assert [name for name, _ in found] == names
    left = [int(number.replace(",", "")) for _, number in found]
    done = re.findall(r"^(?:once|under) .*?  ([\d,]+) +([\d,]+) +([\d,]+)$", shown, re.M)
    assert left == sorted(left, reverse=True)
    assert left[-1] == sum(int(number.replace(",", "")) for row in done for number in row) > 0


def test_a_model_without_a_list_is_told_what_has_none(tmp_path):
    (tmp_path / "ranked.py").write_text(SORTED)
    ended = call("check", write(tmp_path, STUDY), "--model", f"{tmp_path / 'ranked.py'}:Ranked", "--operations")
    assert ended.exit_code == 2
    assert "no form of: " in " ".join(ended.stderr.split())


def test_it_goes_without_other_questions_and_without_json(tmp_path):
    study = write(tmp_path, POND)
    for words in (("--gates",), ("--json",), ("--workers", "1")):
        assert call("check", study, *OF_POND, "--operations", *words).exit_code == 2
