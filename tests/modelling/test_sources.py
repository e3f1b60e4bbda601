"""What the digest of a model covers: every module of one's own, and every file that is read as it is loaded."""

import functools
import importlib
import linecache
import operator
import os
import shutil
import sys
import types

import jax
import numpy as np
import pytest

from engine.modelling import code_digests
from engine.modelling.contract import refuse_broken
from engine.modelling.loading import files_of, load_model, model_digest, source_digest, spec_of
from engine.modelling.records import StaticModel
from engine.modelling.sources import Sources
from tests.refusals import refuses

MODEL = """
from engine.modelling.records import Factor, Outcome, StaticModel
{imports}
class Mine(StaticModel):
    factors = {{"x": Factor("1")}}
    outcomes = {{"sum": Outcome("1")}}
    def evaluate(self, factors, levers):
        return {{"sum": factors.x * {value}}}
"""


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
    return type(load_model(f"{place / 'model.py'}:Mine"))


def digest(place):
    return source_digest(loaded(place))


READERS = {
    "open": "with open(HERE / 'rate.csv') as f: RATE = float(f.read())",
    "pathlib": "RATE = float((HERE / 'rate.csv').read_text())",
    "numpy": "import numpy as np\nRATE = float(np.loadtxt(HERE / 'rate.csv'))",
    "numpy by bytes": "import numpy as np\nRATE = float(np.fromfile(HERE / 'rate.csv', sep=' ')[0])",
    "pandas": "import pandas as pd\nRATE = float(pd.read_csv(HERE / 'rate.csv', header=None)[0][0])",
    "the system": "import os\nh = os.open(HERE / 'rate.csv', os.O_RDONLY); RATE = float(os.read(h, 99)); os.close(h)",
    "in a module": "from inner import RATE",
}


@pytest.mark.parametrize("reader", READERS)
def test_a_file_that_is_read_counts_with_what_it_holds(tmp_path, reader):
    here = "from pathlib import Path\nHERE = Path(__file__).parent\n"
    files = {"rate_csv": "0.25", "inner_py": here + READERS["pathlib"]}
    place = folder_of(tmp_path, here + READERS[reader], "RATE", **files)
    first = digest(place)
    assert digest(place) == first
    (place / "rate.csv").write_text("0.75")
    assert digest(place) != first
    (place / "rate.csv").write_text("0.25")
    assert digest(place) == first


IMPORTS = {
    "import": ("import helper", "helper.RATE"),
    "from": ("from helper import RATE", "RATE"),
    "package": ("from pack.inner import RATE", "RATE"),
    "deeper": ("from above import RATE", "RATE"),
    "by name": ("import importlib\nRATE = importlib.import_module('helper').RATE", "RATE"),
}


@pytest.mark.parametrize("how", IMPORTS)
def test_a_module_beside_it_counts_and_is_the_one_that_stands_there_now(tmp_path, how):
    content = "RATE = 1.0\n"
    files = {"helper_py": content, "above_py": "from helper import RATE", "pack__inner_py": content}
    place = folder_of(tmp_path, *IMPORTS[how], **files)
    first, one = digest(place), loaded(place)
    for path in (place / "helper.py", place / "pack" / "inner.py"):
        path.write_text("RATE = 2.0\n")  # in the same second and of the same size: byte code of before looks good
    other = loaded(place)
    assert source_digest(other) != first == source_digest(one)
    namespace = type("Given", (), {"x": 10.0})
    assert (one().evaluate(namespace, None)["sum"], other().evaluate(namespace, None)["sum"]) == (10.0, 20.0)


def test_models_of_two_folders_have_each_their_own_helper(tmp_path):
    places = [
        folder_of(tmp_path / name, "import helper", "helper.RATE", helper_py=f"RATE = {rate}")
        for name, rate in (("a", 1.0), ("b", 2.0))
    ]
    first, second = (loaded(place) for place in places)
    assert source_digest(first) != source_digest(second)
    namespace = type("Given", (), {"x": 1.0})
    assert [one().evaluate(namespace, None)["sum"] for one in (first, second)] == [1.0, 2.0]


