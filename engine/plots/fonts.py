"""Fonts of figures: a default, others for scripts that it lacks, and a box with a warning for any other character."""

from __future__ import annotations

import functools
import unicodedata
import warnings
from pathlib import Path

from matplotlib import font_manager
from matplotlib.font_manager import FontProperties

HOUSE = "DejaVu Sans"
EASTERN = (
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans CJK TC", "Noto Sans CJK KR", "Noto Sans SC"),
    *("Source Han Sans SC", "Source Han Sans CN", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei"),
    *("PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "SimHei", "Arial Unicode MS"),
)
"""Fonts with Chinese characters, the preferred ones first."""
OTHERS = ("Noto Sans Arabic", "Noto Sans Devanagari", "Noto Sans Thai", "Noto Sans Bengali", "Noto Sans Tamil")
"""Fonts of other scripts that the default font lacks, in whole or in part."""
FILES = ("NotoSansCJK-", "NotoSansSC", "SourceHanSans", "wqy-", "NotoSansArabic", "NotoSansDevanagari", "NotoSansThai")
"""Prefixes of these fonts' files, by which fonts are found that were installed after matplotlib made its list."""
BOX = "\u25a1"
_CJK = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC", "FULLWIDTH")


@functools.cache
def families() -> tuple[str, ...]:
    """The font families in which text is set: the default, one Chinese font, and all installed ones of `OTHERS`."""
    there = _installed()
    if not there:
        for file in map(Path, font_manager.findSystemFonts()):
            if file.name.startswith(FILES) and "Mono" not in file.name:
                font_manager.fontManager.addfont(file)
        there = _installed()
    east = [name for name in there if name in EASTERN]
    return (HOUSE, *east[:1], *(name for name in there if name not in east))


def _installed() -> list[str]:
    """The fonts of `EASTERN` and `OTHERS` that matplotlib knows, in that order."""
    known = {font.name for font in font_manager.fontManager.ttflist}
    return [name for name in (*EASTERN, *OTHERS) if name in known]


@functools.cache
def _signs(family: str) -> frozenset[int]:
    return frozenset(font_manager.get_font(font_manager.findfont(FontProperties(family=family))).get_charmap())


@functools.lru_cache(65536)
def drawable(text: str) -> str:
    """The text with a box for each character that no installed font has; warns once for each set of missing fonts."""
    if text.isascii():
        return text
    lacking = [
        sign
        for sign in dict.fromkeys(text)
        if sign not in "\n\t" and not any(ord(sign) in _signs(family) for family in families())
    ]
    for sign in lacking:
        text = text.replace(sign, "" if unicodedata.category(sign) in ("Cf", "Mn", "Me") else BOX)
    if lacking:
        _warn(frozenset(map(_font_for, lacking)))
    return text


def _font_for(sign: str) -> str:
    """The font to install for a character."""
    name = unicodedata.name(sign, "")
    return "Noto Sans CJK (Debian and Ubuntu: fonts-noto-cjk)" if name.startswith(_CJK) else f"one that has '{sign}'"


@functools.cache
def _warn(wanted: frozenset[str]) -> None:
    """Says once in a process which fonts are missing."""
    warnings.warn(
        f"boxes stand for letters that no font here has. Install {' and '.join(sorted(wanted))}.", stacklevel=2
    )
