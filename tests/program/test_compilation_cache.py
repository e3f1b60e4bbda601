"""The folder of compiled programs: whose it may be, and that the next process finds them."""

import json
import os
import shutil
import stat
import subprocess
import sys
from types import SimpleNamespace

import jax
import pytest

import engine
from engine.program.running import compilation_cache
from tests.helpers import assert_same
from tests.small_files import BRIDGE, POND, call, own, write

PROGRAM = "import sys; from engine.cli import main; sys.exit(main())"
CACHE = "jax_compilation_cache_dir"
KEY, OTHER = "0" * 32, "1" * 32


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
    assert used() == str(place / "jax")
    for folder in (place, place.parent, place / "jax", place / "programs"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert jax.config.jax_persistent_cache_min_compile_time_secs == 0


def test_the_folder_is_that_of_the_cache_of_the_user(place, monkeypatch, tmp_path):
    monkeypatch.delenv("RUSTBELT_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for given, expected in (
        (str(tmp_path / "xdg"), tmp_path / "xdg" / "rustbelt" / "jax"),
        ("relative", tmp_path / "home" / ".cache" / "rustbelt" / "jax"),
        ("", tmp_path / "home" / ".cache" / "rustbelt" / "jax"),
    ):
        monkeypatch.setenv("XDG_CACHE_HOME", given)
        jax.config.update(CACHE, None)
        assert used() == str(expected)


@pytest.mark.parametrize("mode", [0o777, 0o720, 0o702, 0o1777])
def test_a_folder_that_others_can_write_to_is_left_alone(place, mode):
    place.mkdir(parents=True)
    place.chmod(mode)
    with pytest.warns(UserWarning, match=rf"{mode & 0o777:o}.*chmod 700"):
        assert used() is None
    assert not list(place.iterdir())


def test_a_folder_that_others_can_only_read_is_used(place):
    place.mkdir(parents=True)
    place.chmod(0o755)
    assert used() == str(place / "jax")


@pytest.mark.parametrize(
    ("name", "answer", "told"),
    [
        ("os.getuid", os.getuid() + 1, "of yours"),
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
    with pytest.warns(UserWarning, match="not kept"):
        assert used() is None


@pytest.mark.parametrize("word", ["off", "OFF"])
def test_nothing_is_kept_where_that_is_asked(place, monkeypatch, word):
    monkeypatch.setenv("RUSTBELT_CACHE", word)
    assert used() is None


@pytest.mark.parametrize("name", ["programs", "jax"])
def test_a_folder_of_our_own_that_is_a_link_or_that_others_can_write_to_is_left_alone(place, tmp_path, name):
    (tmp_path / "elsewhere").mkdir()
    place.mkdir(parents=True)
    (place / name).symlink_to(tmp_path / "elsewhere")
    with pytest.warns(UserWarning, match=f"{name} is none"):
        assert used() is None
    (place / name).unlink()
    (place / name).mkdir()
    (place / name).chmod(0o777)
    with pytest.warns(UserWarning, match="nobody else"):
        assert used() is None
    assert not list((tmp_path / "elsewhere").iterdir())


# ------------------------------------------------------------------------------- what JAX has been given


def test_a_cache_that_jax_was_given_stays_its_own_and_is_nothing_of_ours(place, tmp_path):
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    theirs.chmod(0o777)
    jax.config.update(CACHE, str(theirs))
    assert used() == str(theirs)
    assert jax.config.jax_persistent_cache_min_compile_time_secs > 0
    compilation_cache.keep("code", KEY, b"ours")
    assert not list(theirs.iterdir())
    for name in (f"{KEY}-cache", f"{KEY}.code"):
        shutil.copy(place / "programs" / f"{KEY}.code", theirs / name)
    (place / "programs" / f"{KEY}.code").unlink()
    assert compilation_cache.held("code", KEY) is None


def test_nothing_is_read_from_a_cache_of_jax_where_nothing_is_to_be_kept(place, tmp_path, monkeypatch):
    jax.config.update(CACHE, str(tmp_path))
    compilation_cache.keep("code", KEY, b"ours")
    shutil.copy(place / "programs" / f"{KEY}.code", tmp_path)
    monkeypatch.setenv("RUSTBELT_CACHE", "off")
    assert compilation_cache.held("code", KEY) is None


# ------------------------------------------------------------------------------- what is sealed


def test_what_is_kept_is_found_under_its_key_and_kind_alone(place):
    compilation_cache.keep("code", KEY, b"A")
    compilation_cache.keep("code", OTHER, b"B")
    compilation_cache.keep("layout", KEY, b"C")
    first, second = place / "programs" / f"{KEY}.code", place / "programs" / f"{OTHER}.code"
    assert [compilation_cache.held("code", key) for key in (KEY, OTHER)] == [b"A", b"B"]
    aside = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(aside)
    assert [compilation_cache.held("code", key) for key in (KEY, OTHER)] == [None, None]
    first.write_bytes((place / "programs" / f"{KEY}.layout").read_bytes())
    assert compilation_cache.held("code", KEY) is None
    assert compilation_cache.held("layout", KEY) == b"C"


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-1], lambda b: b[:-1] + bytes([b[-1] ^ 1]), lambda b: b"", lambda b: b + b"x"]
)
def test_what_is_damaged_is_nothing(place, damage):
    compilation_cache.keep("code", KEY, b"machine code")
    file = place / "programs" / f"{KEY}.code"
    file.write_bytes(damage(file.read_bytes()))
    assert compilation_cache.held("code", KEY) is None


