"""Types of entries that may be of several kinds, such as a number or a name."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from engine.draws.limits import LARGEST
from engine.formatting import shown


def expected(what: str, fits: Callable[[Any], object] = lambda valid: True) -> WrapValidator:
    """One error about a value that has none of the types of an entry, or does not fit: `expected WHAT, got ...`."""

    def read(value: Any, validated: ValidatorFunctionWrapHandler) -> Any:
        with suppress(ValidationError):
            if fits(valid := validated(value)):
                return valid
        raise ValueError(f"expected {what}, got {shown(value)}.")

    return WrapValidator(read)


Name = Annotated[
    str,
    expected(
        "letters, digits, '_', '-', '.' and spaces (at most 64), as the run's folder is named after it",
        re.compile(r"(?!.*\.\.)\w(?:[\w .-]{0,62}[\w-])?").fullmatch,
    ),
]
Line = Annotated[
    str, expected("one line of at most 80 characters", re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]{0,80}").fullmatch)
]
Label = Annotated[Line, expected("a few words in one line of at most 80 characters", str.strip)]
Single = Annotated[float, Field(ge=-LARGEST, le=LARGEST), expected("a finite number that single precision holds")]
_Number = Annotated[float, Field(ge=-1e300, le=1e300)]
Share = Annotated[
    Annotated[int | float, Field(ge=0, le=1)] | str, expected("a share from 0 to 1 or the name of a factor")
]
Threshold = Annotated[_Number | dict[str, Any], expected("a finite number, or a table of them by label")]
Rate = Annotated[
    Annotated[int | float, Field(ge=0, le=1e300)] | str, expected("a number of at least 0 or the name of a factor")
]
Correlations = Annotated[
    _Number | Annotated[list[list[_Number]], Field(min_length=1)],
    expected("a finite number, or rows of them as [[1, 0.3], [0.3, 1]]"),
]
Places = Annotated[
    list[str],
    Field(min_length=1),
    BeforeValidator(
        lambda stated: [stated] if isinstance(stated, str) else stated, json_schema_input_type=str | list[str]
    ),
    expected("a label or a list of labels"),
]
Outcomes = Annotated[Literal["all", "headline", "none"] | list[str], expected("'all', 'none' or a list of outcomes")]
