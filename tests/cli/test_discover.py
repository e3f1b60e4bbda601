"""`rustbelt discover`: what it prints and writes, its JSON, and what it refuses."""

import json

import pytest

from engine.answers.answer import Answer
from engine.run_folder import answer_store
from tests.small_files import BRIDGE, call, damages, own, write

WHERE = "collapse under weak and weak worse than strong in damage"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The run of a bridge, asked for boxes."""
    place = tmp_path_factory.mktemp("discover")
    study = write(place, BRIDGE)
    ended = call("run", study, *own("Bridge"), "--out", place / "run", "--quiet")
    assert ended.exit_code == 0, ended.output
    return place / "run"


@pytest.fixture(scope="module")
def printed(folder):
    ended = call("discover", folder, *own("Bridge"), "--where", WHERE, "--full")
    assert ended.exit_code == 0, ended.output
    return ended.stdout


def test_the_first_sentence_says_the_finding_and_every_box_its_limits(folder, printed):
    first = " ".join(printed.split("\n\n")[0].split())
    answer = Answer.of_tree(answer_store.read(folder, "discover"))
    (futures,) = answer["futures"].rows()
    limits = [(row["box"], row["factor"], row["low"] > 10) for row in answer["limits"].rows()]
    assert limits == [("box 1", "load", True)] and futures["judged_on"] == 2000
    assert "box 1" in printed and "load" in printed and first.startswith(answer.finding)
    assert answer.asked == {"where": WHERE} and answer.basis in first
    assert damages(folder, *own("Bridge")) == []


def test_json_has_a_record_a_box_and_a_restriction(folder):
    ended = call("discover", folder, *own("Bridge"), "--where", "damage > 0 under weak", "--json")
    tables = {name: table["rows"] for name, table in json.loads(ended.stdout)["tables"].items()}
    assert set(tables) == {"futures", "boxes", "limits"}
    assert tables["futures"][0]["where"] == "damage > 0 under weak"
    own_one = tables["limits"][0]
    assert own_one["factor"] == "load" and own_one["high"] is None and own_one["low"] > 0
    shares = [r["density"] for r in tables["boxes"]]
    assert all(one["low"] <= one["estimate"] <= one["high"] for one in shares)
    assert {r["number"] for r in tables["boxes"]} >= {0, 1}


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("colapse under weak", "mean 'collapse'"),
        ("collapse", "'collapse under strong'"),
        ("damage > 1e9 under weak", "got 0 of 4,000"),
    ],
)
def test_what_it_cannot_answer_it_refuses(folder, where, said):
    ended = call("discover", folder, *own("Bridge"), "--where", where)
    assert ended.exit_code == 2 and said in ended.output


def test_a_run_without_draws_says_what_to_keep(tmp_path):
    study = write(tmp_path, BRIDGE + "[keep]\ndraws = 0\n")
    call("run", study, *own("Bridge"), "--out", tmp_path / "run", "--quiet")
    ended = call("discover", tmp_path / "run", *own("Bridge"), "--where", "collapse under weak")
    assert ended.exit_code == 2 and "keep.draws" in ended.output


def test_the_blocks_that_are_there_will_do(folder):
    whole, part = (
        call("discover", folder, *own("Bridge"), "--where", WHERE, *more).stdout for more in ((), ("--partial",))
    )
    assert whole == part
