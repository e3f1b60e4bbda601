"""What a report says in sentences."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import xarray as xr

from engine.report.page import page
from engine.report.records import stored
from engine.study.study import Study


def report(folder: Path, study: Study, cube: xr.DataTree) -> bytes:
    """The page of a run folder."""
    return page(stored(folder, study, cube))


def brief(text: str) -> str:
    """The first two pages."""
    return text[text.index('<div class="brief">') : text.index('<div class="appendix">')]


def sentences(text: str) -> list[str]:
    """Headings, paragraphs, items of lists and captions of charts, without tags and without commands."""
    bare = re.sub(r"<(script|style|table|code|svg).*?</\1>", " ", text, flags=re.DOTALL)
    found = re.findall(r"<(h1|h2|h3|h4|p|li|dt|dd|legend)\b[^>]*>(.*?)</\1>", bare, re.DOTALL)
    labels = re.findall(r'aria-label="([^"]*)"', bare)
    return [
        re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", part))).strip()
        for part in (*(text for _, text in found), *labels)
    ]


def identifiers(study: Study) -> set[str]:
    """Identifiers of a study that no word of English is, and none that a sentence may hold."""
    model = study.model
    held = [
        *model.outcomes, *model.yearly, *model.levers, *study.events_by_name, *model.dims, *model.shocks,
        *(one.name for one in study.inputs), *(policy.name for policy in study.policies),
    ]  # fmt: skip
    return {name for name in held if "_" in name}


def assert_short(text: str) -> None:
    """Fails where a sentence of the first pages has more than 25 words."""
    # the lines are the questions' own, the titles the charts', and what was not asked is a list
    others = r'<dl class="lines">.*?</dl>|<figure.*?</figure>|<p class="note unasked">.*?</p>'
    own = re.sub(others, "", brief(text), flags=re.DOTALL)
    said = [one for part in sentences(own) for one in re.split(r"(?<=[.?!]) ", part)]
    assert len(said) > 12
    long = [one for one in said if len(one.split()) > 25]
    assert not long, long
