"""Types of entries that may be of several kinds, such as a number or a name."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from engine.formatting import shown


def expected(what: str) -> WrapValidator:
    """One error about a value of none of the types that an entry may have: `expected WHAT, got VALUE`."""

    def read(value: Any, validated: ValidatorFunctionWrapHandler) -> Any:
        try:
            return validated(value)
        except ValidationError:
            raise ValueError(f"expected {what}, got {shown(value)}.") from None

    return WrapValidator(read)


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
