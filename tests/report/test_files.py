"""The page as PDF: what writes it, what is said where nothing can, and that nothing is left half."""

from __future__ import annotations

import os
import stat

import pytest

from engine.errors import UserError
from engine.report import printing
from engine.runs.run import open_run
from engine.study.loading import load_model_file
from tests.refusals import refuses
from tests.small_files import call, own


@pytest.fixture
def bridge(runs):
    """The folder of a finished run."""
    return runs / "bridge"


def a_browser(folder, does: str):
    """A program that stands for a browser: `$out` is what it is to print into."""
    place = folder / "chromium"
    place.write_text(
        "#!/bin/sh\nfor word in \"$@\"; do case $word in --print-to-pdf=*) out=${word#--print-to-pdf=};; esac; done\n"
        f"echo \"$@\" > {folder}/told\n{does}\n"
    )  # fmt: skip
    place.chmod(place.stat().st_mode | stat.S_IXUSR)
    return place


def test_a_pdf_is_printed_without_a_network_in_a_profile_of_its_own(bridge, tmp_path, monkeypatch):
    monkeypatch.setenv("CHROMIUM", str(a_browser(tmp_path, 'printf "%%PDF-1.4 page" > "$out"')))
    before = (bridge / "report.html").exists()
    ended = call("report", bridge, *own("Bridge"), "-o", tmp_path / "page.pdf")
    assert ended.exit_code == 0, ended.output
    assert (tmp_path / "page.pdf").read_bytes() == b"%PDF-1.4 page"
    assert ended.stdout.startswith(f"{tmp_path / 'page.pdf'}: 13 bytes")
    assert (bridge / "report.html").exists() == before  # the PDF alone
    told = (tmp_path / "told").read_text().split()
    profile = next(word for word in told if word.startswith("--user-data-dir=")).partition("=")[2]
    assert "--headless" in told and "--host-resolver-rules=MAP" in told and not os.path.exists(profile)
    assert told[-1].startswith("file:///") and ("--no-sandbox" in told) == (os.geteuid() == 0)


@pytest.mark.parametrize(
    ("does", "said"),
    [("echo out of memory >&2; exit 1", ": out of memory"), ('echo "<html>" > "$out"', "it said nothing")],
)
def test_a_browser_that_fails_leaves_the_file_as_it_was(bridge, tmp_path, monkeypatch, does, said):
    monkeypatch.setenv("CHROMIUM", str(a_browser(tmp_path, does)))
    (tmp_path / "page.pdf").write_text("before")
    ended = call("report", bridge, *own("Bridge"), "-o", tmp_path / "page.pdf")
    assert ended.exit_code == 2 and said in ended.output
    assert (tmp_path / "page.pdf").read_text() == "before"


def test_a_browser_that_does_not_end_is_ended(tmp_path, monkeypatch):
    monkeypatch.setenv("CHROMIUM", str(a_browser(tmp_path, f"echo $$ > {tmp_path}/pid; sleep 60")))
    monkeypatch.setattr(printing, "LIMIT", 1)
    with pytest.raises(UserError, match="within 1 seconds"):
        printing.pdf(b"<html>")
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_browser_that_is_missing_is_named_with_the_way_to_get_one(bridge, tmp_path, monkeypatch):
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    ended = call("report", bridge, *own("Bridge"), "-o", tmp_path / "page.pdf")
    assert ended.exit_code == 2 and "apt-get install chromium" in ended.output and "CHROMIUM" in ended.output
    monkeypatch.setenv("CHROMIUM", str(tmp_path / "nowhere"))
    ended = call("report", bridge, *own("Bridge"), "-o", tmp_path / "page.pdf")
    assert ended.exit_code == 2 and "is no program" in ended.output
    assert not (tmp_path / "page.pdf").exists()


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("page.txt", (".html", "ends in", "page.txt")),
        ("page", ("ends in",)),
        ("no/page.html", ("expected an existing folder",)),
    ],
)
def test_a_file_is_refused_before_the_page_is_made(bridge, tmp_path, file, words, monkeypatch):
    monkeypatch.setattr(printing, "content", None)
    with refuses("", *words):
        open_run(bridge, load_model_file(own("Bridge")[1])).report(tmp_path / file)
    ended = call("report", bridge, *own("Bridge"), "-o", tmp_path / file)
    assert ended.exit_code == 2 and all(word in ended.output for word in words)
    assert not [*tmp_path.iterdir()]
