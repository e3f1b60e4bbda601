"""Numbers of the report as text, with minus signs for hyphens."""


def minus(text: str) -> str:
    """The text with minus signs instead of hyphens before numbers, but not in exponents."""
    return "".join("−" if sign == "-" and (k == 0 or text[k - 1] in "[ ,+") else sign for k, sign in enumerate(text))
