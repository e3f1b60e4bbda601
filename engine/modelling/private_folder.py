"""The folder of the user's own, for what must come from nobody else: compiled programs, and the models that were run."""

from __future__ import annotations

import os
from pathlib import Path


def private_folder() -> tuple[Path | None, str]:
    """The folder, made where it is missing; or None, with the reason unless there is to be none.

    It is `$RUSTBELT_CACHE`, else `$XDG_CACHE_HOME/rustbelt`, else `~/.cache/rustbelt`; `RUSTBELT_CACHE=off` is none. One that is
    someone else's, that others can write to, or that cannot be written is not used. It may be deleted at any time.
    """
    wish = os.environ.get("RUSTBELT_CACHE", "")
    if wish.lower() == "off":
        return None, ""
    try:
        folder = _folder(wish)
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.stat()
    except (OSError, RuntimeError) as failure:
        return None, f"{failure}."
    if hasattr(os, "getuid") and status.st_uid != os.getuid():
        return None, f"expected a folder of yours, and {folder} is user {status.st_uid}'s."
    if os.name == "posix" and status.st_mode & 0o022:
        mode = f"{folder} has mode {status.st_mode & 0o777:o}: chmod 700 it."
        return None, f"expected a folder that nobody else can write to, and {mode}"
    if not os.access(folder, os.W_OK | os.X_OK):
        return None, f"{folder} cannot be written."
    return folder, ""


def _folder(wish: str) -> Path:
    if wish:
        return Path(wish).expanduser().absolute()
    given = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(given) if os.path.isabs(given) else Path.home() / ".cache") / "rustbelt"
