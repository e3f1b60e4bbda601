"""Which model a model is: any number that it computes with makes it another one, and nothing else does."""

import os
import shutil
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.modelling.contract import identified
from engine.modelling.identity import digest_of_files
from engine.modelling.loading import load_model, spec_of
from engine.modelling.records import Constant, Factor, Outcome, StaticModel
from tests.user_models import Echo, Farms

MODEL = """
from engine.modelling.records import Factor, Outcome, StaticModel
{imports}
class Mine(StaticModel):
    factors = {{"x": Factor("1")}}
    outcomes = {{"sum": Outcome("1")}}
    def evaluate(self, factors, levers):
        return {{"sum": factors.x * {value}}}
"""


def digest(model, floating=np.float32):
    return identified(model, floating)[0]


def folder_of(place, imports, value="1.0", **files):
    """A folder with a model and what stands beside it."""
    place.mkdir(parents=True, exist_ok=True)
    (place / "model.py").write_text(MODEL.format(imports=imports, value=value))
    for name, content in files.items():
        path = place / name.replace("__", "/").replace("_csv", ".csv").replace("_py", ".py")
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    return place


def loaded(place):
    return load_model(f"{place / 'model.py'}:Mine")


# ------------------------------------------------------------------------------------------------ models in files

HERE = "from pathlib import Path\nHERE = Path(__file__).parent\n"
READERS = {
    "pathlib": "RATE = float((HERE / 'rate.csv').read_text())",
    "pandas": "import pandas as pd\nRATE = float(pd.read_csv(HERE / 'rate.csv', header=None)[0][0])",
    "the system": "import os\nh = os.open(HERE / 'rate.csv', os.O_RDONLY); RATE = float(os.read(h, 99)); os.close(h)",
    "another process": "import subprocess\nRATE = float(subprocess.check_output(['cat', HERE / 'rate.csv']))",
    "a thread": "from concurrent.futures import ThreadPoolExecutor as Pool\n"
    "RATE = float(Pool().submit((HERE / 'rate.csv').read_text).result())",
    "in a module": "from inner import RATE",
    "while it is traced": "class Rate:\n    def __rmul__(self, x): return x * float((HERE / 'rate.csv').read_text())\n"
    "RATE = Rate()",
}


@pytest.mark.parametrize("reader", READERS)
def test_a_file_that_is_read_counts_with_what_it_holds(tmp_path, reader):
    files = {"rate_csv": "0.25", "inner_py": HERE + READERS["pathlib"]}
    place = folder_of(tmp_path, HERE + READERS[reader], "RATE", **files)
    first = digest(loaded(place))
    assert digest(loaded(place)) == first
    (place / "rate.csv").write_text("0.75")
    assert digest(loaded(place)) != first
    (place / "rate.csv").write_text("0.25")
    assert digest(loaded(place)) == first


IMPORTS = {
    "import": ("import helper", "helper.RATE"),
    "package": ("from pack.inner import RATE", "RATE"),
    "by name": ("import importlib\nRATE = importlib.import_module('helper').RATE", "RATE"),
    "by file": (
        "from importlib.util import module_from_spec, spec_from_file_location\nfrom pathlib import Path\n"
        "spec = spec_from_file_location('helper_by_file', Path(__file__).with_name('helper.py'))\n"
        "helper = module_from_spec(spec)\nspec.loader.exec_module(helper)",
        "helper.RATE",
    ),
    "as data": (
        "import pack.inner, pkgutil\nRATE = float(pkgutil.get_data('pack.inner', 'inner.py').split()[-1])",
        "RATE",
    ),
}


@pytest.mark.parametrize("how", IMPORTS)
def test_a_module_beside_it_counts_and_is_the_one_that_stands_there_now(tmp_path, how):
    content = "RATE = 1.0\n"
    files = {"helper_py": content, "above_py": "from helper import RATE", "pack__inner_py": content}
    place = folder_of(tmp_path, *IMPORTS[how], **files)
    one = loaded(place)
    first = digest(one)
    for path in (place / "helper.py", place / "pack" / "inner.py"):
        path.write_text("RATE = 2.0\n")  # in the same second and of the same size: byte code of before looks good
    other = loaded(place)
    assert digest(other) != first == digest(one)
    namespace = type("Given", (), {"x": 10.0})
    assert (one.evaluate(namespace, None)["sum"], other.evaluate(namespace, None)["sum"]) == (10.0, 20.0)


def test_what_changes_no_number_does_not_count(tmp_path, monkeypatch):
    place = folder_of(tmp_path / "here", "RATE = 0.5", "RATE")
    first = digest(loaded(place))
    (place / "other.csv").write_text("2")
    assert digest(loaded(shutil.copytree(place, tmp_path / "moved" / "far"))) == first
    text = (place / "model.py").read_text()
    renamed = text.replace("factors.x * RATE", "x * RATE").replace(
        "        return", "        x = factors.x\n        return"
    )
    for other in (f"# a comment\n{text}", text.replace("RATE", "LOSS_RATE"), renamed):
        (place / "model.py").write_text(other)
        assert digest(loaded(place)) == first
    (tmp_path / "site" / "other-1.0.dist-info").mkdir(parents=True)
    (tmp_path / "site" / "other-1.0.dist-info" / "entry_points.txt").write_text("")
    monkeypatch.syspath_prepend(tmp_path / "site")
    assert digest(loaded(place)) == first


