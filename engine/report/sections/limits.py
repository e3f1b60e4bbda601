"""What the model cannot say, in its own words."""

from __future__ import annotations

from engine.report.markup import Section, render
from engine.report.run_records import RunRecords


def section(run: RunRecords) -> Section | None:
    """The section with the model's own sentences on its limits; None for a model that states none."""
    limits = run.study.model.limits
    return Section("limits", "What the model cannot say", render("limits.html", limits=limits)) if limits else None
