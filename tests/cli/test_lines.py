"""Printers of lines: what each writes, on a terminal and for other programs, nothing of it lost or added."""

import json
from pathlib import Path

import numpy as np
import pytest

from engine.cli.show.answers import print_answer, print_place
from engine.cli.show.rows import Column, print_rows
from engine.cli.show.screen import folded, print_command, print_labelled, print_object, print_records, print_words
from engine.formatting import command_line
from engine.run_folder.folder import RunFolder
from engine.runs.run import open_run
from tests.cli.printed import printed, rows_of

TEXT = "Brackets: 95 % intervals of [40.2, 40.8] and of all that is beyond."


@pytest.mark.parametrize("width", [20, 40, 200])
def test_words_are_the_text_in_lines_that_fit(width):
    lines = printed(width, print_words, TEXT, "dim", "  ")
    assert lines == folded(TEXT, width, "  ")
    assert " ".join(line.strip() for line in lines) == TEXT


@pytest.mark.parametrize("width", [20, 200])
def test_a_command_is_never_broken(width):
    command = command_line("risk", Path("a folder"), "--full", model="my_model.py:Own")
    lines = printed(width, print_command, "All of it", "risk", Path("a folder"), "--full", model="my_model.py:Own")
    assert lines == ([f"All of it: {command}"] if width == 200 else ["All of it:", f"  {command}"])


def test_texts_stand_beside_their_labels():
    lines = printed(30, print_labelled, [("asks", "2 factors"), ("bounds", "as many words as there are here")])
    assert lines[0] == f"{'asks':<12}2 factors" and lines[1].startswith(f"{'bounds':<12}as many")
    assert all(line.startswith(" " * 12) and len(line) <= 30 for line in lines[2:])
    assert " ".join(line[12:] for line in lines[1:]) == "as many words as there are here"


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


def test_a_table_of_names_has_a_row_a_name():
    names = Column("shock", ["rain", "sun"], left=True)
    lines = printed(80, print_rows, "Shocks", names, [Column("law", ["a", "b"]), Column("size", ["1", "22"])])
    assert lines[0] == "Shocks"
    assert {name: row for name, row in rows_of(lines).items() if name in ("rain", "sun", "shock")} == {
        "shock": ["law", "size"],
        "rain": ["a", "1"],
        "sun": ["b", "22"],
    }
    assert printed(80, print_rows, "Shocks", Column("shock", []), [Column("law", []), Column("size", [])]) == []


def flat(lines):
    return " ".join(" ".join(lines).split())


def test_an_answer_is_its_sentences_its_basis_and_all_of_its_tables_in_full(runs):
    answer = open_run(runs / "bridge").compare()
    short, full = (flat(printed(100, print_answer, answer, full)) for full in (False, True))
    assert all(text.startswith(answer.finding) and answer.basis in text for text in (short, full))
    assert all(table.title in full for table in answer.tables) and full.endswith(" ".join(answer.reading.split()))
    assert "--full" in short and "--full" not in full


def test_where_an_answer_is_kept_or_what_it_takes_to_keep_it(runs, tmp_path):
    run = open_run(runs / "bridge").run_folder
    place = run.path / "explain.zarr"
    assert repr(str(place)) in flat(printed(240, print_place, run, place))
    assert printed(240, print_place, run, None) == []
    nowhere = RunFolder(tmp_path / "none", run.study)
    assert "rustbelt run" in flat(printed(240, print_place, nowhere, None))
