"""What tests of answers share."""

import pytest

from engine.questions.conditioning import question
from tests.answers.asked import FEW


@pytest.fixture(scope="module", autouse=True)
def few_runs_of_moved_futures():
    """Those of `condition`, each of which takes a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(question, "RUNS", FEW)
        yield
