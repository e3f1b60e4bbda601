"""Figures show what the cube holds, say no more than its intervals bear out, and look alike."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr

from engine.errors import UserError
from engine.plots import COLOURS, exceedance, fan, figure, save
from engine.plots.figures.convergence import lengths
from engine.plots.labels import fitted, number, width, with_interval
from engine.plots.rank_correlation import interval, rank_correlation
from engine.plots.style import looks
from engine.plots.ticks import Numbers
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.measures import summary
from engine.study.components import Event
from engine.study.loading import read_study
from tests.drawn_cubes import CASES, Case, drawn
from tests.helpers import assert_close, assert_plausible
from tests.refusals import refuses
from tests.reservoirs import Sum

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


def title_of(made) -> str:
    return made.texts[0].get_text().replace("\n", " ")


def curves_of(ax):
    return [line for line in ax.lines if len(line.get_xdata()) > 2]


@pytest.mark.parametrize("n_policies", [1, 3])
@pytest.mark.parametrize("variable", ["loss", "growth"])
def test_exceedance_draws_one_labelled_curve_a_policy(n_policies, variable):
    ax = exceedance(make_cube(n_policies), variable)
    ax.figure.canvas.draw()
    assert [line.get_color() for line in curves_of(ax)] == list(COLOURS[:n_policies])
    labels = [text.get_text() for text in ax.figure.legends[0].get_texts()]
    assert [label.partition(":")[0] for label in labels] == [name.title() for name in NAMES[:n_policies]]
    assert ax.get_yscale() == "log"
    assert ax.xaxis_inverted() == (variable == "growth")


def test_exceedance_is_the_share_of_paths_beyond():
    cube = make_cube(1)
    curve = curves_of(exceedance(cube, "loss"))[0]
    values = cube["paths"]["loss"].values[0].astype(np.float64)
    shares = [(values > level).mean() for level in curve.get_xdata()]
    assert_close(np.asarray(curve.get_ydata(), np.float64), np.array(shares))


def test_the_title_of_exceedance_tells_the_numbers_of_the_table():
    cube = make_cube(2, 100_000)
    said = title_of(exceedance(cube, "loss").figure)
    for k, name in enumerate(NAMES[:2]):
        of = summary(cube["paths"]["loss"].values[k], 2, loss=True)["ES99"]
        assert f"{with_interval(of)} under {name}" in said
        assert np.isfinite(of.low)


def test_policies_keep_their_looks_and_their_order():
    ax = exceedance(make_cube(3), "loss", policies=["half", "old"])
    assert [line.get_color() for line in curves_of(ax)] == [COLOURS[2], COLOURS[0]]


def test_twenty_policies_differ_without_their_colours():
    found = list(looks([f"policy {k}" for k in range(20)]).values())
    assert len({(str(look.dash), look.marker) for look in found}) == 20
    assert len({(look.colour, str(look.dash), look.marker) for look in looks(range(140)).values()}) == 140


@pytest.mark.parametrize("n_policies", [1, 3])
def test_fan_draws_the_median_and_two_bands_a_policy(n_policies):
    cube = make_cube(n_policies)
    made, ax = plt.subplots()
    assert fan(cube, "shortfall", {"region": "Jilin"}, ax=ax) is ax
    made.canvas.draw()
    bands = [one for one in ax.collections if one.get_facecolor().size and len(one.get_paths()[0].vertices) > 10]
    assert len(bands) == 2 * n_policies
    medians = [line for line in ax.lines if len(line.get_xdata()) == len(YEARS)]
    assert len(medians) == n_policies
    assert_close(medians[0].get_ydata(), np.zeros(len(YEARS)))
    assert ax.get_ylabel().endswith("shortfall [bn yuan]")
    assert list(ax.get_xticks()) == [2016, 2020, 2025, 2030]


def test_a_place_is_a_label_of_each_dimension_of_the_model_whatever_they_are():
    basins = drawn(Case(dims=("basin", "use")))
    made = figure("fan", basins, {"variable": "shortfall"})
    assert [ax.get_title(loc="left") for ax in made.axes] == [
        f"{basin}, {use}" for basin in ("north", "south") for use in ("steel", "coal", "lime")
    ]
    made = figure("fan", basins, {"variable": "shortfall", "where": {"use": "coal"}})
    assert [ax.get_title(loc="left") for ax in made.axes] == ["north", "south"]
    assert "coal, north" in title_of(made)
    with refuses("where.use", "steel, coal, lime,", "got nothing"):
        fan(basins.cube, "shortfall", {"basin": "north"})
    with pytest.raises(UserError, match=r"where\.region"):
        figure("tails", basins, {"variable": "shortfall", "where": {"region": "north"}})
    assert len(figure("tails", basins, {"variable": "income"}).axes) == 2
    drawn_over = [ax.get_ylabel().replace("\n", " ") for ax in figure("replay", basins, {}).axes]
    assert [label.partition("sum over ")[2] for label in drawn_over] == ["basin and use [bn yuan]", "basin [1/yr]"]
    assert len(figure("replay", basins, {"variable": "shortfall"}).axes) == 6


@pytest.mark.parametrize("kind", ["fan", "tails", "replay"])
def test_a_model_without_dimensions_has_one_panel_a_variable(kind):
    made = figure(kind, drawn(Case(dims=())), {"variable": "shortfall"})
    assert len(made.axes) == 1
    with pytest.raises(UserError, match=r"where\.region"):
        figure(kind, drawn(Case(dims=())), {"variable": "shortfall", "where": {"region": "north"}})


def test_a_standard_deviation_is_no_place_on_the_axis_of_a_prior():
    law = {"family": "gumbel_r", "mean": 1000.0, "sd": 10.0}
    text = {"name": "sum", "run": {"paths": 64, "seed": 1}, "factors": {"x": law, "y": law}, "policies": {"only": {}}}
    study = read_study(text, "sum.toml", model=Sum())
    (ax,) = figure("priors", {"study": study}, {"factor": "x"}).axes
    assert ax.get_xlim()[0] > 900
    assert [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "v"] == [1000.0]


@pytest.mark.parametrize("n_policies", [1, 2, 4, 8])
def test_fans_keep_their_bands_with_any_number_of_policies(n_policies):
    made = figure("fan", drawn(Case(policies=n_policies)), {"variable": "income"})
    panels = [ax for ax in made.axes if ax.get_visible()]
    bands = [len([one for one in ax.collections if len(one.get_paths()[0].vertices) > 10]) for ax in panels]
    assert sum(bands) == 2 * 2 * n_policies
    if n_policies > 3:
        assert len(panels) == 2 * n_policies and set(bands) == {2}
        assert panels[1].get_title(loc="left") == "north, Policy 1"
        assert len({ax.get_ylim() for ax in panels[:n_policies]}) == 1


def test_where_panels_would_be_too_many_bands_lie_over_one_another_with_their_edges():
    made = figure("fan", drawn(CASES["twenty_policies"]), {})
    assert len(made.axes) == 6
    for ax in made.axes:
        assert len([one for one in ax.collections if len(one.get_paths()[0].vertices) > 10]) == 40
        assert len([line for line in ax.lines if len(line.get_xdata()) == 15 and line.get_linewidth() < 1]) == 40


def test_exceedance_has_its_band_with_any_number_of_policies():
    ax = figure("exceedance", drawn(Case(policies=8)), {}).axes[0]
    assert len(ax.collections) == 8 and all(band.get_alpha() == 0.25 for band in ax.collections)


def test_panels_of_tails_have_scales_of_their_own():
    plain = drawn(CASES["plain"])
    made = figure("tails", plain, {"variable": "shortfall"})
    assert len({ax.get_xlim() for ax in made.axes}) == len(made.axes) == 6
    assert "its own" in made.texts[1].get_text().replace("\n", " ")


def test_a_replay_draws_what_outcomes_are_made_of_a_line_a_policy():
    plain = drawn(CASES["plain"])
    made = figure("replay", plain, {})
    assert [ax.get_title(loc="left") for ax in made.axes] == ["Shortfall", "Income"]
    for ax, name in zip(made.axes, ("shortfall", "income"), strict=True):
        values = plain.story["yearly"][name]
        whole = values.sum([dim for dim in values.dims if dim not in ("policy", "year")])
        assert len(ax.lines) == 2 and [line.get_marker() for line in ax.lines] == ["o", "s"]
        for line, policy in zip(ax.lines, values["policy"].values, strict=True):
            assert_close(np.asarray(line.get_ydata()), whole.sel(policy=policy).values)
    label = figure("replay", plain, {"where": {"region": "north"}}).axes[0].get_ylabel().replace("\n", " ")
    assert label.startswith("north, ") and label.endswith("sector [bn yuan]")


def test_an_overview_is_the_curve_of_an_outcome_beside_the_years_of_what_it_is_made_of():
    made = figure("overview", drawn(CASES["plain"]), {"variable": "growth", "where": {"region": "south"}})
    assert [ax.get_xlabel() for ax in made.axes] == ["Growth [1]", "year"]
    assert made.axes[1].get_ylabel() == "Income [1/yr]"
    assert made.axes[1].get_title(loc="left").startswith("Income, south")
    assert len(figure("overview", drawn(CASES["static"]), {}).axes) == 1


def test_figures_call_things_by_their_labels_and_give_units():
    cube = make_cube(2)
    for group in ("paths", "distribution"):
        cube[group]["policy"].attrs["labels"] = ["As it was", "Reform of 2016"]
    cube["paths"]["loss"].attrs |= {"long_name": "Banks' loss", "comment": "true capital missing"}
    made = exceedance(cube, "loss").figure
    assert title_of(made).startswith("Banks' loss [bn yuan]")
    assert "As it was" in title_of(made) and "Reform of 2016" in title_of(made)
    assert "true capital missing" in made.texts[1].get_text().replace("\n", " ")
    legend = made.legends[0]
    assert legend.get_texts()[1].get_text().startswith("Reform of 2016: ")
    assert [handle.get_marker() for handle in legend.legend_handles] == ["o", "s"]


def test_a_cube_of_before_there_were_labels_is_called_by_its_names():
    cube = make_cube(1)
    cube["paths"]["growth"].attrs["long_name"] = "lowest growth of any year"
    made = exceedance(cube, "growth").figure
    assert title_of(made).startswith("Growth: ") and made.axes[0].get_xlabel() == "Growth [1]"
    assert cube["paths"]["growth"].attrs["long_name"] in made.texts[1].get_text().replace("\n", " ")


def test_settings_of_the_user_are_left_as_they_are():
    before = dict(plt.rcParams)
    figure("tails", drawn(CASES["plain"]), {})
    assert dict(plt.rcParams) == before


@pytest.mark.parametrize("loss", [True, False])
def test_differences_tell_the_shares_of_better_and_worse_paths(loss):
    cube = drawn(CASES["plain"]).cube
    name = list(cube["paths"].data_vars)[0 if loss else 1]
    made = figure("differences", drawn(CASES["plain"]), {"variable": name})
    values = cube["paths"][name].values.astype(np.float64)
    worse = (values[1] > values[0]) if loss else (values[1] < values[0])
    (ax,) = made.axes
    assert f"worse in {100 * worse.mean():.0f}"[:10] in ax.get_title(loc="left").replace("\n", " ")
    heights = sum(bar.get_height() for bar in ax.patches)
    assert_close(heights, 100.0)


def test_a_relation_is_claimed_only_where_its_interval_leaves_out_zero():
    plain = drawn(CASES["plain"])
    assert "rises with recovery" in title_of(figure("scatter", plain, {"factor": "recovery"}))
    assert "no clear relation" in title_of(figure("scatter", plain, {"factor": "share"}))
    assert "no factor" in title_of(figure("tornado", drawn(CASES["equal"]), {}))


def test_rank_correlation_is_that_of_the_law_and_its_interval_holds_it():
    rng = np.random.default_rng(4)
    one, other = rng.standard_normal((2, 400, 500))
    two = 0.6 * one + 0.8 * other
    truth = 6 / np.pi * np.arcsin(0.3)
    found = [rank_correlation(x, y, 500) for x, y in zip(one, two, strict=True)]
    held = np.array([of.low <= truth <= of.high for of in found])
    assert_plausible(held.mean(), 0.95, np.sqrt(0.95 * 0.05 / 400), 0.06)
    assert not np.isfinite(interval(0.5, 4).low)


@pytest.mark.parametrize("sign", [1, -1])
def test_the_interval_of_equal_ranks_is_their_correlation(sign):
    x = np.random.default_rng(5).standard_normal(4096)
    found = rank_correlation(x, sign * np.exp(x), 2048)
    assert (found.estimate, found.low, found.high) == (sign, sign, sign)


def test_convergence_counts_whole_units():
    assert lengths(131_072, 2) == [1024 * 2**k for k in range(8)]
    assert all(n % 256 == 0 for n in lengths(100_000, 256))
    assert lengths(1001, 2)[-1] == 1000
    assert lengths(1, 1) == [1]


@pytest.mark.parametrize(
    ("value", "half", "text"),
    [
        (40.4573, 0.33, "40.46"), (40.4573, 0.8, "40.5"), (1234567.0, 900.0, "1,234,600"), (0.0, np.nan, "0"),
        (-0.00012345, 2e-6, "−1.234e−4"), (np.nan, 1.0, "unknown"), (19.8063, np.nan, "19.8"),
    ],
)  # fmt: skip
def test_numbers_have_the_digits_that_their_interval_leaves(value, half, text):
    assert number(value, half) == text


def test_an_estimate_without_interval_says_so():
    assert with_interval(Estimate(3.0, np.nan, np.nan, np.nan)) == "3.00 (no interval)"


@pytest.mark.parametrize(
    ("ticks", "texts"),
    [
        ([0, 0.25, 0.5], ["0", "0.25", "0.50"]), ([0, 2000, 4000], ["0", "2,000", "4,000"]),
        ([-1e-6, 0, 1e-6], ["−1e−6", "0", "1e−6"]), ([1e6, 1.5e6], ["1.0e6", "1.5e6"]), ([0.0], ["0"]), ([], []),
    ],
)  # fmt: skip
def test_ticks_tell_neighbours_apart(ticks, texts):
    assert Numbers().format_ticks(ticks) == texts


@pytest.mark.parametrize("text", ["a_long_name_" * 5, "x" * 60, "words and words " * 6, "", "one"])
def test_lines_fit_their_width_and_lose_nothing(text):
    lines = fitted(text, 1.2, 8.5).split("\n")
    assert all(width(line, 8.5) <= 1.2 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize(
    ("kind", "options", "told"),
    [
        ("exceedence", {}, "mean 'exceedance'"),
        ("exceedance", {"variable": "foo"}, "(loss, growth), got 'foo'"),
        ("exceedance", {"policies": ["policy_9"]}, "unknown policy 'policy_9'"),
        ("exceedance", {"where": {"region": "north"}}, "'exceedance' does not"),
        ("fan", {"variable": "shortfal"}, "mean 'shortfall'"),
        ("fan", {"where": {"region": "nort"}}, "mean 'north'"),
        ("fan", {"where": {"country": "north"}}, "where.country"),
        ("tails", {"year": 2050}, "expected 2016 to 2030, got 2050"),
        ("tornado", {"measure": "EX99"}, "mean 'ES99'"),
        ("scatter", {"factor": "recovry"}, "mean 'recovery'"),
        ("priors", {"factor": "recovry"}, "mean 'recovery'"),
        ("replay", {"variable": "prices"}, "mean 'price'"),
    ],
)
def test_what_is_not_there_is_refused(kind, options, told):
    with pytest.raises(UserError) as caught:
        figure(kind, drawn(CASES["plain"]), options)
    assert told in str(caught.value)


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_a_file_has_the_same_bytes_every_time(tmp_path, ending):
    first, second = (
        save(figure("exceedance", drawn(CASES["plain"]), {}), tmp_path / f"{k}.{ending}").read_bytes() for k in range(2)
    )
    assert first == second
    assert len(first) > 1000


@pytest.mark.parametrize("file", ["a.gif", "nowhere/a.png"])
def test_a_file_that_cannot_be_is_refused(tmp_path, file):
    with pytest.raises(UserError, match=r"expected a (name|folder)"):
        save(plt.figure(), tmp_path / file)


def test_thresholds_mark_what_the_study_asks_and_draw_their_bands():
    of = drawn(CASES["plain"])
    study = replace(of.study, events=(Event("ruin", "", "loss", above=60.0), Event("slump", "", "growth", below=-0.01)))
    made = figure("thresholds", {"cube": of.cube, "study": study}, {})
    assert len(made.axes) == 2 and made.axes[1].xaxis_inverted() and not made.axes[0].xaxis_inverted()
    assert all(len(ax.collections) == 2 for ax in made.axes)
    share = 100 * float((of.cube["paths"]["loss"].sel(policy="policy_0") > 60.0).mean())
    assert title_of(made).startswith("Ruin: ") and f" {share:.1f}" in title_of(made)
    one = figure("thresholds", {"cube": of.cube, "study": study}, {"variable": "slump", "policies": ["policy_1"]})
    assert len(one.axes) == 1 and len(one.axes[0].collections) == 1
    with pytest.raises(UserError, match="got 'nothing'"):
        figure("thresholds", {"cube": of.cube, "study": study}, {"variable": "nothing"})
    far = replace(of.study, events=(Event("ruin", "", "loss", above=1e6),))
    (ax,) = figure("thresholds", {"cube": of.cube, "study": far}, {}).axes
    known = of.cube["paths"]["loss"].values.astype(float)
    assert np.nanmin(known) < ax.get_xlim()[1] < 2 * np.nanmax(known)
    assert all(np.sum(np.diff(line.get_ydata()) < 0) > 30 for line in ax.lines)
