"""The user's private folder, for data that nobody else may write: compiled programs, and what the user trusts."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

_MARK = b"rustbelt, sealed\n"
_SEAL = 32


def private_folder(inside: str = "") -> tuple[Path | None, str]:
    """The private folder, made if missing, and ""; or None, and the reason ("" where it is switched off).

    It is `$RUSTBELT_CACHE`, else `$XDG_CACHE_HOME/rustbelt`, else `~/.cache/rustbelt`; `RUSTBELT_CACHE=off` switches it
    off. A folder that belongs to somebody else, that others can write to, or that cannot be written is not used. It may
    be deleted at any time.

    Args:
      inside: name of a subfolder, which is given instead.
    """
    wish = os.environ.get("RUSTBELT_CACHE", "")
    if wish.lower() == "off":
        return None, ""
    try:
        if wish:
            folder = Path(wish).expanduser().absolute()
        else:
            data = os.environ.get("XDG_CACHE_HOME", "")
            folder = (Path(data) if os.path.isabs(data) else Path.home() / ".cache") / "rustbelt"
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for one in (folder, folder / inside):
            one.mkdir(mode=0o700, exist_ok=True)
            if wrong := _wrong_with(one):
                return None, wrong
    except (OSError, RuntimeError) as failure:
        return None, f"{failure}."
    return folder / inside, ""


def _wrong_with(folder: Path) -> str:
    status = folder.stat()
    if status.st_uid != os.getuid():
        return f"expected a folder of yours, and {folder} is user {status.st_uid}'s."
    if status.st_mode & 0o022:
        mode = f"{folder} has mode {status.st_mode & 0o777:o}: chmod 700 it."
        return f"expected a folder that nobody else can write to, and {mode}"
    return "" if os.access(folder, os.W_OK | os.X_OK) else f"{folder} cannot be written."


# ------------------------------------------------------------------------------------------------- sealed files


def write_sealed(file: Path, content: bytes) -> None:
    """Writes a file atomically, with a digest of its name and content that `read_sealed` checks.

    Raises:
      OSError: there is no room, or no such folder.
    """
    aside = file.with_name(f".{file.name}-{secrets.token_hex(8)}")
    try:
        aside.write_bytes(_head(file.name, content) + content)
        aside.replace(file)
    finally:
        aside.unlink(missing_ok=True)


def read_sealed(file: Path) -> bytes | None:
    """What `write_sealed` wrote under this name; None where it is missing, damaged or renamed."""
    try:
        sealed = file.read_bytes() if file.is_file() else b""
    except OSError:
        return None
    content = sealed[len(_MARK) + _SEAL :]
    return content if sealed == _head(file.name, content) + content else None


def _head(name: str, content: bytes) -> bytes:
    """What a sealed file begins with: a mark, and a digest of the file's name and content."""
    return _MARK + hashlib.blake2b(f"{name}\0".encode() + content, digest_size=_SEAL).digest()