def test_links_are_neither_followed_nor_written_through(place, tmp_path):
    compilation_cache.keep("code", KEY, b"machine code")
    file, other = place / "programs" / f"{KEY}.code", tmp_path / "other"
    file.rename(other)
    file.symlink_to(other)
    assert compilation_cache.held("code", KEY) is None
    before = other.read_bytes()
    compilation_cache.keep("code", KEY, b"anew")
    assert other.read_bytes() == before
    assert not file.is_symlink()
    assert compilation_cache.held("code", KEY) == b"anew"


def test_what_is_no_plain_file_is_nothing_and_nobody_waits_for_it(place):
    compilation_cache.keep("code", KEY, b"machine code")
    file = place / "programs" / f"{KEY}.code"
    file.unlink()
    os.mkfifo(file)
    assert compilation_cache.held("code", KEY) is None
    file.unlink()
    file.mkdir()
    assert compilation_cache.held("code", KEY) is None
    compilation_cache.keep("code", KEY, b"not there")  # a folder stands there
    assert {one.name for one in (place / "programs").iterdir()} == {file.name}


def test_programs_not_used_for_longest_are_forgotten_and_nothing_of_anybody_else(place, monkeypatch):
    monkeypatch.setattr(compilation_cache, "LARGEST", 400)
    keys = [f"{k:032x}" for k in range(4)]
    for key, last in zip(keys, (30, 10, 20, 40), strict=True):
        compilation_cache.keep("code", key, bytes(100))
        os.utime(place / "programs" / f"{key}.code", (last, last))
    strangers = [place / "my-thesis-cache", place / "programs" / "my-thesis-cache", place / "jax" / "own-notes"]
    strangers.append(place / "programs" / f"{'f' * 32}.code")  # by its name ours, without our seal
    (place / "jax").mkdir(mode=0o700)
    for file in strangers:
        file.write_bytes(bytes(150))
        os.utime(file, (1, 1))
    used()
    assert all(file.exists() for file in strangers)
    assert [key for key in keys if compilation_cache.held("code", key)] == [keys[0], keys[3]]


def test_of_what_jax_has_kept_the_oldest_goes_too(place, monkeypatch):
    monkeypatch.setattr(compilation_cache, "LARGEST", 250)
    used()
    jax.config.update(CACHE, None)
    for name, last in (("a", 30), ("b", 10), ("c", 20)):
        file = place / "jax" / f"jit_{name}-{name * 64}-cache"
        file.write_bytes(bytes(100))
        os.utime(file, (last, last))
    used()
    assert {file.name[4] for file in (place / "jax").iterdir()} == {"a", "c"}


@pytest.mark.slow
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
    paths = [engine.open_cube(tmp_path / out)["paths"].to_dataset()["shortage"].values for out in ("third", "fourth")]
    assert_same(*paths)


@pytest.mark.slow
@pytest.mark.parametrize("words", [[], ["--shard", "1/1"]])
def test_a_run_says_that_it_compiled_whoever_asked_first(place, tmp_path, words):
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, "run", write(tmp_path, POND), *own("Pond"), "--out", tmp_path / "out", *words],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "compiled in " in ended.stderr and "programs found" not in ended.stderr


@pytest.mark.filterwarnings("default")
def test_the_command_line_says_in_one_line_that_a_folder_is_left_alone(place, tmp_path):
    place.mkdir(parents=True)
    place.chmod(0o777)
    ended = call("run", write(tmp_path, BRIDGE), *own("Bridge"), "--out", tmp_path / "out", "--quiet")
    assert ended.exit_code == 0
    (line,) = ended.stderr.splitlines()
    assert line.startswith("warning: ") and "nobody else" in line
