"""What sentences of an answer are held to."""

import io
import re

from rich.console import Console

from engine.answers.answer import Answer
from engine.cli.show.answers import LINES, print_answer

TRADE = (
    r"_|\bVaR|\bES\d|k-hat|\bnats\b|first order|second order|normal"
    r" score|scrambled|quantile|\bnan\b|Sobol|Shapley"
)
"""Words that nobody needs to know who reads a sentence."""


def held_to_words(answer: Answer) -> None:
    """Fails where a sentence is long or of the trade, or the answer takes more than a screen."""
    for text in answer.findings:
        assert text.endswith(".") and text[0] == text[0].upper(), text
        assert len(re.findall(r"\S*\w\S*", text)) <= 25, text
        assert not re.search(TRADE, text), text
    console = Console(width=80, record=True, file=io.StringIO())
    print_answer(console, answer, full=False)
    lines = [line for line in console.export_text().splitlines() if "rustbelt " not in line]
    assert len(lines) <= LINES and max(map(len, lines)) <= 80
