"""Formats of a report: the HTML page, or its PDF, printed with a Chromium or Chrome that is installed here."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from engine.errors import UserError

FORMATS = ("html", "htm", "pdf")
"""Suffixes of a report's file."""
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PLACE = "rustbelt report -o FILE.pdf"
LIMIT = 180
"""Seconds that printing may take."""
DRAWN_IN = 60_000
"""Milliseconds of the browser's virtual time until the page is printed; it passes as fast as the page is drawn."""
OPTIONS = (
    "--headless",
    "--disable-gpu",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-extensions",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--no-pdf-header-footer",
    "--window-size=820,1160",
    f"--virtual-time-budget={DRAWN_IN}",
)


def refuse(place: Path) -> None:
    """Refuses a file that no report can be written to.

    Raises:
      UserError: its name ends in none of the suffixes, there is no such folder, or no browser that prints a PDF.
    """
    from engine.charts.export import refuse_file  # Altair takes most of a second

    if refuse_file(place, FORMATS) == "pdf":
        browser()


def content(place: Path, make: Callable[[], bytes]) -> bytes:
    """Content for a file: a PDF if its name ends in .pdf, else the HTML page.

    Args:
      make: gives the page.

    Raises:
      UserError: there is no browser that prints, or it fails.
    """
    return pdf(make()) if place.suffix.lower() == ".pdf" else make()


def browser() -> str:
    """The browser that prints: the one that the environment variable CHROMIUM names, else a program of `NAMES`.

    Raises:
      UserError: there is none.
    """
    named = os.environ.get("CHROMIUM")
    found = shutil.which(named) if named else next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        what = (
            f"CHROMIUM names '{named}', which is no program"
            if named
            else "needs Chromium or Chrome, and finds none on the PATH"
        )
        how = "Install it (Debian and Ubuntu: apt-get install chromium), or set CHROMIUM to the place of one."
        raise UserError(PLACE, [f"{what}. {how}"])
    return found


def pdf(page: bytes) -> bytes:
    """The page as PDF on A4, printed without network access and in a temporary browser profile.

    Raises:
      UserError: there is no browser, or it did not print the page in time.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "page.html").write_bytes(page)
        # a browser does not sandbox the user root, and does not start without a sandbox unless it is asked to
        root = ["--no-sandbox"] if getattr(os, "geteuid", lambda: 1)() == 0 else []
        told = [f"--user-data-dir={folder / 'profile'}", f"--print-to-pdf={folder / 'page.pdf'}"]
        command = [browser(), *OPTIONS, *root, *told, (folder / "page.html").as_uri()]
        said = _run(command)
        place = folder / "page.pdf"
        content = place.read_bytes() if place.is_file() else b""
        if not content.startswith(b"%PDF"):
            last = said.strip().splitlines()[-1:] or ["it said nothing"]
            raise UserError(PLACE, [f"{command[0]} did not print the page: {last[0]}"])
        return content


def _run(command: list[str]) -> str:
    """Standard error of a browser's run; the browser and its children are killed at the end.

    Raises:
      UserError: it has not ended after `LIMIT` seconds.
    """
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as started:
        try:
            return started.communicate(timeout=LIMIT)[1]
        except subprocess.TimeoutExpired as error:
            raise UserError(PLACE, [f"{command[0]} did not print the page within {LIMIT} seconds."]) from error
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(started.pid, signal.SIGKILL)
