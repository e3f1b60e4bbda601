"""Draws the figure of the README from a finished run: python benchmarks/figure.py RUN_FOLDER [PNG]"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt

import engine
from engine.plots import INK, exceedance, fan

PNG = Path(__file__).parents[1] / "docs" / "figures" / "old-against-reform.png"


def draw(folder: Path, png: Path) -> None:
    """Exceedance of the banks' capital shortfall, and its years in Liaoning, by policy."""
    cube = engine.open_cube(folder)
    plt.rcParams.update({"font.size": 10, "font.family": "DejaVu Sans"})
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(10.6, 4.3), layout="constrained", width_ratios=(1.15, 1)
    )
    exceedance(cube, "capital_shortfall_peak", ax=left)
    left.set_xlabel("banks' capital shortfall in its worst year [% of 2015 GDP]")
    left.set_title("How much capital the northeast's banks lack", loc="left", color=INK, fontweight="bold")
    fan(cube, "capital_shortfall", {"region": "Liaoning"}, ax=right)
    right.set_ylabel("capital shortfall [bn yuan]")
    right.set_title("Liaoning, year by year", loc="left", color=INK, fontweight="bold")
    figure.get_layout_engine().set(wspace=0.06)
    paths = int(cube.attrs["paths"])
    text = f"{paths:,} futures, the same for both policies. Left: level passed in 1 % of them. Right: median, half and nine tenths."
    figure.text(0.008, -0.035, text, color="#777777", fontsize=8.5)
    png.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(png, dpi=160, bbox_inches="tight", facecolor="white", metadata={"Software": None})


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else PNG)
