"""Every kind of figure, of a plain cube and of all that figures break on: nothing raised, cut off or over anything
else.
"""

import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.text import Text

from engine import plots
from engine.errors import UserError
from engine.plots import KINDS, Kind, figure, kinds
from engine.plots.kinds import SOURCES
from tests.drawn_cubes import CASES, drawn
from tests.pairs import in_turn

SLACK = 1.0
"""Pixels that the boxes of two texts may share: boxes are larger than the ink in them."""


def texts_of(made, monkeypatch):
    """Every text that is drawn, with its box in pixels."""
    found = []
    draw = Text.draw

    def recorded(self, renderer, *args, **kwargs):
        if self.get_visible() and self.get_text().strip():
            found.append(self)
        return draw(self, renderer, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(Text, "draw", recorded)
        made.canvas.draw()
    unique = list({id(text): text for text in found}.values())
    return [(text.get_text(), text.get_window_extent()) for text in unique]


def refuse_untidy(made, monkeypatch):
    """Fails where a text leaves the figure or lies over another."""
    texts, whole = texts_of(made, monkeypatch), made.bbox
    assert texts
    for told, box in texts:
        inside = box.x0 >= -SLACK and box.y0 >= -SLACK and box.x1 <= whole.x1 + SLACK and box.y1 <= whole.y1 + SLACK
        assert inside, f"cut off: {told!r} at {box} of {whole}"
    boxes = np.array([[box.x0, box.x1, box.y0, box.y1] for _, box in texts])
    x = np.minimum(boxes[:, None, 1], boxes[:, 1]) - np.maximum(boxes[:, None, 0], boxes[:, 0])
    y = np.minimum(boxes[:, None, 3], boxes[:, 3]) - np.maximum(boxes[:, None, 2], boxes[:, 2])
    over = np.argwhere(np.triu((x > SLACK) & (y > SLACK), 1))
    assert not len(over), [(texts[i][0], texts[j][0]) for i, j in over[:5]]


@pytest.mark.parametrize(("kind", "case"), in_turn(KINDS, CASES, 3))
def test_every_kind_is_tidy_whatever_it_is_drawn_from(kind, case, monkeypatch):
    made = figure(kind, drawn(CASES[case]), {})
    refuse_untidy(made, monkeypatch)
    for ax in made.axes:
        for told in (ax.get_xlabel(), ax.get_ylabel()):
            words = told.replace("\n", " ")
            assert not words or words == "year" or ("[" in words and words.endswith("]")), words
    assert made.texts[0].get_text(), "no title"


def test_every_kind_is_a_function_of_the_package_and_a_row_of_the_page():
    page = (Path(__file__).parents[2] / "docs" / "figures.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == [*KINDS]
    for kind in KINDS.values():
        assert getattr(plots, kind.draw.__name__) is kind.draw
        assert kind.draw.__name__ in dir(plots)
        assert set(kind.of) and set(kind.of) <= set(SOURCES)
    assert KINDS["tails"].takes == ("variable", "where", "policies", "year")
    assert KINDS["exceedance"].takes == ("variable", "policies")


def test_a_kind_is_one_function_and_one_row(monkeypatch):
    def dice(study, policies=None, *, ax=None):
        return plt.figure()

    monkeypatch.setattr(kinds, "KINDS", {**KINDS, "dice": Kind(dice, "nothing")})
    assert figure("dice", {"study": None}, {"policies": ("old",)})
    with pytest.raises(UserError, match="It takes: policies"):
        figure("dice", {"study": None}, {"year": 2030})
