"""What is stored is compared with what the program gives before a run goes on."""

import sys
import types
from dataclasses import replace

import pytest

import engine
from engine.errors import UserError
from engine.execution import agreement
from engine.execution.job import RunOptions, compute, compute_shard
from engine.execution.work import Work
from engine.program import cpu_program, devices
from engine.run_folder import cube, ledger, ownership
from engine.run_folder.folder import RunFolder
from engine.study.loading import load_model_file, load_study
from engine.study.study import BLOCK
from tests.refusals import refuses
from tests.small_files import BRIDGE, call, write

MODEL = """
import os
from engine import Factor, Lever, Outcome, StaticModel

class Bridge(StaticModel):
    factors = {"load": Factor("t"), "price": Factor("1")}
    levers = {"strength": Lever("t", default=10.0)}
    outcomes = {"damage": Outcome("t", loss=True), "margin": Outcome("t")}

    def evaluate(self, factors, levers):
        rate = float(os.environ["RATE"])
        margin = levers.strength - factors.load
        return {"damage": rate * factors.price - margin, "margin": margin}
"""


CALLBACK = """jax.pure_callback(
            lambda load: np.full_like(load, float(os.environ["RATE"])),
            jax.ShapeDtypeStruct((), np.float32), factors.load, vmap_method="expand_dims",
        )"""
CALLING = MODEL.replace('float(os.environ["RATE"])', CALLBACK).replace("import os", "import os, jax, numpy as np")
"""The same model, whose trace does not show the rate."""
SLOW = pytest.mark.slow


def study_of(folder, keep, paths, model=CALLING):
    (folder / "model.py").write_text(model)
    text = f"{BRIDGE}[keep]\noutcomes = {keep}\n"
    return load_study(write(folder, text), model=load_model_file(f"{folder / 'model.py'}:Bridge"), paths=paths)


@pytest.mark.parametrize(
    ("keep", "place"),
    [
        pytest.param('"all"', "paths.damage", marks=SLOW),  # looked at below, path by path
        ("[]", "tally.damage"),
        pytest.param('["margin"]', "tally.damage", marks=SLOW),
    ],
)
def test_a_model_that_has_changed_out_of_sight_does_not_go_on(tmp_path, monkeypatch, keep, place):
    monkeypatch.setenv("RATE", "1.0")
    study, options = study_of(tmp_path, keep, 20_000), RunOptions(tmp_path / "run", "cpu")
    compute(study, options)
    more = replace(study, paths=BLOCK + 500)
    monkeypatch.setenv("RATE", "1.0000001")  # the next number of single precision
    with pytest.raises(UserError) as caught:
        compute(more, options)
    assert {problem.place for problem in caught.value.problems} == {place, ""}
    assert "--force" in str(caught.value)
    assert ledger.done_blocks(RunFolder(tmp_path / "run", study)).keys() == {0}
    monkeypatch.setenv("RATE", "1.0")
    assert compute(more, options).computed == (0, 1)
    monkeypatch.setenv("RATE", "2.0")
    finished = compute(replace(study, paths=2 * BLOCK), replace(options, force=True))
    assert finished.computed == (1,)


def test_a_run_of_another_version_of_jax_is_known_by_its_values(tmp_path, monkeypatch):
    """Versions of JAX trace a model differently; here the model is written differently in their place."""
    monkeypatch.setenv("RATE", "2.0")
    study = study_of(tmp_path, '"all"', 3000, MODEL)
    engine.run(study, tmp_path / "run", device="cpu")
    model, words = tmp_path / "model.py", ["--model", f"{tmp_path / 'model.py'}:Bridge"]
    asked = [["risk", tmp_path / "run"], ["run", tmp_path / "study.toml", "--out", tmp_path / "run", "--device", "cpu"]]
    model.write_text(MODEL.replace("rate * factors.price", "(factors.price + factors.price)"))
    for one in asked:
        ended = call(*one, *words)
        assert ended.exit_code == 2 and "fingerprint" in ended.stderr
    monkeypatch.setattr(ownership, "version", lambda _: "0.0")
    assert [call(*one, *words).exit_code for one in asked] == [0, 0]
    model.write_text(MODEL.replace("rate * factors.price", "rate * rate * factors.price"))
    for one in asked:
        ended = call(*one, *words)
        assert ended.exit_code == 2 and "paths.damage: path 0 under 'weak': expected " in ended.stderr


@pytest.mark.parametrize("workers", [None, pytest.param(1, marks=SLOW)], ids=["shards", "workers"])
def test_shards_and_workers_do_not_mix(tmp_path, monkeypatch, workers):
    study, options = study_of(tmp_path, '"all"', 2 * BLOCK), RunOptions(tmp_path / "run", "cpu")

    def second():
        if workers is None:
            return compute_shard(study, 2, 2, options)
        return compute(study, replace(options, workers=workers))

    monkeypatch.setenv("RATE", "1.0")
    assert compute_shard(study, 1, 2, options).missing == 1
    monkeypatch.setenv("RATE", "3.0")
    with pytest.raises(UserError, match=r"paths\.damage: path 0 under"):
        second()
    monkeypatch.setenv("RATE", "1.0")
    assert second().computed == (1,)


