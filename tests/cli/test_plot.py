"""`rustbelt plot`: every kind of a run of a user's model, files by their ending, and what it refuses."""

import pytest

from engine.answers import registry
from engine.answers.answer import Subject
from engine.charts.kinds import ANSWERS, KINDS
from engine.modelling.loading import load_model
from engine.run_folder import answer_store, ledger
from engine.runs.run import open_run
from tests.challenged import CLAIMS, challenged
from tests.small_files import POND, call, own, ran, write

OBSERVED = """\
[observed]
policy = "keep"
[[observed.rows]]
series = "Water"
time = 2018
variable = "stock"
at = "region=north"
value = 5
unit = "hm3"
standard_error = 2
source = "gauge"
confidence = "read"
"""


@pytest.fixture(scope="module")
def pond(tmp_path_factory):
    """A finished run of the pond."""
    folder = tmp_path_factory.mktemp("pond")
    study = write(folder, POND + OBSERVED, "pond.toml")
    ran("run", study, *own("Pond"), "--out", folder / "run", "--quiet")
    return folder / "run"


def test_without_a_kind_it_lists_them():
    ended = ran("plot")
    for name, kind in KINDS.items():
        assert any(line.startswith(name) and kind.about in line for line in ended.output.splitlines())


ASKED = {
    "explain": ("--outcome", "lowest_stock"),
    "sensitivity": (),
    "flip": ("--outcome", "lowest_stock", "--policies", "keep,use"),
    "design": ("--policy", "keep", "--lever", "release", "--subject", "mean of shortage <= 1"),
    "challenge": ("--claim", "keep better than use in lowest_stock"),
    "backtest": (),
    "extremes": (),
}
"""Questions whose answers are drawn, and what they need besides the run."""
FIRST = {kind.of: name for name, kind in reversed(KINDS.items())}.values()
"""A kind of each that is drawn from other things."""


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(name, marks=[] if name in FIRST and name not in ("drivers", "inputs") else [pytest.mark.slow])
        for name, one in KINDS.items()
        if {*one.of} & {*ANSWERS} <= {*registry.QUESTIONS} and not one.table
    ],
)
def test_every_kind_of_a_users_model(pond, kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for question in (name for name in KINDS[kind].of if name in ASKED):
        refused = call("plot", kind, pond, *own("Pond"))
        assert refused.exit_code == 2 and f"rustbelt {question} " in refused.output
        study, out = (
            (pond.parent / "pond.toml", ("--out", pond))
            if question in ("sensitivity", "flip", "design", "challenge", "backtest")
            else (pond, ())
        )
        ran(question, study, *own("Pond"), *ASKED[question], *out)
    ended = ran("plot", kind, pond, *own("Pond"))
    assert f"Saved in {kind}.png" in ended.output and (kind != "lever" or "is met" in " ".join(ended.output.split()))
    assert (tmp_path / f"{kind}.png").read_bytes()[:4] == b"\x89PNG"


def test_claims_and_ledgers_of_a_challenge_are_named_by_options(pond, tmp_path):
    run = open_run(pond, load_model(own("Pond")[1]))
    answer_store.write(run.run_folder, "challenge", challenged(Subject.of(run.study), each=4).groups)
    try:
        for kind, more in (("curve", ("--ledger", "policies")), ("profile", ())):
            place = tmp_path / f"{kind}.png"
            ended = ran("plot", kind, pond, *own("Pond"), "--claim", CLAIMS[1], *more, "-o", place)
            said = ended.output.replace("\xa0", " ")
            assert said.startswith("The mean of banks' loss") and "worst 1 %" in said and "lower under reform" in said
            assert place.is_file()
        refused = call("plot", "curve", pond, *own("Pond"), "--ledger", "policy")
        assert refused.exit_code == 2 and "mean 'policies'" in refused.output
    finally:
        ledger.drop(pond, "challenge")


def test_a_figure_is_of_the_headline_where_no_variable_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study = write(tmp_path, f'headline = ["shortage"]\n{POND}', "pond.toml")
    ran("run", study, *own("Pond"), "--out", "run", "--quiet")
    shown = call("plot", "exceedance", "run", *own("Pond"))
    assert shown.exit_code == 0 and shown.output.startswith("Shortage"), shown.output
    assert call("plot", "exceedance", "run", *own("Pond"), "--variable", "lowest_stock").output.startswith("Lowest")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("exceedence",), "mean 'exceedance'"),
        (("exceedance", "RUN", "--path", "3"), "path: expected no path, as 'exceedance' does not show single paths"),
        (("exceedance", "RUN", "--factor", "inflow"), "expected an option of 'exceedance'"),
        (("exceedance", "RUN", "--where", "region"), "such as region=Liaoning"),
        (("priors", "RUN", "--factor", "inflw"), "mean 'inflow'"),
        (("replay", "RUN", "--path", "600"), "expected 0 to 599, got 600"),
    ],
)
def test_what_it_refuses(pond, words, message):
    given = [pond if word == "RUN" else word for word in words]
    ended = call("plot", *given, *(own("Pond") if "RUN" in words else []))
    assert ended.exit_code == 2
    assert message in ended.output
