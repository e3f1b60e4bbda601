"""Models in a user's own file."""

import hashlib
import sys
import tomllib

import pytest

from engine.modelling.identity import is_own
from engine.modelling.loading import digest_of_file
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
    assert study.model_digest == study.traced and study.model_spec == f"{file}:Mine"
    assert digest_of_file(type(model)) == hashlib.sha256(file.read_bytes()).hexdigest()


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
            ["ModuleNotFoundError", "'nothing_of_that_name'", "line 1)"],
        ),
        ("my_model.py:Mine", "x = 1\ndef f(:", ["SyntaxError", "line 2)"]),
        ("my_model.py:Mine", "raise SystemExit(3)", ["SystemExit: 3", "line 1)"]),
    ],
)
def test_model_files_that_cannot_be_used(tmp_path, name, content, words):
    (tmp_path / "my_model.py").write_text(content)
    with refuses("", *words):
        load_model_file(str(tmp_path / name))


def test_a_package_on_the_search_path_is_not_imported_anew(tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "beside", raising=False)
    file, target = tmp_path / "my_model.py", tmp_path / "target"
    file.write_text(MODEL)
    known = target / "beside-1.0.dist-info"
    known.mkdir(parents=True)
    (known / "RECORD").write_text("beside.py,,\nbeside-1.0.dist-info/RECORD,,\n")
    (target / "beside.py").write_text("UNIT = '1'")
    monkeypatch.syspath_prepend(target)
    load_model_file(f"{file}:Mine")
    before = sys.modules["beside"]
    load_model_file(f"{file}:Mine")
    assert sys.modules.pop("beside") is before
    assert is_own(target / "other.py")
