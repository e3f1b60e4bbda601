"""Charts: they draw what the cube holds, for one policy and for three, whichever side is worse."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr
from helpers import assert_close

from engine.plots import COLOURS, exceedance, fan

YEARS = np.arange(2016, 2031)
QUANTILES = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
NAMES = ("old", "reform", "half")


def make_cube(n_policies: int, n_paths: int = 4000) -> xr.DataTree:
    """A cube of the layout of docs/cube.md with normal losses, policy k shifted by -k."""
    rng = np.random.default_rng(1)
    policies = list(NAMES[:n_policies])
    loss = rng.standard_normal((n_paths,)) - np.arange(n_policies)[:, None]
    about = {"units": "bn yuan", "long_name": "capital shortfall"}
    paths = xr.Dataset(
        {
            "loss": (("policy", "path"), loss.astype(np.float32), {**about, "worse": "high"}),
            "growth": (("policy", "path"), -loss.astype(np.float32), {"units": "1", "worse": "low"}),
        },
        {"policy": policies},
    )
    spread = (QUANTILES - 0.5)[:, None, None] * (YEARS - 2015)[:, None] + np.zeros((1, 1, 2))
    years = spread[None] - np.arange(n_policies)[:, None, None, None]
    distribution = xr.Dataset(
        {"shortfall": (("policy", "quantile", "year", "region"), years, about)},
        {"policy": policies, "quantile": QUANTILES, "year": YEARS, "region": ["Liaoning", "Jilin"]},
    )
    root = xr.Dataset(attrs={"independent_unit": 2, "paths": n_paths})
    return xr.DataTree.from_dict({"/": root, "/paths": paths, "/distribution": distribution})


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.mark.parametrize("n_policies", [1, 3])
@pytest.mark.parametrize("variable", ["loss", "growth"])
def test_exceedance_draws_one_labelled_curve_a_policy(n_policies, variable):
    ax = exceedance(make_cube(n_policies), variable)
    ax.figure.canvas.draw()
    curves = [line for line in ax.lines if len(line.get_xdata()) > 2]
    assert [line.get_color() for line in curves] == list(COLOURS[:n_policies])
    assert {text.get_text() for text in ax.texts} >= set(NAMES[:n_policies])
    assert ax.get_yscale() == "log"
    assert ax.xaxis_inverted() == (variable == "growth")


def test_exceedance_is_the_share_of_paths_beyond():
    cube = make_cube(1)
    curve = next(line for line in exceedance(cube, "loss").lines if len(line.get_xdata()) > 2)
    values = cube["paths"]["loss"].values[0].astype(np.float64)
    shares = [(values > level).mean() for level in curve.get_xdata()]
    assert_close(np.asarray(curve.get_ydata(), np.float64), np.array(shares))


def test_policies_keep_their_colours_and_their_order():
    ax = exceedance(make_cube(3), "loss", policies=["half", "old"])
    curves = [line for line in ax.lines if len(line.get_xdata()) > 2]
    assert [line.get_color() for line in curves] == [COLOURS[2], COLOURS[0]]


@pytest.mark.parametrize("n_policies", [1, 3])
def test_fan_draws_the_median_and_two_bands_a_policy(n_policies):
    cube = make_cube(n_policies)
    figure, ax = plt.subplots()
    assert fan(cube, "shortfall", {"region": "Jilin"}, ax=ax) is ax
    figure.canvas.draw()
    assert len(ax.collections) == 2 * n_policies
    assert len(ax.lines) == n_policies
    assert_close(ax.lines[0].get_ydata(), np.zeros(len(YEARS)))
    assert ax.get_ylabel() == "capital shortfall [bn yuan]"
    assert list(ax.get_xticks()) == [2016, 2020, 2025, 2030]
