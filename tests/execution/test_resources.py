"""Sizes as people write them."""

import pytest

from engine.execution.resources import bytes_of


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("4GiB", 4 << 30), ("512 MB", 512_000_000), ("8G", 8_000_000_000), ("1.5t", 1_500_000_000_000),
        (" 2 kib ", 2048), ("1_000", 1000), ("7b", 7), (12345, 12345),
    ],
)  # fmt: skip
def test_sizes(text, count):
    assert bytes_of(text) == count


@pytest.mark.parametrize("text", ["", "lots", "-3G", "1..2G", "nan", "inf", "GB", "4 parsecs"])
def test_what_is_no_size_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match="expected a size such as 4GiB or 512MB, got"):
        bytes_of(text)


def test_a_unit_that_is_mistyped_is_told_its_closest_match():
    with pytest.raises(ValueError, match=r"got '4GiBB'\. Did you mean 'GiB'\?"):
        bytes_of("4GiBB")
    with pytest.raises(ValueError, match="above zero"):
        bytes_of("0")
