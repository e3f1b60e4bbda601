"""The hostile corpus: studies, models, data files, cubes, arguments and environments that no command may fail on.

Each entry is made in a folder of its own kind by `tests/cli/test_hostile.py`, which compares the exit code, the first
printed line and the first problem with `tests/data/hostile.json`. After an intended change, write that file anew by
`python -m tests.cli.test_hostile`, and read every message that differs: place, expected, got, remedy.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

B, P = "Bridge", "Pond"
NAME = 'name = "bridge"'
SD = "median = 2\nsigma = 0.5"

STUDIES: dict[str, tuple[str, str, str]] = {
    # the study, a text in it, and the text that replaces it
    "a name with a path in it": (B, NAME, 'name = "../../etc"'),
    "a name that clears the screen": (B, NAME, 'name = "\\u001b[2J"'),
    "a name twice": (B, NAME, f"{NAME}\n{NAME}"),
    "a key that nobody knows": (B, NAME, f'{NAME}\n"\\u001b[31m" = 1'),
    "paths beyond counting": (B, "paths = 4000", "paths = 99999999999999999999999999"),
    "a seed beyond 64 bits": (B, "seed = 7", "seed = 999999999999999999999"),
    "time that goes backwards": (P, "last = 2020", "last = 2010"),
    "time without end": (P, "last = 2020", "last = 99999999"),
    "a family of scipy that is no law": (B, 'family = "uniform"', 'family = "rv_continuous"'),
    "a family with dunders": (B, 'family = "uniform"', 'family = "__class__"'),
    "bounds the wrong way round": (B, "low = 1\nhigh = 2", "low = 2\nhigh = 1"),
    "a bound that is no number": (B, "high = 2", "high = nan"),
    "a bound that is infinite": (B, "high = 2", "high = inf"),
    "a bound of thousands of digits": (B, "high = 2", f"high = {'9' * 5000}"),
    "a truncation of everything": (P, SD, f"{SD}\ntruncate = {{ low = 9e9, high = 9.1e9 }}"),
    "a factor that the model lacks": (B, "[factors.price]", "[factors.prize]"),
    "a correlation of a matrix that is none": (P, "correlation = 0.5", "correlation = [[1, 3], [3, 1]]"),
    "no policy": (B, '[policies.weak]\nabout = "as it is"\n[policies.strong]\nstrength = 14', "[policies]"),
    "a policy with an escape": (B, "[policies.strong]", '[policies."\\u001b[2J"]'),
    "policies like each other": (B, "strength = 14", 'like = "other"\n[policies.other]\nlike = "strong"'),
    "a lever beyond single precision": (B, "strength = 14", "strength = 1e300"),
    "an event called as a part of the cube": (B, "collapse =", "path ="),
    "on top of itself": (B, NAME, f'{NAME}\nextends = "hostile.toml"'),
    "on top of a folder": (B, NAME, f'{NAME}\nextends = "."'),
    "on top of the passwords": (B, NAME, f'{NAME}\nextends = "/etc/passwd"'),
    "on top of a device": (B, NAME, f'{NAME}\nextends = "/dev/zero"'),
    "a shock that explodes": (P, "[groups]", "[shocks.rain]\nar1 = 1.5\n[groups]"),
    "not TOML": (B, NAME, "name: bridge"),
    "half of it": (B, BRACE := "collapse = {", BRACE + "\n"),
    "lists in lists": (B, "strength = 14", f"strength = {'[' * 300}{']' * 300}"),
    "a NUL": (B, NAME, 'name = "a\0b"'),
}  # fmt: skip

BODY = "    def evaluate(self, factors, levers):\n        "
GOOD = 'return {"damage": factors.load * factors.price, "margin": levers.strength}'
MODELS: dict[str, str] = {
    "raises": f"{BODY}raise ValueError('no \\x1b[2J bridge')",
    "raises a group": f"{BODY}raise ExceptionGroup('two', [ValueError('a'), ValueError('b')])",
    "raises GeneratorExit": f"{BODY}raise GeneratorExit",
    "exits": f"{BODY}raise SystemExit(3)",
    "calls itself": f"{BODY}return self.evaluate(factors, levers)",
    "has no memory": f"{BODY}raise MemoryError",
    "opens what is not there": f"{BODY}return open('none.csv')",
    "gives nothing": f"{BODY}return None",
    "gives a complex number": f"{BODY}return {{'damage': factors.load * 1j, 'margin': 1.0}}",
    "asks an if": f"{BODY}if factors.load > 1: return {{}}\n        {GOOD}",
    "asks for a factor that is none": f"{BODY}return {{'damage': factors.width, 'margin': 1.0}}",
    "cannot be made": "    def __init__(self, size):\n        pass",
    "a factor with an escape": "    factors = {'lo\\x1b[2Jad': Factor('t')}",
    "outcomes raise": "    @property\n    def outcomes(self):\n        raise ValueError('no outcomes')",
}  # fmt: skip

DATA: dict[str, bytes] = {
    "nothing": b"",
    "words": b"price,day\ncheap,1\ndear,2\n",
    "escapes": b"price,day\n\x1b[2J,1\n2,2\n",
    "an escape in the head": b"pri\x1b[2Jce,day\n1,1\n2,2\n",
    "no UTF-8": b"price\n\xff\xfe1\n",
    "UTF-16": "price\n1\n2\n".encode("utf-16"),
    "infinities": b"price\ninf\n1\n",
    "decimal commas": b"price;day\n1,5;2\n1,6;3\n",
    "a spreadsheet": b"PK\x03\x04xxxx",
    "passwords": b"root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1::/:/bin/sh\n",
}  # fmt: skip


def flipped(path: Path, at: float = 0.5) -> None:
    """Flips one bit of a file, that far into it."""
    content = bytearray(path.read_bytes())
    content[int(at * len(content))] ^= 0x40
    path.write_bytes(content)


DEEP = b"[" * 100_000
SHARD, ROOT = "cube.zarr/paths/damage/c/0/0", "cube.zarr/zarr.json"
RECORD = "ledger/00000/00000000.json"
CUBES: dict[str, tuple[str, Callable[[Path], object]]] = {
    # the file, and the function that damages it
    "a flipped byte in a shard": (SHARD, flipped),
    "no shard": (SHARD, lambda path: path.unlink()),
    "a folder for a shard": (SHARD, lambda path: (path.unlink(), path.mkdir())),
    "a deep root": (ROOT, lambda path: path.write_bytes(DEEP)),
    "no root": (ROOT, lambda path: path.unlink()),
    "a flipped byte in a record": (RECORD, flipped),
    "a flipped byte in the study": ("ledger/study.json", flipped),
    "no cube": ("ledger/cube.json", lambda path: __import__("shutil").rmtree(path.parents[1] / "cube.zarr")),
}  # fmt: skip
QUESTIONS = (
    "risk run",
    "risk run --given damage>1",
    "replay run --worst 2 --variable damage",
    "plot exceedance run -o a.png",
)
"""Questions to each damaged cube; all that read the damaged file must say the same."""

ARGUMENTS = (
    "runn study.toml", "\x1b[2J", "run", "run none.toml", "run study.toml --model",
    "run study.toml --model model.py:None", "run study.toml --model model.py:REGION",
    "run study.toml --model none.py:X", "run study.toml --model /etc/passwd:X", "run study.toml --paths=-1",
    "run study.toml --paths 1e99", "run study.toml --paths \x1b[2J", "run study.toml --seed=-1",
    "run study.toml --policies ,", "run study.toml --policies weak,nobody", "run study.toml --device tpu",
    "run study.toml --device gpu", "run study.toml --memory lots", "run study.toml --workers 0",
    "run study.toml --workers 9999", "run study.toml --workers 1 --scheduler tcp://127.0.0.1:1",
    "run study.toml --shard 5/4", "run study.toml --shard 1/2 --workers 2", "run study.toml --log loud",
    "run study.toml --nonsense", "run study.toml --out study.toml/x", "run study.toml --out thesis",
    "run study.toml study.toml", "risk", "risk run --variable none", "risk run --level 100",
    "risk run --given damage>x", "risk run --given damage>nan", "risk run --given \x1b[2J>1", "replay run",
    "replay run --path 4000", "replay run --path 1 --policy none", "replay run --path 1 --worst 2",
    "replay run --worst 0 --variable damage", "replay run --worst 2", "replay run --path 1 --seed 8",
    "replay run --path 3 --save one.nc", "replay run --path 3 --save none/one.csv",
    "sensitivity run --outcome damgae", "sensitivity run --within pair", "flip run --outcome damage --policies weak",
    "attribute run --from weak --to stong", "attribute run --from weak", "explain run --outcome damage --policy week",
    "explain run --outcome collapse --level 99", "discover run --where 'colapse under weak'",
    "discover run --where 'damage > 1e9 under weak'", "plot nothing run", "plot exceedance",
    "plot exceedance run -o a.gif", "plot exceedance run -o none/a.png", "plot exceedance run --variable none",
    "plot exceedance run --year 2016", "report run -o /dev/full", "report run -o .", "report run -o none/a.html/b",
    "status none", "init study.toml", "init /dev/full", "init new.toml --extends none",
    "init new.toml --model model.py:Bridge --extends rustbelt", "schema --model model.py:None",
    "fit none.csv --column a", "fit study.csv", "fit study.csv --column none",
    "fit study.csv --column x --families none", "completion tcsh",
)  # fmt: skip

HERE = "$RUSTBELT"
ENVIRONMENTS: dict[str, str] = {
    # a line for a shell, run in the folder of the run
    "results to a full disk": f"{HERE} risk run >/dev/full",
    "JSON to a full disk": f"{HERE} risk run --json >/dev/full",
    "help to a full disk": f"{HERE} --help >/dev/full",
    "messages to a full disk": f"{HERE} risk run 2>/dev/full",
    "closed messages": f"{HERE} check none.toml 2>&-",
    "closed results": f"{HERE} risk run >&-",
    "closed input": f"{HERE} risk run <&-",
    "a folder that is gone": f"mkdir gone; cd gone; rmdir ../gone; {HERE} check rustbelt",
    "a new study in a folder that is gone": f"mkdir gone; cd gone; rmdir ../gone; {HERE} init new.toml",
    "a folder that is no UTF-8": (
        "mkdir $'no\\xff'; cp study.toml model.py $'no\\xff'; cd $'no\\xff'; "
        f"{HERE} run study.toml --model model.py:Bridge --quiet"
    ),
    "a run in a link to itself": f"ln -sfn loop loop; {HERE} run study.toml --model model.py:Bridge --out loop",
    "a run below a link to itself": f"ln -sfn loop loop; {HERE} run study.toml --model model.py:Bridge --out loop/x",
    "a study that is a link to itself": f"ln -s loop.toml loop.toml; {HERE} check loop.toml",
    "a terminal of ASCII": f"PYTHONIOENCODING=ascii {HERE} check $'\\x1b[2J.toml'",
    "no home": f"HOME=/none RUSTBELT_CACHE= {HERE} check study.toml --model model.py:Bridge",
    "a cache that is a device": (
        f"RUSTBELT_CACHE=/dev/null {HERE} run study.toml --model model.py:Bridge --out run --quiet"
    ),
    "results that nobody reads": f"{HERE} risk run | true",
}
"""Lines for a shell that runs a command in an unusual environment."""