def test_a_class_that_was_imported_is_the_one_that_is_loaded(tmp_path, monkeypatch):
    """Another process loads it from its file, and must come to the same digest."""
    folder_of(tmp_path, "import helper_of_mine", "helper_of_mine.RATE", helper_of_mine_py="RATE = 0.5")
    (tmp_path / "model.py").rename(tmp_path / "imported_model.py")
    monkeypatch.syspath_prepend(tmp_path)
    from imported_model import Mine  # type: ignore[import-not-found]

    assert identified(Mine(), np.float32) == (digest(load_model(spec_of(Mine))), spec_of(Mine))
    for name in ("imported_model", "helper_of_mine"):
        sys.modules.pop(name)


# ------------------------------------------------------------------------------------------------ models in memory


class Rated(StaticModel):
    factors = {"x": Factor("1")}
    outcomes = {"sum": Outcome("1")}

    def __init__(self, rate=1.5, table=(1, 2)):
        self.rate, self.table = rate, {"table": np.array(table)}

    def evaluate(self, factors, levers):
        return {"sum": factors.x * self.rate + jnp.sum(jnp.asarray(self.table["table"], float))}


class Asking(Rated):
    def __init__(self, rule):
        self.rule = rule

    def evaluate(self, factors, levers):
        return {"sum": self.rule(factors.x)}


def test_what_a_model_was_made_with_counts_and_no_other_process_can_make_it_so():
    usual = Rated()
    assert identified(usual, np.float32) == identified(Rated(), np.float32) == (digest(Rated()), spec_of(Rated))
    usual.kept = "computed once"
    assert identified(usual, np.float32) == (digest(Rated()), spec_of(Rated))
    others = [Rated(2.0), Rated(table=range(5000)), Rated(table=[0, *range(1, 5000)][::-1])]
    found = [identified(model, np.float32) for model in others]
    assert len({digest(usual), *(one for one, _ in found)}) == 4 and {spec for _, spec in found} == {None}


def times(rate):
    return lambda x: x * rate


@pytest.mark.parametrize(
    "made",
    [
        times,
        lambda rate: lambda x: x * np.where(np.arange(5000) == 2500, rate, 1.0)[2500],
        lambda rate: lambda x: jnp.sum(x * np.where(np.arange(5000) == 2500, rate, 1.0)),
        lambda rate: jax.jit(times(rate)),
        lambda rate: lambda x: jax.lax.cond(x > 0, times(rate), times(1.0), x),
    ],
)
def test_functions_that_a_model_was_made_with_count_by_what_they_compute(made):
    assert digest(Asking(made(2.0))) == digest(Asking(made(2.0))) != digest(Asking(made(3.0)))


def changed(part, **members):
    return digest(type(part.__name__, (part,), members)())


def test_each_record_and_each_rule_counts():
    """A state that begins as a known number is not that number in the years that follow."""

    class Reset(Echo):
        def step(self, state, year, factors, shocks, levers):
            state, values = super().step(state | {"lived": 0}, year, factors, shocks, levers)
            return state, values

    fold = Echo.outcomes["peak"].fold
    others = [
        digest(Reset()),
        changed(Echo, outcomes={**Echo.outcomes, "peak": Outcome("1", fold * 2.0)}),
        changed(Echo, outcomes={**Echo.outcomes, "peak": Echo.outcomes["lowest"]}),
        changed(Echo, outcomes={**Echo.outcomes, "own": Outcome("1", lambda state: state["sum"] * 4.0)}),
        changed(Echo, outcomes={**Echo.outcomes, "spell_of_3": Echo.outcomes["spell_of_1"]}),
        changed(Echo, constants={"more": Constant(0.5, "1", "")}),
        changed(Echo, constants={"more": Constant(0.25, "1", "")}),
        changed(Echo, dims={**Echo.dims, "region": ("north", "west")}),
        changed(Echo, init=lambda self, factors, levers: {"sum": 0, "lived": 1, "plain": levers.plain}),
    ]
    assert len({digest(Echo()), *others}) == len(others) + 1
    assert changed(Echo, constants={"more": Constant(0.5, "1", "", "a source", "F")}) == others[5]
    assert digest(Farms()) != digest(Farms(), np.float64)


# ------------------------------------------------------------------------------------------------ models that ship


def test_the_files_of_a_package_count_and_what_editors_and_tools_leave_in_it_does_not(tmp_path):
    def found():
        digest_of_files.cache_clear()
        return digest_of_files(tmp_path)

    (tmp_path / "model.py").write_text("RATE = 1.0")
    before = found()
    (tmp_path / "__pycache__").mkdir()
    for name in ("model.py~", "#model.py#", ".model.py.swp", "__pycache__/model.cpython-311.pyc.140234"):
        (tmp_path / name).write_text("RATE = 2.0")
    (tmp_path / ".#model.py").symlink_to("user@host:1234")
    (tmp_path / "gone.csv").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe")
    assert found() == before
    (tmp_path / "rate.csv").write_text("1.0")
    assert found() != before
