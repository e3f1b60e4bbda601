"""JSON with indentation, against Python's own."""

import json
import math

import pytest

from engine.storage.files import digest, sealed
from engine.storage.indented_json import indented

PLAIN = {
    "text": 'Größe "in"\n\t\x00 \U0001f30d',
    "numbers": [0, -1, 1 << 70, 0.1, -0.0, 1e300, 5e-324, True, None],
    "empty": [{}, [], "", ()],
    "deep": {"a": [{"b": [[1, [2, {}]], {"c": {"d": []}}]}]},
    "a pair": (1, "two"),
}


@pytest.mark.parametrize("by", [1, 2])
@pytest.mark.parametrize("value", [PLAIN, *PLAIN.values(), {}, [math.inf, -math.inf, math.nan]])
def test_the_text_is_that_of_python(value, by):
    assert indented(value, by) == json.dumps(value, indent=by)


def test_what_is_not_finite_is_refused_where_that_is_asked_for():
    with pytest.raises(ValueError, match="not JSON compliant"):
        indented({"a": [math.nan]}, 1, allow_nan=False)


@pytest.mark.parametrize("value", [{1: 2}, {"a": {1, 2}}, {"a": [b"bytes"]}])
def test_what_is_no_plain_data_is_refused(value):
    with pytest.raises(TypeError):
        indented(value, 1)


def test_a_sealed_document_is_the_text_of_both_together():
    body = json.dumps(PLAIN, indent=1)
    both = {"document": json.loads(body), "sha256": digest(body.encode())}
    assert sealed(PLAIN) == (json.dumps(both, indent=1) + "\n").encode()
