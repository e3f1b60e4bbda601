"""What would turn the ranking of two policies, as the run was last asked."""

from __future__ import annotations

import numpy as np

from engine.formatting import rounded
from engine.report.markup import Section, render
from engine.report.run_records import RunRecords

SHOWN = 10


def section(run: RunRecords) -> Section | None:
    """A sentence and two tables; None of a run that was not asked."""
    answer = run.answers.get("flip")
    if answer is None:
        return None
    beliefs, joint, entropy = [], [], ""
    counts = (0, 0)
    if "beliefs" in answer.children:
        held = answer.children["beliefs"].to_dataset(inherit=False).load()
        move = held["move"].transpose("belief", "stat").values
        turning = np.flatnonzero(held["turns"].values)
        # a belief has a row for each of its turns
        keys = [*zip(held["kind"].values, held["belief"].values, strict=True)]
        counts = len({keys[k] for k in turning}), len(set(keys))
        for k in turning[:SHOWN]:
            unit = str(held["unit"].values[k])
            beliefs.append(
                (
                    run.words("factors", str(held["belief"].values[k])),
                    str(held["kind"].values[k]),
                    _value(held["stated"].values[k], unit),
                    _value(held["turn"].values[k], unit) + (" (back)" if held["back"].values[k] else ""),
                    f"{rounded(move[k, 0], 2)} [{rounded(move[k, 2], 2)}, {rounded(move[k, 3], 2)}]",
                )
            )
    if "joint" in answer.children:
        held = answer.children["joint"].to_dataset(inherit=False).load()
        distance = held["distance"].values
        entropy = f"{rounded(distance[0], 2)} [{rounded(distance[2], 2)}, {rounded(distance[3], 2)}]"
        rows = zip(*(held[name].values for name in ("factor", "move", "stated", "turn")), strict=True)
        joint = [
            (run.words("factors", str(name)), rounded(float(by), 2), f"{stated:.3g}", f"{turn:.3g}")
            for name, by, stated, turn in list(rows)[:SHOWN]
        ]
    markup = render(
        "turns.html", finding=answer.attrs["summary"], paths=int(answer.attrs["paths"]), beliefs=beliefs, counts=counts,
        joint=joint, distance=entropy,
    )  # fmt: skip
    return Section("turns", "What would turn it", markup)


def _value(value: float, unit: str) -> str:
    return f"{value:.3g}" if unit in ("", "1") else f"{value:.3g} {unit}"
