"""Signs of the rustbelt model: every lever, factor and constant moved by itself, on the same futures, against
signs.csv.
"""

import csv
import functools
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from tests.rustbelt_averages import averages
from tests.rustbelt_paths import MODEL, STUDY, drawn, policy, shocks

PATHS = 2048
SURE = 4.0
"""Standard errors of the mean of the paired difference beyond which it has a sign."""


class Row(NamedTuple):
    """What is moved (`x1.2`: times, `+0.01`, `-0.2`, `=3`, of a lever by sector `=40/250/100`), and the sign that
    something else has of it.
    """

    what: str
    name: str
    under: str
    moved: str
    of: str
    sign: str
    why: str


TABLE = Path(__file__).parent / "signs.csv"
ROWS = [Row(**row) for row in csv.DictReader(TABLE.read_text(encoding="utf-8").splitlines())]
BESIDE = ("given_up_share", "credit_crunch", "hidden_on_state_firms")
"""What a step returns beside the yearly values and a row may speak of."""
INPUTS = {"lever": MODEL.levers, "factor": MODEL.factors, "constant": MODEL.constants}


@functools.cache
def futures() -> tuple:
    return drawn(PATHS), shocks(PATHS)


@functools.cache
def base(under: str) -> dict[str, np.ndarray]:
    return averages(policy(under), *futures())


@functools.lru_cache(maxsize=1)  # rows of one input stand together
def moved(what: str, name: str, under: str, by: str) -> dict[str, np.ndarray]:
    factors, noise = futures()
    if what == "lever":
        values = [float(part) for part in by.removeprefix("=").split("/")]
        sectors = dict(zip(MODEL.dims["sector"], values, strict=False))
        return averages(policy(under, **{name: sectors if MODEL.levers[name].dims else values[0]}), factors, noise)
    how, number = by[0], float(by[1:])
    before = factors[name]
    after = {"x": before * number, "+": before + number, "-": before - number, "=": number * np.ones(PATHS)}[how]
    return averages(policy(under), {**factors, name: after}, noise)


def sign(difference: np.ndarray) -> str:
    """Up or down beyond doubt, "none" where no path is any different, "unclear" between."""
    if not difference.any():
        return "none"
    sure = SURE * difference.std(ddof=1) / math.sqrt(difference.size)
    mean = difference.mean()
    return "up" if mean > sure else "down" if mean < -sure else "unclear"


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.name} {row.moved} {row.of}")
def test_what_is_moved_by_itself_moves_others_as_the_page_says(row):
    before, after = base(row.under), moved(*row[:4])
    assert all(np.isfinite(values).all() for values in after.values())
    assert sign(after[row.of] - before[row.of]) == row.sign, row.why


@pytest.mark.parametrize("what", INPUTS)
def test_every_input_has_a_sign(what):
    assert {row.name for row in ROWS if row.what == what} == set(INPUTS[what])


def test_every_row_says_what_moves_and_why():
    keys = [(row.name, row.under, row.moved, row.of) for row in ROWS]
    assert len(set(keys)) == len(keys) > 300
    for row in ROWS:
        assert row.what in INPUTS and row.under in STUDY["policies"] and row.sign in ("up", "down"), row
        name = row.of.partition("[")[0]
        assert name in MODEL.outcomes or name in MODEL.yearly or name in BESIDE, row
        assert 3 <= len(row.why.split()) <= 20, row
