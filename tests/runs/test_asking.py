"""What a question sees of a run whose blocks are not all done."""

from engine.answers.question import Asked
from engine.execution.results import Answers
from engine.run_folder import ledger
from engine.runs.asking import ask
from engine.runs.run import run
from engine.study.study import BLOCK
from tests.questions.explained import vasicek


def test_of_blocks_that_are_not_the_first_the_first_paths_are_computed_anew(tmp_path):
    study = vasicek(2 * BLOCK + 512)
    done = run(study, out=tmp_path / "run")
    records = ledger.done_blocks(done.run_folder)

    def asking(*there):
        return Asked(study, done.run_folder, lambda: Answers(done.run_folder, {k: records[k] for k in there}))

    assert {*asking(0, 1).first_outcomes} == {"loss"} and not asking(0, 2).first_outcomes
    answer, _ = ask("explain", {"outcome": "loss"}, asking(0, 2))
    assert answer.subject.paths == BLOCK + 512
