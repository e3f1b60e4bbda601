"""Files of runs on object stores (S3, GCS, Azure), read by URL. No other module uses obstore."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import UserError, install

if TYPE_CHECKING:
    from obstore.store import ObjectStore


def is_url(place: str | Path) -> bool:
    """Whether a place is on an object store, such as s3://bucket/run."""
    return "://" in str(place)


def store_at(url: str) -> ObjectStore:
    """The object store behind a URL. Credentials and endpoints come from the environment (`AWS_ENDPOINT_URL`, ...).

    Raises:
      UserError: obstore is not installed, or it knows no such store.
    """
    try:
        from obstore.exceptions import BaseError
        from obstore.store import from_url
    except ImportError as missing:
        raise UserError(url, [f"expected obstore to be installed: {install('objects')}."]) from missing
    is_plain = os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://")
    try:
        if url.startswith("file:"):
            return from_url(url)
        return from_url(url, client_options={"allow_http": True} if is_plain else None)
    except (BaseError, ValueError) as error:
        remedy = "Check the URL, such as s3://bucket/run; the folder of file:///PATH must exist."
        raise UserError(url, [f"no object store can be reached there: {_first_line(error)}. {remedy}"]) from error


def content_at(url: str, store: ObjectStore, name: str) -> bytes:
    """Content of a file in a store.

    Raises:
      FileNotFoundError: there is none.
      UserError: the store refuses.
    """
    from obstore.exceptions import BaseError, NotFoundError

    try:
        return bytes(store.get(name).bytes())
    except (FileNotFoundError, NotFoundError):
        raise FileNotFoundError(name) from None
    except (BaseError, PermissionError, ValueError) as error:
        remedy = "Check the credentials and AWS_ENDPOINT_URL."
        raise UserError(url, [f"the object store refuses: {_first_line(error)}. {remedy}"]) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:300].rstrip(".")