def test_workers_that_begin_at_once_find_out_and_take_theirs_away(tmp_path, monkeypatch):
    """Each has another constant, as a number drawn without a seed would be."""
    study = study_of(tmp_path, '"all"', 4 * BLOCK, MODEL)
    folder = RunFolder(tmp_path / "run", study)
    works = []
    for rate in ("1.0", "2.0"):
        monkeypatch.setenv("RATE", rate)
        cpu_program.forget_traces()  # as another process has none
        program = devices.program(replace(study), "cpu")
        program.prepare()
        works.append(Work(folder, program))
    with ownership.claim(folder):
        ownership.enter(folder, {})
        cube.create(folder)

        def wanted():  # this one has looked by now, and found nothing
            list(works[0].blocks(map(study.block, (0, 1))))
            yield from map(study.block, (2, 3))

        with pytest.raises(UserError, match=r"paths\.damage: path"):
            list(works[1].blocks(wanted()))
    assert ledger.done_blocks(folder).keys() == {0, 1}


UNSEEN = {
    "spec_from_file_location": """
from importlib.util import module_from_spec, spec_from_file_location
spec = spec_from_file_location("unseen_rates", FILE)
rates = module_from_spec(spec)
spec.loader.exec_module(rates)
text = f"RATE = {rates.RATE}"
""",
    "subprocess": "import subprocess\ntext = subprocess.check_output(['cat', FILE])",
}
"""Ways to read a rate, of whose file the digest of a model may not know."""


@pytest.mark.parametrize("way", UNSEEN)
def test_a_finished_run_is_compared_with_what_its_model_gives_now(tmp_path, way):
    file = tmp_path / "packed" / "rates.py"
    file.parent.mkdir()
    read = f"from pathlib import Path\nFILE = Path(__file__).parent / 'packed' / 'rates.py'\n{UNSEEN[way]}"
    rule = MODEL.replace('os.environ["RATE"]', "text.split()[-1]")
    (tmp_path / "model.py").write_text(f"{read}\n{rule}")
    file.write_text("RATE = 1.0")
    model = f"{tmp_path / 'model.py'}:Bridge"
    words = ["run", write(tmp_path, BRIDGE), "--model", model, "--out", tmp_path / "run", "--quiet", "--device", "cpu"]
    assert call(*words).exit_code == 0
    assert call("risk", tmp_path / "run").exit_code == 0
    file.write_text("RATE = 2.0")
    for asked in (words, ["risk", tmp_path / "run"], ["compare", tmp_path / "run"]):
        ended = call(*asked)
        assert ended.exit_code == 2 and "fingerprint" in ended.stderr


@SLOW
def test_a_run_that_is_held_is_compared_each_time_that_it_is_asked(tmp_path, monkeypatch):
    monkeypatch.setenv("RATE", "1.0")
    study = study_of(tmp_path, "[]", 20_000)
    run = engine.run(study, tmp_path / "run", device="cpu")
    asked = run.risk()
    monkeypatch.setenv("RATE", "1.0000001")
    for again in (run.risk, lambda: engine.run(study, run.folder), lambda: engine.open_run(run.folder).cube):
        with refuses("tally.damage", "mean"):
            again()
    with refuses("tally.damage", "mean"):
        engine.run(replace(study, paths=3000), run.folder, device="cpu")  # which shows all that are there
    monkeypatch.setenv("RATE", "1.0")
    assert run.risk() == asked


def test_values_that_differ_where_their_sum_does_not_are_told(tmp_path, monkeypatch):
    monkeypatch.setenv("RATE", "1.0")
    study = study_of(tmp_path, "[]", 3000)
    run = engine.run(study, tmp_path / "run", device="cpu")
    read = agreement.stored_tally

    def moved(*of):
        stored = read(*of)
        counts = stored.counts.copy()
        counts[0, :2] += [1, -1]
        return replace(stored, counts=counts)

    run.risk()
    monkeypatch.setattr(agreement, "stored_tally", moved)
    with refuses("tally.damage", "its distribution"):
        run.risk()


NOTEBOOK = MODEL.replace('float(os.environ["RATE"])', 'globals()["RATE"]').replace("class", "RATE = 1.0\n\nclass", 1)


def test_a_name_of_a_notebook_that_is_found_by_its_text_is_compared(tmp_path, monkeypatch):
    notebook = types.ModuleType("a_notebook")
    monkeypatch.setitem(sys.modules, "a_notebook", notebook)
    exec(compile(NOTEBOOK, "<cell 1>", "exec"), vars(notebook))
    study = write(tmp_path, BRIDGE)
    engine.run(study, tmp_path / "run", notebook.Bridge(), device="cpu")
    notebook.RATE = 2.0
    with refuses("", "fingerprint"):
        engine.run(study, tmp_path / "run", notebook.Bridge(), device="cpu")


def test_a_model_that_can_no_longer_be_traced_is_told_of_and_its_run_is_asked(tmp_path, monkeypatch):
    monkeypatch.setenv("RATE", "1.0")
    run = engine.run(study_of(tmp_path, '"all"', 3000, MODEL), tmp_path / "run", device="cpu")
    monkeypatch.delenv("RATE")
    with pytest.warns(UserWarning, match="not compared.*KeyError"):
        run.risk()


def test_a_run_of_other_versions_that_gives_other_values_now_is_told_of(tmp_path, monkeypatch):
    monkeypatch.setenv("RATE", "1.0")
    run = engine.run(study_of(tmp_path, '"all"', 3000, MODEL), tmp_path / "run", device="cpu")
    monkeypatch.setattr("engine.execution.executors.site.kind_for", lambda *_: "any, emitter 0")
    run.risk()
    monkeypatch.setenv("RATE", "2.0")
    with pytest.warns(UserWarning, match="differs.*path 0.*emitter 0"):
        run.risk()
