"""Every question keeps one contract: JSON, frame and groups hold the same; whatever the run, it answers or refuses in
words.
"""

import functools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from inspect import signature
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import pytest

from engine.answers import registry
from engine.answers.answer import Answer
from engine.answers.plain import SCHEMA
from engine.answers.question import RUN, Option, fields
from engine.answers.table import Kind
from engine.errors import UserError
from engine.run_folder import answer_store, ledger
from engine.runs.asking import answered, ask
from engine.runs.run import open_run, run
from engine.runs.upkeep import verify
from engine.storage.files import unsealed
from tests.answers.asked import ASKED, FEW, KEPT, OPTIONS, stored, summed
from tests.answers.units import held_to_units
from tests.answers.words import held_to_words
from tests.report.wording import report
from tests.small_files import call

QUESTIONS = [*registry.OURS]
ROOT = Path(__file__).parents[2]
QUICK = ("compare", "explain", "discover", "extremes")
"""Questions whose answers are stopped."""
STATS = ("estimate", "standard_error", "low", "high")


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A run of few paths."""
    return run(summed(), out=tmp_path_factory.mktemp("asked") / "run")


class Answers(dict):
    """What a question gives of a run, asked when it is first looked up."""

    def __init__(self, of):
        super().__init__()
        self.of = of

    def __missing__(self, name):
        self[name] = self.of._ask(name, **OPTIONS[name])
        return self[name]


@pytest.fixture(scope="module")
def answers(done):
    """What every question gives of it, asked once."""
    return Answers(done)


def test_every_question_is_asked_here():
    assert set(OPTIONS) == set(QUESTIONS)


@pytest.mark.parametrize(("name", "options"), ASKED)
def test_json_frame_and_groups_hold_the_same(answers, done, name, options):
    answer = answers[name] if options is OPTIONS[name] else done._ask(name, **options)
    assert [*answer] == [table.name for table in answer.tables] and answer.tables
    plain = json.loads(json.dumps(answer.plain(), allow_nan=False))
    jsonschema.validate(plain, SCHEMA)
    assert stored(done.folder, answer).plain() == answer.plain()
    for table in answer.tables:
        frame = answer.frame(table.name)
        for column in table.columns:
            held = [row[column.name] for row in plain["tables"][table.name]["rows"]]
            if column.kind is Kind.ESTIMATE:
                of = "" if column.name == "estimate" else f"{column.name}_"
                for stat in STATS:
                    named = column.name if stat == "estimate" else f"{of}{stat}"
                    numbers = [None if one is None else one[stat] for one in held]
                    np.testing.assert_array_equal(frame[named], np.array(numbers, float))
                assert list(frame[f"{of}flag"]) == ["" if one is None else one["flag"] for one in held]
            elif column.kind is Kind.NUMBER:
                np.testing.assert_array_equal(frame[column.name], np.array(held, float))
            else:
                assert list(frame[column.name]) == held


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_csv_file_has_every_row_with_all_digits(answers, name, tmp_path):
    answer = answers[name]
    saved = pd.read_csv(answer.save(tmp_path / "all.csv"), low_memory=False)
    assert len(saved) == sum(map(len, answer.tables))
    for table in answer.tables:
        own, frame = saved[saved["table"] == table.name], answer.frame(table.name)
        for column in frame.select_dtypes("float"):
            np.testing.assert_array_equal(own[column].astype(float), frame[column])


@pytest.mark.parametrize("name", QUESTIONS)
def test_sentences_are_short_and_in_words_and_tables_say_what_they_hold(answers, done, name):
    """Numbers in the unit of their outcome, also of `cost`, which has the name of a yearly variable; and why an
    estimate has no interval.
    """
    answer = answers[name]
    held_to_words(answer)
    held_to_units(answer, done.study)
    assert answer.question == name and answer.heading and answer.finding.endswith(".")
    assert answer.asked.keys() == {one.name for one in fields(registry.question(name))}
    for table in answer.tables:
        assert len(table) and table.title
        for column in table.columns:
            assert column.about, (table.name, column.name)
            for one in column.values if column.kind is Kind.ESTIMATE else ():
                assert one is None or np.isfinite(one.low) or one.flag, (table.name, column.name)


def test_the_report_has_a_section_of_every_answer(answers, done):
    assert all(answers[name].question == name for name in KEPT)
    page = report(done.folder, done.study, done.cube).decode()
    assert [name for name in KEPT if f'<h2 id="{name}"' not in page] == []


@pytest.mark.parametrize("name", QUESTIONS)
def test_options_are_typed_and_have_help(name):
    record = registry.question(name)
    helped = " ".join(call(name, "--help").stdout.split())
    assert record.__doc__.partition("\n")[0] in helped
    for one in fields(record):
        assert one.flag in helped
        assert isinstance(one.option, Option) and one.option.help.endswith(".")
        assert one.type in (str, int, float, bool, Mapping)


@pytest.mark.parametrize("name", [name for name in QUESTIONS if name != "risk"])
def test_the_method_of_a_question_has_its_options_and_their_help(done, name):
    method = getattr(done, name)
    assert method.__name__ == name and name in dir(done)
    own, taken = fields(registry.question(name)), signature(method).parameters
    assert [*taken][: len(own)] == [one.name for one in own] and "device" in taken
    assert all(f"{one.name}: {one.option.help}" in method.__doc__ for one in own)
    with pytest.raises(TypeError, match="outcoem"):
        method(**OPTIONS[name], outcoem="cost")


def stopped(study, folder, at):
    """Stops a run when it comes to a stage."""

    def observe(stage):
        if stage.name == at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(study, out=folder, observe=observe)


def begun(folder):
    """A run whose paths are all there, but no tables."""
    stopped(summed(), folder, "estimating")
    return open_run(folder, model=summed().model, partial=True)


def extended(folder):
    """A run that was finished, and stopped when more paths were asked for."""
    run(summed(), out=folder)
    stopped(summed(paths=512, keep=summed().document["keep"]), folder, "compiled")
    opened = open_run(folder, model=summed().model)
    assert opened.is_extended and opened.answers.study.paths == 256
    return opened


@pytest.mark.parametrize("state", [begun, pytest.param(extended, marks=pytest.mark.slow)])
def test_a_run_that_has_not_come_to_its_end_answers_of_what_is_there(answers, done, state, tmp_path):
    opened = state(tmp_path / "run")
    for name in QUESTIONS:
        if registry.question(name).needs != RUN and state is begun:
            continue  # those live futures of their own
        of = opened._asking()  # gates stand in the study file, not in a run
        answer = ask(name, OPTIONS[name], replace(of, study=replace(of.study, gates=summed().gates)))[0]
        if registry.question(name).needs == RUN:
            assert _tables(answer, opened) == _tables(answers[name], done), name
        assert stored(opened.folder, answer).plain() == answer.plain()


def _tables(answer, of):
    return json.dumps(answer.plain()["tables"]).replace(str(of.folder), "RUN")


ALONE = f"""
import json, sys
from dataclasses import replace
from engine.questions.conditioning import question
from engine.runs.asking import answered
from engine.runs.run import open_run
from tests.answers.asked import OPTIONS, summed
of = open_run(sys.argv[1], model=summed().model)._asking()
of = replace(of, study=replace(of.study, gates=summed().gates))  # gates stand in the study file, not in a run
question.RUNS = {FEW}
print(json.dumps({{name: answered(name, given, of).plain() for name, given in OPTIONS.items()}}))
"""


@pytest.mark.slow
def test_one_thread_gives_the_same_numbers(answers, done):
    given = {name: json.loads(json.dumps(answers[name].plain())) for name in QUESTIONS}
    environment = {**os.environ, "RUSTBELT_CPU_DEVICES": "1", "OMP_NUM_THREADS": "1"}
    words = [sys.executable, "-c", ALONE, str(done.folder)]
    ended = subprocess.run(words, env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
    alone = json.loads(ended.stdout)
    for name in QUESTIONS:
        for row in (*_forecast(alone[name]), *_forecast(given[name])):
            del row["seconds"]  # which are measured
        assert alone[name] == given[name], name


def _forecast(plain):
    return plain["tables"].get("forecast", {"rows": []})["rows"]


@pytest.mark.parametrize("name", QUICK)
def test_an_answer_that_is_stopped_leaves_the_one_before(answers, done, name):
    def stop(*_):
        raise KeyboardInterrupt

    before = answers[name].plain()
    with suppress(KeyboardInterrupt):  # a question that takes no time tells of none
        answered(name, OPTIONS[name], done._asking(observe=stop))
    assert Answer.of_tree(answer_store.read(done.folder, name)).plain() == before


@pytest.mark.parametrize("name", [KEPT[0], KEPT[-1]])
def test_an_answer_that_is_killed_while_it_is_written_is_none_and_asked_again(answers, done, name, tmp_path):
    answer = answers[name]
    folder = replace(done.run_folder, path=shutil.copytree(done.folder, tmp_path / "run"))
    before = {path: path.read_bytes() for path in (folder.path / "cube.zarr").rglob("*") if path.is_file()}
    files = len(ledger.files_in(unsealed(ledger.record_file(folder.path, name))))
    for written in (0, 1, files // 2, files - 1):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(ledger, "write_files", functools.partial(_killed, written))
            with pytest.raises(KeyboardInterrupt):
                answer_store.write(folder, name, answer.groups)
        assert answer_store.read(folder.path, name) is None
    answer_store.write(folder, name, answer.groups)
    assert Answer.of_tree(answer_store.read(folder.path, name)).plain() == answer.plain()
    assert verify(folder) == []
    assert {path: path.read_bytes() for path in before} == before


def _killed(written, folder, files):
    """Writes so many files, and half of the next one."""
    for name, content in [*files.items()][: written + 1]:
        whole = len(content) if name != [*files][written] else len(content) // 2
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content[:whole])
    raise KeyboardInterrupt


@pytest.fixture
def kept(done, answers):
    """An answer as it lies beside the cube."""
    assert answers[KEPT[0]].question == KEPT[0]
    return answer_store.read(done.folder, KEPT[0])


def test_an_answer_of_another_version_is_asked_anew(done, kept):
    name, tree = KEPT[0], kept
    tree.attrs["answer"] = {**tree.attrs["answer"], "version": 0}
    with pytest.raises(UserError, match=f"Ask again: rustbelt {name}"):
        Answer.of_tree(tree)
    assert open_run(done.folder, model=done.study.model).study.fingerprint == done.study.fingerprint


def test_what_the_cube_has_is_kept_nowhere_and_has_the_records_of_the_run(done, answers):
    before = {path: path.stat().st_mtime_ns for path in done.folder.rglob("*")}
    answer = done._ask("risk")
    assert {path: path.stat().st_mtime_ns for path in done.folder.rglob("*")} == before
    tables = done.answers.all_tables
    held = {
        (row["measure"], row["policy"], row["variable"]): row["estimate"]
        for table in answer.tables
        for row in table.rows()
        if row["estimate"] is not None
    }
    assert held.keys() == {(r.measure, r.policy, r.variable) for r in (*tables.risk, *tables.comparison)}
    assert sum(map(len, answer.tables)) == len(held)
    for r in (*tables.risk, *tables.comparison):
        assert repr(held[r.measure, r.policy, r.variable]) == repr(r.alone)
