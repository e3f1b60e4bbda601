"""The site: every page has its place, every exported name its description; nothing is loaded from other sites."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import engine

ROOT = Path(__file__).parents[1]
LOADED = re.compile(r"<(?:script|link|img|iframe)\b[^>]*?(?:src|href)=\"((?:https?:)?//[^\"]+)\"")


def test_every_page_has_a_place():
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    nav = re.findall(r": ([\w/-]+\.md)$", text, flags=re.MULTILINE)
    assert {page.name for page in (ROOT / "docs").glob("*.md")} <= {*nav}
    assert len(nav) == len({*nav})


@pytest.mark.slow
def test_it_is_built_without_a_warning_and_loads_nothing(tmp_path):
    pytest.importorskip("material", reason="mkdocs-material is not installed; .ci/run installs it")
    pytest.importorskip("mkdocstrings_handlers.python")
    ended = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr
    pages = {page: page.read_text(encoding="utf-8") for page in tmp_path.rglob("*.html")}
    assert len(pages) > 15
    assert not {page: found for page, text in pages.items() if (found := LOADED.findall(text))}
    styles = [style.read_text(encoding="utf-8") for style in tmp_path.rglob("*.css")]
    assert not [style for style in styles if re.search(r"(?:@import|url\()[\s\"']*(?:https?:)?//", style)]
    names = pages[tmp_path / "rustbelt-names" / "index.html"]
    assert all(f"<code>{name}</code>" in names for name in ("steel_recovery_years", "price_gap", "total_bill"))
    described = "".join(text for page, text in pages.items() if "api" in page.parts)
    described_ones = [name for name in dir(engine) if callable(getattr(engine, name))]
    assert not [name for name in described_ones if f'.{name}"' not in described]
