"""Which model a class in a notebook is: its source is in no file, and what it reads is changed in memory."""

import linecache
import sys
import types

import numpy as np
import pytest

from engine.modelling.contract import identified
from tests.refusals import refuses
from tests.user_models import static


def digest(model):
    return identified(model, np.float32)[0]


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
    outcomes = {{"sum": Outcome("1")}}
    def evaluate(self, factors, levers):
        return {{"sum": rule(factors.x) * SCALE + TABLE[0]}}
"""


RULE = "def rule(x):\n    return x * RATE"
RULES = {
    "of each cell": "@each\ndef rule(x):\n    return x * RATE",
    "compiled": "@jax.jit\ndef rule(x):\n    return x * RATE",
    "closure": "def of(rate):\n    return lambda x: x * rate\nrule = of(RATE)",
    "called object": "class Of:\n    def __call__(self, x):\n        return x * RATE\nrule = Of()",
    "globals": "def rule(x):\n    return x * globals()['RATE']",
    "a module": "import sys\ndef rule(x):\n    return x * getattr(sys.modules[__name__], 'RATE')",
    "a generator": "def rates():\n    yield from [RATE] * 99\nkept = rates()\ndef rule(x):\n    return x * next(kept)",
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


def test_a_script_that_is_piped_to_python_is_in_no_file(monkeypatch):
    part = in_notebook(monkeypatch)
    first = identified(part(), np.float32)
    monkeypatch.setattr(sys.modules["a_notebook"], "__file__", "<stdin>", raising=False)
    assert identified(part(), np.float32) == first == (digest(part()), None)


@pytest.mark.parametrize("rule", RULES)
def test_a_number_in_a_notebook_counts_however_it_is_handed_on(rule, monkeypatch):
    digests = [digest(in_notebook(monkeypatch, rule=RULES[rule], rate=rate)()) for rate in (1.5, 1.5, 2.0)]
    assert digests[0] == digests[1] != digests[2]


def test_a_model_that_was_changed_since_it_was_loaded_is_not_run(monkeypatch):
    study = static(in_notebook(monkeypatch, rule=RULES["compiled"])(), {"x": {"family": "fixed", "value": 1}}, 8)
    study.refuse_broken_model()
    sys.modules["a_notebook"].RATE = 2.0
    with refuses("model", "when the study was loaded", "Load"):
        study.refuse_broken_model()
