"""`rustbelt check --device gpu --self-test`: with a card that processors stand in for, right, wrong or broken, and
without one.
"""

import re

import pytest

from engine.errors import UserError
from engine.execution import self_test
from engine.program import devices, hardware
from engine.program.contract import CardFailed
from engine.program.devices import mesh
from engine.run_folder.folder import RunFolder
from engine.study.study import BLOCK
from tests.program.simulated_card import FAILURES, WORDS, Card, Named
from tests.shock_study import walk

TWO = Named(id=0), Named(id=1)
LEFT_OUT = "a run takes cards of one kind: 1 x NVIDIA T400 left out"
ON_PROCESSORS = f"loop on {mesh('cpu').devices.size} x cpu"


@pytest.fixture
def tested(monkeypatch, tmp_path):
    """Texts by label of the self-test of a study with two cards, and what it raised."""

    def run(what="", launch=0, row=TWO, study=None):
        study = study or walk()
        Card(monkeypatch, walk(), what, launch)
        monkeypatch.setattr(hardware, "cards", lambda: ([*row], LEFT_OUT))
        monkeypatch.setattr(devices, "GPU_LANES", BLOCK)
        found: dict[str, str] = {}
        try:
            found.update(self_test.lines(RunFolder(tmp_path, study)))
        except (UserError, CardFailed) as raised:
            return found, raised
        return found, None

    return run


def test_a_card_with_the_processors_words_passes_with_its_rate(tested):
    found, raised = tested()
    assert raised is None
    assert [*found] == ["versions", "driver", "cards", "memory", "words", "rate", "form"]
    assert found["cards"] == f"2 x NVIDIA H100 (capability 9.0); {LEFT_OUT}"
    assert found["form"] == f"kernel on 2 x NVIDIA H100 ({LEFT_OUT})"
    study = walk()
    assert found["words"] == (f"{2 * len(study.policies) * len(study.model.outcomes) * BLOCK:,} compared, none differs")
    assert re.match(r"[\d,]+ paths/s", found["rate"]) and "68.7 GB" in found["memory"]


@pytest.mark.parametrize(
    "what, launch", [*((what, 1) for what in FAILURES), ("gives other bytes", 2), ("raises", 3), ("hangs", 4)]
)
def test_a_card_that_fails_is_named_with_what_it_says(monkeypatch, tested, what, launch):
    monkeypatch.setattr("engine.program.gpu.atexit.register", lambda *_: None)
    found, raised = tested(what, launch)
    assert isinstance(raised, CardFailed) and WORDS[what] in str(raised) and "and more" not in str(raised)
    assert found["form"].startswith(f"{ON_PROCESSORS} (2 x NVIDIA H100 not used: ") and "rate" not in found
    assert ("words" in found) == (launch > 2)


def test_a_study_without_a_program_for_cards_is_refused(tested):
    for study, words in ((walk(program="xla"), "got XLA"), (walk(precision="float64"), "single precision")):
        found, raised = tested(study=study)
        assert isinstance(raised, UserError) and words in str(raised) and "words" not in found


def test_without_a_card_all_that_is_missing_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(hardware, "_ROOT", tmp_path)
    monkeypatch.setattr(hardware, "_PLUGINS", {})
    monkeypatch.setattr(hardware, "cuda_of_driver", lambda: 0)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    with pytest.raises(UserError, match="3 problems") as told:
        dict(self_test.lines(RunFolder(tmp_path, walk())))
    for what in ("is not installed", "no NVIDIA driver", "is '-1', which shows no card"):
        assert what in str(told.value)
