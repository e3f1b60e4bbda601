"""Malformed study files, thousands of them: `rustbelt check` says what is wrong, with exit code 2, and never crashes,
hangs or writes.
"""

import os
import re
import signal
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings, strategies as st

from engine.errors import UserError
from engine.study.loading import load_study
from tests import malformed
from tests.refusals import refuses
from tests.reservoirs import STUDY, Reservoir
from tests.small_files import call

LONGEST = 60
"""Seconds after which a check counts as hanging."""
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_watched: list[list[str]] = []


def _watch(event: str, args: tuple) -> None:
    # what has a number is open already
    if _watched and event == "open" and not isinstance(args[0], int) and isinstance(args[2], int) and args[2] & _WRITES:
        path, programs = str(args[0]), os.environ["RUSTBELT_CACHE"]
        if path != os.devnull and "__pycache__" not in path and not path.startswith(programs):
            _watched[-1].append(path)


sys.addaudithook(_watch)


@contextmanager
def nothing_written():
    """Fails where a file is opened to be written."""
    _watched.append([])
    try:
        yield
    finally:
        written = _watched.pop()
    assert written == []


@contextmanager
def ends_soon():
    """Fails after `LONGEST` seconds, wherever it is."""

    def late(number, frame):
        raise AssertionError(f"no end after {LONGEST} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(LONGEST)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a study's data files, to be in."""
    made = tmp_path_factory.mktemp("malformed")
    (made / "raw.csv").write_bytes(b"\xff\xfe\0,\n")
    (made / "empty.csv").write_text("")
    (made / "head.csv").write_text("x,a,b\n")
    (made / "sub").mkdir()
    (made / "loop").symlink_to("loop")
    os.mkfifo(made / "fifo")
    before = Path.cwd()
    os.chdir(made)
    yield made
    os.chdir(before)


def check(tables, model):
    """What the command says of a study's tables, and its exit code."""
    Path("study.toml").write_bytes(tomli_w.dumps(tables).encode(errors="replace"))
    own = ["--model", f"{malformed.__file__}:{model}"] if model else []
    there = sorted(Path().rglob("*"))
    with nothing_written(), ends_soon():
        ended = call("check", "study.toml", *own, "--debug")
    assert ended.exit_code in (0, 2), ended.output[-4000:]
    if ended.exit_code == 2:
        assert re.search(r"^[^\n]*: \d+ problems?$", ended.stderr, re.MULTILINE), ended.stderr[-4000:]
    assert sorted(Path().rglob("*")) == there
    return ended


@pytest.mark.parametrize("model", ["Valley", "Bill", pytest.param("", marks=pytest.mark.slow)])
def test_the_studies_are_right_before_they_are_broken(folder, model):
    ended = check(malformed.assembled(model, [], -1), model)
    assert ended.exit_code == 0, ended.stderr


@pytest.mark.parametrize("first", range(0, len(malformed.LAWS), 2))
def test_the_laws_are_right_before_they_are_broken(folder, first):
    ended = check(malformed.assembled("Bill", range(len(malformed.LAWS))[first : first + 2], -1), "Bill")
    assert ended.exit_code == 0, ended.stderr


@pytest.mark.parametrize("number", range(len(malformed.GROUPS)))
def test_the_groups_are_right_before_they_are_broken(folder, number):
    ended = check(malformed.assembled("Bill", [], number), "Bill")
    assert ended.exit_code == 0, ended.stderr


HOSTILE = [
    ".", "sub", "a\0b", "/dev/null", "/dev/zero", "fifo", "raw.csv", "empty.csv", "head.csv", "x" * 5000, "", "loop",
    "é.csv", "empty.csv\n", "../" * 300 + "none.csv", "/proc/self/mem",
]  # fmt: skip
"""Names of files that a study should not have."""


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: repr(name[:20]))
def test_files_that_are_none(folder, name):
    ended = check(malformed.assembled("Valley", [], -1) | {"observed": {"file": name}}, "Valley")
    assert ended.exit_code == 2 and (" problems\n" if name == "head.csv" else ": 1 problem\n") in ended.stderr
    assert check({"name": "s", "extends": name}, "").exit_code == 2
    assert check({"name": "s", "model": f"{name}:X"}, "").exit_code == 2


DEEP = {
    "parts": ('{family="mixture",parts=[', '{family="normal",mean=0,sd=1}', ',{family="normal",mean=0,sd=1}]}'),
    "lists": ("[", "1", "]"),
    "tables": ("{x=", "1", "}"),
    "sizes": ("{size=", "1", "}"),
}


