"""Compares how this version and another one read the study files that `tests/study/generated.py` makes.

    git worktree add ../other 363ed47f && python -m venv ../other/.venv && ../other/.venv/bin/pip install -e ../other
    python benchmarks/studies_equal.py ../other/.venv/bin/python

Entries of right studies that the other version refuses are left out of both and counted. Of the rest, all values of
the document and all that paths are computed from are compared. Of broken studies, the faults are counted that each
version names with their place. The script ends with 1 if values differ, quantiles of laws by more than 1e-6 relative,
or if this version does not name a fault.
"""

import argparse
import json
import math
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import jax
import numpy as np

from engine.errors import UserError
from engine.study.loading import load_model_file, read_study

ROOT = Path(__file__).parents[1]
SCORES = np.array([-5.0, -2.0, -1.0, -0.3, 0.0, 0.1, 0.7, 1.5, 3.0, 6.0])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", help="the other version's Python; - to read tables from stdin, as that version does")
    parser.add_argument("--count", type=int, default=1000, help="right studies, and broken ones (default 1,000)")
    given = parser.parse_args()
    if given.other == "-":
        model = load_model_file(f"{ROOT / 'tests' / 'malformed.py'}:Valley")
        return json.dump([read(model, *each) for each in json.load(sys.stdin)], sys.stdout)
    sys.path.insert(0, str(ROOT))
    from tests.study.generated import broken, right

    faulty = [broken(seed) for seed in range(given.count)]
    stated = [(right(seed), 4) for seed in range(given.count)] + [(tables, 0) for tables, _ in faulty]
    theirs = read_by(given.other, stated)
    ours = read_by(sys.executable, [(each["tables"], 0) for each in theirs])
    count = Counter()
    for our, their in zip(ours[: given.count], theirs, strict=False):
        count.update(f"left out, refused by the other: {place}" for place in their["named"])
        count.update(compared(our, their))
    for (_, places), *sides in zip(faulty, ours[given.count :], theirs[given.count :], strict=True):
        for place in places:
            named = [any(one.startswith(place) or place.startswith(f"{one}.") for one in of["named"]) for of in sides]
            by = {(1, 1): "both", (1, 0): f"this alone: {place}"}.get((*named,), f"not by this: {place}")
            count[f"fault named by {by}"] += 1
    print(*(f"{times:9,}  {text}" for text, times in sorted(count.items())), sep="\n")
    sys.exit(any(text.startswith(("differs", "refused")) or "not by this" in text for text in count))


def read_by(python, studies):
    """What the version of a Python reads in studies, each with how often refused entries are left out of it."""
    done = subprocess.run([python, __file__, "-"], input=json.dumps(studies), stdout=-1, text=True, check=True)
    return json.loads(done.stdout)


def read(model, tables, times):
    """Values of a study by their path, empty where it is refused; its tables without what is left out; places named."""
    named = []
    for again in range(times, -1, -1):
        try:
            study = read_study(tables, "study", model=model)
            return {"values": dict(leaves(values(study))), "tables": tables, "named": named}
        except UserError as error:
            named += [problem.place for problem in error.problems]
            for table, _, entry in [problem.place.partition(".") for problem in error.problems if again]:
                tables[table].pop(entry.partition(".")[0]) if entry else tables.pop(table)
    return {"values": {}, "tables": tables, "named": named}


def values(study):
    """The document of a study, and all that paths are computed from."""
    shocks, groups = study.shocks.moving, {**study.groups, **study.shocks.groups}
    # earlier versions have several laws of a shock
    of_shocks = {name: getattr(one, "laws", None) or getattr(one, "law", None) for name, one in shocks.items()}
    of_shocks = {name: law if isinstance(law, tuple) else [law] for name, law in of_shocks.items() if law}
    laws = {one.name: [one.marginal] for one in study.inputs} | of_shocks
    laws |= {f"jumps of {name}": [one.jumps.size] for name, one in shocks.items() if one.jumps}
    return {
        "document": study.document,
        "laws": {name: [law.at_score(SCORES) for law in each] for name, each in laws.items()},
        "groups": {name: [one.members, jax.tree.leaves(one.copula.parameters(float))] for name, one in groups.items()},
        "policies": {one.name: [one.levers, one.drawn, one.start, one.implementation] for one in study.policies},
    }


def leaves(value, path=""):
    """Values within tables and lists, each with its path."""
    value = value.tolist() if hasattr(value, "tolist") else value
    value = dict(enumerate(value)) if isinstance(value, list | tuple) else value
    for key, inner in value.items() if isinstance(value, Mapping) else ():
        yield from leaves(inner, f"{path}.{key}" if path else str(key))
    yield from () if isinstance(value, Mapping) else [(path, value)]


def compared(our, their):
    """Whether each value that two versions read in a study is the same, and where it is not."""
    yield from [] if our["values"] and their["values"] else [f"refused: {our['named'] + their['named']}"]
    for path in {**our["values"], **their["values"]}:
        table, name, *_ = path.split(".")
        law = our["tables"]["factors"].get(name) if table == "laws" else None
        kind = f"laws by {', '.join(sorted(law))}" if law else ".".join(path.split(".")[:4])
        sides = [one["values"].get(path, "nothing") for one in (our, their)]
        if "nothing" in sides:
            yield f"read by {'this' if sides[1] == 'nothing' else 'the other'} alone: {kind}"
        elif sides[0] == sides[1]:
            yield f"same value: {table}"
        else:
            yield f"{'within 1e-6' if table == 'laws' and math.isclose(*sides, rel_tol=1e-6) else 'differs'}: {kind}"


if __name__ == "__main__":
    main()
