"""Printers of lines: what each writes, on a terminal and for other programs, nothing of it lost or added."""

import json
from pathlib import Path

import numpy as np
import pytest

from engine.cli.show.answers import print_answer
from engine.cli.show.screen import print_command, print_object, print_records
from engine.formatting import command_line
from engine.runs.run import open_run
from tests.cli.printed import printed


@pytest.mark.parametrize("width", [20, 200])
def test_a_command_is_never_broken(width):
    command = command_line("risk", Path("a folder"), "--full", model="my_model.py:Own")
    lines = printed(width, print_command, "All of it", "risk", Path("a folder"), "--full", model="my_model.py:Own")
    assert lines == ([f"All of it: {command}"] if width == 200 else ["All of it:", f"  {command}"])


def test_records_are_one_list_a_record_a_line(capsys):
    rows = [{"a": 1, "b": "ü\x1b"}, {"a": None, "b": "x"}]
    print_records(rows)
    out = capsys.readouterr().out
    assert json.loads(out) == rows and len(out.splitlines()) == len(rows) + 2 and out.isascii()
    print_records([])
    assert json.loads(capsys.readouterr().out) == []
    with pytest.raises(ValueError, match="JSON"):
        print_records([{"a": np.nan}])


def test_an_object_is_one_line_of_ascii(capsys):
    print_object({"a": "ü\x1b"})
    out = capsys.readouterr().out
    assert json.loads(out) == {"a": "ü\x1b"} and out.isascii() and out.count("\n") == 1 and "\x1b" not in out
    with pytest.raises(ValueError, match="JSON"):
        print_object({"a": np.inf})


def flat(lines):
    return " ".join(" ".join(lines).split())


def test_an_answer_is_its_sentences_its_basis_and_all_of_its_tables_in_full(runs):
    answer = open_run(runs / "bridge").compare()
    short, full = (flat(printed(100, print_answer, answer, full)) for full in (False, True))
    assert all(text.startswith(answer.finding) and answer.basis in text for text in (short, full))
    assert all(table.title in full for table in answer.tables) and full.endswith(" ".join(answer.reading.split()))
    assert "--full" in short and "--full" not in full
