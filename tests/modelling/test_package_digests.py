"""A model that ships goes by the digest of its sources as long as these are what was executed, and by none else."""

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import engine
from engine import load_study
from engine.modelling import code_digests, package_digests
from engine.models.rustbelt import Rustbelt, environment
from engine.program.running import devices
from engine.program.running.kernel import program_on
from tests.refusals import refuses

LAB = "RATE = 0.5\n\n\ndef law(x):\n    return RATE * x\n"
POND = "from pondlab.lab import law\n\n\nclass Pond:\n    def step(self, x):\n        return law(x)\n"


@pytest.fixture
def pond(tmp_path, monkeypatch):
    """A small package with a model, imported as Python imports it, with byte code."""
    package = tmp_path / "pondlab"
    package.mkdir()
    for name, text in (("__init__", ""), ("lab", LAB), ("pond", POND)):
        (package / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(package_digests, "_SOURCES", code_digests.Cache())

    def imported():
        for name in [name for name in sys.modules if name.partition(".")[0] == "pondlab"]:
            monkeypatch.delitem(sys.modules, name)
        importlib.invalidate_caches()
        return importlib.import_module("pondlab.pond")

    yield package, imported
    for name in [name for name in sys.modules if name.partition(".")[0] == "pondlab"]:
        del sys.modules[name]


def edited(file, keep_times=False):
    """Gives a file another constant of the same length."""
    status = file.stat()
    file.write_text(file.read_text().replace("0.5", "0.7"))
    later = 0 if keep_times else 10**10  # Python looks at whole seconds
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns + later))


def test_the_digest_is_that_of_the_files(pond):
    package, imported = pond
    first = package_digests.digest_of_shipped(imported().Pond)
    edited(package / "lab.py")
    assert package_digests.digest_of_shipped(imported().Pond) not in (first, None)


def test_what_was_imported_goes_by_the_files_that_it_was_imported_from(pond):
    package, imported = pond
    part = imported().Pond
    first = package_digests.digest_of_shipped(part)
    edited(package / "lab.py")
    assert package_digests.digest_of_shipped(part) == first


def test_files_that_were_edited_after_they_had_been_imported_are_refused(pond):
    package, imported = pond
    part = imported().Pond
    edited(package / "lab.py")
    with refuses("", "pondlab.lab.RATE", 0.5, 0.7, "start Python"):
        package_digests.digest_of_shipped(part)


def test_byte_code_that_is_older_than_its_source_is_refused(pond, monkeypatch):
    package, imported = pond
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    first = package_digests.digest_of_shipped(imported().Pond)
    edited(package / "lab.py", keep_times=True)
    module = imported()
    assert sys.modules["pondlab.lab"].RATE == 0.5  # Python has not read the source again
    assert package_digests.digest_of_shipped(module.Pond) == first  # what was seen to be these files' before
    monkeypatch.setattr(package_digests, "_SOURCES", code_digests.Cache())
    with refuses("", "pondlab.lab.RATE", "__pycache__"):
        package_digests.digest_of_shipped(module.Pond)


def test_a_name_that_was_set_from_outside_is_refused_before_and_after_loading(monkeypatch):
    study = load_study("rustbelt", paths=64)
    monkeypatch.setattr(environment, "FIRST_YEAR", 2017)
    with refuses("model", "environment.FIRST_YEAR", 2017, 2016):
        load_study("rustbelt")
    with refuses("", "environment.FIRST_YEAR", 2017, 2016):
        program_on(study, devices.mesh("cpu"))


def test_code_of_ones_own_in_a_model_that_ships_is_refused(monkeypatch):
    monkeypatch.setattr(Rustbelt, "step", lambda *args: None)
    with refuses("", "your own"):
        load_study("rustbelt")


def test_the_modules_that_were_there_are_there_after(pond):
    _, imported = pond
    module = imported()
    before = {name: one for name, one in sys.modules.items() if name.startswith("pondlab")}
    package_digests.digest_of_shipped(module.Pond)
    assert {name: sys.modules[name] for name in before} == before
    assert engine.models.rustbelt is sys.modules["engine.models.rustbelt"]


# ---------------------------------------------------------------------------------- from one process to the next

RUN = """
import sys, engine
{before}
study = engine.load_study("warming", paths=4096)
{after}
from engine.program.running import compilation_cache, devices, kernel
from engine.study.study import Block
compilation_cache.keep_programs()
program, block = kernel.program_on(study, devices.mesh("cpu")), Block(0, 0, 4096)
outcomes = program.submit(block).of(block)
print(repr(float(outcomes[0, list(study.model.outcomes).index("hot_years")].mean())), program.traces)
"""
FILE = "models/warming/model.py"
FIRST, SECOND = "HOT = 1.5", "HOT = 1.2"
"""A line of the file, and what it becomes."""


@pytest.fixture
def copy(tmp_path):
    """The package copied, so that its sources may be edited, with a folder of programs that holds none."""
    home = Path(engine.__file__).parent
    shutil.copytree(home, tmp_path / "engine", ignore=shutil.ignore_patterns("__pycache__"))
    configs = home / "configs" if (home / "configs").is_dir() else home.parent / "configs"
    shutil.copytree(configs, tmp_path / "engine" / "configs", dirs_exist_ok=True)

    def run(before="", after=""):
        environment = {**os.environ, "RUSTBELT_CACHE": str(tmp_path / "cache"), "PYTHONPATH": str(tmp_path)}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        words = [sys.executable, "-c", RUN.format(before=before, after=after)]
        return subprocess.run(words, env=environment, capture_output=True, text=True, cwd=tmp_path)

    return tmp_path / "engine", run


def number(ended):
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.split()[0]


def refused(ended):
    return ended.returncode != 0 and "its source says" in ended.stderr


PATCHED = "import engine.models.warming.model as model; model.HOT = 1.2"


@pytest.mark.slow
def test_a_process_that_changes_a_constant_leaves_nothing_to_others(copy):
    _, run = copy
    assert refused(run(after=PATCHED))
    right = number(run())
    assert refused(run(after=PATCHED))
    assert number(run()) == right


@pytest.mark.slow
def test_sources_that_were_edited_in_between_give_nobody_old_numbers(copy):
    home, run = copy
    right = number(run())
    edit = (
        f"p = __import__('pathlib').Path({str(home / FILE)!r}); p.write_text(p.read_text().replace('{FIRST}',"
        f" '{SECOND}'))"
    )
    assert refused(run(before=f"import engine.models.warming; {edit}"))
    other = number(run())
    assert other != right
    shutil.rmtree(home.parent / "cache")
    assert number(run()) == other


@pytest.mark.slow
@pytest.mark.parametrize("file", [FILE, "modelling/folds.py"])
def test_byte_code_that_is_older_than_its_source_is_kept_by_what_it_is(copy, file):
    home, run = copy
    right, place = number(run()), home / file
    status, text = place.stat(), place.read_text()
    there, other = (FIRST, SECOND) if file == FILE else ("state + value, unit", "state - value, unit")
    assert there in text
    place.write_text(text.replace(there, other))
    os.utime(place, ns=(status.st_atime_ns, status.st_mtime_ns))
    stale = run()
    assert refused(stale) if file == FILE else number(stale) == right
    shutil.rmtree(place.parent / "__pycache__")
    fresh = number(run())
    assert fresh != right
    shutil.rmtree(home.parent / "cache")
    assert number(run()) == fresh