@pytest.mark.parametrize("kind", DEEP)
@pytest.mark.parametrize("depth", [6, 60, 240, 400])
def test_tables_within_tables_within_tables(folder, kind, depth):
    before, middle, after = DEEP[kind]
    law = ("factors.a", "factors.a.value", "shocks.s.states")
    for place in (*law, "policies.p.shift", "groups.g.pearson", "run", "extends"):
        Path("study.toml").write_text(f'name = "s"\n{place} = {before * depth}{middle}{after * depth}\n')
        with nothing_written(), ends_soon(), pytest.raises(UserError):
            load_study("study.toml", model=malformed.Bill())


def test_thirty_two_tables_within_one_another_are_read(folder):
    for depth, told in ((31, "unknown key 'deep'"), (32, "its values are nested too deeply")):
        deep = "[" * depth + "1" + "]" * depth
        Path("study.toml").write_text(f'name = "s"\ndeep = {deep}\n')
        with pytest.raises(UserError, match=told):
            load_study("study.toml", model=malformed.Bill())
        Path("study.toml").write_text('name = "s"\n')
        with pytest.raises(UserError, match=told):
            load_study("study.toml", model=malformed.Bill(), settings=[f"run.deep={deep[1:-1]}"])


def test_a_key_of_very_many_parts(folder):
    Path("deep.toml").write_text(f'name = "s"\n[policies.{".".join("x" * 3000)}]\n')
    Path("study.toml").write_text('name = "s"\nextends = "deep.toml"\n')
    for name in ("deep.toml", "study.toml"):
        with pytest.raises(UserError, match="its values are nested too deeply"):
            load_study(name, model=malformed.Bill())


def test_studies_on_top_of_each_other_without_end(folder):
    for number in range(600):
        Path(f"{number}.toml").write_text(f'name = "s"\nextends = "{number + 1}.toml"\n')
    Path("600.toml").write_text('name = "s"')
    with pytest.raises(UserError, match="at most 32"):
        load_study("0.toml", model=malformed.Bill())
    with refuses("policies", "at least one"):
        load_study("580.toml", model=malformed.Bill())


MANY = [
    ({"family": "gamma", "a": 10**400}, "a: expected a finite number, got a number of more than 30 digits."),
    ({"family": "mixture", "parts": [{"family": "gamma", "a": 1.0}] * 300}, "parts: expected 2 to 64 laws, got 300."),
    ({"experts": [{"family": "gamma", "a": 1.0}] * 300}, "experts: expected 2 to 64 laws, got 300."),
    (
        {"family": "gamma", "quantiles": [[k / 200, float(k)] for k in range(1, 200)]},
        "expected at most 64 statements, got 199. For data use family 'empirical'.",
    ),
    (
        {"family": "mixture", "parts": [malformed.LAWS[-1], malformed.LAWS[0]]},
        "pooled by quantiles, which a mixture or a linear pool cannot contain. Take pool = 'linear' there.",
    ),
]


@pytest.mark.parametrize(("law", "told"), MANY, ids=[told[:40] for _, told in MANY])
def test_what_would_take_for_ever(folder, law, told):
    tables = malformed.assembled("Bill", [], -1)
    tables["factors"]["a"] = law
    assert told in check(tables, "Bill").stderr


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.binary(max_size=80), st.integers(0, len(STUDY)))
def test_bytes_within_a_study_never_crash_the_reader(folder, noise, position):
    Path("study.toml").write_bytes(STUDY[:position].encode() + noise + STUDY[position:].encode())
    try:
        load_study("study.toml", model=Reservoir())
    except UserError as error:
        assert error.problems


STUDIES = st.tuples(
    st.sampled_from(["Valley", "Valley", "Bill", "Bill", "Bill", ""]),
    st.lists(st.integers(-1, len(malformed.LAWS) - 1), min_size=4, max_size=4),
    st.integers(-1, len(malformed.GROUPS) - 1),
)
RARELY = {
    "deadline": None,
    "derandomize": True,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
}


@pytest.mark.slow
@pytest.mark.parametrize("count", [100, pytest.param(800, marks=pytest.mark.sweep)])
def test_malformed_studies_are_refused(folder, count):
    @settings(max_examples=count, **RARELY)
    @given(STUDIES, malformed.EDITS)
    def refused(study, edits):
        model, laws, group = study
        check(malformed.edited(malformed.assembled(model, laws, group), edits), model)

    refused()
