"""A run of the small study: its record, and its folder with a cube and a ledger that are empty."""

from datetime import UTC, datetime, timedelta

from engine.run_folder import provenance
from engine.study.loading import resolved_text
from tests.small_study import make_study

STARTED = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
COMMAND = ["/home/somebody/.venv/bin/rustbelt", "run", "a study.toml", "--paths", "4000"]


def a_run(study, blocks=(0,), **changes):
    given = {"command": COMMAND, "started": STARTED, "ended": STARTED + timedelta(seconds=90), **changes}
    return provenance.run_record(study, "cpu", blocks=blocks, **given)


def make_folder(place):
    (place / "study.toml").write_text(resolved_text(make_study(4000)))
    for name in ("cube.zarr", "ledger"):
        (place / name).mkdir(parents=True)
    return place
