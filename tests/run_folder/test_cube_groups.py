"""Attributes of cubes, answers and replays are what the climate and forecast conventions ask for, units are those of
UDUNITS, and only names of the cube's own are reserved.
"""

import re

import numpy as np
import pytest
import xarray as xr

import engine
from engine.modelling.declaration import BESIDE, RESERVED
from engine.modelling.folds import lowest
from engine.modelling.records import Factor, Lever, Outcome, StaticModel, Yearly
from engine.run_folder import cube, ledger, reading
from engine.run_folder.cube_groups import described
from engine.run_folder.folder import RunFolder
from engine.runs.replay import replay
from engine.study.loading import load_study, read_study, shipped_studies
from tests.reservoirs import STUDY, Reservoir, said
from tests.small_files import MODELS, POND, write
from tests.small_study import commit_block, entered, make_study, make_summaries, read_paths

STANDARD_NAMES = {"realization"}
"""Of CF's table, those that a cube has a use for."""
TEXT = re.compile(r"[^\x00-\x08\x0b-\x1f]*")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    place = tmp_path_factory.mktemp("cf")
    model = engine.load_model_file(f"{MODELS}:Pond")
    return engine.run(str(write(place, POND)), place / "run", model, device="cpu")


@pytest.fixture(scope="module", params=["stored", "opened", "compare", "explain", "replay"])
def tree(run, request):
    """The cube as plain xarray has it and as we open it, two answers, and a replay."""
    name = request.param
    if name == "stored":
        return xr.open_datatree(run.folder / "cube.zarr", engine="zarr", chunks={})
    if name == "replay":
        return replay(run.study, [3, 5], "cpu")
    return run.cube if name == "opened" else run._ask(name, outcome="lowest_stock").tree


def variables(tree):
    for node in tree.subtree:
        for name, variable in node.to_dataset(inherit=False).variables.items():
            yield node, str(name), variable


def test_the_root_names_the_conventions(tree):
    assert tree.attrs["Conventions"] == "CF-1.11" and tree.attrs["title"]


def test_every_variable_has_a_long_name_and_a_unit_that_udunits_reads(tree):
    cf_units = pytest.importorskip("cf_units")
    count = 0
    for node, name, variable in variables(tree):
        assert variable.attrs["long_name"], (node.path, name)
        cf_units.Unit(variable.attrs.get("udunits", variable.attrs["units"]))
        count += 1
    assert count > 16


def test_names_are_letters_digits_and_underscores_and_differ_by_more_than_case(tree):
    for node in tree.subtree:
        names = [str(name) for name in node.to_dataset(inherit=False).variables]
        assert all(re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII) for name in names), node.path
        assert len({name.lower() for name in names}) == len(names)
        for variable in node.dataset.variables.values():
            assert len({*variable.dims}) == len(variable.dims)


def test_standard_names_are_of_the_table_and_paths_have_one(tree):
    for node, name, variable in variables(tree):
        given = variable.attrs.get("standard_name")
        assert given is None or given in STANDARD_NAMES, (node.path, name)
        if name == "path" and variable.dims == ("path",) and "table" not in node.attrs:
            assert given == "realization" and variable.attrs["units"] == "1"


def test_estimates_name_the_variables_that_say_how_good_they_are(tree):
    named = set()
    for node, name, variable in variables(tree):
        for place in variable.attrs.get("ancillary_variables", "").split():
            other = node[place]
            named.add(other.path if isinstance(other, xr.DataTree) else f"{node.path}/{place}")
            assert {*variable.dims} - {"stat"} <= {*other.dims}, (node.path, name)
    reasons = {f"{node.path}/{name}" for node in tree.subtree if node.name == "reasons" for name in node.data_vars}
    assert reasons <= named


def test_flags_have_as_many_meanings_as_values_and_bounds_hold_the_values(tree):
    for node, name, variable in variables(tree):
        values, meanings = variable.attrs.get("flag_values"), variable.attrs.get("flag_meanings")
        assert (values is None) == (meanings is None)
        assert values is None or len(np.atleast_1d(values)) == len(meanings.split())
        low, high = variable.attrs.get("valid_min", -np.inf), variable.attrs.get("valid_max", np.inf)
        if np.isfinite([low, high]).any():
            held = np.asarray(variable.values, np.float64)
            slack = 1e-6 * np.nanmax(np.abs(held), initial=0)
            assert np.nanmin(held) >= low - slack and np.nanmax(held) <= high + slack, (node.path, name)


def test_attributes_are_what_a_netcdf_file_can_hold(tree):
    """Numbers, texts and lists of one kind; `answer` and `table` alone are an answer's own form, which is JSON."""
    for node in tree.subtree:
        held = node.to_dataset(inherit=False)
        own = {key: value for key, value in held.attrs.items() if key not in ("answer", "table")}
        for attributes in (own, *(variable.attrs for variable in held.variables.values())):
            for key, value in attributes.items():
                kinds = {type(one) for one in (value if isinstance(value, list) else [value])}
                assert len(kinds) == 1 and kinds <= {str, int, float}, (node.path, key, value)
                assert not isinstance(value, str) or TEXT.fullmatch(value)


