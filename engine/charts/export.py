"""Charts as files: PNG, SVG, PDF, Vega-Lite JSON and HTML, the same bytes for the same chart."""

from __future__ import annotations

import functools
import json
import re
import unicodedata
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.charts import theme
from engine.errors import UserError
from engine.formatting import printable

FORMATS = ("png", "svg", "pdf", "html", "json")
VEGA_LITE = "6.4"
DOTS = 160
"""Resolution of PNG files [pixel per inch]."""
FOLDERS = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "~/.fonts",
    "~/.local/share/fonts",
    "/System/Library/Fonts",
    "/Library/Fonts",
    "C:/Windows/Fonts",
)
_REFERENCES = re.compile(rb"(?:\n +/\w+ \d+ 0 R(?=\n))+")
"""Entries of a dictionary of a PDF that refer to objects, one a line."""
_NUMBERS = re.compile(rb"(\d+)(?= 0 (?:R|obj))")
"""Numbers of objects in a PDF."""
EASTERN = ("NotoSansCJK", "NotoSansSC", "SourceHanSans", "wqy-", "PingFang", "Hiragino", "msyh", "simhei")
"""Prefixes of files of fonts with Chinese characters."""


def specification(chart: Any, scheme: str = "light") -> dict[str, Any]:
    """The Vega-Lite specification of a chart with its data, in one of `theme.SCHEMES`."""
    # a page has many charts; tests validate each kind
    spec: dict[str, Any] = _shown(chart.to_dict(validate=scheme != "page"), theme.colours(scheme))
    return {**spec, "config": theme.config(scheme)}


def _shown(part: Any, colours: Mapping[str, str]) -> Any:
    """A part of a specification in other colours, with control characters and direction marks written out.

    vl-convert aborts the process at control characters.
    """
    if isinstance(part, dict):
        return {key: _shown(inner, colours) for key, inner in part.items()}
    if isinstance(part, list):
        return [_shown(inner, colours) for inner in part]
    return colours.get(part) or printable(part) if isinstance(part, str) else part


def refuse_file(file: str | Path, formats: Sequence[str] = FORMATS) -> str:
    """The format (one of `formats`) of a file, by the suffix of its name.

    Raises:
      UserError: the name ends in none of `formats`, or there is no such folder.
    """
    path = Path(file)
    kind = path.suffix.removeprefix(".").lower()
    if kind not in formats:
        raise UserError(path, [f"expected a name that ends in one of .{', .'.join(formats)}, got '{path}'."])
    if not path.absolute().parent.is_dir():
        raise UserError(path, [f"expected an existing folder, got '{path.parent}'."])
    return kind


def save(chart: Any, file: str | Path, scheme: str = "light") -> Path:
    """Writes a chart in the format of the file's suffix, and gives the path.

    Raises:
      UserError: the name ends in none of `FORMATS`, or there is no such folder.
    """
    kind, path = refuse_file(file), Path(file)
    path.write_bytes(rendered(specification(chart, scheme), kind))
    return path


def rendered(spec: dict[str, Any], kind: str) -> bytes:
    """A specification in a format, one of `FORMATS`."""
    if kind == "json":
        return (json.dumps(spec, indent=1, allow_nan=False, ensure_ascii=False) + "\n").encode()
    import vl_convert  # starts an engine of JavaScript

    if kind != "html":
        _warn_of_missing_fonts(json.dumps(spec, ensure_ascii=False))
    more: dict[str, dict[str, Any]] = {"html": {"bundle": True}, "png": {"ppi": DOTS}}
    made = getattr(vl_convert, f"vegalite_to_{kind}")(spec, vl_version=VEGA_LITE, **more.get(kind, {}))
    content = made.encode() if isinstance(made, str) else bytes(made)
    return _ordered(content) if kind == "pdf" else content


def _ordered(pdf: bytes) -> bytes:
    """A PDF with its objects numbered in the order in which they refer to each other.

    vl-convert numbers fonts and orders the entries of dictionaries in another way each time.
    """
    table = int(re.findall(rb"startxref\s+(\d+)", pdf)[-1])
    starts = [int(row) for row in re.findall(rb"(\d{10}) \d{5} n", pdf[table:])]
    ends = dict(zip(sorted(starts), [*sorted(starts)[1:], table], strict=True))
    heads, streams = {}, {}
    for number, start in enumerate(starts, 1):
        head, mark, stream = pdf[start : ends[start]].partition(b"stream\n")
        heads[number] = _REFERENCES.sub(lambda found: b"".join(sorted(re.findall(rb"\n[^\n]+", found[0]))), head)
        streams[number] = mark + stream
    numbers, waiting = dict[int, int](), [pdf[table:]]
    while waiting:
        for found in map(int, re.findall(rb"(\d+) 0 R", waiting.pop())):
            if found not in numbers:
                numbers[found] = len(numbers) + 1
                waiting.append(heads[found])
    renumber = functools.partial(_NUMBERS.sub, lambda one: b"%d" % numbers[int(one[1])])
    parts, places, at = [pdf[: min(starts)]], list[int](), min(starts)
    for number in numbers:
        places.append(at)
        parts.append(renumber(heads[number]) + streams[number])
        at += len(parts[-1])
    rows = b"".join(b"%010d 00000 n \n" % place for place in places)
    trailer = renumber(pdf[pdf.index(b"trailer", table) : pdf.rindex(b"startxref")])
    trailer = re.sub(rb"/Size \d+", b"/Size %d" % (len(places) + 1), trailer)
    table_head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1)
    return b"".join([*parts, table_head, rows, trailer, b"startxref\n%d\n%%%%EOF" % at])


def _warn_of_missing_fonts(text: str) -> None:
    if not text.isascii() and any(unicodedata.east_asian_width(sign) in "WF" for sign in text) and not _has_eastern():
        warnings.warn(
            "boxes stand for Chinese characters, which no font here has. Install Noto Sans CJK (Debian and Ubuntu:"
            " fonts-noto-cjk).",
            stacklevel=2,
        )


@functools.cache
def _has_eastern() -> bool:
    """Whether a font with Chinese characters is installed."""
    folders = (Path(folder).expanduser() for folder in FOLDERS)
    return any(file.name.startswith(EASTERN) for folder in folders if folder.is_dir() for file in folder.rglob("*"))
