"""Names of the cube's own: what stands beside them in a group may not have them; policies, events and all else may."""

import pytest

from engine.modelling.declaration import BESIDE, RESERVED
from engine.modelling.folds import lowest
from engine.modelling.records import Factor, Lever, Outcome, StaticModel, Yearly
from engine.run_folder import cube, ledger, reading
from engine.run_folder.folder import RunFolder
from engine.runs.run import open_run, run
from engine.study.loading import read_study
from tests.reservoirs import STUDY, Reservoir, said
from tests.small_study import commit_block, entered, make_study, make_summaries, read_paths

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
    message = f"model.{table}.{name}: '{name}' is a name of the cube's own; take another."
    assert message in said(STUDY, model_with(table, name))


def test_no_factor_of_a_study_may_have_that_of_paths():
    message = "factors.path: 'path' is a name of the cube's own; take another."
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
    done = run(read_study(text, "free.toml", model=Free()), out=tmp_path / "run")
    answer = done.compare()
    assert {*answer["differences"]["outcome"]} == {*FREE} and {*answer["events"]["event"]} == {*text["events"]}
    assert {*answer["differences"]["policy"]} == {"rule", "policy", "stat"}
    again = open_run(done.folder, model=Free())
    assert again.compare().plain()["tables"] == answer.plain()["tables"]
    stored, of_paths = (
        {(r.measure, r.policy, r.variable): (r.estimate, r.flag) for r in records}
        for records in (again._asking().stored_tables.risk, done.answers.all_tables.risk)
    )
    assert stored == of_paths and stored["ES99.9", "stat", "reason"][1]
