"""Numbers within the sentences of README.md, docs/findings.md, docs/article.md and docs/rustbelt-model.md.

A *statement* is a part of a sentence with `{}` in the place of each number, and a function that gives these numbers as
texts. `tests/test_statements.py` compares the pages with them.
"""
