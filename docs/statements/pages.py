"""Statements of pages, and the numbers that they have."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import engine

ROOT = Path(__file__).parents[2]
README, FINDINGS, ARTICLE, MODEL = "README.md", "docs/findings.md", "docs/article.md", "docs/rustbelt-model.md"
PAGES = (README, FINDINGS, ARTICLE, MODEL)
COUNTS = ("three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
WORDS = (*COUNTS, "half", "twice", "third", "thirds", "tenth", "a million")
NUMBER = rf"[−-]?\d+(?:,\d{{3}})*(?:\.\d+)?(?:e-\d+)?|\b(?:{'|'.join(WORDS)})\b"


class Studies:
    """The studies that statements take their numbers from."""

    @cached_property
    def study(self) -> engine.Study:
        """The shipped study."""
        return engine.load_study("rustbelt")

    @cached_property
    def readings_study(self) -> engine.Study:
        """The study of other readings."""
        return engine.load_study("rustbelt_readings")


@dataclass(frozen=True)
class Statement:
    """A part of a sentence of a page, and its numbers.

    Args:
      text: the part, with `{}` for each number.
      numbers: the numbers as texts, from the studies.
    """

    page: str
    text: str
    numbers: Callable[[Studies], Iterable[str]]

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


def value(number: str) -> float | str:
    """The value of a number in digits; a number in words as it is, in small letters."""
    try:
        return float(number.replace(",", "").replace("−", "-"))
    except ValueError:
        return number.lower()


def decimals(values: Iterable[float], places: int) -> list[str]:
    """Numbers with so many decimals."""
    return [f"{round(value, places) + 0.0:,.{places}f}".replace("-", "−") for value in values]


def plain(*values: float) -> list[str]:
    """Numbers as they are, without zeros at their ends."""
    return [f"{value:,.10g}".replace("-", "−") for value in values]


def in_words(count: int) -> str:
    """A count from three to twelve in words."""
    return COUNTS[count - 3]


def read() -> dict[str, str]:
    """The texts of the pages."""
    return {name: (ROOT / name).read_text(encoding="utf-8") for name in PAGES}
