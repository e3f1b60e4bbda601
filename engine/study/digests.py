"""Digests of a study's resolved tables, by which studies are distinguished; labels and wording do not count."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from engine.modelling.records import Model
from engine.study import labels
from engine.study.values import Tables

_WORDS = ("about", "source")


def fingerprint(document: Tables, model_digest: str) -> str:
    """Digest of all that changes a number of a path: the model's source and the resolved study, but not how many paths
    it has.
    """
    plain, _ = labels.split(document)
    known = {"observed": document["observed"]} if "facts" in document else {}
    run = {key: value for key, value in document["run"].items() if key not in ("paths", "nonfinite", "until")}
    return _digest({**plain, **known, "run": run, "model_digest": model_digest})


def beliefs(document: Tables, model: Model) -> str:
    """Digest of a study's beliefs: the priors of its factors, their dependence, and the model's constants."""
    plain, _ = labels.split(document)
    priors = {
        name: {key: value for key, value in table.items() if key not in _WORDS}
        for name, table in plain["factors"].items()
    }
    constants = {name: one.value for name, one in model.constants.items()}
    return _digest([priors, plain["groups"], constants])


def _digest(plain: Any) -> str:
    """First 12 hex digits of the SHA-256."""
    text = json.dumps(plain, sort_keys=True, ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
