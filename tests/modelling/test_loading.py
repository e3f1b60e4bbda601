"""Models in a user's own file, and the digest of a source."""

import hashlib
import shutil
import sys
import tomllib
import zipfile

import pytest

from engine.modelling.loading import files_of, source_digest
from engine.modelling.opened_files import is_own
from engine.modelling.records import StaticModel
from engine.study.loading import load_model_file, read_study
from tests.refusals import refuses

STATIC = """
name = "sum"
[factors]
x = { family = "normal", mean = 0, sd = 1 }
y = { family = "fixed", value = 2 }
"""
MODEL = """
from engine.modelling.records import Factor, Outcome, StaticModel
from beside import UNIT
class Mine(StaticModel):
    factors = {"x": Factor(UNIT), "y": Factor(UNIT)}
    outcomes = {"sum": Outcome("1")}
    def evaluate(self, factors, levers):
        return {"sum": factors.x}
class Other: ...
"""


def test_a_model_of_ones_own(tmp_path):
    file = tmp_path / "my_model.py"
    file.write_text(MODEL)
    (tmp_path / "beside.py").write_text('UNIT = "1"')
    model = load_model_file(f"{file}:Mine")
    assert isinstance(model, StaticModel)
    study = read_study(tomllib.loads(STATIC), "s", model=model)
    assert study.model_name == study.document["model"] == "Mine"
    assert study.model_digest == source_digest(type(model))
    file.write_text(MODEL.replace("from beside import UNIT", "UNIT = '1'"))
    alone = load_model_file(f"{file}:Mine")
    assert source_digest(type(alone)) == hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("my_model.py", MODEL, ["FILE:CLASS"]),
        ("my_model.py:Mein", MODEL.replace("from beside import UNIT", "UNIT = '1'"), ["class 'Mein'", "'Mine'"]),
        (
            "my_model.py:Other",
            MODEL.replace("from beside import UNIT", "UNIT = '1'"),
            ["PathModel or StaticModel", "<class"],
        ),
        ("absent.py:Mine", MODEL, ["Python file"]),
        (
            "my_model.py:Mine",
            "import nothing_of_that_name",
            ["ModuleNotFoundError", "'nothing_of_that_name'", "(line 1)"],
        ),
        ("my_model.py:Mine", "x = 1\ndef f(:", ["SyntaxError", "(line 2)"]),
        ("my_model.py:Mine", "raise SystemExit(3)", ["SystemExit: 3", "(line 1)"]),
    ],
)
def test_model_files_that_cannot_be_used(tmp_path, name, content, words):
    (tmp_path / "my_model.py").write_text(content)
    with refuses("", *words):
        load_model_file(str(tmp_path / name))


def test_what_is_installed_on_the_search_path_does_not_count(tmp_path, monkeypatch):
    """JAX reads the entry points of every package on `sys.path` as it starts, which an array of a model may cause."""
    monkeypatch.delitem(sys.modules, "beside", raising=False)
    file, target = tmp_path / "my_model.py", tmp_path / "target"
    file.write_text(f"from importlib.metadata import entry_points\nentry_points(group='jax_plugins')\n{MODEL}")
    known = target / "beside-1.0.dist-info"
    known.mkdir(parents=True)
    (known / "entry_points.txt").write_text("[console_scripts]\nbeside = beside:main\n")
    (known / "RECORD").write_text("beside.py,,\nbeside-1.0.dist-info/RECORD,,\n")
    (target / "beside.py").write_text("UNIT = '1'")
    monkeypatch.syspath_prepend(target)
    assert list(files_of(type(load_model_file(f"{file}:Mine")))) == [file]
    assert is_own(target / "other.py")
    del sys.modules["beside"]


def test_a_module_in_a_zip_archive_counts_by_the_archive(tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "beside", raising=False)
    file, packed = tmp_path / "my_model.py", tmp_path / "packed.zip"
    file.write_text(MODEL)
    monkeypatch.syspath_prepend(packed)
    digests = set()
    for unit in ("t", "kg"):
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("beside.py", f"UNIT = '{unit}'")
        monkeypatch.delitem(sys.modules, "beside", raising=False)
        part = type(load_model_file(f"{file}:Mine"))
        assert set(files_of(part)) == {file, packed} and part.factors["x"].unit == unit
        digests.add(source_digest(part))
    assert len(digests) == 2


def test_the_digest_of_a_package_covers_its_code_and_data(tmp_path, monkeypatch):
    package = tmp_path / "digested"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "data.csv").write_text("1,2")
    (package / "model.py").write_text("class Mine: ...")
    monkeypatch.syspath_prepend(tmp_path)
    from digested.model import Mine

    first = source_digest(Mine)
    shutil.rmtree(package / "__pycache__", ignore_errors=True)
    assert source_digest(Mine) == first
    (package / "data.csv").write_text("1,3")
    assert source_digest(Mine) == first  # which is what was imported
    for name in ("digested", "digested.model"):
        monkeypatch.delitem(sys.modules, name)
    from digested.model import Mine as Afresh

    assert source_digest(Afresh) != first
    for name in ("digested", "digested.model"):
        monkeypatch.delitem(sys.modules, name)


def test_a_class_without_a_source_is_refused():
    with refuses("", "in a file"):
        source_digest(type("Nowhere", (), {"__module__": "no.such.module"}))
