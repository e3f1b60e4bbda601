"""One column of numbers: what is read, what is left out, and what every refusal says."""

import numpy as np
import pytest

from engine.errors import UserError
from engine.study import data_files
from engine.study.data_files import column
from tests.helpers import assert_same
from tests.refusals import at


def written(folder, text, name="data.csv"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return path


def refusal(path, name="price"):
    with pytest.raises(UserError) as caught:
        column(path, name)
    (problem,) = caught.value.problems
    assert (caught.value.source, problem.place) == (str(path), "")
    return str(problem)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_delimiters_line_ends_and_byte_order_marks(tmp_path, delimiter, end, mark):
    rows = [["price", '"a, b; c\td"', "note"], ["1.5", "x", "1,5;"], ["-2e3", "", ""], [" 3 ", "", ""]]
    rows[1][2] = f'"{rows[1][2]}"'
    path = written(tmp_path, mark + end.join(delimiter.join(row) for row in rows) + end)
    values, empty = column(path, "price")
    assert_same(values, np.array([1.5, -2000.0, 3.0]))
    assert empty == 0


@pytest.mark.parametrize(
    ("text", "values", "empty"),
    [
        ("price\n1\n\n2\n", [1.0, 2.0], 0),
        ("day,price\n1,\n2,NaN\n3,n/a\n4,NULL\n5,7\n6,None\n", [7.0], 5),
        ("day,price\n1,\n", [], 1),
    ],
)
def test_empty_cells_are_left_out_and_counted(tmp_path, text, values, empty):
    found = column(written(tmp_path, text), "price")
    assert_same(found.values, np.array(values, np.float64))
    assert found.empty == empty


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("day,prize\n1,2\n", ["column 'price'", "mean 'prize'"]),
        (",volume\n1,2\n", ["unknown column 'price'. Known: volume."]),
        ("day,note\na,b\n", ["column 'price'", "first line"]),
        ("1.5,2\n3,4\n", ["column 'price'", "Known: 1.5, 2.", "first line"]),
        ("price,price\n1,2\n", ["2 columns 'price'"]),
        ("day,price\n1,2\n2,cheap\n3,dear\n", ["column 'price'", "line 3", "got text"]),
        ("day,price\n1,inf\n", ["column 'price'", "line 2", "finite", "'inf'"]),
        ("day,price\n1,1e999\n", ["column 'price'", "line 2", "finite", "'1e999'"]),
        ("day,price\n1,1_000\n", ["column 'price'", "line 2", "'1_000'"]),
        ("day,price\n1," + "x" * 99 + "\n", ["column 'price'", "line 2", "a finite number"]),
        ("day;price\n1;1,5\n", ["column 'price'", "line 2", "'1,5'", "decimals"]),
        ("price\n1.234,5\n", ["column 'price'", "line 2", "'1.234,5'", "decimals"]),
        ("day,price\n1,1,5\n", ["line 2", "3 cells", "expected 2", "decimal comma", "in quotes"]),
        ("day;price\n1;2\n3\n", ["line 3", "1 cells", "expected 2"]),
        ("", ["is empty"]),
        (" \n\n", ["is empty"]),
        ('""\n" "\n', ["is empty"]),
        ('""\n1\n', ["column 'price'", "first line"]),
        ("price\n1\n".encode("utf-16"), ["is not text", "Save it as CSV in UTF-8"]),
        ("price\n1\nä\n".encode("latin-1"), ["is not text", "UTF-8 (line 3)", "Save it as CSV in UTF-8"]),
        (b"price\n1\n\x00\n", ["is not text", "Save it as CSV in UTF-8"]),
        (b"PK\x03\x04\x14\x00", ["is not text", "Save it as CSV in UTF-8"]),
        (b"\x1f\x8b\x08", ["is not text", "Save it as CSV in UTF-8"]),
        (b"PAR1\x15\x04\x15\x00", ["is not text", "Save it as CSV in UTF-8"]),
        ('price\n"' + "1" * 200_000, ["line 2", "limit (131072)"]),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(tmp_path, text, words):
    assert refusal(written(tmp_path, text)) == at("", *words)


def test_files_that_are_not_there_or_too_large_or_no_files(tmp_path, monkeypatch):
    assert refusal(tmp_path / "none.csv") == "no such file."
    assert refusal(tmp_path) == at("", "expected a regular file")
    monkeypatch.setattr(data_files, "LARGEST_FILE", 1 << 20)
    large = written(tmp_path, b"1" * (1 << 21))
    assert refusal(large) == at("", "2 MiB", "at most 1")
