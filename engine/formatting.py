"""Numbers, sizes, values and commands as text; a number keeps only the digits that its standard error supports."""

from __future__ import annotations

import math
import os
import re
import shlex
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date, time
from pathlib import Path
from typing import Any

FLOAT32 = 2.0**-23
"""Machine epsilon of single precision; a standard error below this share of its estimate is only rounding error."""

_UNPRINTABLE = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f"  # control characters except tab and line feed: cursor, colours, window title
    "\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069"  # marks that change the direction of writing
    "\\u2028\\u2029\\ud800-\\udfff\\U000e0000-\\U000e007f]"  # line separators, lone surrogates, invisible tags
)

_FORMULA = tuple("=+-@\t\r\n＝＋－＠")
"""First characters of texts that a spreadsheet takes for formulas; the last four are their full-width forms."""


def printable(text: str) -> str:
    r"""The text with characters that act on a terminal written out, such as `\x1b`; the same for text that has none."""
    return _UNPRINTABLE.sub(lambda found: repr(found[0])[1:-1], text)


def is_formula(text: str) -> bool:
    """Whether a spreadsheet may take a text for a formula, by how it begins (OWASP, CSV Injection)."""
    return text.startswith(_FORMULA)


def as_cell(text: str) -> str:
    """The text as a CSV cell: a formula gets a leading apostrophe, control characters are written out."""
    return f"'{printable(text)}" if is_formula(text) else printable(text)


def as_markdown(text: str) -> str:
    """The text as a cell of a Markdown table, on one line; tags, links and cell separators are escaped."""
    escaped = re.sub(r"[\\|]", r"\\\g<0>", " ".join(printable(text).split()))
    return escaped.replace("<", "&lt;").replace("](", r"]\(")


def decimals(error: float) -> int | None:
    """Decimals that show one digit of a standard error, or two where the first is a 1; None without an error.

    Negative for tens and hundreds.
    """
    if not (math.isfinite(error) and error > 0):
        return None
    exponent = math.floor(math.log10(error))
    return -exponent + (1 if error / 10.0**exponent < 2 else 0)


def rounded(value: float, places: int | None) -> str:
    """The number with `places` decimals (negative: rounded to tens, hundreds); four significant digits for None."""
    if not math.isfinite(value):
        return str(value)
    if value == 0 and (places is None or places > 7):
        return "0"
    if places is None:
        places = 3 - math.floor(math.log10(abs(value)))
        if places > 3:
            return f"{value:.4g}"
        places = max(places, 0)
    elif places > 7 or abs(value) >= 1e9:
        digits = places + math.floor(math.log10(abs(value)))
        return f"{value:.{min(max(digits, 0), 7)}e}"
    text = f"{round(value, places):,.{max(places, 0)}f}"
    return text[1:] if text.startswith("-") and not text.strip("-0.,") else text


def size_as_text(count: float) -> str:
    """Bytes as people read them: 1.2 GB."""
    for unit, scale in (("EB", 1e18), ("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if count >= scale:
            return f"{count / scale:,.1f} {unit}"
    return f"{count:,.0f} bytes"


def words(name: str) -> str:
    """A name as words: `bank_loss` is "bank loss"."""
    return name.replace("_", " ")


def titled(name: str) -> str:
    """A name as words that begin with a capital: `bank_loss` is "Bank loss"."""
    return begun(words(name))


def begun(text: str) -> str:
    """The text with its first letter as a capital, as a sentence begins."""
    return text[:1].upper() + text[1:]


def begun_small(text: str) -> str:
    """A label within a sentence: its first letter small ("bank loss"), unless its second is a capital ("SOE")."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def counted(count: int, noun: str) -> str:
    """A number with its noun, in the plural where needed: `1 path`, `4,000 paths`."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


def shown(value: Any) -> str:
    """A value as a message shows it, in the words of the study file."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else value[:57] + "...")
    if isinstance(value, int) and abs(value) >= 10**30:
        return "a number of more than 30 digits"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, date | time):
        return "a date"
    kind = f"a value of type {type(value).__name__}"  # from tables stated in Python
    return "a table" if isinstance(value, Mapping) else "a list" if isinstance(value, list) else kind


def command_line(*words: object, model: str | None = None) -> str:
    """The command `rustbelt WORDS`, quoted for a shell; a message that suggests one puts it at the end of a line.

    Args:
      words: the command, its arguments and options. A `Path` that begins with `-` is written so that it is not an
        option.
      model: FILE:CLASS of the user's own model; a file below the working directory is given relative to it.
    """
    written = [f"./{word}" if isinstance(word, Path) and str(word)[0] == "-" else str(word) for word in words]
    if model:
        file, _, name = model.rpartition(":")
        with suppress(OSError, ValueError):  # the working folder is gone, or on another drive
            short = os.path.relpath(file)
            file = file if short.startswith("..") else short
        written += ["--model", f"{file}:{name}"]
    return shlex.join(["rustbelt", *written])


def unit_name(attributes: Mapping[Any, Any]) -> str:
    """The unit of a labelled variable in its model's words, from its attributes; "1" for a pure number."""
    return str(attributes.get("unit_name") or attributes.get("units") or "1")


def form_as_text(name: str, on: str, why: str = "") -> str:
    """A form of the program (loop, kernel, XLA) and its devices, such as "loop on 2 x cpu"; a reason in brackets."""
    return f"{name} on {on}" + (f" ({why})" if why else "")


def forms_as_text(forms: Iterable[Mapping[str, str]] | None) -> str:
    """The forms that a run's record lists, in order, as one text; "" where it lists none, as in earlier versions."""
    return ", then ".join(form_as_text(**form) for form in forms or ())


def duration(seconds: float) -> str:
    """A duration in words: `40 s`, `3.0 min`, `2.5 h`, `4.0 days`."""
    for unit, scale in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * scale:
            return f"{seconds / scale:,.1f} {unit}"
    return f"{seconds:,.0f} s"