@pytest.mark.parametrize("name", shipped_studies())
def test_udunits_reads_every_unit_of_what_ships(name):
    cf_units = pytest.importorskip("cf_units")
    study = load_study(name)
    model = study.model
    tables = (model.outcomes, model.yearly, model.factors, model.shocks, model.levers)
    units = {entry.unit for table in tables for entry in table.values()} | {one.unit for one in study.inputs}
    assert len(units) > 1
    for unit in units:
        about = described("name", unit)
        cf_units.Unit(about.get("udunits", about["units"]))
        # what UDUNITS has no word for is there in the model's own
        assert about.get("unit_name", about["units"]) == (unit or "1")


def test_a_cube_with_flags_names_them_and_its_numbers_are_variables_by_a_line_of_xarray(run):
    flagged = {name: of for name, of in run.cube["risk"].data_vars.items() if "ancillary_variables" in of.attrs}
    assert flagged
    for name, of in flagged.items():
        assert of.attrs["ancillary_variables"] == f"reasons/{name}"
        assert {*of.to_dataset("stat")} == {"estimate", "standard_error", "low", "high"}


PRIOR = '\n[factors.{name}]\nfamily = "fixed"\nvalue = 1\n'
BY_MODEL = {
    "outcomes": Outcome("1", lowest("stock")),
    "yearly": Yearly("1"),
    "factors": Factor("1"),
    "dims": ("a", "b"),
}


@pytest.fixture(scope="module")
def small_cube(tmp_path_factory):
    """A finished cube, as a tree, and the dimensions of its model."""
    folder, study = tmp_path_factory.mktemp("names"), make_study(600)
    with entered(folder, study):
        for block in ledger.pending(RunFolder(folder, study)):
            commit_block(folder, study, block)
        stored = read_paths(folder, study, study.keep.outcomes, study.paths)
        cube.finish(RunFolder(folder, study), make_summaries(study, stored))
    return reading.open_cube(folder), set(study.model.dims)


def test_the_list_is_what_the_cube_has(small_cube):
    tree, dims = small_cube
    taken = set()
    for node in tree.subtree:
        taken |= {*node.dims, *node.coords} - dims
        taken |= set(node.children) if node.parent is not None else set()
    assert taken == set(RESERVED)


def model_with(table, name):
    own = {**getattr(Reservoir, table), name: BY_MODEL[table]}
    return type("Own", (Reservoir,), {table: own, "__module__": __name__})


TAKEN = {**BESIDE, "dims": RESERVED}


@pytest.mark.parametrize(("table", "name"), [(table, name) for table, names in TAKEN.items() for name in names])
def test_no_model_may_have_those_beside_its_parts(table, name):
    message = f"model.{table}.{name}: '{name}' is a name that the cube uses. Choose another."
    assert message in said(STUDY, model_with(table, name))


def test_no_factor_of_a_study_may_have_that_of_paths():
    message = "factors.path: 'path' is a name that the cube uses. Choose another."
    assert message in said(STUDY + PRIOR.format(name="path"))


FREE = sorted({*RESERVED} - {*BESIDE["outcomes"]})


class Free(StaticModel):
    """Outcomes with every name of the cube's own that is free: a heavy tail, so that estimates have flags."""

    factors = {"x": Factor("1")}
    levers = {"shift": Lever("1")}
    outcomes = {name: Outcome("1", loss=True) for name in FREE}

    def evaluate(self, factors, levers):
        return dict.fromkeys(FREE, factors.x + levers.shift)


def test_outcomes_policies_and_events_may_have_all_others(tmp_path):
    assert {"rule", "event", "bound", "reason"} <= {*FREE}
    text = {
        "name": "free",
        "headline": ["reason"],
        "run": {"paths": 512, "seed": 3},
        "factors": {"x": {"family": "normal", "mean": 0.0, "sd": 1.0}},
        "policies": {name: {"shift": 0.5 * k} for k, name in enumerate(("reason", "rule", "policy", "stat"))},
        "events": {name: {"outcome": "event", "above": 1.0} for name in ("measure", "policy", "path", "level")},
    }
    done = engine.run(read_study(text, "free.toml", model=Free()), out=tmp_path / "run")
    answer = done.compare()
    assert {*answer["differences"]["outcome"]} == {*FREE} and {*answer["events"]["event"]} == {*text["events"]}
    assert {*answer["differences"]["policy"]} == {"rule", "policy", "stat"}
    again = engine.open_run(done.folder, model=Free())
    assert again.compare().plain()["tables"] == answer.plain()["tables"]
    stored, of_paths = (
        {(r.measure, r.policy, r.variable): (r.estimate, r.flag) for r in records}
        for records in (again._asking().stored_tables.risk, done.answers.all_tables.risk)
    )
    assert stored == of_paths and stored["ES99.9", "stat", "reason"][1]
