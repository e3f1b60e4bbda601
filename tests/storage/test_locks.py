"""Who holds a folder: alone or together, by the system's lock or by a file that stands in for it."""

import errno
import fcntl
import json
import os
import subprocess
import sys

import pytest

from engine.storage import locks
from engine.storage.locks import Taken, held, holder, is_taken

HOLD = (
    "import sys, time; from engine.storage.locks import held\nwith held(__import__('pathlib').Path(sys.argv[1]),"
    " sys.argv[2] == 'shared'):\n    print('held', flush=True); time.sleep(60)"
)


@pytest.fixture
def other():
    """Starts processes that hold a lock file; they are killed at the end."""
    started = []

    def start(place, how="alone"):
        process = subprocess.Popen([sys.executable, "-c", HOLD, place, how], stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout.readline() == "held\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize("text", ["", "{"])
def test_a_second_one_is_told_who_holds_it_where_the_file_says_so(tmp_path, other, text):
    process, place = other(tmp_path / "lock"), tmp_path / "lock"
    if text:
        place.write_text(text)
    with pytest.raises(Taken) as refused, held(place):
        pass
    assert getattr(refused.value.holder, "pid", None) == (None if text else process.pid)
    assert is_taken(place)


def test_nothing_is_written_through_a_link(tmp_path):
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").write_text("kept")
    with pytest.raises(OSError, match="symbolic links"), held(tmp_path / "lock"):
        pass
    assert (tmp_path / "elsewhere").read_text() == "kept"


def test_the_lock_of_a_killed_process_is_free(tmp_path, other):
    process = other(tmp_path / "lock")
    process.kill()
    process.wait()
    assert not is_taken(tmp_path / "lock")
    with held(tmp_path / "lock") as me:
        assert me.pid == os.getpid() and holder(tmp_path / "lock") == me


def test_shards_hold_it_together_and_keep_a_single_run_out(tmp_path, other):
    other(tmp_path / "lock", "shared")
    with held(tmp_path / "lock", shared=True):
        pass
    with pytest.raises(Taken), held(tmp_path / "lock"):
        pass


@pytest.fixture
def no_locks(monkeypatch):
    """A file system without locks."""

    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)


def test_without_locks_a_file_stands_in(tmp_path, no_locks):
    place = tmp_path / "lock"
    with held(place):
        assert is_taken(place)
        with pytest.raises(Taken) as refused, held(place):
            pass
        assert refused.value.holder.pid == os.getpid() and "delete" in refused.value.remedy
    assert not is_taken(place) and not (tmp_path / "lock.held").exists()


def test_without_locks_the_file_of_a_process_that_is_gone_is_recognised(tmp_path, no_locks):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    place = tmp_path / "lock"
    with held(place) as me:
        pass
    (tmp_path / "lock.held").write_text(json.dumps({**me.__dict__, "pid": gone.pid}))
    with held(place):
        assert is_taken(place)
    (tmp_path / "lock.held").write_text(json.dumps({**me.__dict__, "pid": gone.pid, "host": "elsewhere"}))
    with pytest.raises(Taken) as refused, held(place):
        pass
    assert refused.value.holder.host == "elsewhere"


def test_a_file_of_somebody_who_came_first_is_given_back(tmp_path, no_locks):
    place = tmp_path / "lock.held"
    with held(tmp_path / "lock") as gone:
        pass
    living = {**gone.__dict__, "token": "living"}
    place.write_text(json.dumps(living))
    locks._put_aside(place, gone)  # as if it had been seen a moment ago
    assert json.loads(place.read_text()) == living
    assert os.listdir(tmp_path).count("lock.held") == 1
