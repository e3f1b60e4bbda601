"""Numbers of single years and places against plain NumPy, one cell at a time."""

import numpy as np
import pytest
from scipy.special import stdtrit

from engine.modelling.cell_axis import cell_count, split_cells
from engine.risk.estimation import yearly_sample
from engine.risk.estimation.intervals import FEW_UNITS
from engine.risk.estimation.measures import difference, summary
from engine.risk.estimation.yearly_sample import QUANTILES, of_parts
from tests.helpers import assert_close, assert_same
from tests.risk.cells import summary_cells
from tests.small_study import make_study

NAMES = ("moments", "difference_yearly", "risk_yearly", "distribution")


def values_of(study, n_paths):
    """Values [policy, year, cell, path]: antithetic where the study is, skewed, even in the noise (so that both of a
    pair are high), rounded, constant, and alike under both policies."""
    rng = np.random.default_rng([2016, n_paths])
    shape = len(study.years), cell_count(study.model)
    z = rng.standard_normal((*shape, -(-n_paths // 2)))
    z = np.stack([z, -z], axis=-1).reshape(*shape, -1)[..., :n_paths]
    noise = 0.3 * rng.standard_normal((2, *shape, n_paths))
    values = 100 + z + noise
    values[:, :, 1] = np.exp(z[:, 1] + noise[:, :, 1])
    values[:, :, 2] = z[:, 2] ** 2 + 0.01 * noise[:, :, 2]
    values[:, :, 3] = np.round(z[:, 3] + noise[:, :, 3])
    values[:, :, 4] = 7.25
    values[1, :, 5] = values[0, :, 5]
    return values.astype(np.float32)


def by_cell(study, found, values):
    """Every (policy, year, place) of every variable: its values and the baseline's, whether high is bad, its
    numbers."""
    paths = split_cells(study.model, values, axis=2)
    for name, variable in study.model.yearly.items():
        for place in np.ndindex(*paths[name].shape[:-1]):
            policy, where = place[0], place[1:]
            parts = {key: found[key][name][(policy, ..., *where)] for key in NAMES}
            yield (paths[name][place].astype(float), paths[name][(0, *where)].astype(float), variable.loss, parts)


@pytest.mark.parametrize(
    ("n_paths", "sampler"),
    [(1, "random"), (2, "antithetic"), (3, "antithetic"), (40, "random"), (1001, "antithetic"), (6000, "random")],
)
def test_every_number_is_that_of_plain_numpy(sampler, n_paths):
    study = make_study(n_paths, sampler=sampler)
    values = values_of(study, n_paths)
    found = of_parts(study, values.shape[-1], [values])
    assert found["yearly_sample"] == n_paths and found["quantiles"] == QUANTILES
    starts = np.arange(0, n_paths, study.unit)
    sizes, units = np.diff(np.append(starts, n_paths)), len(starts)

    def error_of_mean(x):
        if units < 2:
            return np.nan
        away = np.add.reduceat(x, starts) - sizes * x.mean()
        return np.sqrt(units / (units - 1) * np.sum(away**2)) / n_paths

    for x, base, loss, parts in by_cell(study, found, values):
        deviation = x.std(ddof=1) if n_paths > 1 else np.nan
        size = np.abs(x).max()  # what is constant has errors of rounding at this size, and no others
        mean, spread, error = parts["moments"]
        assert_close([mean, size + spread, size + error], [x.mean(), size + deviation, size + error_of_mean(x)])
        gap, gap_error, low, high = parts["difference_yearly"]
        assert_close([size + gap, size + gap_error], [size + (x - base).mean(), size + error_of_mean(x - base)])
        if 1 < units < FEW_UNITS:  # too few to correct for skewness
            half = stdtrit(units - 1, 0.975) * gap_error
            assert_close([low, high], [gap - half, gap + half])
        assert_close(parts["distribution"], np.quantile(x, QUANTILES), np.float32)
        own = np.array([[e.estimate, e.standard_error, e.low, e.high] for e in summary(x, study.unit, loss).values()])
        told = ~np.isnan(own)  # heavy tails are not judged by year and place
        assert_close(parts["risk_yearly"][told], own[told])
        paired = difference(x, base, study.unit, loss)["mean"]
        assert_close(parts["difference_yearly"][:2], [paired.estimate, paired.standard_error])
        if not paired.flag:
            assert_close(parts["difference_yearly"][2:], [paired.low, paired.high])


def test_intervals_by_year_and_place_are_those_of_cells():
    study = make_study(1001, sampler="antithetic")
    values = values_of(study, 1001)
    found = of_parts(study, values.shape[-1], [values])
    paths = split_cells(study.model, values, axis=2)
    for name, variable in study.model.yearly.items():
        expected = np.moveaxis(np.stack(summary_cells(paths[name], study.unit, variable.loss), axis=1), -1, 1)
        np.testing.assert_array_equal(np.isnan(found["risk_yearly"][name]), np.isnan(expected))
        assert_close(np.nan_to_num(found["risk_yearly"][name]), np.nan_to_num(expected))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_cells_with_values_that_are_not_finite_are_blank_and_no_others(bad):
    study = make_study(1000)
    values = values_of(study, 1000)
    sound = of_parts(study, values.shape[-1], [values])
    stock = 2  # growth has two cells before
    values[0, 1, stock, 17] = bad
    values[1, 2, stock, 17] = bad
    found = of_parts(study, values.shape[-1], [values])
    for key in NAMES:
        for name, table in found[key].items():
            expected = sound[key][name].copy()
            if name == "stock":
                expected[0, ..., 1, 0, 0] = expected[1, ..., 2, 0, 0] = np.nan
                if key == "difference_yearly":
                    expected[1, ..., 1, 0, 0] = np.nan
            assert_same(table, expected)


def test_numbers_do_not_depend_on_how_cells_are_cut(monkeypatch):
    study = make_study(1001)
    values = values_of(study, 1001)
    whole = of_parts(study, values.shape[-1], [values])
    monkeypatch.setattr(yearly_sample, "CHUNK", 1)
    cut = of_parts(study, values.shape[-1], [values])
    by_year = of_parts(study, 1001, iter(np.split(values, values.shape[1], axis=1)))
    assert by_year.keys() == whole.keys()
    for key in NAMES:
        for name in study.model.yearly:
            assert_same(cut[key][name], whole[key][name])
            assert_same(by_year[key][name], whole[key][name])
