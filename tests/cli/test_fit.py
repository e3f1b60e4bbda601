"""`rustbelt fit`: what it prints and where, the snippet to paste, and how it ends."""

import json
import re
import subprocess
import sys
import tomllib

import numpy as np
import pytest

from engine.fitting import likelihood, ranking
from engine.fitting.ranking import rank
from tests.helpers import assert_same
from tests.small_files import call, ran

PRICES = np.random.default_rng(7).lognormal(3, 0.3, 120)
KEYS = {
    "family", "parameters", "k", "log_likelihood", "aic", "bic", "statistic", "p_value", "resamples", "warnings",
    "failed", "snippet",
}  # fmt: skip


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """No p-value is given up because the machine is busy with other tests."""
    monkeypatch.setattr(likelihood, "SECONDS", 300.0)


def written(folder, values, column="price", name="data.csv"):
    path = folder / name
    cells = "\n".join("x," if value is None else f"x,{float(value)!r}" for value in values)
    path.write_text(f"day,{column}\n{cells}\n", encoding="utf-8")
    return path


def pasted(text):
    """The factors of the snippet, the last thing printed."""
    return tomllib.loads(text[text.index("\n[factors.") :])["factors"]


def test_the_table_the_sentence_and_a_snippet_to_paste(tmp_path):
    path = written(tmp_path, PRICES)
    ended = call("fit", path, "--column", "price", "--families", "normal,lognormal,gamma,expon")
    assert (ended.exit_code, ended.stderr) == (0, "")
    lines = ended.stdout.splitlines()
    assert lines[0].strip() == "data.csv, column price: 120 values"
    assert " ".join(lines[1].split()) == "family parameters AIC AIC - best BIC BIC - best Anderson-Darling"
    fits = rank(PRICES, ["normal", "lognormal", "gamma", "expon"])
    assert [line.split()[0] for line in lines[2:6]] == [fit.family for fit in fits]
    assert f"{fits[0].aic:,.1f}" in lines[2] and f"{fits[1].aic - fits[0].aic:,.1f}" in lines[3]
    assert ranking.p_text(fits[3]) == "p <= 0.01" and lines[5].rstrip().endswith("p <= 0.01")
    printed = " ".join(ended.stdout.split())
    assert ranking.reading(fits) in printed
    assert re.search(r"parametric bootstrap, 19 or 99 samples", printed)
    ((name, table),) = pasted(ended.stdout).items()
    assert name == "price"
    assert re.search(r"data\.csv, .*price, n = 120", table.pop("source"))
    assert table.pop("family") == fits[0].family
    assert table == dict(fits[0].parameters)


def test_json_is_one_list_of_records_and_nothing_else(tmp_path):
    path = written(tmp_path, [*PRICES, -1.0, None, None])
    ended = ran("fit", path, "--column", "price", "--families", "normal,gamma", "--json")
    normal, gamma = json.loads(ended.stdout)
    assert set(normal) == set(gamma) == KEYS
    (fit,) = rank(np.array([*PRICES, -1.0]), ["normal"])
    for key in ("aic", "bic", "log_likelihood", "statistic", "p_value"):
        assert_same(normal[key], float(getattr(fit, key)))
    assert tomllib.loads(normal["snippet"])["factors"]["price"]["sd"] == fit.parameters["sd"]
    assert gamma["failed"].startswith("needs values above 0") and gamma["aic"] is None and gamma["snippet"] is None


def test_where_no_family_fits_the_data_themselves_are_proposed(tmp_path):
    random = np.random.default_rng(7)
    path = written(tmp_path, [*random.normal(10, 1, 150), *random.normal(20, 1, 150)])
    ended = call("fit", path, "--column", "price", "--families", "normal,logistic")
    printed = " ".join(ended.stdout.split())
    assert re.search(r"normal has the lowest AIC, but [^.]*\(p <= 0\.01\)\.", printed)
    law = pasted(ended.stdout)["price"]
    assert law["family"] == "empirical" and len(law["values"]) == 100
    assert law["source"] == "data.csv, column price, n = 300, 100 of them at evenly spaced ranks"
    assert '# family = "normal"' in ended.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--column", "prize"], ["column 'prize'", "'price'"]),
        (["--column", "day"], ["column 'day'", "line 2", "got text"]),
        (["--column", "price", "--families", "gama"], ["--families: 1 problem", "family 'gama'", "'gamma'"]),
        (["--column", "price", "--families", ","], ["names", "got nothing"]),
        (["--column", "price", "--top", "x"], ["whole number"]),
        (["--column", "price", "--families", "arcsine"], ["none of"]),
    ],
)
def test_what_the_user_can_mend_ends_with_2(tmp_path, words, told):
    ended = call("fit", written(tmp_path, PRICES), *words)
    assert ended.exit_code == 2
    for text in told:
        assert text in ended.stderr


def test_neither_the_compiler_nor_pandas_is_loaded_for_a_fit(tmp_path):
    path = written(tmp_path, PRICES[:20])
    code = (
        "import sys; from engine.cli import main\n"
        f"main(['fit', {str(path)!r}, '--column', 'price', '--families', 'normal'], standalone_mode=False)\n"
        "sys.stderr.write(' '.join({'jax', 'pandas', 'pyarrow', 'matplotlib', 'zarr'} & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")
