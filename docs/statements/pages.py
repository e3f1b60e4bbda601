"""Statements of pages, the numbers that they have, and the numbers of a page that nothing holds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from docs.statements.runs import Runs

ROOT = Path(__file__).parents[2]
README, FINDINGS, ARTICLE, MODEL = "README.md", "docs/findings.md", "docs/article.md", "docs/rustbelt-model.md"
PAGES = (README, FINDINGS, ARTICLE, MODEL)
COUNTS = ("three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
WORDS = (*COUNTS, "half", "twice", "third", "thirds", "tenth", "a million")
NUMBER = rf"[−-]?\d+(?:,\d{{3}})*(?:\.\d+)?(?:e-\d+)?|\b(?:{'|'.join(WORDS)})\b"
_NUMBER = re.compile(NUMBER, re.IGNORECASE)
_MONTH = "January|February|March|April|May|June|July|August|September|October|November|December"
NO_NUMBERS = re.compile(
    "|".join(
        (
            r"^```.*?^```",  # boxes: `test_tutorial.py` compares what they show with what the commands print
            r"^<!--table \w+-->\n.*?(?=\n\n)",  # tables of findings_numbers.py
            r"(?<=-->)(?: *\|[^|\n]*){2}\|$",  # cells of article_numbers.py
            r"^\| claim \| holds.*?(?=\n\n)",  # its table of claims
            r"^## 2\. Equations.*?(?=^## 3)",  # the equations, which tests/rustbelt_numpy implements
            r"^#+ \d+\.",  # numbers of sections
            r"`[^`\n]*`",  # names and commands
            r"\]\([^)\n]*\)",  # targets of links
            rf"(?:\d\d? (?:{_MONTH}) )?\b(?:19|20)\d\d(?:-\d\d)?\b",  # dates
            r"\b(?:ES|VaR)\d[\d.]*",  # names of measures
            r"<!--.*?-->",  # comments
            r"\b9[05] % (?:(?:confidence |prediction )?(?:intervals?|range)|of paths)|worst 1 %",  # levels
        )
    ),
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Statement:
    """A part of a sentence of a page, and its numbers.

    Args:
      text: the part, with `{}` for each number.
      numbers: the numbers as texts, from runs.
    """

    page: str
    text: str
    numbers: Callable[[Runs], Iterable[str]]

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The part with any numbers; its words may be on several lines."""
        parts = (r"\s+".join(map(re.escape, re.split(r"\s+", part))) for part in self.text.split("{}"))
        return re.compile(f"({NUMBER})".join(parts), re.IGNORECASE)

    def find(self, page: str) -> re.Match[str]:
        """Where the part is in the text of its page.

        Raises:
          ValueError: it is not there exactly once.
        """
        found = [*self.pattern.finditer(page)]
        if len(found) != 1:
            raise ValueError(f"{self.page}: expected '{self.text}' once, got {len(found)} times.")
        return found[0]

    def filled(self, page: str, runs: Runs) -> str:
        """The text of the page with the numbers of this statement; a number that is equal is left as it is written."""
        found, numbers = self.find(page), [*self.numbers(runs)]
        if len(numbers) != found.re.groups:
            raise ValueError(f"{self.page}: '{self.text}' has {found.re.groups} numbers, got {len(numbers)}.")
        for group, number in reversed([*enumerate(numbers, 1)]):
            start, end = found.span(group)
            if value(page[start:end]) != value(number):
                page = page[:start] + (number.capitalize() if page[start].isupper() else number) + page[end:]
        return page


def value(number: str) -> float | str:
    """The value of a number in digits; a number in words as it is, in small letters."""
    try:
        return float(number.replace(",", "").replace("−", "-"))
    except ValueError:
        return number.lower()


def numbers_of(text: str) -> Iterator[tuple[int, str]]:
    """The numbers of a page, in digits or in words, outside of boxes, names, dates and tables, with their places."""
    blank = NO_NUMBERS.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
    return ((found.start(), found[0]) for found in _NUMBER.finditer(blank))


def unheld(page: str, text: str, statements: Iterable[Statement], sourced: Iterable[str]) -> list[str]:
    """The lines of a page with numbers that are in no statement and in no part that has a source, each marked ⟨⟩."""
    held: set[int] = set()
    for one in statements:
        if one.page == page:
            found = one.find(text)
            held |= {at for group in range(1, found.re.groups + 1) for at in range(*found.span(group))}
    for part in sourced:
        pattern = r"\s+".join(map(re.escape, part.split()))
        places = [found.span() for found in re.finditer(pattern, text)]
        if not places:
            raise ValueError(f"{page}: '{part}' is not in the page.")
        held |= {at for start, end in places for at in range(start, end)}
    return [
        f"{text[text.rfind(chr(10), 0, at) + 1 : at][-60:]}⟨{number}⟩{text[at + len(number) :].splitlines()[0][:30]}"
        for at, number in numbers_of(text)
        if at not in held
    ]


def decimals(values: Iterable[float], places: int) -> list[str]:
    """Numbers with so many decimals."""
    return [f"{round(value, places) + 0.0:,.{places}f}".replace("-", "−") for value in values]


def plain(*values: float) -> list[str]:
    """Numbers as they are, without zeros at their ends."""
    return [f"{value:,.10g}".replace("-", "−") for value in values]


def in_words(count: int) -> str:
    """A count from three to twelve in words."""
    return COUNTS[count - 3]


def filled(statements: Iterable[Statement], runs: Runs, texts: Mapping[str, str]) -> dict[str, str]:
    """The texts of the pages with the numbers of the statements."""
    pages = dict(texts)
    for one in statements:
        pages[one.page] = one.filled(pages[one.page], runs)
    return pages


def read() -> dict[str, str]:
    """The texts of the pages."""
    return {name: (ROOT / name).read_text(encoding="utf-8") for name in PAGES}
