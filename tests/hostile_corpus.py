"""The hostile corpus: studies, models, data files, cubes, arguments and environments that no command may stumble over.

Each entry is made in a folder of its own kind by `tests/cli/test_hostile.py`, which compares the exit code, the line that is printed
first and the first problem with `tests/data/hostile.json`. After a change that is meant, that file is written anew by
`python -m tests.cli.test_hostile`, and every message that differs is read aloud: place, expected, got, remedy.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

B, P = "Bridge", "Pond"
NAME, RUN, LOAD = (
    'name = "bridge"',
    "run = { paths = 4000, seed = 7 }",
    'family = "lognormal"\np05 = 4\np50 = 8\np95 = 15',
)
SD = "median = 2\nsigma = 0.5"
DEPTH = 'family = "uniform"\nlow = 4\nhigh = 9'

STUDIES: dict[str, tuple[str, str, str]] = {
    # what stands there, and what is put in its place
    "a name with a path in it": (B, NAME, 'name = "../../etc"'),
    "a name that clears the screen": (B, NAME, 'name = "\\u001b[2J"'),
    "a name of a kilometre": (B, NAME, f'name = "{"x" * 1000}"'),
    "no name": (B, NAME, ""),
    "a name twice": (B, NAME, f"{NAME}\n{NAME}"),
    "a name that is a number": (B, NAME, "name = 7"),
    "a key that nobody knows": (B, NAME, f'{NAME}\n"\\u001b[31m" = 1'),
    "a key of a kilometre": (B, NAME, f"{NAME}\n{'k' * 1000} = 1"),
    "no table": (B, "[factors.load]", "factors = 1\n[x.load]"),
    "a list of tables": (B, "[factors.load]", "[[factors]]\n[factors.load]"),
    "a factor that is a number": (B, "[factors.price]", "[factors]\nprice = 3\n[x]"),
    "a question that is a list": (B, 'question = "How strong?"', 'question = ["a"]'),
    "paths of zero": (B, "paths = 4000", "paths = 0"),
    "paths below zero": (B, "paths = 4000", "paths = -1"),
    "paths beyond counting": (B, "paths = 4000", "paths = 99999999999999999999999999"),
    "paths in words": (B, "paths = 4000", 'paths = "many"'),
    "paths of a half": (B, "paths = 4000", "paths = 0.5"),
    "paths that are true": (B, "paths = 4000", "paths = true"),
    "paths that are infinite": (B, "paths = 4000", "paths = inf"),
    "a seed below zero": (B, "seed = 7", "seed = -7"),
    "a seed beyond 64 bits": (B, "seed = 7", "seed = 999999999999999999999"),
    "a seed that is a date": (B, "seed = 7", "seed = 2020-01-01"),
    "a sampler that nobody knows": (B, "seed = 7", 'seed = 7, sampler = "magic"'),
    "a tile of zero": (P, "tile = 64", "tile = 0"),
    "a tile that is no power": (P, "tile = 64", "tile = 63"),
    "a run that is a word": (B, RUN, 'run = "fast"'),
    "a baseline that is none": (B, 'baseline = "weak"', 'baseline = "steel"'),
    "a baseline of nothing": (B, 'baseline = "weak"', 'baseline = ""'),
    "time in a static model": (B, RUN, f"{RUN}\ntime = {{ first = 2016, last = 2020 }}"),
    "no time in a path model": (P, "time = { first = 2016, last = 2020 }", ""),
    "time that goes backwards": (P, "last = 2020", "last = 2010"),
    "time without end": (P, "last = 2020", "last = 99999999"),
    "time in words": (P, "first = 2016", 'first = "now"'),
    "time of a fraction": (P, "first = 2016", "first = 2016.5"),
    "a family that nobody knows": (B, 'family = "uniform"', 'family = "unform"'),
    "a family of scipy that is no law": (B, 'family = "uniform"', 'family = "rv_continuous"'),
    "a family with dunders": (B, 'family = "uniform"', 'family = "__class__"'),
    "no family": (B, 'family = "uniform"\n', ""),
    "bounds the wrong way round": (B, "low = 1\nhigh = 2", "low = 2\nhigh = 1"),
    "bounds that are one": (B, "low = 1\nhigh = 2", "low = 1\nhigh = 1"),
    "a bound that is no number": (B, "high = 2", "high = nan"),
    "a bound that is infinite": (B, "high = 2", "high = inf"),
    "a bound that is a word": (B, "high = 2", 'high = "two"'),
    "a bound that is a table": (B, "high = 2", "high = { x = 1 }"),
    "a bound too many": (B, "high = 2", "high = 2\nmiddle = 1.5"),
    "a bound too few": (B, "high = 2\n", ""),
    "a bound beyond single precision": (B, "high = 2", "high = 1e300"),
    "a bound of thousands of digits": (B, "high = 2", f"high = {'9' * 5000}"),
    "quantiles the wrong way round": (B, "p95 = 15", "p95 = 3"),
    "quantiles that are one": (B, "p95 = 15", "p95 = 8"),
    "quantiles below zero": (B, "p05 = 4", "p05 = -4"),
    "a quantile of 100": (B, "p95 = 15", "p100 = 15"),
    "a quantile of 0": (B, "p05 = 4", "p00 = 4"),
    "a deviation below zero": (P, SD, "mean = 2\nsd = -1"),
    "a deviation of zero": (P, SD, "mean = 2\nsd = 0"),
    "a mean and a median": (P, SD, "mean = 2\nmedian = 2\nsigma = 0.5"),
    "a truncation of everything": (P, SD, f"{SD}\ntruncate = {{ low = 9e9, high = 9.1e9 }}"),
    "a truncation the wrong way round": (P, SD, f"{SD}\ntruncate = {{ low = 3, high = 1 }}"),
    "a source that is a number": (P, SD, f"{SD}\nsource = 5"),
    "a factor that the model lacks": (B, "[factors.price]", "[factors.prize]"),
    "a factor too few": (B, '[factors.price]\nfamily = "uniform"\nlow = 1\nhigh = 2\n', ""),
    "a factor with a space": (B, "[factors.price]", '[factors."pr ice"]'),
    "a factor in a group that is none": (P, 'high = 9\ngroup = "wet"', 'high = 9\ngroup = "dry"'),
    "a group of one": (P, 'high = 9\ngroup = "wet"', "high = 9"),
    "a group of nobody": (P, "[groups]", "[groups]\nempty = { correlation = 0.5 }"),
    "a copula that nobody knows": (P, "{ correlation = 0.5 }", '{ copula = "glue", correlation = 0.5 }'),
    "a correlation of two": (P, "correlation = 0.5", "correlation = 2"),
    "a correlation in words": (P, "correlation = 0.5", 'correlation = "strong"'),
    "a correlation that is no number": (P, "correlation = 0.5", "correlation = nan"),
    "a correlation that is no matrix": (P, "correlation = 0.5", "correlation = [[1, 0.5], [0.5]]"),
    "a correlation that is not symmetric": (P, "correlation = 0.5", "correlation = [[1, 0.5], [0.1, 1]]"),
    "a correlation of a matrix that is none": (P, "correlation = 0.5", "correlation = [[1, 3], [3, 1]]"),
    "no policy": (B, '[policies.weak]\nabout = "as it is"\n[policies.strong]\nstrength = 14', "[policies]"),
    "a policy that is a number": (B, "[policies.strong]\nstrength = 14", "[policies]\nstrong = 14"),
    "a policy with an escape": (B, "[policies.strong]", '[policies."\\u001b[2J"]'),
    "a policy like itself": (B, "strength = 14", 'like = "strong"'),
    "policies like each other": (B, "strength = 14", 'like = "other"\n[policies.other]\nlike = "strong"'),
    "a policy like none": (B, "strength = 14", 'like = "stronger"'),
    "a lever that the model lacks": (B, "strength = 14", "width = 14"),
    "a lever in words": (B, "strength = 14", 'strength = "high"'),
    "a lever that is no number": (B, "strength = 14", "strength = nan"),
    "a lever beyond single precision": (B, "strength = 14", "strength = 1e300"),
    "a lever that is true": (B, "strength = 14", "strength = true"),
    "a lever by the year without years": (B, "strength = 14", "strength = { 2016 = 14 }"),
    "a lever in a year that is none": (P, "2018 = 0.4", "1999 = 0.4"),
    "a lever by a label that is none": (P, "{ 2016 = 0.3, 2018 = 0.4 }", "{ east = 0.3 }"),
    "a start out of the years": (P, "[policies.use]", "[policies.use]\nstart = 1900"),
    "a start in words": (P, "[policies.use]", '[policies.use]\nstart = "soon"'),
    "an implementation of seven": (P, "[policies.use]", "[policies.use]\nimplementation = 7"),
    "an implementation by nobody": (P, "[policies.use]", '[policies.use]\nimplementation = "luck"'),
    "an event of no outcome": (B, 'outcome = "damage"', 'outcome = "ruin"'),
    "an event without a threshold": (B, ", above = 5", ""),
    "an event above and below": (B, "above = 5", "above = 5, below = 9"),
    "an event above a word": (B, "above = 5", 'above = "much"'),
    "an event above no number": (B, "above = 5", "above = nan"),
    "an event called as an outcome": (B, "collapse =", "damage ="),
    "an event called as a part of the cube": (B, "collapse =", "path ="),
    "keeping what is none": (B, NAME, f'{NAME}\nkeep = {{ outcomes = ["ruin"] }}'),
    "keeping fewer than none": (B, NAME, f"{NAME}\nkeep = {{ draws = -1 }}"),
    "keeping in words": (B, NAME, f'{NAME}\nkeep = "all"'),
    "on top of itself": (B, NAME, f'{NAME}\nextends = "hostile.toml"'),
    "on top of nothing": (B, NAME, f'{NAME}\nextends = "none.toml"'),
    "on top of a folder": (B, NAME, f'{NAME}\nextends = "."'),
    "on top of the passwords": (B, NAME, f'{NAME}\nextends = "/etc/passwd"'),
    "on top of a device": (B, NAME, f'{NAME}\nextends = "/dev/zero"'),
    "on top of a list": (B, NAME, f'{NAME}\nextends = ["rustbelt"]'),
    "a comparison with nobody": (B, NAME, f'{NAME}\ncompare = ["nobody"]'),
    "a shock that is none": (P, "[groups]", "[shocks.snow]\nar1 = 0.5\n[groups]"),
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
    "raises StopIteration": f"{BODY}raise StopIteration",
    "raises GeneratorExit": f"{BODY}raise GeneratorExit",
    "exits": f"{BODY}raise SystemExit(3)",
    "calls itself": f"{BODY}return self.evaluate(factors, levers)",
    "has no memory": f"{BODY}raise MemoryError",
    "opens what is not there": f"{BODY}return open('none.csv')",
    "gives nothing": f"{BODY}return None",
    "gives a number": f"{BODY}return 1.0",
    "gives a word": f"{BODY}return {{'damage': 'much', 'margin': 1.0}}",
    "gives an array": f"{BODY}return {{'damage': jnp.ones(3), 'margin': 1.0}}",
    "gives too little": f"{BODY}return {{'damage': 1.0}}",
    "gives a complex number": f"{BODY}return {{'damage': factors.load * 1j, 'margin': 1.0}}",
    "asks an if": f"{BODY}if factors.load > 1: return {{}}\n        {GOOD}",
    "asks for a factor that is none": f"{BODY}return {{'damage': factors.width, 'margin': 1.0}}",
    "takes too few arguments": f"    def evaluate(self):\n        {GOOD}",
    "is no method": "    evaluate = 5",
    "cannot be made": "    def __init__(self, size):\n        pass",
    "raises as it is made": "    def __init__(self):\n        raise OSError('no disk')",
    "factors are a list": "    factors = ['load']",
    "factors are words": "    factors = {'load': 't', 'price': 'yuan'}",
    "factors are none": "    factors = None",
    "a factor with an escape": "    factors = {'lo\\x1b[2Jad': Factor('t')}",
    "a factor without a unit": "    factors = {'load': Factor(''), 'price': Factor('yuan')}",
    "a factor called class": "    factors = {'class ': Factor('t')}",
    "outcomes raise": "    @property\n    def outcomes(self):\n        raise ValueError('no outcomes')",
    "no outcomes": "    outcomes = {}",
    "an outcome called path": "    outcomes = {'path': Outcome('1')}",
    "an outcome with a fold": "    outcomes = {'damage': Outcome('1', total('x'))}",
    "a lever of no number": "    levers = {'strength': Lever('t', float('nan'))}",
    "a lever called about": "    levers = {'about': Lever('t')}",
    "dims are a number": "    dims = 5",
    "labels are a word": "    dims = {'region': 'north'}",
    "labels twice": "    dims = {'region': ('a', 'a')}",
}  # fmt: skip

DATA: dict[str, bytes] = {
    "nothing": b"",
    "blank lines": b"\n\n\n",
    "a head alone": b"price,day\n",
    "one row": b"price,day\n1,2\n",
    "words": b"price,day\ncheap,1\ndear,2\n",
    "escapes": b"price,day\n\x1b[2J,1\n2,2\n",
    "an escape in the head": b"pri\x1b[2Jce,day\n1,1\n2,2\n",
    "no UTF-8": b"price\n\xff\xfe1\n",
    "a NUL": b"price\n1\0\n",
    "UTF-16": "price\n1\n2\n".encode("utf-16"),
    "infinities": b"price\ninf\n1\n",
    "decimal commas": b"price;day\n1,5;2\n1,6;3\n",
    "rows of other lengths": b"price,day\n1\n2,3,4\n",
    "the same column twice": b"price,price\n1,2\n3,4\n",
    "no such column": b"prize,day\n1,2\n3,4\n",
    "a spreadsheet": b"PK\x03\x04xxxx",
    "no Parquet": b"PAR1 and no more",
    "constants": b"price\n" + b"5\n" * 40,
    "passwords": b"root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1::/:/bin/sh\n",
}  # fmt: skip


def flipped(path: Path, at: float = 0.5) -> None:
    """One bit of a file turned."""
    content = bytearray(path.read_bytes())
    content[int(at * len(content))] ^= 0x40
    path.write_bytes(content)


DEEP = b"[" * 100_000
SHARD, ROOT, ARRAY = "cube.zarr/paths/damage/c/0/0", "cube.zarr/zarr.json", "cube.zarr/paths/damage/zarr.json"
RECORD = "ledger/00000/00000000.json"
CUBES: dict[str, tuple[str, Callable[[Path], object]]] = {
    # the file, and what befalls it
    "a flipped byte in a shard": (SHARD, flipped),
    "a flipped byte in an index": (SHARD, lambda path: flipped(path, 0.9999)),
    "half a shard": (SHARD, lambda path: path.write_bytes(path.read_bytes()[:99])),
    "an empty shard": (SHARD, lambda path: path.write_bytes(b"")),
    "no shard": (SHARD, lambda path: path.unlink()),
    "a folder for a shard": (SHARD, lambda path: (path.unlink(), path.mkdir())),
    "a flipped byte in the root": (ROOT, flipped),
    "an empty root": (ROOT, lambda path: path.write_bytes(b"")),
    "a deep root": (ROOT, lambda path: path.write_bytes(DEEP)),
    "a root that is a list": (ROOT, lambda path: path.write_bytes(b"[]")),
    "no root": (ROOT, lambda path: path.unlink()),
    "a flipped byte in an array": (ARRAY, flipped),
    "a deep array": (ARRAY, lambda path: path.write_bytes(DEEP)),
    "a flipped byte in a record": (RECORD, flipped),
    "a deep record": (RECORD, lambda path: path.write_bytes(DEEP)),
    "no record": (RECORD, lambda path: path.unlink()),
    "a flipped byte in the study": ("ledger/study.json", flipped),
    "no cube": ("ledger/cube.json", lambda path: __import__("shutil").rmtree(path.parents[1] / "cube.zarr")),
}  # fmt: skip
QUESTIONS = (
    "risk run",
    "risk run --given damage>1",
    "replay run --worst 2 --variable damage",
    "plot exceedance run -o a.png",
)
"""What each damaged cube is asked; all four say the same where all four read what is damaged."""

ARGUMENTS = (
    "runn study.toml", "\x1b[2J", "run", "run none.toml", "run .", "run study.toml --model", "run study.toml --model model.py",
    "run study.toml --model model.py:None", "run study.toml --model model.py:REGION", "run study.toml --model none.py:X",
    "run study.toml --model /etc/passwd:X", "run study.toml --model .:X", "run study.toml --paths=-1", "run study.toml --paths 1e99",
    "run study.toml --paths nan", "run study.toml --paths \x1b[2J", "run study.toml --paths ''", "run study.toml --seed=-1", "run study.toml --seed x",
    "run study.toml --policies ,", "run study.toml --policies weak,nobody", "run study.toml --device tpu", "run study.toml --device gpu",
    "run study.toml --memory lots", "run study.toml --memory=-1", "run study.toml --workers 0", "run study.toml --workers=-3", "run study.toml --workers 9999",
    "run study.toml --workers 1 --scheduler tcp://127.0.0.1:1", "run study.toml --shard 0/4", "run study.toml --shard 5/4",
    "run study.toml --shard a/b", "run study.toml --shard 1/2 --workers 2", "run study.toml --log loud", "run study.toml --nonsense",
    "run study.toml --out study.toml", "run study.toml --out study.toml/x", "run study.toml --out thesis", "run study.toml study.toml",
    "risk", "risk none", "risk run --variable none", "risk run --level 100", "risk run --level x", "risk run --level=-5",
    "risk run --given damage", "risk run --given damage>x", "risk run --given none>1", "risk run --given damage>nan", "risk run --given \x1b[2J>1",
    "replay run", "replay run --path=-1", "replay run --path 4000", "replay run --path 1e9", "replay run --path x", "replay run --path 1 --policy none",
    "replay run --path 1 --worst 2", "replay run --worst 0 --variable damage", "replay run --worst 99999 --variable damage", "replay run --worst 2",
    "replay run --worst 2 --variable none", "replay run --path 1 --seed 8", "replay run --path 1 --save a.txt", "replay run --path 1 --save study.csv",
    "replay run --path 1 --save none/a.csv", "plot nothing run", "plot exceedance", "plot exceedance none", "plot exceedance run -o a.gif",
    "plot exceedance run -o none/a.png", "plot exceedance run --variable none", "plot exceedance run --policy none", "plot exceedance run --year 2016",
    "report none", "report run -o /dev/full", "report run -o .", "report run -o none/a.html/b", "report run --variable none",
    "status none", "verify none", "repair none", "copy run elsewhere", "copy s3://a/b s3://c/d", "copy none s3://bucket/run", "init study.toml",
    "init study.txt", "init /dev/full", "init new.toml --extends none", "init new.toml --model model.py:Bridge --extends rustbelt",
    "schema --model model.py:None", "schema -o .", "fit none.csv --column a", "fit study.csv", "fit study.csv --column none", "fit . --column a",
    "fit study.csv --column x --top 0", "fit study.csv --column x --families none", "completion tcsh", "list --json", "check study.toml --workers 0",
)  # fmt: skip

HERE = "$RUSTBELT"
ENVIRONMENTS: dict[str, str] = {
    # a line of a shell, in the folder of the run
    "results to a full disk": f"{HERE} risk run >/dev/full",
    "JSON to a full disk": f"{HERE} risk run --json >/dev/full",
    "help to a full disk": f"{HERE} --help >/dev/full",
    "messages to a full disk": f"{HERE} risk run 2>/dev/full",
    "closed messages": f"{HERE} check none.toml 2>&-",
    "closed results": f"{HERE} risk run >&-",
    "closed input": f"{HERE} risk run <&-",
    "a folder that is gone": f"mkdir gone; cd gone; rmdir ../gone; {HERE} check rustbelt",
    "a new study in a folder that is gone": f"mkdir gone; cd gone; rmdir ../gone; {HERE} init new.toml",
    "a folder that is no UTF-8": "mkdir $'no\\xff'; cp study.toml model.py $'no\\xff'; cd $'no\\xff'; "
    f"{HERE} run study.toml --model model.py:Bridge --quiet",
    "a run in a link to itself": f"ln -s loop loop; {HERE} run study.toml --model model.py:Bridge --out loop",
    "a run below a link to itself": f"ln -sf loop loop; {HERE} run study.toml --model model.py:Bridge --out loop/x",
    "a study that is a link to itself": f"ln -s loop.toml loop.toml; {HERE} check loop.toml",
    "a terminal of ASCII": f"PYTHONIOENCODING=ascii {HERE} check $'\\x1b[2J.toml'",
    "no home": f"HOME=/none RUSTBELT_CACHE= {HERE} check study.toml --model model.py:Bridge",
    "a cache that is a device": f"RUSTBELT_CACHE=/dev/null {HERE} run study.toml --model model.py:Bridge --out run --quiet",
    "results that nobody reads": f"{HERE} risk run | true",
}
"""What a shell does around a command."""