def test_the_digest_is_the_same_wherever_the_folder_lies_and_whatever_was_imported_before(tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "shared_rates.py").write_text("from deeper_rates import RATE")
    (elsewhere / "deeper_rates.py").write_text("RATE = 1.0")
    monkeypatch.syspath_prepend(elsewhere)
    place = folder_of(tmp_path / "here", "import shared_rates, helper", "shared_rates.RATE", helper_py="X = 1")
    fresh = digest(place)
    import deeper_rates  # type: ignore[import-not-found] # noqa: F401
    import shared_rates  # type: ignore[import-not-found] # noqa: F401

    assert digest(place) == fresh
    assert digest(shutil.copytree(place, tmp_path / "moved" / "far")) == fresh
    (elsewhere / "deeper_rates.py").write_text("RATE = 2.0")
    assert digest(place) != fresh
    for name in ("shared_rates", "deeper_rates"):
        sys.modules.pop(name)


def test_modules_imported_before_are_there_after(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    place = folder_of(tmp_path, "import own_helper", helper_py="", own_helper_py="X = 1")
    import own_helper  # type: ignore[import-not-found]

    loaded(place)
    assert sys.modules["own_helper"] is own_helper
    (place / "own_helper.py").write_text("raise ValueError")
    with pytest.raises(Exception, match="raised ValueError"):
        loaded(place)
    assert sys.modules.pop("own_helper") is own_helper


def test_what_is_not_read_or_not_its_own_does_not_count(tmp_path):
    imports = """
import json, colorsys, wave
from pathlib import Path
HERE = Path(__file__).parent
with (HERE / "log.txt").open("a") as log: log.write("loaded")
(HERE / "gone.txt").write_text("1"); (HERE / "gone.txt").read_text(); (HERE / "gone.txt").unlink()
Path("/proc/uptime").read_text()
Path("/dev/null").read_text()
try:
    open(HERE / "absent.csv")
except FileNotFoundError:
    pass
list(HERE.iterdir())
"""
    place = folder_of(tmp_path, imports, other_csv="1")
    first = loaded(place)
    assert list(files_of(first)) == [place / "model.py"]
    (place / "other.csv").write_text("2")
    assert digest(place) == source_digest(first)


def test_a_class_that_was_imported_counts_as_one_that_is_loaded(tmp_path, monkeypatch):
    """Another process loads it from its file, and must come to the same digest."""
    imports = "import helper_of_mine\nfrom pathlib import Path\nX = Path(__file__).with_name('x.csv').read_text()"
    folder_of(tmp_path, imports, helper_of_mine_py="RATE = 1.0", x_csv="1")
    (tmp_path / "model.py").rename(tmp_path / "imported_model.py")
    monkeypatch.syspath_prepend(tmp_path)
    from imported_model import Mine  # type: ignore[import-not-found]

    names = {path.name for path in files_of(type(load_model(spec_of(Mine))))}
    assert names == {"imported_model.py", "helper_of_mine.py", "x.csv"}
    assert source_digest(Mine) == source_digest(type(load_model(spec_of(Mine))))
    for name in ("imported_model", "helper_of_mine"):
        sys.modules.pop(name)


IN_MEMORY = """
import logging
import numpy as np
from engine.modelling.records import Factor, Outcome, StaticModel
{helper}
RATE = {rate}
LOG = logging.getLogger(__name__)
TABLE = np.array([1.0, 2.0])
class Mine(StaticModel):
    factors = {{"x": Factor("1")}}
    outcomes = {{"sum": Outcome("1")}}
    def evaluate(self, factors, levers):
        LOG.debug("evaluated")
        return {{"sum": factors.x * RATE * TABLE[0] * of_memory.RATE}}
"""


@pytest.mark.parametrize("name", ["in_memory_model", "in_memory_package.model"])
def test_what_was_changed_in_memory_counts_and_what_was_changed_on_the_disk_alone_does_not(name, tmp_path, monkeypatch):
    package = name.partition(".")[0] if "." in name else ""
    folder = tmp_path / package
    folder.mkdir(exist_ok=True)
    file = folder / f"{name.rpartition('.')[2]}.py"
    helper = f"from {package} import of_memory" if package else "import of_memory"
    (folder / "__init__.py").write_text("")
    (folder / "of_memory.py").write_text("RATE = 1.0")
    file.write_text(IN_MEMORY.format(rate=1.0, helper=helper))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    module = importlib.import_module(name)
    part = module.Mine
    first = model_digest(part())
    assert first == (source_digest(part), spec_of(part))
    changes = [
        lambda patch: patch.setattr(module, "RATE", 2.0),
        lambda patch: patch.setattr(module, "TABLE", module.TABLE * 9),
        lambda patch: patch.setattr(module.of_memory, "RATE", 2.0),
        lambda patch: patch.setattr(part, "evaluate", lambda self, factors, levers: {"sum": factors.x}),
    ]
    digests = []
    for change in changes:
        with monkeypatch.context() as patch:
            change(patch)
            digests.append(model_digest(part()))
        assert model_digest(part()) == first
    assert len({first[0], *(digest for digest, _ in digests)}) == len(changes) + 1
    assert {spec for _, spec in digests} == {None}
    file.write_text(IN_MEMORY.format(rate=5.0, helper=helper))
    assert model_digest(part()) == first
    module.RATE = 5.0  # as tools do that load a file again into what was imported
    assert (again := model_digest(part())) != first
    for one in [one for one in sys.modules if one.startswith(("in_memory", "of_memory"))]:
        del sys.modules[one]
    assert model_digest(importlib.import_module(name).Mine()) == again
    for one in [one for one in sys.modules if one.startswith(("in_memory", "of_memory"))]:
        del sys.modules[one]


class Rated(StaticModel):
    def __init__(self, rate=1.0, table=(1, 2)):
        self.rate, self.table = rate, {"table": np.array(table)}


class Asking(StaticModel):
    def __init__(self, rate):
        self.rate = rate

    @functools.cached_property
    def twice(self):
        return 2 * self.rate


def test_what_a_model_was_made_with_counts_and_no_other_process_can_make_it_so():
    usual = Rated()
    assert model_digest(usual) == (source_digest(Rated), spec_of(Rated))
    usual.kept = "computed once"
    assert model_digest(usual) == (source_digest(Rated), spec_of(Rated))
    others = [Rated(2.0), Rated(table=range(5000)), Rated(table=[0, *range(1, 5000)][::-1]), Asking(1), Asking(2)]
    digests = [model_digest(model) for model in others]
    assert len({digest for digest, _ in digests}) == len(others) and {spec for _, spec in digests} == {None}
    assert model_digest(Rated(2.0)) == digests[0]


def times(rate):
    return lambda x: x * rate


@pytest.mark.parametrize(
    "made",
    [
        times,
        lambda rate: functools.partial(operator.mul, rate),
        lambda rate: types.SimpleNamespace(rates=np.where(np.arange(5000) == 2500, rate, 1.0)),
        lambda rate: Rated(rate),
        lambda rate: Rated(rate).__init__,
        lambda rate: {"rules": [times(rate)]},
    ],
)
def test_functions_and_objects_that_a_model_was_made_with_count_by_what_they_hold(made):
    assert model_digest(Asking(made(2.0))) == model_digest(Asking(made(2.0)))
    assert model_digest(Asking(made(2.0))) != model_digest(Asking(made(3.0)))


def test_functions_of_one_line_are_told_apart_and_what_a_model_computes_of_itself_does_not_count():
    one, other = Asking(lambda x: 2 * x), Asking(lambda x: 3 * x)
    assert model_digest(one) != model_digest(other)
    model = Asking(2.0)
    before = model_digest(model)
    assert model.twice == 4.0 and model_digest(model) == before


NOTEBOOK = """
import functools
import types
import jax
import numpy as np
from engine.modelling.cells import each, table
from engine.modelling.records import Factor, Outcome, StaticModel
RATE = {rate}
TABLE = np.arange({size})
SCALE = {scale}
{rule}
class Mine(StaticModel):
    factors = {{"x": Factor("1")}}
    outcomes = {{"sum": Outcome("1", lambda state: state * SCALE)}}
    def evaluate(self, factors, levers):
        return {{"sum": rule(factors.x) + TABLE[0]}}
"""


RULE = "def rule(x):\n    return x * RATE"
RULES = {
    "of each cell": "@each\ndef rule(x):\n    return x * RATE",
    "compiled": "@jax.jit\ndef rule(x):\n    return x * RATE",
    "kept": "@functools.cache\ndef rate():\n    return RATE\ndef rule(x):\n    return x * rate()",
    "partial": "def of(rate, x):\n    return x * rate\nrule = functools.partial(of, RATE)",
    "closure": "def of(rate):\n    return lambda x: x * rate\nrule = of(RATE)",
    "default": "def rule(x, rate=RATE):\n    return x * rate",
    "keyword": "def rule(x, *, rate=RATE):\n    return x * rate",
    "object": "class Of:\n    pass\nof = Of()\nof.rate = RATE\ndef rule(x):\n    return x * of.rate",
    "called object": "class Of:\n    def __call__(self, x):\n        return x * RATE\nrule = Of()",
    "namespace": "of = types.SimpleNamespace(rates=np.full(5000, RATE))\ndef rule(x):\n    return x * of.rates[0]",
    "table": "of = table({'town': ('a', 'b')}, [1.0, RATE])\ndef rule(x):\n    return x * of['b']",
    "functions": "of = {'b': [lambda x: x * RATE]}\ndef rule(x):\n    return of['b'][0](x)",
    "decorated": "def twice(f):\n    @functools.wraps(f)\n    def g(x):\n        return f(x) * RATE\n    return g\n"
    "@twice\ndef rule(x):\n    return x",
}
"""Ways in which a function of a notebook hangs on a number."""


def in_notebook(monkeypatch, **values):
    """The class as a notebook has it: its source is known, its file is not."""
    text = NOTEBOOK.format(**{"rate": 1.0, "size": 3, "scale": 5, "rule": RULE} | values)
    name = f"<cell {hash(text)}>"
    module = types.ModuleType("a_notebook")
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    monkeypatch.setitem(sys.modules, "a_notebook", module)
    builtins_exec = vars(__import__("builtins"))["exec"]
    builtins_exec(compile(text, name, "exec"), vars(module))
    return module.Mine


def test_a_class_of_a_notebook_counts_with_all_that_its_methods_refer_to(monkeypatch):
    first = source_digest(in_notebook(monkeypatch))
    assert source_digest(in_notebook(monkeypatch)) == first
    assert source_digest(in_notebook(monkeypatch, rate=2.0)) != first
    assert source_digest(in_notebook(monkeypatch, size=4)) != first
    assert source_digest(in_notebook(monkeypatch, scale=6)) != first


def test_a_script_that_is_piped_to_python_is_in_no_file(monkeypatch):
    part = in_notebook(monkeypatch)
    first = model_digest(part())
    monkeypatch.setattr(sys.modules["a_notebook"], "__file__", "<stdin>", raising=False)
    assert model_digest(part()) == first == (source_digest(part), None)


@pytest.mark.parametrize("rule", RULES)
def test_a_number_in_a_notebook_counts_however_it_is_handed_on(rule, monkeypatch):
    digests = [source_digest(in_notebook(monkeypatch, rule=RULES[rule], rate=rate)) for rate in (1.0, 1.0, 2.0)]
    assert digests[0] == digests[1] != digests[2]


def test_a_number_that_was_changed_is_in_what_is_traced_next(monkeypatch):
    """JAX keeps the traces of compiled functions, with the numbers that these read by name."""
    part = in_notebook(monkeypatch, rule=RULES["compiled"], rate=1.5)
    for rate in (1.5, 2.5, 3.5, 1.5):
        sys.modules["a_notebook"].RATE = rate
        model_digest(part())
        traced = str(jax.make_jaxpr(lambda x: part().evaluate(types.SimpleNamespace(x=x), None))(1.0))
        assert f" {rate}:f32" in traced


def test_lists_that_are_too_long_for_a_digest_are_refused_with_a_remedy(monkeypatch):
    monkeypatch.setattr(code_digests, "_MOST", 10_000)
    with refuses("", "lists", "dicts", "arrays"):
        source_digest(in_notebook(monkeypatch, rate="[0.5] * 10**5"))


def test_what_a_class_of_a_notebook_raises_is_told_with_its_line(monkeypatch):
    part = in_notebook(monkeypatch)
    del sys.modules["a_notebook"].RATE
    line = NOTEBOOK.replace("{rule}", RULE).splitlines().index("    return x * RATE") + 1
    with refuses("model.evaluate", "NameError", "'RATE'", f"line {line})"):
        refuse_broken(part(), "mine")


def test_what_editors_and_tools_leave_in_a_package_is_no_part_of_it(tmp_path):
    home = tmp_path / "model.py"
    home.write_text("RATE = 1.0")
    before = Sources(home).digest_of_package()
    (tmp_path / "__pycache__").mkdir()
    for name in ("model.py~", "#model.py#", ".model.py.swp", "__pycache__/model.cpython-311.pyc.140234"):
        (tmp_path / name).write_text("RATE = 2.0")
    (tmp_path / ".#model.py").symlink_to("user@host:1234")
    (tmp_path / "gone.csv").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe")
    assert Sources(home).digest_of_package() == before
    (tmp_path / "rate.csv").write_text("1.0")
    assert Sources(home).digest_of_package() != before
