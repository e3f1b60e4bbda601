"""Sealed documents: their bytes, and what is no plain data."""

import json
import math

import pytest

from engine.storage.files import digest, sealed, unsealed

PLAIN = {
    "text": 'Größe "in"\n\t\x00 \U0001f30d',
    "numbers": [0, -1, 1 << 70, 0.1, -0.0, 1e300, 5e-324, True, None],
    "empty": [{}, [], ""],
    "deep": {"a": [{"b": [[1, [2, {}]], {"c": {"d": []}}]}]},
}


def test_a_sealed_document_is_the_text_of_both_together(tmp_path):
    body = json.dumps(PLAIN, indent=1)
    both = {"document": json.loads(body), "sha256": digest(body.encode())}
    assert sealed(PLAIN) == (json.dumps(both, indent=1) + "\n").encode()
    (tmp_path / "file").write_bytes(sealed(PLAIN))
    assert unsealed(tmp_path / "file") == PLAIN


def test_every_changed_byte_of_a_sealed_document_is_noticed(tmp_path):
    content, file = sealed(PLAIN), tmp_path / "file"
    for at in range(len(content)):
        for changed in (bytes([content[at] ^ 1]), b"", bytes([content[at]]) + b" "):
            file.write_bytes(content[:at] + changed + content[at + 1 :])
            assert unsealed(file) is None, at


@pytest.mark.parametrize(
    ("value", "error"), [({"a": [math.nan]}, ValueError), ({"a": {1, 2}}, TypeError), ({"a": [b"bytes"]}, TypeError)]
)
def test_what_is_no_plain_data_is_refused(value, error):
    with pytest.raises(error):
        sealed(value)
