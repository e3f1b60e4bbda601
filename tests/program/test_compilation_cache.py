"""The folder of compiled programs: whose it may be, and that the next process finds them."""

import json
import os
import stat
import subprocess
import sys
from types import SimpleNamespace

import jax
import pytest

import engine
from engine.program import compilation_cache
from tests.helpers import assert_same
from tests.small_files import BRIDGE, POND, call, own, write

PROGRAM = "import sys; from engine.cli import main; sys.exit(main())"
CACHE = "jax_compilation_cache_dir"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder for compiled programs that is not there yet; JAX's own settings are put back afterwards."""
    folder = tmp_path / "deep" / "programs"
    monkeypatch.setenv("RUSTBELT_CACHE", str(folder))
    least = "jax_persistent_cache_min_compile_time_secs"
    before = {name: getattr(jax.config, name) for name in (CACHE, least)}
    jax.config.update(CACHE, None)
    jax.config.update(least, 1.0)
    yield folder
    for name, value in before.items():
        jax.config.update(name, value)


def used():
    """The folder that JAX keeps compiled programs in, None if nowhere."""
    compilation_cache.keep_programs()
    return getattr(jax.config, CACHE)


def test_the_folder_is_made_for_its_user_alone(place):
    assert used() == str(place)
    assert stat.S_IMODE(place.stat().st_mode) == stat.S_IMODE(place.parent.stat().st_mode) == 0o700
    assert jax.config.jax_persistent_cache_min_compile_time_secs == 0


def test_the_folder_is_that_of_the_cache_of_the_user(place, monkeypatch, tmp_path):
    monkeypatch.delenv("RUSTBELT_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for given, expected in (
        (str(tmp_path / "xdg"), tmp_path / "xdg" / "rustbelt"),
        ("relative", tmp_path / "home" / ".cache" / "rustbelt"),
        ("", tmp_path / "home" / ".cache" / "rustbelt"),
    ):
        monkeypatch.setenv("XDG_CACHE_HOME", given)
        jax.config.update(CACHE, None)
        assert used() == str(expected)


@pytest.mark.parametrize("mode", [0o777, 0o720, 0o702, 0o1777])
def test_a_folder_that_others_can_write_to_is_left_alone(place, mode):
    place.mkdir(parents=True)
    place.chmod(mode)
    with pytest.warns(UserWarning, match=r"nobody else can write to, and .* has mode .*chmod 700"):
        assert used() is None
    assert not list(place.iterdir())


def test_a_folder_that_others_can_only_read_is_used(place):
    place.mkdir(parents=True)
    place.chmod(0o755)
    assert used() == str(place)


@pytest.mark.parametrize(
    ("name", "answer", "told"),
    [
        ("os.getuid", os.getuid() + 1, "expected a folder of yours"),
        ("os.access", False, "cannot be written"),
        ("shutil.disk_usage", SimpleNamespace(free=1), "expected 64 MiB free"),
    ],
)
def test_a_folder_of_someone_else_or_without_room_is_left_alone(place, monkeypatch, name, answer, told):
    monkeypatch.setattr(name, lambda *args: answer)
    with pytest.warns(UserWarning, match=f"{told}.*RUSTBELT_CACHE"):
        assert used() is None


def test_a_place_that_no_folder_can_be_made_at_is_told(place):
    place.parent.write_text("a file")
    with pytest.warns(UserWarning, match="compiled programs are not kept: "):
        assert used() is None


@pytest.mark.parametrize("word", ["off", "OFF"])
def test_nothing_is_kept_where_that_is_asked(place, monkeypatch, word):
    monkeypatch.setenv("RUSTBELT_CACHE", word)
    assert used() is None


def test_a_cache_that_jax_was_given_stays(place, tmp_path):
    jax.config.update(CACHE, str(tmp_path))
    assert used() == str(tmp_path)
    assert jax.config.jax_persistent_cache_min_compile_time_secs > 0
    assert not place.exists()


def test_programs_not_used_for_longest_are_forgotten(place, monkeypatch):
    monkeypatch.setattr(compilation_cache, "LARGEST", 250)
    place.mkdir(parents=True, mode=0o700)
    for name, last in (("a-cache", 30), ("b-cache", 10), ("c-cache", 20), ("own-notes", 1)):
        (place / name).write_bytes(bytes(100))
        os.utime(place / name, (last, last))
    assert used() == str(place)
    assert {file.name for file in place.iterdir()} == {"a-cache", "c-cache", "own-notes"}


def test_the_next_process_finds_the_programs_and_nothing_else_changes(tmp_path):
    study, folder = write(tmp_path, POND), tmp_path / "programs"

    def start(out, programs=folder):
        words = ["run", str(study), *own("Pond"), "--out", str(tmp_path / out), "--json"]
        environment = {**os.environ, "RUSTBELT_CACHE": str(programs)}
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *words],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def ended(process):
        printed, told = process.communicate()
        assert process.returncode == 0, told
        return json.loads(printed), told.splitlines()[1]

    at_once = [start("first"), start("second")]
    (records, compiled), (same, beside) = map(ended, at_once)
    later = [start("third"), start("fourth", "off")]
    (again, found), (without, anew) = map(ended, later)
    assert records == same == again == without
    assert anew.startswith("compiled in ")
    assert "compiled in " in compiled + beside  # one of them may be quick enough to serve the other
    assert found.startswith("compiled programs found (")
    paths = [
        engine.open_cube(tmp_path / out)["paths"].to_dataset()["shortage"].values
        for out in ("third", "fourth")
    ]
    assert_same(*paths)


@pytest.mark.filterwarnings("default")
def test_the_command_line_says_in_one_line_that_a_folder_is_left_alone(place, tmp_path):
    place.mkdir(parents=True)
    place.chmod(0o777)
    ended = call("run", write(tmp_path, BRIDGE), *own("Bridge"), "--out", tmp_path / "out", "--quiet")
    assert ended.exit_code == 0
    (line,) = ended.stderr.splitlines()
    assert line.startswith("warning: compiled programs are not kept: expected a folder that nobody else can")
