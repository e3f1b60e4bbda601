"""Names that the cube has for things of its own: no model and no study may give them to anything that stands in it."""

import pytest

from engine.modelling.declaration import RESERVED
from engine.modelling.folds import lowest
from engine.modelling.records import Factor, Outcome, Yearly
from engine.run_folder import cube, ledger, reading
from engine.run_folder.folder import RunFolder
from tests.refusals import at
from tests.reservoirs import STUDY, Reservoir, read, said
from tests.small_study import commit_block, entered, make_study, make_summaries, read_paths

PRIOR = '\n[factors.{name}]\nfamily = "fixed"\nvalue = 1\n'
BY_MODEL = {
    "outcomes": Outcome("1", lowest("stock")),
    "yearly": Yearly("1"),
    "factors": Factor("1"),
    "dims": ("a", "b"),
}
BY_STUDY = {
    "factors": PRIOR,
    "policies": "\n[policies.{name}]\n",
    "events": '\n[events.{name}]\noutcome = "shortage"\nabove = 1\n',
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


@pytest.mark.parametrize("name", RESERVED)
def test_no_model_may_have_them(name):
    for table in BY_MODEL:
        message = f"model.{table}.{name}: '{name}' is a name of the cube's own; take another."
        assert message in said(STUDY, model_with(table, name)), table


@pytest.mark.parametrize("name", RESERVED)
def test_no_study_may_have_them(name):
    for table, text in BY_STUDY.items():
        message = f"{table}.{name}: '{name}' is a name of the cube's own; take another."
        assert message in said(STUDY + text.format(name=name)), table


def test_dimensions_of_the_model_are_names_of_the_cube_too():
    text = STUDY.replace('"will"', '"use"') + BY_STUDY["events"].format(name="region")
    assert said(text + PRIOR.format(name="use")) == [
        at("factors.will", "factor 'will'", "evaporation"),
        at("factors.use", "a dimension"),
        at("events.region", "a dimension"),
    ]
    with_outcome = model_with("outcomes", "region")
    assert at("model.outcomes.region", "a dimension") in said(STUDY, with_outcome)


def test_edges_of_bins_are_no_outcome():
    assert said(STUDY, model_with("outcomes", "shortage_edges")) == [at("model.outcomes.shortage_edges", "the edges")]
    assert "cutting_edges" in read(STUDY, model_with("outcomes", "cutting_edges")).model.outcomes
