"""Four kinds of figure as pictures, without text, against stored ones; python -m tests.plots.test_images draws those
anew.
"""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import pytest
from matplotlib.testing.compare import compare_images

from engine.plots import figure
from tests.drawn_cubes import CASES, drawn

STORED = Path(__file__).parents[1] / "data" / "figures"
KINDS = ("fan", "exceedance", "differences", "tornado")
TOLERANCE = 4.0
"""Root mean square of the difference of 8-bit colours: another rasteriser differs by less than 2, another colour by
more than 10.
"""


def picture(kind: str, file: Path) -> Path:
    """The panels of a figure at places of their own, without anything written: fonts have no say in it."""
    made = figure(kind, drawn(CASES["plain"]), {})
    for part in (*made.texts, *made.legends):
        part.remove()
    columns = min(len(made.axes), 3)
    rows = -(-len(made.axes) // columns)
    made.set_size_inches(1.6 * columns, 1.3 * rows)
    for k, ax in enumerate(made.axes):
        row, column = divmod(k, columns)
        ax.set_position(((column + 0.05) / columns, 1 - (row + 0.95) / rows, 0.9 / columns, 0.9 / rows))
        ax.set(title="", xlabel="", ylabel="")
        ax.set_title("", loc="left")
        ax.tick_params(labelleft=False, labelbottom=False)
    made.savefig(file, dpi=60, metadata={"Software": None})
    plt.close(made)
    return file


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_are_those_that_were_looked_at(kind, tmp_path):
    found = picture(kind, tmp_path / f"{kind}.png")
    told = compare_images(str(STORED / f"{kind}.png"), str(found), TOLERANCE)
    assert told is None, told


if __name__ == "__main__":
    for name in KINDS:
        picture(name, STORED / f"{name}.png")
