"""The folder of compiled programs: whose it may be, which files are read, and that the next process finds them."""

import os
import shutil
import stat
from types import SimpleNamespace

import jax
import pytest

from engine.lanes import compilation_cache

CACHE = "jax_compilation_cache_dir"
KEY, OTHER = "0" * 32, "1" * 32


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder for compiled programs that does not exist yet; JAX's own settings are restored afterwards."""
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


def test_the_folder_is_in_the_cache_folder_of_the_user(place, monkeypatch, tmp_path):
    monkeypatch.delenv("RUSTBELT_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for given, expected in ((tmp_path / "xdg", "xdg"), ("relative", "home/.cache"), ("", "home/.cache")):
        monkeypatch.setenv("XDG_CACHE_HOME", str(given))
        jax.config.update(CACHE, None)
        assert used() == str(tmp_path / expected / "rustbelt" / "jax")


@pytest.mark.parametrize("mode", [0o777, 0o720, 0o702, 0o1777])
def test_a_folder_that_others_can_write_to_is_not_used(place, mode):
    place.mkdir(parents=True)
    place.chmod(mode)
    with pytest.warns(UserWarning, match=rf"{mode & 0o777:o}.*chmod 700"):
        assert used() is None
    assert not list(place.iterdir())
    place.chmod(0o755)  # others can read it
    assert used() == str(place / "jax")


@pytest.mark.parametrize(
    ("name", "answer", "told"),
    [
        ("os.getuid", os.getuid() + 1, "of yours"),
        ("os.access", False, "cannot be written"),
        ("shutil.disk_usage", SimpleNamespace(free=1), "expected 64 MiB free"),
    ],
)
def test_a_folder_of_someone_else_or_without_room_is_not_used(place, monkeypatch, name, answer, told):
    monkeypatch.setattr(name, lambda *args: answer)
    with pytest.warns(UserWarning, match=f"{told}.*RUSTBELT_CACHE"):
        assert used() is None


def test_nothing_is_kept_where_no_folder_can_be_made_or_where_it_is_switched_off(place, monkeypatch):
    place.parent.write_text("a file")
    with pytest.warns(UserWarning, match="not cached"):
        assert used() is None
    for word in ("off", "OFF"):
        monkeypatch.setenv("RUSTBELT_CACHE", word)
        assert used() is None


@pytest.mark.parametrize("name", ["programs", "jax"])
def test_a_subfolder_that_others_can_write_to_is_not_used_nor_by_a_link(place, tmp_path, name):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    elsewhere.chmod(0o777)
    place.mkdir(parents=True)
    (place / name).symlink_to(elsewhere)
    with pytest.warns(UserWarning, match="nobody else"):
        assert used() is None
    assert not list(elsewhere.iterdir())


def test_a_cache_that_jax_was_given_stays_and_no_machine_code_is_read_from_it(place, tmp_path, monkeypatch):
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
    monkeypatch.setenv("RUSTBELT_CACHE", "off")
    assert compilation_cache.held("code", KEY) is None


# ------------------------------------------------------------------------------- sealed files


@pytest.fixture
def file(place):
    """A kept file of machine code."""
    compilation_cache.keep("code", KEY, b"machine code")
    return place / "programs" / f"{KEY}.code"


def test_an_entry_is_found_under_its_own_key_and_kind_alone(file):
    compilation_cache.keep("code", OTHER, b"B")
    compilation_cache.keep("layout", KEY, b"C")
    second, third = (file.with_name(name) for name in (f"{OTHER}.code", f"{KEY}.layout"))
    assert [compilation_cache.held("code", key) for key in (KEY, OTHER)] == [b"machine code", b"B"]
    for other in (second, third):
        file.write_bytes(other.read_bytes())
        assert compilation_cache.held("code", KEY) is None
    assert compilation_cache.held("layout", KEY) == b"C"


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-1], lambda b: b[:-1] + bytes([b[-1] ^ 1]), lambda b: b"", lambda b: b + b"x"]
)
def test_a_damaged_entry_is_not_used(file, damage):
    file.write_bytes(damage(file.read_bytes()))
    assert compilation_cache.held("code", KEY) is None


def test_the_least_recently_used_programs_are_deleted_and_no_file_of_others(place, monkeypatch):
    monkeypatch.setattr(compilation_cache, "LARGEST", 400)
    used()
    jax.config.update(CACHE, None)
    keys = [f"{k:032x}" for k in range(4)]
    for key, last in zip(keys, (30, 10, 20, 40), strict=True):
        compilation_cache.keep("code", key, bytes(100))
        os.utime(place / "programs" / f"{key}.code", (last, last))
    of_jax = [place / "jax" / f"jit_{name}-{name * 64}-cache" for name in "abc"]
    for file, last in zip(of_jax, (30, 10, 20), strict=True):
        file.write_bytes(bytes(190))
        os.utime(file, (last, last))
    strangers = [place / "my-thesis-cache", place / "programs" / "my-thesis-cache", place / "jax" / "own-notes"]
    for file in strangers:
        file.write_bytes(bytes(150))
        os.utime(file, (1, 1))
    compilation_cache._forget_oldest.cache_clear()  # as in the next process
    used()
    assert all(file.exists() for file in strangers)
    assert [key for key in keys if compilation_cache.held("code", key)] == [keys[0], keys[3]]
    assert [file.exists() for file in of_jax] == [True, False, True]
